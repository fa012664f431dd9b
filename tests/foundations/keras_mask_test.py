"""A masked model in plain Keras trains, is saved and is loaded."""

import keras
import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import keras_mask


@pytest.fixture
def mask():
  return (np.random.default_rng(0).random((7, 5)) < 0.3).astype(np.float32)


@pytest.fixture
def model(mask):
  layer = keras.layers.Dense(5, kernel_constraint=keras_mask.Mask(mask))
  model = keras.Sequential([keras.Input([7]), layer])
  kernel, bias = layer.get_weights()
  layer.set_weights([kernel * mask, bias])
  model.compile(keras.optimizers.AdamW(0.1, weight_decay=0.1), 'mse')
  return model


def fit(model):
  generator = np.random.default_rng(1)
  inputs, outputs = (
    generator.normal(size=(30, 7)),
    generator.normal(size=(30, 5)),
  )
  model.fit(inputs, outputs, epochs=2, verbose=0)
  return model.get_weights()


def test_pruned_weights_stay_0(model, mask):
  before = model.get_weights()[0]
  after = fit(model)[0]
  assert np.all(after[mask == 0] == 0)
  assert np.all(after[mask != 0] != before[mask != 0])


def test_a_loaded_model_has_its_mask_and_trains_on(model, mask, tmp_path):
  model.save(tmp_path / 'model.keras')
  loaded = keras.saving.load_model(tmp_path / 'model.keras')
  np.testing.assert_array_equal(loaded.layers[0].kernel_constraint.mask, mask)
  trained = fit(loaded)
  assert np.all(trained[0][mask == 0] == 0)
  for array, expected in zip(trained, fit(model), strict=True):
    np.testing.assert_allclose(array, expected, rtol=1e-4, atol=1e-6)


def test_only_0_and_1_are_masks():
  with pytest.raises(errors.InputError, match='wanted only 0 and 1, got 2'):
    keras_mask.Mask(np.array([0, 2]))

"""Tests of lottery_ticket.foundations.model_fc."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import model_fc

X = np.random.default_rng(0).normal(size=(7, 20)).astype(np.float32)
INPUTS = tf.constant(X)


def test_is_the_network_that_the_layers_describe():
  model = model_fc.ModelFc({'layers': [(9, 'relu'), (8, 'tanh'), (3, None)]})
  logits = model(INPUTS)
  shapes = {name: tuple(item.shape) for name, item in model.weights.items()}
  assert shapes == {
    'layer0': (20, 9),
    'layer0_bias': (9,),
    'layer1': (9, 8),
    'layer1_bias': (8,),
    'layer2': (8, 3),
    'layer2_bias': (3,),
  }
  for variable in model.weights.values():
    variable.assign_add(tf.fill(variable.shape, 0.1))  # Biases are not 0.
  weights = model.get_current_weights()
  hidden = np.maximum(X @ weights['layer0'] + weights['layer0_bias'], 0)
  hidden = np.tanh(hidden @ weights['layer1'] + weights['layer1_bias'])
  expected = hidden @ weights['layer2'] + weights['layer2_bias']
  assert logits.shape == (7, 3)
  np.testing.assert_allclose(model(INPUTS), expected, rtol=1e-4, atol=1e-5)


def test_lenet_300_100_has_266200_prunable_weights():
  layers = [(300, 'relu'), (100, 'relu'), (10, None)]
  model = model_fc.ModelFc({'layers': layers})
  model(tf.zeros((1, 784)))
  sizes = {name: mask.size for name, mask in model.masks.items()}
  assert sizes == {'layer0': 235_200, 'layer1': 30_000, 'layer2': 1_000}
  assert sum(array.size for array in model.get_current_weights().values()) == (
    266_200 + 410
  )


def test_activations_may_be_functions():
  named = model_fc.ModelFc({'layers': [(9, 'relu'), (3, None)]}, seed=1)
  given = model_fc.ModelFc({'layers': [[9, tf.nn.relu], [3, None]]}, seed=1)
  np.testing.assert_array_equal(named(INPUTS), given(INPUTS))


def test_kernel_initializer_is_every_layers():
  model = model_fc.ModelFc(
    {'layers': [(9, 'relu'), (3, None)], 'kernel_initializer': 'ones'}
  )
  model(INPUTS)
  for name in ('layer0', 'layer1'):
    assert (model.weights[name].numpy() == 1).all()


def test_presets_and_masks_come_after_the_hyperparameters():
  presets = {'layer0': np.full((20, 3), 2.0)}
  masks = {'layer0': np.eye(20, 3)}
  model = model_fc.ModelFc({'layers': [(3, None)]}, presets, masks, 4)
  model(INPUTS)
  assert model.seed == 4
  np.testing.assert_array_equal(model.weights['layer0'], 2 * np.eye(20, 3))


def test_configuration_tells_hyperparameters_apart():
  relu = {'layers': [(9, 'relu'), (3, None)]}
  choices = [
    relu,
    {'layers': [(9, 'tanh'), (3, None)]},
    {'layers': [(9, tf.tanh), (3, None)]},
    relu | {'kernel_initializer': 'he_normal'},
    relu | {'kernel_initializer': keras.initializers.Constant(1.0)},
    relu | {'kernel_initializer': keras.initializers.Constant(2.0)},
  ]
  seen = []
  for choice in choices:
    model = model_fc.ModelFc(choice, seed=1)
    model(INPUTS)
    seen.append(model.configuration()['hyperparameters'])
  texts = [json.dumps(item, sort_keys=True) for item in seen]
  assert len(set(texts)) >= len(choices) - 1  # tf.tanh is called tanh, too.
  assert json.loads(texts[0]) == {'layers': [[9, 'relu'], [3, None]]}


@pytest.mark.parametrize(
  ('hyperparameters', 'message'),
  [
    *(
      (
        {'layers': layers},
        'layers: wanted a list of (units, activation) with units of at least 1,'
        f' got {got!r}',
      )
      for layers, got in (
        (None, None),
        ([], []),
        (5, 5),
        ([5], 5),
        ([(0, None)], (0, None)),
        ([(5.0, None)], (5.0, None)),
        ([(True, None)], (True, None)),
      )
    ),
    (
      {'layers': [(5, 'rellu')]},
      "layers: wanted a function or a Keras activation, got 'rellu'",
    ),
    (
      {'layers': [(5, None)], 'unit': 3},
      'hyperparameters: wanted a dictionary with layers and perhaps'
      " kernel_initializer, got {'layers': [(5, None)], 'unit': 3}",
    ),
  ],
)
def test_other_hyperparameters_are_refused(hyperparameters, message, refused):
  with refused(message):
    model_fc.ModelFc(hyperparameters)

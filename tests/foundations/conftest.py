"""Fixtures: a small data set, a small network and how errors must read."""

import contextlib

import numpy as np
import pytest

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import model_fc

LAYERS = [(10, 'relu'), (10, None)]


@pytest.fixture(scope='session')
def refused():
  """Checks that what is done is refused in exactly these words."""

  @contextlib.contextmanager
  def check(message):
    with pytest.raises(errors.InputError) as caught:
      yield
    assert str(caught.value) == message

  return check


@pytest.fixture(scope='session')
def make_dataset():
  """Makes 50 + 30 + 20 examples; an epoch is 3 batches of 16 and one of 2."""

  def make(train_order_seed=1):
    generator = np.random.default_rng(3)
    pairs = [
      (generator.normal(size=(n, 20)), generator.integers(0, 10, n))
      for n in (50, 30, 20)
    ]
    return dataset_base.DatasetBase(
      train=pairs[0],
      train_batch_size=16,
      test=pairs[1],
      validate=pairs[2],
      train_order_seed=train_order_seed,
    )

  return make


@pytest.fixture(scope='session')
def make_model():
  """Makes a network 20-10-10."""

  def make(presets=None, masks=None, seed=5):
    return model_fc.ModelFc({'layers': LAYERS}, presets, masks, seed)

  return make


@pytest.fixture(scope='session')
def some_masks():
  """Masks for that network, about half of them 0."""
  generator = np.random.default_rng(4)
  return {
    'layer0': (generator.random((20, 10)) < 0.5).astype(np.float32),
    'layer1': (generator.random((10, 10)) < 0.5).astype(np.float32),
  }


@pytest.fixture(scope='session')
def assert_same():
  """Checks that two networks are the same, bit for bit."""

  def check(network, other):
    assert list(network) == list(other)
    for name, array in network.items():
      assert array.dtype == other[name].dtype
      assert array.shape == other[name].shape
      assert array.tobytes() == other[name].tobytes(), name

  return check

"""Tests of lottery_ticket.foundations.line."""

import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import line
from lottery_ticket.foundations import model_base


class Linear(model_base.ModelBase):
  """Logits are inputs @ kernel."""

  def __call__(self, inputs):
    return self.dense('kernel', inputs, 2, use_bias=False)


class Normed(model_base.ModelBase):
  """Batch norm of doubled inputs, then logits."""

  def __call__(self, inputs, training=False):
    normed = self.batch_norm('norm', 2 * inputs, training)
    return self.dense('kernel', normed, 2, use_bias=False)


@pytest.fixture
def dataset():
  inputs = np.random.default_rng(0).normal(3, 2, (50, 2)).astype(np.float32)
  labels = (inputs[:, 0] > inputs[:, 1]).astype(np.int64)
  return dataset_base.DatasetBase((inputs, labels), 20, (inputs, labels))


def test_a_point_is_nearer_to_the_first_network_for_a_small_alpha():
  first = {'a': np.array([0, 4], np.float32), 'b': np.float32([[1]])}
  second = {'b': np.float32([[3]]), 'a': np.array([4, 8], np.float32)}
  found = line.interpolate(first, second, 0.25)
  assert list(found) == ['a', 'b'] and found['a'].dtype == np.float32
  np.testing.assert_array_equal(found['a'], [1, 5])
  np.testing.assert_array_equal(found['b'], [[1.5]])


def test_ends_and_equal_networks_are_exact():
  draw = np.random.default_rng(1).normal(size=(2, 1000)).astype(np.float32)
  first, second = ({'kernel': array} for array in draw)
  for alpha, end in ((0, first), (1, second)):
    np.testing.assert_equal(line.interpolate(first, second, alpha), end)
  for alpha in np.linspace(0, 1, 30):
    np.testing.assert_equal(line.interpolate(first, first, alpha), first)


@pytest.mark.parametrize(
  ('errors', 'wanted'),
  [
    ([0.1, 0.1, 0.1], 0),
    ([0.1, 0.5, 0.3], 0.3),
    ([0.1, 0.2, 0.3], 0.1),  # The highest is an end.
    ([0.2, 0.1, 0.2], 0),
  ],
)
def test_a_barrier_is_above_the_mean_of_the_ends(errors, wanted):
  assert line.barrier(errors) == pytest.approx(wanted)


def test_a_network_and_itself_have_no_barrier(dataset):
  network = {'kernel': np.array([[0.3, 1], [-2, 0.7]], np.float32)}
  found = line.measure(Linear(seed=1), dataset, network, network)
  assert len(found.alpha) == len(set(found.alpha)) == 30
  assert len(set(found.error)) == len(set(found.loss)) == 1
  assert line.barrier(found.error) == 0 and found.averaged == 0


def test_measures_a_linear_model(dataset):
  # One says the opposite of the other: right, undecided (class 0), wrong.
  right = {'kernel': np.array([[-1, 1], [1, -1]], np.float32)}
  wrong = {'kernel': -right['kernel']}
  found = line.measure(Linear(seed=1), dataset, right, wrong, 3)
  assert found.alpha == [0, 0.5, 1]
  share = float(np.mean(dataset.test.labels.numpy()))
  assert found.error == pytest.approx([0, share, 1])
  assert found.loss[1] == pytest.approx(np.log(2))
  # Cross-entropy of a linear model is convex: no barrier above the ends.
  assert max(found.loss) == found.loss[2]
  assert line.barrier(found.loss) == pytest.approx(
    (found.loss[2] - found.loss[0]) / 2
  )


def test_states_are_computed_anew_at_each_point(dataset):
  model = Normed(seed=1)
  model.build(dataset.train.values(slice(1)))
  network = model.get_current_weights()
  other = network | {'norm_mean': np.full(2, 1e3, np.float32)}
  found = line.measure(model, dataset, network, other, 3)
  assert found.averaged == 50 and len(set(found.loss)) == 1
  inputs = 2 * dataset.train.inputs.numpy()
  mean = model.states['norm_mean'].numpy()
  np.testing.assert_allclose(mean, inputs.mean(axis=0), rtol=1e-5)
  # Of batches: within them there is less than in all.
  variance = model.states['norm_variance'].numpy()
  assert np.all(variance < inputs.var(axis=0))
  np.testing.assert_allclose(variance, inputs.var(axis=0), rtol=0.2)


def test_averages_are_of_so_many_examples_and_momentum_comes_back(dataset):
  model = Normed(seed=1)
  assert line.average_states(model, dataset.train, 20, 30) == 30
  state = model.states['norm_mean'].numpy()
  assert not np.allclose(state, 2 * dataset.train.inputs.numpy().mean(axis=0))
  model(tf.zeros([4, 2]), training=True)
  np.testing.assert_allclose(
    model.states['norm_mean'].numpy(), 0.99 * state, rtol=1e-5
  )

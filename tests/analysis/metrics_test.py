"""Tests of lottery_ticket.analysis.metrics."""

import json

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import metrics
from lottery_ticket.foundations import errors


def log(losses, iterations=None):
  """Returns a log with these losses, measured every 100 iterations."""
  if iterations is None:
    iterations = 100 * np.arange(len(losses))
  return {
    'iteration': np.asarray(iterations),
    'loss': np.asarray(losses, float),
    'accuracy': 1 - np.asarray(losses, float) / 10,
  }


def test_early_stop_is_the_minimum():
  assert metrics.early_stop(log([2, 1, 0.5, 0.7])) == (200, False)


def test_of_equal_minima_the_first_counts():
  assert metrics.early_stop(log([2, 1, 0.5, 0.5, 0.6])) == (200, False)


def test_iteration_0_does_not_count():
  assert metrics.early_stop(log([0.1, 1, 0.5, 0.7])) == (200, False)


def test_a_minimum_at_the_last_measurement_is_censored():
  assert metrics.early_stop(log([2, 1, 0.5])) == (200, True)


def test_a_minimum_reached_before_the_last_equal_one_is_not_censored():
  assert metrics.early_stop(log([2, 0.5, 0.5])) == (100, False)


def test_nan_is_passed_over():
  assert metrics.early_stop(log([2, 1, np.nan, np.nan])) == (100, False)


@pytest.mark.parametrize('losses', [[1.0], [1.0, np.nan], []])
def test_no_finite_loss_is_an_error(losses):
  with pytest.raises(errors.InputError) as raised:
    metrics.early_stop(log(losses))
  wanted = 'log: wanted a finite loss after iteration 0'
  assert str(raised.value) == wanted


def test_accuracy_at():
  assert metrics.accuracy_at(log([2, 1, 0.5]), 200) == 0.95


def test_accuracy_at_an_iteration_without_measurement():
  with pytest.raises(errors.InputError) as raised:
    metrics.accuracy_at(log([2, 1, 0.5]), 150)
  assert str(raised.value) == 'log: no measurement at iteration 150'


def test_loss_stop_is_the_first_at_or_below_the_target():
  losses = log([0.1, 0.5, 0.25, 0.3, 0.1])
  assert metrics.loss_stop(losses, 0.25) == (200, False)
  assert metrics.loss_stop(losses, 0.2) == (400, False)


def test_a_loss_never_reached_is_censored():
  assert metrics.loss_stop(log([2, 1, 0.5, np.nan]), 0.4) == (300, True)


def test_loss_stop_without_measurements():
  with pytest.raises(errors.InputError) as raised:
    metrics.loss_stop(log([1.0]))
  wanted = 'log: wanted a measurement after iteration 0'
  assert str(raised.value) == wanted


@pytest.mark.parametrize(
  ('within', 'wanted'),
  [
    (400, (200, False, 0.95, 200, False)),
    (200, (200, True, 0.95, 200, False)),
    (100, (100, True, 0.9, pd.NA, True)),
  ],
)
def test_a_training_may_have_ended_earlier(within, wanted):
  curve = log([2, 1, 0.5, 0.7, 0.8])
  found = tuple(metrics.stops(curve, within, target=0.6).values())
  assert found[:3] == wanted[:3]
  assert (found[3] is wanted[3] or found[3] == wanted[3], found[4]) == (
    True,
    wanted[4],
  )


def test_connections_of_units():
  incoming, outgoing = metrics.unit_counts(np.array([[1, 1, 0], [1, 0, 0]]))
  assert (incoming.tolist(), outgoing.tolist()) == ([2, 1, 0], [2, 1])
  mask = np.zeros((3, 3, 2, 4))
  mask[0, :, 1, 2] = 1
  incoming, outgoing = metrics.unit_counts(mask)
  assert (incoming.tolist(), outgoing.tolist()) == ([0, 0, 3, 0], [0, 3])


def both_ways(mask):
  return [
    metrics.connections(counts, mask.size)
    for counts in metrics.unit_counts(mask)
  ]


def test_random_masks_are_as_uneven_as_chance():
  generator = np.random.default_rng(0)
  mask = np.zeros(400 * 300)
  mask[generator.choice(mask.size, 12_000, replace=False)] = 1
  for found in both_ways(mask.reshape(400, 300)):
    assert found['excess'] == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize('shape', [(784, 300), (300, 100)])
def test_units_that_vary_alike_are_alike_uneven(shape):
  generator = np.random.default_rng(0)
  inputs, units = (1 + generator.normal(0, 0.25, size) for size in shape)
  share = 0.2 * np.outer(inputs.clip(0, 2), units.clip(0, 2))
  for found in both_ways(generator.random(shape) < share):
    assert found['excess'] == pytest.approx(1 / 16, rel=0.35)


def test_unevenness_by_hand():
  # Two units of 4 inputs: 4 and 0 connections, and their variance is 4.
  incoming, outgoing = both_ways(np.array([[1, 0]] * 4))
  assert incoming['variation'] == 1
  chance = 8 / 2 * 1 / 2 * 1 / 2 * 4 / 7  # n K/N (1 - K/N) (N - n)/(N - 1)
  assert incoming['excess'] == pytest.approx((4 - chance) / 2**2 / (3 / 4))
  chance = 4 / 4 * 2 * 1 / 2 * 1 / 2 * 6 / 7
  assert outgoing['variation'] == 0
  assert outgoing['excess'] == pytest.approx(-chance / (1 / 2))


def test_movement_by_hand():
  found = metrics.moved(
    np.array([1, 1, 0]) > 0,
    np.array([0.5, -0.5, 0.5]),
    np.array([1.0, -0.25, 0.25]),
  )
  assert (found['distance'], found['away']) == (0.375 / 0.25, 0.5)


@pytest.mark.parametrize('kept', [0, 1])
def test_movement_of_all_or_none(kept):
  ones = np.ones(2)
  assert not metrics.moved(kept * ones > 0, ones, ones)


def test_histograms():
  found = metrics.weight_histograms(
    {'a': np.array([1, 1, 1, 1, 0]), 'none': np.zeros(3)},
    {'a': np.array([-2.0, -1.0, 0.5, 1.5, 70.0]), 'none': np.ones(3)},
    bins=4,
  )
  assert found['a'] == {'widest': 2, 'counts': [1, 1, 1, 1]}
  assert found['none']['counts'] == [0] * 4


def test_a_layer_of_one_weight_a_unit_has_statistics_too():
  masks = {'scale': np.array([1, 0, 1, 1], np.float32)}
  weights = {'scale': np.arange(4.0)}
  found = metrics.statistics(metrics.Networks(masks, weights, weights))
  assert found['incoming variation scale'] > 0
  assert metrics.ranked_connections(masks, 3)['outgoing']['scale'] == [0.75] * 3


def test_ranked_connections():
  masks = {
    'a': np.array([[1, 1, 0], [1, 0, 0]]),
    'b': np.array([[1, 0], [0, 0], [0, 1]]),
  }
  found = metrics.ranked_connections(masks, 3)
  assert found['incoming']['a'] == [1, 0.5, 0]
  assert found['outgoing']['b'] == [0.5, 0.5, 0]


@pytest.mark.parametrize('values', [[1.0] * 10, [1.0, 2.0, 3.0]])
def test_too_few_or_equal_weights_have_no_modes(values):
  assert not metrics.modes(np.array(values))


def networks(masks, initial, steps):
  """Returns networks of one layer that was trained by these steps."""
  final = {'a': (initial + steps) * masks}
  return metrics.Networks({'a': masks}, {'a': initial * masks}, final)


def test_statistics_are_numbers_of_each_layer():
  generator = np.random.default_rng(0)
  initial, steps = generator.normal(size=(2, 60, 50))
  dense = networks(np.ones((60, 50)), initial, steps)
  ticket = networks((initial > 0).astype(float), initial, steps)
  found = metrics.statistics(ticket, dense)
  assert json.loads(json.dumps(found, allow_nan=False)) == found
  assert found == metrics.statistics(ticket, dense)
  assert sorted(found) == [
    'away a',
    'away by chance a',
    'distance a',
    'distance by chance a',
    'final bimodality a',
    'final near 0 a',
    'incoming excess a',
    'incoming variation a',
    'initial bimodality a',
    'initial near 0 a',
    'outgoing excess a',
    'outgoing variation a',
  ]
  lost = metrics.statistics(ticket._replace(initial={}, final={}))
  assert set(lost) == {
    name for name in found if 'going' in name or 'com' in name
  }


def test_statistics_of_layers_that_follow_each_other():
  masks = {
    'a': np.array([[1, 1, 0], [1, 0, 0]]),
    'b': np.array([[1, 1], [1, 0], [0, 0]]),
    'conv': np.ones((3, 3, 7, 2)),
  }
  found = metrics.statistics(metrics.Networks(masks, masks, masks))
  assert found['in and out a'] == pytest.approx(1)  # 2, 1, 0 and 2, 1, 0.
  assert 'in and out b' not in found
  assert found['incoming variation a'] == pytest.approx(0.816, abs=0.001)
  assert found['outgoing variation conv'] == 0
  assert found['incoming excess conv'] == 0
  filters = {name: masks[name][None, None] for name in 'ab'}
  found = metrics.statistics(metrics.Networks(filters, {}, {}))
  assert 'incoming variation a' in found and 'in and out a' not in found


@pytest.mark.parametrize('share', [0.036, 0.211])
def test_weights_chosen_for_being_large_have_moved_further_by_chance(share):
  generator = np.random.default_rng(0)
  initial, steps = generator.normal(size=(2, 40_000))
  steps *= 0.5

  def of_largest(final, noise):
    # A ticket is found in rounds: its weights are not exactly the largest.
    size = np.abs(final) + noise * generator.normal(size=final.shape)
    kept = size > np.quantile(size, 1 - share)
    return metrics.moved(kept, initial, final)

  found = of_largest(initial + steps, 0.3)
  assert found['distance'] > 1.25  # Which would look like a finding.
  assert found['distance'] == pytest.approx(
    found['distance by chance'], abs=0.04
  )
  assert found['away'] == pytest.approx(found['away by chance'], abs=0.01)
  # Were there weights that move further, and away from 0, it would be seen.
  special = generator.random(40_000) < share
  away = 1.5 * np.abs(steps) * np.sign(initial)
  found = of_largest(initial + np.where(special, away, steps), 0)
  assert found['distance'] > found['distance by chance'] + 0.05
  assert found['away'] > found['away by chance'] + 0.004


@pytest.mark.parametrize(
  ('name', 'coefficient', 'near_0'),
  [
    ('normal', 1 / 3, 1.58),
    ('truncated', 0.423, 1.44),
    ('uniform', 5 / 9, 1),
    ('hole', 0.506, 0.367),
  ],
)
def test_shapes_of_distributions(name, coefficient, near_0):
  generator = np.random.default_rng(0)
  values = generator.normal(size=200_000)
  if name == 'truncated':
    values = values[np.abs(values) < 2]
  elif name == 'uniform':
    values = generator.uniform(-1, 1, 200_000)
  elif name == 'hole':
    values = values[np.abs(values) > 0.5]
  found = metrics.modes(values)
  assert found['bimodality'] == pytest.approx(coefficient, abs=0.01)
  assert found['near 0'] == pytest.approx(near_0, abs=0.02)


@pytest.mark.parametrize(
  ('name', 'modes', 'coefficient'),
  [
    ('initializer', 0, 0),
    ('uniform', 0.025, 0.05),  # The hardest of one mode.
    ('half of those near 0 pruned', 0.91, 0),
    ('kept in proportion to magnitude', 1, 1),
  ],
)
def test_how_often_five_trials_say_that_there_are_two_modes(
  name, modes, coefficient
):
  """About 400 weights; 95% intervals: near 0 below 1, Sarle's above 5/9."""
  generator = np.random.default_rng(0)

  def trial():
    if name == 'uniform':
      return generator.uniform(-1, 1, 400)
    values = generator.normal(size=420)
    size = np.abs(values)
    chance = {'initializer': 1.0, 'kept in proportion to magnitude': size / 2}
    kept = chance.get(name, np.where(size < 0.5, 0.5, 1.0))
    return values[(size < 2) & (generator.random(420) < kept)]

  said = []
  for _ in range(100):
    found = [metrics.modes(trial()) for _ in range(5)]
    near_0, sarle = (
      intervals.t_interval([one[key] for one in found])
      for key in ('near 0', 'bimodality')
    )
    said.append((near_0.high < 1, sarle.low > 5 / 9))
  assert np.mean(said, axis=0) == pytest.approx((modes, coefficient), abs=0.06)

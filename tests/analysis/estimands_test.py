"""Tests of lottery_ticket.analysis.estimands."""

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import view

PERCENTS = {1: 80, 2: 50, 3: 25, 4: 10}  # P_m by level.
INF = np.inf


def columns(*levels):
  """Returns levels as a table has them in its columns."""
  pairs = [(level, PERCENTS[level]) for level in levels]
  return pd.MultiIndex.from_tuples(pairs, names=['level', 'percent'])


def ladder(gains, levels=tuple(PERCENTS), high=None):
  """Returns the gains of one trial, all exact if there is no `high`."""
  low, high = (
    pd.DataFrame([row], columns=columns(*levels), dtype=float)
    for row in (gains, high or gains)
  )
  return bounded.Bounded(low, low, high, 0 * low)


def exact(rows, **axes):
  return bounded.exact(pd.DataFrame(rows, **axes))


def test_the_bias_of_a_maximum_is_said():
  table = exact(
    [[1.0, 5.0, 0.0], [1.0, 0.0, 5.0], [3.0, 0.0, 0.0]],
    columns=columns(1, 2, 3),
    index=['1', '2', '3'],
  )
  found = estimands.greatest(table)
  assert found.statistic(found.table).seen == pytest.approx(5 / 3)
  # Others' means: (2, 0, 2.5), (2, 2.5, 0), (1, 2.5, 2.5).
  assert found.note.endswith(
    'with each level chosen on the other trials it is 0'
  )
  assert 'other' not in estimands.greatest(ladder([1, 2, 3, 0])).note


def test_trends_and_what_they_need():
  rows = [[1, 2, 3], [3, 2, 1], [2, 2, 2]]
  found = estimands.rank_correlation(exact(rows, columns=columns(1, 2, 4)))
  for ends in (found.seen, found.low, found.high):
    assert list(ends) == pytest.approx([1, -1, 0])
  assert found.note == 'of 3 levels, P_m = 80.0 to 10.0%'
  with pytest.raises(view.NotMeasuredError):
    estimands.rank_correlation(exact([[1, 2]], columns=columns(1, 4)))


@pytest.mark.parametrize(
  ('gains', 'high', 'wanted'),
  [
    ([1, 2, 3, 9], [1, 2, 3, INF], (1, 1, 1)),  # It is the last anyway.
    ([1, 2, 3, 0], [1, 2, 3, INF], (-0.2, -0.2, 1)),
    ([9, 9, 9, 9], [INF] * 4, (-1, 0, 1)),
  ],
)
def test_a_trend_is_open_as_far_as_its_ranks_are(gains, high, wanted):
  found = estimands.rank_correlation(ladder(gains, high=high))
  low, seen, most = (
    ends.item() for ends in (found.low, found.seen, found.high)
  )
  assert low <= wanted[0] + 1e-6
  assert (seen, most) == pytest.approx(wanted[1:])


@pytest.mark.parametrize('seed', range(5))
def test_a_trend_lies_between_its_ends_whatever_the_truth(seed):
  random = np.random.default_rng(seed)
  levels = pd.MultiIndex.from_tuples(
    [(level, 100 * 0.8**level) for level in range(8)],
    names=['level', 'percent'],
  )
  low = pd.DataFrame([random.permutation(8).astype(float)], columns=levels)
  late = random.random(8) < 0.4
  open_ended = bounded.Bounded(low, low, low.mask(late[np.newaxis], INF), low)
  found = estimands.rank_correlation(open_ended)
  for _ in range(50):
    truth = bounded.exact(low + late * random.exponential(4, 8))
    rho = estimands.rank_correlation(truth).seen.item()
    assert found.low.item() - 1e-9 <= rho <= found.high.item() + 1e-9


def test_the_least_of_levels_that_trials_have_in_common():
  table = exact(
    [[1, 2, 6], [3, 2, 1], [1, np.nan, np.nan]], columns=columns(1, 2, 3)
  )
  found = estimands.least(table)
  assert list(found.seen) == [1, 1]
  assert found.note == 'of 3 levels, P_m = 80.0 to 25.0%'


@pytest.mark.parametrize(
  ('rows', 'wanted'),
  [
    ([[1, 2], [3, 4]], (2, 2)),
    ([[1, 2, 3], [4, 5, 6], [7, np.nan, np.nan]], (2, 3)),
    ([[1, 2], [3, np.nan], [4, np.nan], [5, np.nan]], (4, 1)),
    ([[1, 2], [np.nan, np.nan]], (1, 2)),
  ],
)
def test_complete_leaves_out_as_little_as_it_can(rows, wanted):
  assert estimands.complete(exact(rows)).seen.shape == wanted


@pytest.mark.parametrize(
  ('gains', 'high', 'seen', 'least', 'most'),
  [
    ([1, 2, -1, 1], None, 25, 25, 25),
    ([1, 2, 0, -1], None, 25, 25, 25),
    ([2, -1, 3, -1], None, 10, 10, 10),  # From the best on.
    ([-2, -1, -1, -3], None, 80, 80, 100),  # Never above.
    ([-1, 1, 2, 1], None, 10, 0, 10),  # To the last level.
    ([1, 2, -1, -1], [1, 2, 1, -1], 25, 10, 25),
    ([1, 2, -1, -1], [1, 2, 5, 5], 25, 0, 25),
    ([1, 2, -1, 3], [4, 2, -1, 3], 10, 0, 25),  # The first may be the best.
    ([-1, -1, -1, -1], [-1, 1, -1, -1], 80, 25, 100),
  ],
)
def test_crossings(gains, high, seen, least, most):
  found = estimands.crossing(ladder(gains, high=high))
  assert found.statistic(found.table) == (seen, least, most)


@pytest.mark.parametrize(
  ('first', 'second', 'seen', 'least', 'most'),
  [
    ([1, 2, 1, -1], [1, -1, -1], 50 / 10, 5, 5),
    ([1, 2, 1, 1], [1, -1, -1], 50 / 10, 5, INF),
    ([1, 2, 1, -1], [-1, -1, -1], 80 / 10, 8, 10),
    ([1, 2, 1, -1], [1, 1, 1], 1, 0, 1),
  ],
)
def test_crossings_are_compared_each_on_its_own_levels(
  first, second, seen, least, most
):
  found = estimands.crossings_ratio(ladder(second, [1, 2, 4]), ladder(first))
  assert found.statistic(found.table) == (seen, least, most)


def stops(values, high=None):
  low, high = (pd.Series(row, dtype=float) for row in (values, high or values))
  return bounded.Bounded(low, low, high, 0 * low)


def test_ratios_and_differences_keep_track_of_both_ends():
  ticket = stops([2, 4, 5], [2, INF, 5])
  dense = stops([4, 8, 10], [4, 8, INF])
  saved = bounded.percent_fewer(ticket, dense)
  assert list(saved.seen) == [50, 50, 50]
  assert list(saved.low) == [50, -INF, 50]
  assert list(saved.high) == [50, 50, 100]
  assert list((ticket - dense).low) == [-2, -4, -INF]
  assert list(bounded.spread([ticket, dense]).high) == [2, INF, INF]


NETS = estimands.Net('same_init', 21.1), estimands.Net('reinit', 21.1)


@pytest.mark.parametrize(
  ('quantity', 'wanted', 'note'),
  [
    (estimands.sooner(*NETS), [75, 50], '57.1 by the ratio of means'),
    (estimands.times_as_long(*NETS), [0.25, 0.5], 'ratio of means 0.429'),
    (estimands.better(*NETS), [10, 0], ''),
  ],
)
def test_networks_are_compared_trial_by_trial(quantity, wanted, note):
  class View:
    def at(self, measure, kind, percent):
      assert percent == 21.1
      numbers = {
        ('early_stop', 'same_init'): [1, 5],
        ('early_stop', 'reinit'): [4, 10],
        ('accuracy', 'same_init'): [0.9, 0.8],
        ('accuracy', 'reinit'): [0.8, 0.8],
      }
      return stops(numbers[measure, kind])

  found = quantity.measure(View())
  assert list(found.seen) == pytest.approx(wanted)
  assert found.note == note
  assert quantity.words.endswith(' reinitialized at P_m = 21.1%')
  assert quantity.is_speed == ('terations' in quantity.words)


def test_a_control_beyond_half_way_is_nearer_to_the_better_one():
  class View:
    def at(self, measure, kind, percent):
      return stops([{'own': 0.91, 'reinit': 0.9, 'same_init': 0.94}[kind]])

  own = estimands.Net('own', 21.1)
  quantity = estimands.beyond_half_way(own, *NETS)
  assert list(quantity.measure(View()).seen) == pytest.approx([-1])
  assert quantity.words == (
    'Points of test accuracy at early stop, weights of its own at P_m = 21.1%'
    ' minus half-way between the ticket and reinitialized'
  )

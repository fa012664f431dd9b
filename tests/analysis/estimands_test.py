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


def test_the_best_level_is_chosen_on_the_other_trials():
  table = exact(
    [[1.0, 5.0, 0.0], [1.0, 0.0, 5.0], [3.0, 0.0, 0.0]], index=['1', '2', '3']
  )
  # Others' means: (2, 0, 2.5), (2, 2.5, 0), (1, 2.5, 2.5).
  assert list(estimands.best_elsewhere(table).seen) == [0.0, 0.0, 0.0]


def test_trends_and_what_they_need():
  rows = [[1, 2, 3], [3, 2, 1], [2, 2, 2]]
  found = estimands.trend(exact(rows, columns=columns(1, 2, 4)))
  for ends in (found.seen, found.low, found.high):
    assert list(ends) == pytest.approx([1, -1, 0])
  assert found.note == 'of 3 levels, P_m = 80.0 to 10.0%'
  with pytest.raises(view.NotMeasuredError):
    estimands.trend(exact([[1, 2]], columns=columns(1, 4)))


@pytest.mark.parametrize(
  ('gains', 'high', 'wanted'),
  [
    ([1, 2, 3, 9], [1, 2, 3, INF], (1, 1, 1)),  # It is the last anyway.
    ([1, 2, 3, 0], [1, 2, 3, INF], (-0.2, -0.2, 1)),
    ([9, 9, 9, 9], [INF] * 4, (-1, 0, 1)),
  ],
)
def test_a_trend_is_open_as_far_as_its_ranks_are(gains, high, wanted):
  found = estimands.correlation(ladder(gains, high=high))
  low, seen, most = (
    ends.item() for ends in (found.low, found.seen, found.high)
  )
  assert low <= wanted[0] + 1e-6
  assert (seen, most) == pytest.approx(wanted[1:])


@pytest.mark.parametrize('seed', range(5))
def test_a_trend_lies_between_its_ends_whatever_the_truth(seed):
  random = np.random.default_rng(seed)
  low = pd.DataFrame([random.permutation(8).astype(float)])
  late = random.random(8) < 0.4
  open_ended = bounded.Bounded(low, low, low.mask(late[np.newaxis], INF), low)
  found = estimands.correlation(open_ended)
  for _ in range(50):
    truth = bounded.exact(low + late * random.exponential(4, 8))
    rho = estimands.correlation(truth).seen.item()
    assert found.low.item() - 1e-9 <= rho <= found.high.item() + 1e-9


def test_levels_are_summed_up_and_named():
  table = exact(
    [[1, 2, 6], [3, 2, 1], [1, np.nan, np.nan]], columns=columns(1, 2, 3)
  )
  mean, least, last = (
    function(table)
    for function in (estimands.mean, estimands.least, estimands.sparsest)
  )
  assert [list(found.seen) for found in (mean, least, last)] == [
    [3, 2],
    [1, 1],
    [6, 1],
  ]
  assert mean.note == least.note == 'of 3 levels, P_m = 80.0 to 25.0%'
  assert last.note == 'of one level, P_m = 25.0%'


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
    ([1, 2, 1, -1], [1, -1, -1], 40, 40, 40),
    ([1, 2, 1, 1], [1, -1, -1], 40, 40, 50),
    ([1, 2, 1, -1], [-1, -1, -1], 70, 70, 90),
    ([1, 2, 1, -1], [1, 1, 1], 0, -10, 0),
    ([-1, -1, -1, -1], [-1, -1, -1], 0, -20, 20),
  ],
)
def test_crossings_are_compared_each_on_its_own_levels(
  first, second, seen, least, most
):
  found = estimands.crossing_later(ladder(first), ladder(second, [1, 2, 4]))
  assert found.statistic(found.table) == (seen, least, most)


def test_ratios_and_differences_keep_track_of_both_ends():
  def stops(values, high=None):
    low, high = (
      pd.Series(row, dtype=float) for row in (values, high or values)
    )
    return bounded.Bounded(low, low, high, 0 * low)

  ticket = stops([2, 4, 5], [2, INF, 5])
  dense = stops([4, 8, 10], [4, 8, INF])
  saved = bounded.percent_fewer(ticket, dense)
  assert list(saved.seen) == [50, 50, 50]
  assert list(saved.low) == [50, -INF, 50]
  assert list(saved.high) == [50, 50, 100]
  assert list((ticket - dense).low) == [-2, -4, -INF]
  assert list(bounded.spread([ticket, dense]).high) == [2, INF, INF]
  mean = estimands.ratio_of_means(ticket, stops([4, 8, 10]))
  assert mean.statistic(mean.table) == (0.5, 0.5, INF)
  fewer = estimands.percent_fewer_on_average(ticket, stops([4, 8, 10]))
  assert fewer.statistic(fewer.table) == (50, -INF, 50)

"""Tests of lottery_ticket.analysis.estimands."""

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import study as study_lib

PERCENTS = pd.Series([80, 50, 25, 10], index=[1, 2, 3, 4])


def ladder(gains, levels=PERCENTS.index):
  return pd.DataFrame([gains], columns=levels)


def test_the_best_level_is_chosen_on_the_other_trials():
  table = pd.DataFrame(
    [[1.0, 5.0, 0.0], [1.0, 0.0, 5.0], [3.0, 0.0, 0.0]], index=['1', '2', '3']
  )
  # Others' means: (2, 0, 2.5), (2, 2.5, 0), (1, 2.5, 2.5).
  assert list(estimands.best_elsewhere(table)) == [0.0, 0.0, 0.0]


def test_trends_and_what_they_need():
  table = pd.DataFrame([[1, 2, 3], [3, 2, 1], [2, 2, 2]], columns=[1, 4, 9])
  percents = pd.Series([80, 50, 25, 10], index=[1, 4, 7, 9])
  found = estimands.trend(table, percents)
  assert list(found.values) == pytest.approx([1, -1, 0])
  assert found.note == 'of 3 levels, P_m = 80.0 to 10.0%'
  with pytest.raises(study_lib.NotMeasuredError):
    estimands.trend(table[[1, 4]], percents)


def test_levels_are_summed_up_and_named():
  table = pd.DataFrame([[1, 2, 6], [3, 2, 1], [1, np.nan, np.nan]])
  percents = pd.Series([80, 50, 25])
  mean, least, last = (
    function(table, percents)
    for function in (estimands.mean, estimands.least, estimands.sparsest)
  )
  assert [list(found.values) for found in (mean, least, last)] == [
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
  assert estimands.complete(pd.DataFrame(rows)).shape == wanted


@pytest.mark.parametrize(
  ('gains', 'least', 'most', 'seen', 'bounds'),
  [
    ([1, 2, -1, 1], 25, 25, 25, set()),
    ([1, 2, 0, -1], 25, 25, 25, set()),
    ([2, -1, 3, -1], 10, 10, 10, set()),  # From the best on.
    ([-2, -1, -1, -3], 80, 100, 80, {'lower'}),
    ([-1, 1, 2, 1], 0, 10, 10, {'upper'}),
  ],
)
def test_crossings(gains, least, most, seen, bounds):
  found = estimands.crossing(ladder(gains), PERCENTS)
  assert found.statistic(found.table) == least
  assert found.most(found.table) == most
  assert (found.estimate, found.bounds) == (seen, bounds)


@pytest.mark.parametrize(
  ('first', 'second', 'least', 'most', 'seen', 'bounds'),
  [
    ([1, 2, 1, -1], [1, -1, -1], 40, 40, 40, set()),
    ([1, 2, 1, 1], [1, -1, -1], 40, 50, 40, {'lower'}),
    ([1, 2, 1, -1], [-1, -1, -1], 70, 90, 70, {'lower'}),
    ([1, 2, 1, -1], [1, 1, 1], -10, 0, 0, {'upper'}),
    ([-1, -1, -1, -1], [-1, -1, -1], -20, 20, 0, {'lower', 'upper'}),
  ],
)
def test_crossings_are_compared_each_on_its_own_levels(
  first, second, least, most, seen, bounds
):
  found = estimands.crossing_later(
    ladder(first), ladder(second, [1, 2, 4]), PERCENTS
  )
  assert found.statistic(found.table) == least
  assert found.most(found.table) == most
  assert (found.estimate, found.bounds) == (seen, bounds)

"""What claims are about: one number a trial, from tables of trials x levels."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from lottery_ticket.analysis import study as study_lib


class OverLevels(NamedTuple):
  """An estimand that sums up several levels.

  Attributes:
    values: One number a trial.
    note: Which levels these are.
  """

  values: pd.Series
  note: str


class OverTrials(NamedTuple):
  """An estimand that only all trials together have, like a crossing of means.

  Attributes:
    table: What was measured, shape [trials, ...].
    statistic: Takes such a table, returns a number: the least that it may be,
      where what was measured leaves it open.
    most: The same, but returns the most that it may be; None if that is equal.
    estimate: What to say of all trials, if they leave it open; or NaN.
    bounds: Of 'lower' and 'upper', which bounds the estimate is, if any.
    note: What to say about it, or ''.
  """

  table: np.ndarray
  statistic: Callable[[np.ndarray], float]
  most: Callable[[np.ndarray], float] | None = None
  estimate: float = math.nan
  bounds: frozenset[str] = frozenset()
  note: str = ''


Measured: TypeAlias = pd.Series | OverLevels | OverTrials
"""One number a trial, or what stands for it."""


def complete(table: pd.DataFrame) -> pd.DataFrame:
  """Leaves out levels or trials, whichever are fewer, so that none is missing.

  Args:
    table: Trials x levels, with NaN where something was not measured.

  Raises:
    NotMeasuredError: If nothing is left.
  """
  table = table.dropna(axis=0, how='all').dropna(axis=1, how='all')
  whole = max(table.dropna(axis=0), table.dropna(axis=1), key=lambda x: x.size)
  if whole.size:
    return whole
  raise study_lib.NotMeasuredError(
    'wanted: levels that the trials have in common'
  )


def _check_levels(number: int) -> None:
  if number < 3:
    raise study_lib.NotMeasuredError(
      f'wanted: such runs at three levels or more, found {number}'
    )


def mean(table: pd.DataFrame, percents: pd.Series) -> OverLevels:
  """Returns the mean over levels, one number a trial.

  Args:
    table: Trials x levels.
    percents: P_m of each level, in percent.

  Raises:
    NotMeasuredError: If there is nothing in the table.
  """
  whole = complete(table)
  return OverLevels(whole.mean(axis=1), _which(whole, percents))


def least(table: pd.DataFrame, percents: pd.Series) -> OverLevels:
  """Returns the least over levels; like `mean`."""
  whole = complete(table)
  return OverLevels(whole.min(axis=1), _which(whole, percents))


def sparsest(table: pd.DataFrame, percents: pd.Series) -> OverLevels:
  """Returns what was measured at the last level; like `mean`."""
  last = complete(table).iloc[:, -1:]
  return OverLevels(last.iloc[:, 0], _which(last, percents))


def _which(table: pd.DataFrame, percents: pd.Series) -> str:
  """Says which levels a table has."""
  labels = percents.reindex(table.columns).to_numpy()
  if len(labels) == 1:
    return f'of one level, P_m = {labels[0]:.1f}%'
  return f'of {len(labels)} levels, P_m = {labels[0]:.1f} to {labels[-1]:.1f}%'


def trend(table: pd.DataFrame, percents: pd.Series) -> OverLevels:
  """Returns `correlation` with the level, and says which levels these are."""
  values = correlation(table)
  return OverLevels(values, _which(complete(table), percents))


def correlation(table: pd.DataFrame) -> pd.Series:
  """Returns Spearman's rank correlation of a measure with its columns.

  Args:
    table: Trials x levels.

  Returns:
    rho in [-1, 1], one a trial; 0 where the measure is constant.

  Raises:
    NotMeasuredError: If there are fewer than three levels.
  """
  whole = complete(table)
  _check_levels(whole.shape[1])

  def rho(row: pd.Series) -> float:
    if row.nunique() == 1:
      return 0.0
    # It misses 1 by a rounding error, which would look like a spread.
    return round(float(stats.spearmanr(whole.columns, row).statistic), 9)

  return whole.apply(rho, axis=1)


class Crossing(NamedTuple):
  """At which P_m (%) a gain is used up.

  Attributes:
    least: The least that it may be: 0 if the gain outlasts what was measured.
    most: The most: 100 if there never was one.
    seen: What was seen of it.
    bound: 'lower' or 'upper' if that is a bound, else ''.
  """

  least: float
  most: float
  seen: float
  bound: str = ''


def crossing(gains: pd.DataFrame, percents: pd.Series) -> OverTrials:
  """Finds the P_m at which a gain over the dense network is used up.

  From the level with the greatest mean over trials on, it is the first level
  whose mean is not above 0. It is at most P_m of the last level if there is no
  such level, and at least that of the first if no mean is above 0.

  Args:
    gains: Trials x levels, without level 0.
    percents: P_m of each level, in percent.

  Raises:
    NotMeasuredError: If there are fewer than three levels.
  """
  whole = complete(gains)
  _check_levels(whole.shape[1])
  labels = percents.reindex(whole.columns).to_numpy()
  found = cross(whole.to_numpy(), labels)
  note = _which(whole, percents)
  if found.bound == 'lower':
    note += '; never above the dense network'
  if found.bound == 'upper':
    note += '; above the dense network to the last level'
  return OverTrials(
    whole.to_numpy(),
    lambda table: cross(table, labels).least,
    lambda table: cross(table, labels).most,
    found.seen,
    frozenset({found.bound} - {''}),
    note,
  )


def cross(gains: np.ndarray, labels: np.ndarray) -> Crossing:
  """Returns where the mean over trials is back at 0.

  Args:
    gains: Shape [trials, levels].
    labels: P_m of the levels, in percent.
  """
  means = gains.mean(axis=0)
  best = int(means.argmax())
  if means[best] <= 0:
    return Crossing(labels[0], study_lib.DENSE, labels[0], 'lower')
  back = np.flatnonzero(means[best:] <= 0)
  if not back.size:
    return Crossing(0, labels[-1], labels[-1], 'upper')
  place = labels[best + back[0]]
  return Crossing(place, place, place)


def crossing_later(
  first: pd.DataFrame, second: pd.DataFrame, percents: pd.Series
) -> OverTrials:
  """Compares two kinds of networks by the P_m at which their gain is used up.

  Each has its own levels. The fewer they are, the later a crossing is seen,
  where the gain falls: if these are the second's, the difference is rather
  greater than less.

  Args:
    first: Gains, trials x levels, without level 0.
    second: Those of the other kind.
    percents: P_m of each level, in percent.

  Returns:
    P_m where the second's is used up minus P_m where the first's is.

  Raises:
    NotMeasuredError: If one has fewer than three levels, or no trial has both.
  """
  kinds = complete(first), complete(second)
  for kind in kinds:
    _check_levels(kind.shape[1])
  trials = kinds[0].index.intersection(kinds[1].index)
  if trials.empty:
    raise study_lib.NotMeasuredError(
      'wanted: trials with both kinds of networks'
    )
  table = np.hstack([kind.loc[trials].to_numpy() for kind in kinds])
  labels = [percents.reindex(kind.columns).to_numpy() for kind in kinds]
  places = [len(labels[0])]

  def crossings(table: np.ndarray) -> tuple[Crossing, ...]:
    parts = np.split(table, places, axis=1)
    return tuple(cross(*pair) for pair in zip(parts, labels, strict=True))

  def least(table: np.ndarray) -> float:
    of_first, of_second = crossings(table)
    return of_second.least - of_first.most

  def most(table: np.ndarray) -> float:
    of_first, of_second = crossings(table)
    return of_second.most - of_first.least

  of_first, of_second = crossings(table)
  opposite = {'lower': 'upper', 'upper': 'lower', '': ''}[of_first.bound]
  return OverTrials(
    table,
    least,
    most,
    of_second.seen - of_first.seen,
    frozenset({opposite, of_second.bound} - {''}),
    f'the former {_which(kinds[1], percents)}, the latter'
    f' {_which(kinds[0], percents)}',
  )


def best_elsewhere(gains: pd.DataFrame) -> pd.Series:
  """Returns each trial's gain at the level that is best for the others.

  The greatest of several noisy means is too great; a level chosen on the other
  trials is chosen without looking at this one.

  Args:
    gains: Trials x levels.

  Raises:
    NotMeasuredError: If there is only one trial.
  """
  whole = complete(gains)
  if len(whole) < 2:
    raise study_lib.NotMeasuredError('wanted: two trials or more')
  return pd.Series(
    {
      trial: row[whole.drop(index=trial).mean().idxmax()]
      for trial, row in whole.iterrows()
    }
  )


def ratio_of_means(numerator: pd.Series, denominator: pd.Series) -> OverTrials:
  """Returns the ratio of the means over paired trials."""
  pairs = pd.concat([numerator, denominator], axis=1).dropna().to_numpy()
  return OverTrials(pairs, lambda table: float(np.divide(*table.mean(axis=0))))


def interpolated(view: study_lib.View, measure: str, count: float) -> pd.Series:
  """Returns a measure of tickets at a number of weights, one a trial.

  Between two levels it is linear in the logarithm of the weights remaining.

  Args:
    view: The runs of one recipe.
    measure: A column of the runs.
    count: How many weights remain.

  Raises:
    NotMeasuredError: If the levels do not reach that far.
  """
  weights = view.over('remaining').mean()
  table = complete(view.over(measure))
  logs = np.log(weights.reindex(table.columns).to_numpy())
  least, most = (
    logs.min() - study_lib.TOLERANCE,
    logs.max() + study_lib.TOLERANCE,
  )
  if not least <= math.log(count) <= most:
    raise study_lib.NotMeasuredError(
      f'wanted: tickets of about {count:,.0f} weights'
    )
  return table.apply(
    lambda row: np.interp(math.log(count), logs[::-1], row.to_numpy()[::-1]),
    axis=1,
  )

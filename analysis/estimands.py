"""Numbers that claims are about: one a trial, from trials x levels.

Tables have columns of `(level, P_m in percent)`, as `view.View.over` returns
them. Whatever lacks the levels or trials that it needs raises
`view.NotMeasuredError`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import view as view_lib

Bounded: TypeAlias = bounded.Bounded


class Ends(NamedTuple):
  """A number, the least that it may really be, and the most."""

  seen: float
  low: float
  high: float


class OverTrials(NamedTuple):
  """An estimand that only all trials together have, like a crossing of means.

  Attributes:
    table: Measurements, shape [trials, 3, ...]: seen, least and most.
    statistic: Function of such a table.
    note: Words to say about it, or ''.
    is_late: Whether some accuracies are of early stops that may come later.
  """

  table: np.ndarray
  statistic: Callable[[np.ndarray], Ends]
  note: str = ''
  is_late: bool = False


Measured: TypeAlias = Bounded | OverTrials
"""One number a trial, or what stands for it."""


def complete(table: Bounded, least: int = 1) -> Bounded:
  """Leaves out levels or trials, whichever are fewer, so that none is missing.

  Args:
    table: Trials x levels, with NaN where something was not measured.
    least: Least number of levels that will do.
  """
  seen = table.seen.dropna(axis=0, how='all').dropna(axis=1, how='all')
  whole = max(seen.dropna(axis=0), seen.dropna(axis=1), key=lambda x: x.size)
  if not whole.size:
    raise view_lib.NotMeasuredError(
      'wanted: levels that the trials have in common'
    )
  if whole.shape[1] < least:
    raise view_lib.NotMeasuredError(
      f'wanted: such runs at three levels or more, found {whole.shape[1]}'
    )
  return table.each(lambda end: end.loc[whole.index, whole.columns])


def mean(table: Bounded) -> Bounded:
  """Returns the mean over levels, one number a trial."""
  whole = complete(table)
  return whole.each(lambda end: end.mean(axis=1), _which(whole))


def least(table: Bounded) -> Bounded:
  """Returns the least over levels, one number a trial."""
  whole = complete(table)
  return whole.each(lambda end: end.min(axis=1), _which(whole))


def sparsest(table: Bounded) -> Bounded:
  """Returns what was measured at the last level, one number a trial."""
  last = complete(table).each(lambda end: end.iloc[:, -1:])
  return last.each(lambda end: end.iloc[:, 0], _which(last))


def _percents(table: Bounded) -> np.ndarray:
  return table.seen.columns.get_level_values('percent').to_numpy(float)


def _which(table: Bounded) -> str:
  """Says which levels a table has."""
  percents = _percents(table)
  if len(percents) == 1:
    return f'of one level, P_m = {percents[0]:.1f}%'
  ends = f'{percents[0]:.1f} to {percents[-1]:.1f}%'
  return f'of {len(percents)} levels, P_m = {ends}'


def trend(table: Bounded) -> Bounded:
  """Returns `correlation` with the level, and says which levels these are."""
  found, note = correlation(table), _which(complete(table))
  return found.each(lambda end: end, note)


def correlation(table: Bounded) -> Bounded:
  """Returns Spearman's rank correlation of a measure with its columns.

  Args:
    table: Trials x columns of any labels, at least three.

  Returns:
    rho in [-1, 1], one a trial; 0 where the measure is constant.
  """
  whole = complete(table, least=3)
  found = [_rank_correlation(rows) for rows in whole.array()]
  ends = pd.DataFrame(found, whole.seen.index, Ends._fields)
  return Bounded(ends.seen, ends.low, ends.high, whole.late.mean(axis=1))


def _rank_correlation(ends: np.ndarray) -> Ends:
  """Returns Spearman's correlation of ends [3, places] with the place."""
  seen, low, high = ends
  rho = 0.0
  if len(set(seen)) > 1:
    places = np.arange(len(seen))
    # It misses 1 by a rounding error, which would look like a spread.
    rho = round(float(stats.spearmanr(places, seen).statistic), 9)
  if np.array_equal(low, high):
    return Ends(rho, rho, rho)
  # Each rank has a range by itself: no ranking has a greater sum of squared
  # differences from the places than if all ranks were as far off as they may.
  first = 1 + (high < low[:, np.newaxis]).sum(axis=1)
  last = len(seen) - (low > high[:, np.newaxis]).sum(axis=1)
  own = np.arange(1, len(seen) + 1)
  nearest = (np.clip(own, first, last) - own) ** 2
  furthest = np.maximum((first - own) ** 2, (last - own) ** 2)
  # rho = 1 - 6 * sum(d^2) / (n^3 - n), if no two ranks are equal.
  scale = 6 / (len(seen) ** 3 - len(seen))
  most, least_ = (1 - scale * np.sum(d) for d in (nearest, furthest))
  return Ends(rho, max(min(rho, least_), -1.0), min(max(rho, most), 1.0))


def crossing(gains: Bounded) -> OverTrials:
  """Finds the P_m at which a gain over the dense network is used up.

  From the level with the greatest mean over trials on, it is the first level
  whose mean is not above 0. It is at most P_m of the last level if there is no
  such level, and at least that of the first if no mean is above 0.

  Args:
    gains: Trials x levels, at least three, without level 0.
  """
  whole = complete(gains, least=3)
  percents, note = _percents(whole), _which(whole)
  found = _cross(whole.array(), percents)
  if found.high == view_lib.DENSE:
    note += '; never above the dense network'
  if found.low == 0:
    note += '; above the dense network to the last level'
  return OverTrials(
    whole.array(), lambda table: _cross(table, percents), note, whole.is_late
  )


def _cross(gains: np.ndarray, percents: np.ndarray) -> Ends:
  """Returns the P_m (%) where the mean over trials is back at 0.

  Its least is 0 if the gain may outlast what was measured, its most is 100 if
  there may never have been one.

  Args:
    gains: Seen, least and greatest gains, shape [trials, 3, levels].
    percents: P_m of the levels.
  """
  seen, low, high = gains.mean(axis=0)
  best = int(seen.argmax())

  def back(after: int, means: np.ndarray, otherwise: float) -> float:
    places = percents[after + 1 :][means[after + 1 :] <= 0]
    return float(places[0]) if places.size else otherwise

  # Each level that may be the best one is a case of its own.
  bests = {best, *np.flatnonzero(high > low.max())}
  cases = [
    (back(place, high, 0.0), back(place, low, percents[-1]))
    for place in bests
    if high[place] > 0
  ]
  if low.max() <= 0:
    cases.append((percents[0], view_lib.DENSE))
  leasts, mosts = zip(*cases, strict=True)
  place = back(best, seen, percents[-1]) if seen[best] > 0 else percents[0]
  return Ends(float(place), float(min(leasts)), float(max(mosts)))


def crossing_later(first: Bounded, second: Bounded) -> OverTrials:
  """Compares two kinds of networks by the P_m at which their gain is used up.

  Each has its own levels. The fewer they are, the later a crossing is seen,
  where the gain falls: if these are the second's, the difference is rather
  greater than less.

  Args:
    first: Gains, trials x levels, at least three, without level 0.
    second: Gains of the other kind.

  Returns:
    P_m where the second's is used up minus P_m where the first's is.
  """
  kinds = complete(first, least=3), complete(second, least=3)
  trials = kinds[0].seen.index.intersection(kinds[1].seen.index)
  if trials.empty:
    raise view_lib.NotMeasuredError(
      'wanted: trials with both kinds of networks'
    )
  tables = [kind.each(lambda end: end.loc[trials]).array() for kind in kinds]
  percents = [_percents(kind) for kind in kinds]
  place = len(percents[0])

  def later(table: np.ndarray) -> Ends:
    of_first = _cross(table[..., :place], percents[0])
    of_second = _cross(table[..., place:], percents[1])
    return Ends(
      of_second.seen - of_first.seen,
      of_second.low - of_first.high,
      of_second.high - of_first.low,
    )

  note = f'the former {_which(kinds[1])}, the latter {_which(kinds[0])}'
  is_late = kinds[0].is_late or kinds[1].is_late
  return OverTrials(np.concatenate(tables, axis=2), later, note, is_late)


def best_elsewhere(gains: Bounded) -> Bounded:
  """Returns each trial's gain at the level that is best for the others.

  The greatest of several noisy means is too great; a level chosen on the other
  trials is chosen without looking at this one.

  Args:
    gains: Trials x levels, at least two trials.
  """
  whole = complete(gains)
  if len(whole.seen) < 2:
    raise view_lib.NotMeasuredError('wanted: two trials or more')
  # What is chosen by looking at a number flatters that number.
  best = {
    trial: whole.seen.drop(index=trial).mean().idxmax()
    for trial in whole.seen.index
  }
  return whole.each(
    lambda end: pd.Series({t: end.loc[t, level] for t, level in best.items()})
  )


def ratio_of_means(numerator: Bounded, denominator: Bounded) -> OverTrials:
  """Returns the ratio of the means over paired trials."""
  trials = (numerator.seen + denominator.seen).dropna().index
  if trials.empty:
    raise view_lib.NotMeasuredError('wanted: trials with both networks')
  first, second = (
    one.each(lambda end: end.loc[trials]).array()
    for one in (numerator, denominator)
  )
  # Means of ratios would let a trial of a small denominator decide.
  # The least ratio has the greatest denominator.
  pairs = np.stack([first, second[:, [0, 2, 1]]], axis=2)
  return OverTrials(
    pairs, lambda table: Ends(*(float(n / d) for n, d in table.mean(axis=0)))
  )


def percent_fewer_on_average(first: Bounded, second: Bounded) -> OverTrials:
  """Returns by how many percent the first's mean is less than the second's."""
  ratio = ratio_of_means(first, second)

  def fewer(table: np.ndarray) -> Ends:
    seen, low, high = ratio.statistic(table)
    return Ends(100 * (1 - seen), 100 * (1 - high), 100 * (1 - low))

  return ratio._replace(statistic=fewer)


def interpolated(view: view_lib.View, measure: str, count: float) -> Bounded:
  """Returns a measure of tickets at a number of weights, one a trial.

  Between two levels it is linear in the logarithm of the weights remaining.

  Args:
    view: Runs of one recipe.
    measure: Name of a column of the runs.
    count: Number of weights that remain.
  """
  weights = view.over('remaining').seen.mean()
  table = complete(view.over(measure))
  logs = np.log(weights.reindex(table.seen.columns).to_numpy())[::-1]
  reach = logs[0] - view_lib.TOLERANCE, logs[-1] + view_lib.TOLERANCE
  if not reach[0] <= math.log(count) <= reach[1]:
    raise view_lib.NotMeasuredError(
      f'wanted: tickets of about {count:,.0f} weights'
    )

  def at_count(row: pd.Series) -> float:
    return float(np.interp(math.log(count), logs, row.to_numpy()[::-1]))

  return table.each(lambda end: end.apply(at_count, axis=1))

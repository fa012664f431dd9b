"""Quantities that claims are about: one number a trial, from trials x levels.

The first half makes them of what a study has measured; the second half names
those that compare networks, with their units and words. Tables have columns of
`(level, P_m in percent)`, as `view.View.over` returns them. Whatever lacks the
levels or trials that it needs raises `view.NotMeasuredError`.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import view as view_lib
from lottery_ticket.foundations import controls

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
  # One trial that went further, or one level that few reached, would cost all
  # others: whichever way keeps more measurements is taken.
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


def least(table: Bounded) -> Bounded:
  """Returns the least over levels, one number a trial."""
  whole = complete(table)
  return whole.each(lambda end: end.min(axis=1), _which(whole))


def _percents(table: Bounded) -> np.ndarray:
  return table.seen.columns.get_level_values('percent').to_numpy(float)


def _which(table: Bounded) -> str:
  """Says which levels a table has."""
  percents = _percents(table)
  ends = f'{percents[0]:.1f} to {percents[-1]:.1f}%'
  return f'of {len(percents)} levels, P_m = {ends}'


def rank_correlation(table: Bounded) -> Bounded:
  """Returns Spearman's rank correlation of a measure with the level.

  Returns:
    rho in [-1, 1], one a trial; 0 where the measure is constant.
  """
  whole = complete(table, least=3)
  found = [_rank_correlation(rows) for rows in whole.array()]
  ends = pd.DataFrame(found, whole.seen.index, Ends._fields)
  late = whole.late.mean(axis=1)
  return Bounded(ends.seen, ends.low, ends.high, late, _which(whole))


def _rank_correlation(ends: np.ndarray) -> Ends:
  """Returns Spearman's correlation of ends [3, places] with the place."""
  seen, low, high = ends
  rho = 0.0
  if len(set(seen)) > 1:
    places = np.arange(len(seen))
    # It misses 1 by a rounding error, which would look like a spread.
    rho = round(float(stats.spearmanr(places, seen).statistic), 9)
  if np.array_equal(low, high):  # No early stop is open: nor is a rank.
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
  table, percents, note = whole.array(), _percents(whole), _which(whole)
  found = _cross(table, percents)
  if found.high == view_lib.DENSE:
    note += '; never above the dense network'
  if found.low == 0:
    note += '; above the dense network to the last level'
  return OverTrials(
    table, lambda drawn: _cross(drawn, percents), note, whole.is_late
  )


def _cross(gains: np.ndarray, percents: np.ndarray) -> Ends:
  """Returns the P_m (%) where the mean over trials is back at 0.

  Its least is 0 if the gain may outlast what was measured, its most is 100 if
  there may never have been one. `gains` are those that were seen, the least and
  the greatest ones, shape [trials, 3, levels].
  """
  # Of means, since a single trial may cross and come back.
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
  if low.max() <= 0:  # There may never have been a gain to be used up.
    cases.append((percents[0], view_lib.DENSE))
  leasts, mosts = zip(*cases, strict=True)
  place = back(best, seen, percents[-1]) if seen[best] > 0 else percents[0]
  return Ends(float(place), float(min(leasts)), float(max(mosts)))


def crossings_ratio(first: Bounded, second: Bounded) -> OverTrials:
  """Compares two kinds of networks by the P_m at which their gain is used up.

  Each has its own levels. The fewer they are, the later a crossing is seen.

  Args:
    first: Gains, trials x levels, at least three, without level 0.
    second: Gains of the other kind.

  Returns:
    P_m where the first's is used up over P_m where the second's is.
  """
  first, second = complete(first, least=3), complete(second, least=3)
  trials = first.seen.index.intersection(second.seen.index)
  if trials.empty:
    raise view_lib.NotMeasuredError(
      'wanted: trials with both kinds of networks'
    )
  tables = [
    x.each(lambda end: end.loc[trials]).array() for x in (first, second)
  ]
  percents, others = _percents(first), _percents(second)

  # In one table, so that a bootstrap draws the same trials of both.
  def ratio(table: np.ndarray) -> Ends:
    former = _cross(table[..., : len(percents)], percents)
    latter = _cross(table[..., len(percents) :], others)
    # A gain that outlasts the second's last level may last for ever.
    high = former.high / latter.low if latter.low else math.inf
    return Ends(former.seen / latter.seen, former.low / latter.high, high)

  note = f'the former {_which(first)}, the latter {_which(second)}'
  is_late = first.is_late or second.is_late
  return OverTrials(np.concatenate(tables, axis=2), ratio, note, is_late)


def greatest(gains: Bounded) -> OverTrials:
  """Returns the greatest mean over trials of all levels, and says its bias.

  The greatest of several noisy means is too great, by about as much as the
  gain of each trial at the level that is best for the others falls short.

  Args:
    gains: Trials x levels.
  """
  whole = complete(gains)
  seen, note = whole.seen, _which(whole)
  if len(seen) > 1:
    # A level that other trials chose does not know this one's luck.
    elsewhere = [
      seen.loc[trial, seen.drop(index=trial).mean().idxmax()]
      for trial in seen.index
    ]
    note += (
      '; a maximum of noisy means is too great: with each level chosen on the'
      f' other trials it is {np.mean(elsewhere):.2g}'
    )

  def most(table: np.ndarray) -> Ends:
    return Ends(*map(float, table.mean(axis=0).max(axis=1)))

  return OverTrials(whole.array(), most, note, whole.is_late)


def interpolated(view: view_lib.View, measure: str, count: float) -> Bounded:
  """Returns a measure of tickets at a number of weights, one a trial.

  Between two levels it is linear in the logarithm of the weights remaining.

  Args:
    view: Runs of one recipe.
    measure: Name of a column of the runs.
    count: Number of weights that remain.
  """
  # Sizes of networks differ between recipes, so P_m would not compare them.
  weights = view.over('remaining').seen.mean()
  table = complete(view.over(measure))
  logs = np.log(weights.reindex(table.seen.columns).to_numpy())[::-1]
  wanted, reach = math.log(count), view_lib.TOLERANCE
  if not logs[0] - reach <= wanted <= logs[-1] + reach:
    raise view_lib.NotMeasuredError(
      f'wanted: tickets of about {count:,.0f} weights'
    )

  def at_count(row: pd.Series) -> float:
    return float(np.interp(wanted, logs, row.to_numpy()[::-1]))

  return table.each(lambda end: end.apply(at_count, axis=1))


class Net(NamedTuple):
  """A kind of networks at a level.

  Attributes:
    kind: Name of their runs, like 'reinit'.
    percent: P_m in percent.
  """

  kind: str = view_lib.TICKET
  percent: float = view_lib.DENSE

  def __str__(self) -> str:
    """Names it in words."""
    if self == DENSE:
      return 'the dense network'
    return f'{label(self.kind)} at P_m = {self.percent:g}%'


DENSE = Net()


def label(kind: str) -> str:
  """Returns what a kind of networks is called in sentences."""
  if kind == view_lib.TICKET:
    return 'the ticket'
  return controls.CONTROLS[kind].label if kind in controls.CONTROLS else kind


@dataclasses.dataclass(frozen=True)
class Quantity:
  """What is measured for a claim.

  Attributes:
    measure: Function of a study that returns it.
    unit: Its unit.
    words: What it is.
    is_speed: Whether early stop is in it, so that another measure of speed may
      take its place.
  """

  measure: Callable[[Any], Measured]
  unit: str
  words: str
  is_speed: bool = False


def versus(first: Net, word: str, second: Net) -> str:
  """Names two networks and what is between them."""
  if DENSE in (first, second) or first.percent != second.percent:
    return f'{first} {word} {second}'
  return f'{label(first.kind)} {word} {second}'


def times_as_long(first: Net, second: Net) -> Quantity:
  """Compares early stops by their ratio."""

  def measure(study: view_lib.View) -> Bounded:
    stops = [study.at('early_stop', *net) for net in (first, second)]
    note = f'ratio of means {_ratio_of_means(*stops):.3g}'
    return dataclasses.replace(stops[0] / stops[1], note=note)

  words = f'Iterations to early stop, {versus(first, "over", second)}'
  return Quantity(measure, 'ratio', words, is_speed=True)


def sooner(first: Net, second: Net = DENSE) -> Quantity:
  """Compares early stops by percent."""

  def measure(study: view_lib.View) -> Bounded:
    stops = [study.at('early_stop', *net) for net in (first, second)]
    percent = 100 * (1 - _ratio_of_means(*stops))
    note = f'{percent:.3g} by the ratio of means'
    return dataclasses.replace(bounded.percent_fewer(*stops), note=note)

  pair = versus(first, 'against', second)
  words = f'Percent fewer iterations to early stop, {pair}'
  return Quantity(measure, 'percent', words, is_speed=True)


def _ratio_of_means(first: Bounded, second: Bounded) -> float:
  """Returns the ratio of the means over trials that have both.

  It differs from the mean of ratios where a trial's denominator stands out.
  """
  paired = pd.concat([first.seen, second.seen], axis=1).dropna().mean()
  return float(paired.iloc[0] / paired.iloc[1])


_ACCURACIES = {
  'accuracy': 'Points of test accuracy at early stop',
  'final_accuracy': 'Points of test accuracy at the end',
}


def better(
  first: Net, second: Net = DENSE, measure: str = 'accuracy'
) -> Quantity:
  """Compares accuracies by points."""

  def points(study: view_lib.View) -> Bounded:
    return (study.at(measure, *first) - study.at(measure, *second)) * 100

  words = f'{_ACCURACIES[measure]}, {versus(first, "minus", second)}'
  return Quantity(points, 'points', words)


def beyond_half_way(middle: Net, better: Net, worse: Net) -> Quantity:
  """Compares an accuracy with that half-way between two others'."""

  def points(study: view_lib.View) -> Bounded:
    nets = middle, better, worse
    one, high, low = (study.at('accuracy', *net) * 100 for net in nets)
    return one - (high + low) * 0.5

  half_way = f'half-way between {label(better.kind)} and {label(worse.kind)}'
  words = f'{_ACCURACIES["accuracy"]}, {middle} minus {half_way}'
  return Quantity(points, 'points', words)


def gains(
  study: view_lib.View,
  measure: str,
  kind: str,
  highest: float = view_lib.PRUNED,
  lowest: float = 0.0,
) -> Bounded:
  """Returns what networks gain over the dense one, trials x levels.

  It is percent of iterations for 'early_stop', points for accuracies.
  """
  table, dense = study.over(measure, kind, highest, lowest), study.at(measure)
  if measure == 'early_stop':
    return bounded.percent_fewer(table, dense)
  return (table - dense) * 100


def trend(
  measure: str,
  kind: str,
  highest: float = view_lib.DENSE,
  lowest: float = 0.0,
) -> Quantity:
  """Tells whether a measure rises or falls as networks get sparser."""
  what = {'early_stop': 'early stop', 'accuracy': 'accuracy'}[measure]
  span = f', P_m = {highest:g} to {lowest:g}%' if lowest else ''
  return Quantity(
    lambda study: rank_correlation(study.over(measure, kind, highest, lowest)),
    'rho',
    f'Rank correlation of {what} with the level, {label(kind)}{span}',
    is_speed=measure == 'early_stop',
  )


def used_up(measure: str, kind: str) -> Quantity:
  """Finds the level from which networks are no better than dense ones."""
  is_speed = measure == 'early_stop'
  return Quantity(
    lambda study: crossing(gains(study, measure, kind)),
    'P_m (%)',
    f'P_m of the first level, from the best on, at which {label(kind)} is not'
    f' {"sooner" if is_speed else "more accurate"} than the dense network (mean'
    ' over trials)',
    is_speed,
  )


def used_up_earlier(measure: str, first: str, second: str) -> Quantity:
  """Compares two kinds by the level where their gain is used up."""
  return Quantity(
    lambda study: crossings_ratio(
      gains(study, measure, first), gains(study, measure, second)
    ),
    'ratio of P_m',
    f'P_m from which {label(first)} is no better than the dense network over'
    f' that of {label(second)}',
    is_speed=measure == 'early_stop',
  )


LEAST_FIT = Quantity(
  lambda study: least(
    study.over('final_train_accuracy', highest=view_lib.PRUNED, lowest=2) * 100
  ),
  'percent of images',
  'Training accuracy at the end, the least over levels with P_m >= 2%',
)


def copies(k: int, of: str = '') -> str:
  """Returns the name of the runs of copies that start from iteration k.

  Args:
    k: The iteration.
    of: Name of the control that they are copies of; '' for the ladder.
  """
  return f'{of}_stability{k}_' if of else f'stability{k}_'


def barrier(k: int, percent: float = view_lib.DENSE, of: str = '') -> Quantity:
  """Measures how high the barrier between two copies is.

  Args:
    k: Iteration that they start from; of pruned networks' ladders, too.
    percent: Their P_m in percent.
    of: Name of the control that they are copies of; '' for the ladder.
  """
  net = Net(of.rstrip('0123456789') or view_lib.TICKET, percent)
  return Quantity(
    lambda study: study.at('barrier', copies(k, of), percent) * 100,
    'points of error',
    f'Barrier between two copies from iteration {k:,}, {net}',
  )


def matching(k: int, percent: float) -> Quantity:
  """Compares pruned copies from iteration k with the dense network."""
  measure = 'final_accuracy'
  words = f'{_ACCURACIES[measure]}, copies from iteration {k:,}'
  return dataclasses.replace(
    better(Net(copies(k), percent), measure=measure),
    words=f'{words} at P_m = {percent:g}% minus {DENSE}',
  )

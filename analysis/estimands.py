"""What claims are about: one number a trial, from the runs of a study.

Trials are paired: a ticket is compared with the dense network and the controls
of its own trial, and several runs of a trial (run ids) are averaged first.
"""

import functools
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from lottery_ticket.analysis import results
from lottery_ticket.foundations import errors

TICKET = 'same_init'
LADDER = 'lottery_experiment'  # The script that prunes level by level.
DENSE = 100.0  # P_m of the network that is not pruned, in percent.
SPARSE = 21.1  # At or below this P_m (%) ways to prune differ visibly.
_TOLERANCE = 0.1  # Of P_m, relative: rounds of other percents hit near it.
_ROUNDING = 0.02  # Of P_m, relative: the paper's numbers have two digits.


class NotMeasuredError(Exception):
  """The runs that an estimand needs are not there; says which."""


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


class View:
  """The runs of one recipe, as estimands ask for them."""

  def __init__(
    self,
    runs: pd.DataFrame,
    networks: Callable[[str], results.Networks] = results.networks,
  ):
    """Takes the runs.

    Args:
      runs: As in `results.Results`, of one recipe.
      networks: Reads a run's networks.
    """
    self.runs = runs
    tickets = runs[runs.experiment == TICKET]
    self.percents = 100 * tickets.groupby('level').density.mean()
    """P_m of each level, in percent."""
    self._table = functools.cache(self._measured)
    self._networks = networks

  def over(
    self,
    measure: str,
    experiment: str = TICKET,
    highest: float = DENSE,
    lowest: float = 0.0,
  ) -> pd.DataFrame:
    """Returns a measure over trials and levels.

    Args:
      measure: A column of the runs.
      experiment: Of which runs.
      highest: Highest P_m of the levels, in percent.
      lowest: Lowest P_m.

    Returns:
      A table, trials x levels, of means over run ids; NaN where there is no
      run, or one whose measure is missing.

    Raises:
      NotMeasuredError: If there is nothing at all.
    """
    levels = self.percents.index[
      (self.percents <= highest * (1 + _ROUNDING))
      & (self.percents >= lowest * (1 - _ROUNDING))
    ]
    table = self._table(measure, experiment)
    table = table[table.columns.intersection(levels)]
    table = table.dropna(axis=0, how='all')
    if table.notna().any(axis=None):
      return table
    raise NotMeasuredError(self._wanted(experiment, highest, lowest))

  def _measured(self, measure: str, experiment: str) -> pd.DataFrame:
    """Returns a measure over all trials and levels of an experiment."""
    rows = self.runs[self.runs.experiment == experiment]
    values = rows[measure].astype('Float64').to_numpy(float, na_value=np.nan)
    runs = rows.assign(value=values).groupby(['trial', 'level']).value
    # A mean over those runs that have a value would be another's.
    return runs.mean().where(runs.count() == runs.size()).unstack()

  def _wanted(self, experiment: str, highest: float, lowest: float) -> str:
    levels = (
      f'P_m of {lowest:g} to {highest:g}%' if lowest else f'P_m <= {highest:g}%'
    )
    return f'wanted: runs of {experiment!r} at levels with {levels}'

  def at(
    self, measure: str, experiment: str = TICKET, percent: float = DENSE
  ) -> pd.Series:
    """Returns a measure at one level, one number a trial.

    Args:
      measure: A column of the runs.
      experiment: Of which runs.
      percent: P_m of the level, in percent.

    Raises:
      NotMeasuredError: If there is no such level or no such run.
    """
    level = self.level(percent)
    values = self.over(measure, experiment).reindex(columns=[level])[level]
    if values.notna().any():
      return values
    raise NotMeasuredError(
      f'wanted: runs of {experiment!r} at P_m = {percent:g}% (level {level})'
    )

  def level(self, percent: float) -> int:
    """Returns the level with that P_m, within a tenth of it."""
    distances = np.abs(np.log(self.percents / percent))
    if len(distances) and distances.min() <= _TOLERANCE:
      return int(distances.idxmin())
    raise NotMeasuredError(
      f'wanted: runs of {TICKET!r} at a level with P_m = {percent:g}%'
    )

  def of_networks(
    self,
    function: Callable[..., float],
    *percents: float,
  ) -> pd.Series:
    """Returns what a function says of a trial's tickets at some levels.

    Args:
      function: Takes the ticket's `results.Networks` at each of the levels.
      *percents: P_m of the levels, in percent.

    Returns:
      One number a trial; trials without these levels are left out.

    Raises:
      NotMeasuredError: If there are no such runs, or they are unreadable.
    """
    rows = self.runs[self.runs.experiment == TICKET]
    folders = rows.groupby(['trial', 'level']).directory.first().unstack()
    chosen = folders.reindex(columns=[self.level(p) for p in percents]).dropna()
    try:
      values = {
        trial: function(*[self._networks(folder) for folder in row])
        for trial, *row in chosen.itertuples()
      }
    except (errors.InputError, KeyError) as error:
      raise NotMeasuredError(f'weights cannot be read: {error}') from None
    if not values:
      raise NotMeasuredError(f'wanted: tickets at P_m = {percents}%')
    return pd.Series(values, dtype=float)


class Study(View):
  """The runs of the main recipe, and those of other recipes beside them."""

  def __init__(
    self,
    runs: pd.DataFrame,
    reference: dict[str, Any],
    networks: Callable[[str], results.Networks] = results.networks,
  ):
    """Finds the main recipe: the one with tickets nearest to the reference.

    Args:
      runs: As in `results.Results`, of any number of recipes.
      reference: {name: value}, what the main recipe is to be like.
      networks: Reads a run's networks.
    """
    self.settings = [
      (json.loads(recipe), View(_unique_trials(_as_tickets(rows)), networks))
      for recipe, rows in runs.groupby(np.array(_recipes(runs)), sort=True)
    ]

    def distance(setting: tuple[dict[str, Any], View]) -> tuple[bool, int, int]:
      recipe, view = setting
      without = view.percents.empty
      return without, len(_differing(recipe, reference)), -len(view.runs)

    self.recipe, main = min(self.settings, key=distance)
    self.differing = _differing(self.recipe, reference)
    """Names of what differs from the reference, of what is recorded."""
    super().__init__(main.runs, networks)

  def varying(
    self, wanted: Callable[[dict[str, Any]], bool], *names: str
  ) -> list[tuple[dict[str, Any], View]]:
    """Returns recipes that differ from the main one in nothing but `names`.

    Args:
      wanted: Which of these.
      *names: Names of values of the recipe.

    Returns:
      Each recipe with its runs, the main one too if it is wanted.
    """
    return [
      (recipe, view)
      for recipe, view in self.settings
      if not view.percents.empty
      and {
        name
        for name in recipe | self.recipe
        if recipe.get(name) != self.recipe.get(name)
      }
      <= set(names)
      and wanted(recipe)
    ]


def _folders(runs: pd.DataFrame) -> pd.Series:
  """Returns the experiment's folder of each run."""
  return runs.directory.map(lambda path: str(pathlib.Path(path).parents[2]))


def _recipes(runs: pd.DataFrame) -> list[str]:
  """Returns each run's recipe as JSON, with the way its ticket was found.

  Controls do not prune: what they record of that is the ticket's beside them.
  """
  keys = list(zip(_folders(runs), runs.trial, runs.recipe, strict=True))
  own = [_way(run) for run in runs.itertuples()]
  tickets = {
    key: way
    for key, way, name in zip(keys, own, runs.experiment, strict=True)
    if name == TICKET
  }
  ways = [
    way if script == LADDER else tickets.get(key, way)
    for key, way, script in zip(keys, own, runs.script, strict=True)
  ]
  return [
    json.dumps(json.loads(recipe) | way, sort_keys=True)
    for recipe, way in zip(runs.recipe, ways, strict=True)
  ]


def _way(run: Any) -> dict[str, Any]:
  """Returns how a ladder is pruned and reset."""
  return {
    'prune_percents': json.loads(run.prune_percents),
    'pruner': run.pruner if isinstance(run.pruner, str) else 'magnitude',
    'reset': run.reset if isinstance(run.reset, (str, int)) else 'initial',
  }


def _unique_trials(runs: pd.DataFrame) -> pd.DataFrame:
  """Keeps trials of the same name of several experiments apart.

  Copies are one trial: those whose first tickets have one seed and came out
  alike, as they do where nothing else differs.
  """
  folders = _folders(runs)
  first = folders.groupby(runs.trial).transform('first')
  names = runs.trial.where(folders == first, folders + ' ' + runs.trial)
  tickets = runs.assign(trial=names)[runs.experiment == TICKET]
  tickets = tickets.sort_values('level', kind='stable')
  tickets = tickets.drop_duplicates('trial').dropna(subset='seed')
  alike = ['seed', 'level', 'early_stop', 'accuracy', 'final_accuracy']
  originals = tickets.groupby(alike, sort=False, dropna=False).trial
  known = dict(zip(tickets.trial, originals.transform('first'), strict=True))
  return runs.assign(trial=names.map(lambda name: known.get(name, name)))


def _as_tickets(runs: pd.DataFrame) -> pd.DataFrame:
  """Calls a ladder of a name of its own by the tickets' name, if it is one."""
  if (runs.experiment == TICKET).any():
    return runs
  ladder = (runs.script == LADDER) & (
    runs.reset.isna() | (runs.reset == 'initial')
  )
  names = runs.experiment.where(~ladder, TICKET)
  is_one = runs.experiment[ladder].nunique() == 1
  return runs.assign(experiment=names) if is_one else runs


def _differing(recipe: dict[str, Any], reference: dict[str, Any]) -> list[str]:
  return sorted(
    name
    for name, value in reference.items()
    if recipe.get(name) is not None and recipe[name] != value
  )


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
  raise NotMeasuredError('wanted: levels that the trials have in common')


def _check_levels(number: int) -> None:
  if number < 3:
    raise NotMeasuredError(
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
    return Crossing(labels[0], DENSE, labels[0], 'lower')
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
    raise NotMeasuredError('wanted: trials with both kinds of networks')
  table = np.hstack([kind.loc[trials].to_numpy() for kind in kinds])
  labels = [percents.reindex(kind.columns).to_numpy() for kind in kinds]
  places = [len(labels[0])]

  def crossings(table: np.ndarray) -> tuple[Crossing, ...]:
    parts = np.split(table, places, axis=1)
    return tuple(cross(*pair) for pair in zip(parts, labels, strict=True))

  def least(table: np.ndarray) -> float:
    former, latter = crossings(table)
    return latter.least - former.most

  def most(table: np.ndarray) -> float:
    former, latter = crossings(table)
    return latter.most - former.least

  former, latter = crossings(table)
  opposite = {'lower': 'upper', 'upper': 'lower', '': ''}[former.bound]
  return OverTrials(
    table,
    least,
    most,
    latter.seen - former.seen,
    frozenset({opposite, latter.bound} - {''}),
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
    raise NotMeasuredError('wanted: two trials or more')
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


def interpolated(view: View, measure: str, count: float) -> pd.Series:
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
  if not logs.min() - _TOLERANCE <= math.log(count) <= logs.max() + _TOLERANCE:
    raise NotMeasuredError(f'wanted: tickets of about {count:,.0f} weights')
  return table.apply(
    lambda row: np.interp(math.log(count), logs[::-1], row.to_numpy()[::-1]),
    axis=1,
  )

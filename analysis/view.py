"""The runs of a study, as estimands ask for them: by measure, kind and level.

Trials are paired: a ticket is compared with the dense network and the controls
of its own trial, and several runs of a trial (run ids) are averaged first.
"""

import functools
import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import metrics

TICKET = 'same_init'
LADDER = 'lottery_experiment'  # The script that prunes level by level.
DENSE = 100.0  # P_m of the network that is not pruned, in percent.
PRUNED = 90.0  # All levels but level 0 are at or below it.
TOLERANCE = 0.1  # Of P_m, relative: rounds of other percents hit near it.
_ROUNDING = 0.02  # Of P_m, relative: the paper's numbers have two digits.


class NotMeasuredError(Exception):
  """The runs that an estimand needs are not there; says which."""


class View:
  """The runs of one recipe, as estimands ask for them.

  Measures are named by their columns in the table of runs, and P_m is in
  percent. What the runs lack raises `NotMeasuredError`.

  Attributes:
    runs: Table as in `results.Results`, of one recipe.
    percents: P_m of each level.
    length: Iterations of the longest run.
  """

  def __init__(self, runs: pd.DataFrame, speed: str = 'early_stop'):
    """Takes the runs, and the column that stands for early stop."""
    self.runs, self._speed = runs, speed
    self.length = runs.iterations.fillna(0).max()
    tickets = runs[runs.experiment == TICKET]
    self.percents = 100 * tickets.groupby('level').density.mean()
    self._table = functools.cache(self._measured)

  def over(
    self,
    measure: str,
    experiment: str = TICKET,
    highest: float = DENSE,
    lowest: float = 0.0,
  ) -> bounded.Bounded:
    """Returns a measure over trials and the levels from highest to lowest P_m.

    Returns:
      Tables of trials x (level, percent), with means over run ids; NaN where
      there is no run, or one whose measure is missing.
    """
    table = self._table(measure, experiment)
    percents = table.seen.columns.get_level_values('percent')
    seen = table.seen.loc[
      :,
      (percents <= highest * (1 + _ROUNDING))
      & (percents >= lowest * (1 - _ROUNDING)),
    ].dropna(axis=0, how='all')
    if seen.size:
      return table.each(lambda end: end.loc[seen.index, seen.columns])
    which = f'of {lowest:g} to {highest:g}' if lowest else f'<= {highest:g}'
    raise NotMeasuredError(
      f'wanted: runs of {experiment!r} at levels with P_m {which}%'
    )

  def _measured(self, measure: str, experiment: str) -> bounded.Bounded:
    """Returns a measure over all trials and levels of an experiment."""
    is_stop, is_at_stop = measure == 'early_stop', measure == 'accuracy'
    column = self._speed if is_stop else measure
    if column not in self.runs:
      raise NotMeasuredError(f'wanted: runs with their {column}')
    rows = self.runs[self.runs.experiment == experiment]
    values, late = rows[column], rows.censored
    if column == 'loss_stop':  # Never reached, or after the last iteration.
      late = rows.loss_stop_censored.fillna(value=True).astype(bool)
      values = values.where(~late, rows.iterations)
    seen = values.astype('Float64').to_numpy(float, na_value=np.nan)
    rows = rows.assign(
      percent=rows.level.map(self.percents),
      seen=seen,
      # The loss still fell: the true early stop is here or later.
      high=np.where(late & is_stop, np.inf, seen),
      late=(rows.censored & is_at_stop).astype(float),
    )
    keys = ['level', 'percent']
    runs = rows.groupby(['trial', *keys])
    # A mean over those runs that have a value would be another's.
    whole = runs.seen.count() == runs.size()
    tables = (
      runs[x].mean().where(whole).unstack(keys).sort_index(axis=1)
      for x in ('seen', 'seen', 'high', 'late')
    )
    return bounded.Bounded(*tables)

  def at(
    self, measure: str, experiment: str = TICKET, percent: float = DENSE
  ) -> bounded.Bounded:
    """Returns a measure at one level, one number a trial."""
    level = self.level(percent)
    table = self._table(measure, experiment)
    if level in table.seen and table.seen[level].notna().any(axis=None):
      return table.each(lambda end: end[level].iloc[:, 0])
    raise NotMeasuredError(
      f'wanted: runs of {experiment!r} at P_m = {percent:g}% (level {level})'
    )

  def within(self, iterations: float) -> 'View':
    """Returns the runs as they would be, had they been as short as others.

    Learning curves in their rows have all losses that were the lowest so far.
    """
    if self.length <= iterations:
      return self
    if 'row' not in self.runs:
      raise NotMeasuredError('wanted: rows with learning curves')
    stops = [metrics.stops(x['curve'], iterations) for x in self.runs['row']]
    shorter = pd.DataFrame(stops, self.runs.index).assign(iterations=iterations)
    ends = dict.fromkeys(('final_accuracy', 'final_train_accuracy'), np.nan)
    known = self.runs.drop(columns=shorter.columns)
    return View(known.join(shorter).assign(**ends), self._speed)

  def level(self, percent: float) -> int:
    """Returns the level with that P_m, within a tenth of it."""
    distances = np.abs(np.log(self.percents / percent))
    if len(distances) and distances.min() <= TOLERANCE:
      return int(distances.idxmin())
    raise NotMeasuredError(
      f'wanted: runs of {TICKET!r} at a level with P_m = {percent:g}%'
    )


class Study(View):
  """The runs of the main recipe, and those of other recipes beside them.

  The main recipe is the one with tickets that is nearest to the reference.

  Attributes:
    recipe: {name: value} of the main recipe.
    settings: Each recipe with its runs.
    differing: Names of recorded values of the main recipe that are not the
      reference's.
  """

  def __init__(
    self,
    runs: pd.DataFrame,
    reference: dict[str, Any],
    speed: str = 'early_stop',
  ):
    """Finds the main one of the runs' recipes, and takes its runs."""
    self.settings = [
      (json.loads(recipe), View(_unique_trials(_as_tickets(rows)), speed))
      for recipe, rows in runs.groupby(_recipes(runs), sort=True)
    ]

    def departing(recipe: dict[str, Any]) -> list[str]:
      return sorted(
        name
        for name, value in reference.items()
        if recipe.get(name) not in (None, value)
      )

    def distance(setting: tuple[dict[str, Any], View]) -> tuple[bool, int, int]:
      recipe, view = setting
      # Of recipes that differ as much, the one with most runs is the main one.
      return view.percents.empty, len(departing(recipe)), -len(view.runs)

    self.recipe, main = min(self.settings, key=distance)
    self.differing = departing(self.recipe)
    super().__init__(main.runs, speed)

  def varying(
    self,
    what: str,
    wanted: Callable[[dict[str, Any]], bool],
    *names: str,
    least: int = 1,
  ) -> list[View]:
    """Returns the tickets of wanted recipes that differ in nothing but `names`.

    The main recipe's are among them if it is wanted, too. Trainings may have
    other lengths: all are returned as they were within the shortest.

    Args:
      what: What these are, for the error.
      wanted: Function that tells of a recipe whether it is wanted.
      *names: Names of values of recipes.
      least: Least number of such recipes.
    """
    found = [
      view
      for recipe, view in self.settings
      if not view.percents.empty
      and set(differing(recipe, self.recipe)) <= {*names, 'training_len'}
      and wanted(recipe)
    ]
    if len(found) < least:
      raise NotMeasuredError(f'wanted: {what}, and else with the same recipe')
    shortest = min(view.length for view in found)
    return [view.within(shortest) for view in found]


def differing(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
  """Returns the names of the values in which two recipes differ, sorted."""
  names = sorted(first.keys() | second.keys())
  return [name for name in names if first.get(name) != second.get(name)]


def _recipes(runs: pd.DataFrame) -> pd.Series:
  """Returns each run's recipe as JSON, with the way its ticket was found."""
  ways = pd.Series([_way(run) for run in runs.itertuples()], runs.index, object)
  places = [_folders(runs), runs.trial, runs.recipe]
  tickets = ways.where(runs.experiment == TICKET).groupby(places)
  # A control does not prune, so that it takes the way of the ticket beside it.
  beside = tickets.transform('last')
  ways = ways.where((runs.script == LADDER) | beside.isna(), beside)
  recipes = [
    json.loads(recipe) | json.loads(way)
    for recipe, way in zip(runs.recipe, ways, strict=True)
  ]
  texts = [str(x.pop('test data', None) or '') for x in recipes]
  others = [json.dumps(x, sort_keys=True) for x in recipes]
  # Data that are drawn from each trial's seed tell trials apart, not recipes.
  data = runs[['trial']].assign(data=texts)
  counts = data.groupby(others).transform('nunique')
  is_drawn = (counts.data == counts.trial) & (counts.trial > 1)
  for recipe, text in zip(recipes, data.data.mask(is_drawn, ''), strict=True):
    recipe['test data'] = text or None
  return pd.Series([json.dumps(x, sort_keys=True) for x in recipes], runs.index)


def _folders(runs: pd.DataFrame) -> pd.Series:
  """Returns the experiment's folder of each run."""
  return runs.directory.map(lambda path: str(pathlib.Path(path).parents[2]))


def _way(run: Any) -> str:
  """Returns how a ladder is pruned and reset, as JSON."""
  way = {
    'prune_percents': json.loads(run.prune_percents),
    'pruner': run.pruner if isinstance(run.pruner, str) else 'magnitude',
    'reset': run.reset if isinstance(run.reset, (str, int)) else 'initial',
  }
  return json.dumps(way)


def _unique_trials(runs: pd.DataFrame) -> pd.DataFrame:
  """Tells trials apart that have the same name in several experiments.

  Trials whose first tickets have the same weights are copies, and become one.
  """
  folders = _folders(runs)
  first = folders.groupby(runs.trial).transform('first')
  names = runs.trial.where(folders == first, folders + ' ' + runs.trial)
  tickets = runs.assign(trial=names)[runs.experiment == TICKET]
  tickets = tickets.sort_values('level', kind='stable')
  tickets = tickets.drop_duplicates('trial').dropna(subset='checksum')
  originals = tickets.groupby('checksum', sort=False).trial.transform('first')
  known = dict(zip(tickets.trial, originals, strict=True))
  return runs.assign(trial=names.map(lambda name: known.get(name, name)))


def _as_tickets(runs: pd.DataFrame) -> pd.DataFrame:
  """Gives the only ladder the tickets' name, if no run has it already."""
  is_reset = runs.reset.isna() | (runs.reset == 'initial')
  ladder = (runs.script == LADDER) & is_reset
  has_tickets = (runs.experiment == TICKET).any()
  if has_tickets or runs.experiment[ladder].nunique() != 1:
    return runs
  return runs.assign(experiment=runs.experiment.where(~ladder, TICKET))

"""Every finished run of an experiment's folder, as one tidy table."""

import json
import pathlib
from typing import Any, NamedTuple

import pandas as pd

from lottery_ticket.analysis import metrics
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore

COLUMNS = (
  'trial',
  'level',
  'experiment',
  'run_id',
  'density',
  'iterations',
  'early_stop',
  'censored',
  'early_stop_split',
  'accuracy',
  'final_accuracy',
  'recipe',
)


class Results(NamedTuple):
  """The runs of an experiment.

  Attributes:
    runs: A row for each finished run, with `COLUMNS`: `density` is P_m in
      [0, 1], `early_stop` the iteration of minimum loss on `early_stop_split`
      (the validation set, or the test set where there is none), `accuracy`
      the test accuracy then, `final_accuracy` that at the end, `recipe` the
      hyperparameters as JSON.
    problems: {run's folder: why it is not among the runs}.
  """

  runs: pd.DataFrame
  problems: dict[str, str]


def read(experiment_path: str) -> Results:
  """Reads the runs of an experiment; unfinished and damaged ones are named.

  Args:
    experiment_path: The folder of all trials.

  Raises:
    InputError: If there is no finished run.
  """
  rows, problems = [], {}
  for run in paths.find_runs(experiment_path):
    try:
      rows.append(_row(run))
    except errors.InputError as error:
      problems[run.directory] = str(error)
  if not rows:
    raise errors.InputError(f'{experiment_path}: no finished run there')
  return Results(pd.DataFrame(rows, columns=list(COLUMNS)), problems)


def _row(run: paths.Run) -> dict[str, Any]:
  """Returns a finished run's row."""
  directory = run.directory
  record = save_restore.read_json(paths.record(directory))
  split = 'test'
  if pathlib.Path(paths.log(directory, 'validate')).exists():
    split = 'validate'
  stop = metrics.early_stop(save_restore.read_log(paths.log(directory, split)))
  test = save_restore.read_log(paths.log(directory, 'test'))
  masks = masks_lib.check(save_restore.restore_network(paths.masks(directory)))
  return {
    'trial': run.trial,
    'level': run.level,
    'experiment': run.experiment_name,
    'run_id': run.run_id,
    'density': masks_lib.density(masks),
    'iterations': record.get('iterations'),
    'early_stop': stop.iteration,
    'censored': stop.censored,
    'early_stop_split': split,
    'accuracy': metrics.accuracy_at(test, stop.iteration),
    'final_accuracy': float(test['accuracy'][-1]),
    'recipe': json.dumps(_recipe(record), sort_keys=True),
  }


def _recipe(record: dict[str, Any]) -> dict[str, Any]:
  """Returns what runs that are to be compared have in common."""
  configuration = record.get('configuration') or {}
  experiment = configuration.get('experiment') or {}
  recipe = dict(experiment.get('recipe') or {})
  recipe.pop('prune_percents', None)  # Controls do not prune.
  return recipe | {
    'permute_labels': experiment.get('permute_labels', False),
    'test data': (configuration.get('data') or {}).get('test'),
  }


def differences(runs: pd.DataFrame) -> list[str]:
  """Returns the hyperparameters in which runs differ, by name.

  Args:
    runs: As in `Results`.
  """
  recipes = [json.loads(recipe) for recipe in runs['recipe'].unique()]
  names = sorted({name for recipe in recipes for name in recipe})
  return [
    name
    for name in names
    if any(recipe.get(name) != recipes[0].get(name) for recipe in recipes)
  ]


def summarize(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns means and ranges over the runs of each experiment and level.

  Args:
    runs: As in `Results`.

  Returns:
    A row for each experiment and level, with `density`, `runs` (how many),
    `censored` (how many of them), and for each of `early_stop`, `accuracy`
    and `final_accuracy` `{name}_mean`, `{name}_min` and `{name}_max`. Where
    runs are censored the mean of `early_stop` is a lower bound.
  """
  groups = runs.groupby(['experiment', 'level'], sort=True)
  columns = {
    'density': groups['density'].mean(),
    'runs': groups.size(),
    'censored': groups['censored'].sum(),
  }
  for name in ('early_stop', 'accuracy', 'final_accuracy'):
    for statistic in ('mean', 'min', 'max'):
      columns[f'{name}_{statistic}'] = groups[name].agg(statistic)
  return pd.DataFrame(columns).reset_index()

"""Every finished run of an experiment's folder, as one tidy table."""

import json
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lottery_ticket.analysis import metrics
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore

COLUMNS = (
  *('trial', 'level', 'experiment', 'run_id', 'density', 'iterations'),
  *('early_stop', 'censored', 'early_stop_split', 'accuracy'),
  *('final_accuracy', 'recipe', 'remaining', 'final_train_accuracy'),
  *('final_train_loss', 'loss_stop', 'loss_stop_censored', 'seed', 'control'),
  *('script', 'reset', 'ticket_name', 'prune_percents', 'pruner', 'task'),
  *('checksum', 'seconds', 'versions', 'directory'),
)
_TYPES = {
  **dict.fromkeys(('iterations', 'loss_stop'), 'Int64'),
  **dict.fromkeys(
    ('final_train_accuracy', 'final_train_loss', 'seconds'), float
  ),
  'seed': 'UInt64',
}
"""Types of columns in which values may be missing."""
_RUN = ['trial', 'level', 'experiment', 'run_id', 'density']
"""Columns that say which run a row of another table is about."""

_SUMMARIZED = 'early_stop', 'accuracy', 'final_accuracy', 'final_train_accuracy'


class Results(NamedTuple):
  """The runs of an experiment.

  Attributes:
    runs: A row for each finished run, with `COLUMNS`: `density` is P_m in
      [0, 1] and `remaining` the count of weights; `early_stop` the iteration
      of minimum loss on `early_stop_split` (the validation set, or the test
      set where there is none), a lower bound if `censored`; `accuracy` the
      test accuracy then, `final_accuracy` that at the end,
      `final_train_accuracy` and `final_train_loss` those of the whole
      training set at the end (NaN if not recorded); `loss_stop` the first
      iteration at which the loss on `early_stop_split` was at most a fixed
      one, missing where it never was (`loss_stop_censored`); `recipe` the
      hyperparameters that runs to be compared have in common, as JSON;
      `seed` the trial's, `control`, `script`, `reset` and `ticket_name` (of
      the tickets that a control is about) what the run's record says of them,
      missing if not recorded; `prune_percents` (JSON)
      and `pruner`, of no meaning for controls; `task` the experiment folder;
      `checksum` that of the final weights; `seconds` the time of training;
      `versions` those of the software, as JSON; `directory` the run's folder.
    problems: {run's folder: why it is not among the runs}.
  """

  runs: pd.DataFrame
  problems: dict[str, str]


def read(
  experiment_path: str, *, target_loss: float = metrics.TARGET_LOSS
) -> Results:
  """Reads the runs of an experiment; others are named.

  A run is left out where it is unfinished, damaged or has diverged.

  Args:
    experiment_path: The folder of all trials.
    target_loss: The loss that `loss_stop` waits for.

  Raises:
    InputError: If there is no finished run.
  """
  rows, problems = [], {}
  for run in paths.find_runs(experiment_path):
    try:
      rows.append(_row(run, target_loss))
    except errors.InputError as error:
      where = os.path.join(run.directory, '')
      problems[run.directory] = str(error).removeprefix(where)
  if not rows:
    raise errors.InputError(
      f'{experiment_path}: {_why_empty(experiment_path, problems)}'
    )
  runs = pd.DataFrame(rows, columns=list(COLUMNS))
  return Results(runs.astype(_TYPES), problems)


def _why_empty(experiment_path: str, problems: dict[str, str]) -> str:
  """Returns why no finished run was found in a folder."""
  folder = pathlib.Path(experiment_path)
  if not folder.is_dir():
    return 'no such folder'
  if problems:
    directory, why = next(iter(problems.items()))
    count = f'{len(problems)} unfinished, damaged or diverged'
    return f'no finished run there; {count}, like {directory}: {why}'
  found, hint = 'no finished run there', ''
  if (folder / paths.record('')).exists():
    found = 'this is a run'
  elif any(folder.glob('[0-9]*/*/*.json')):
    found = 'this is a trial'
  elif near := sorted(path.parent for path in folder.glob('*/trial*')):
    hint = f'; did you mean {near[0]}?'
  return f'{found}; wanted the folder that holds trial1, trial2, ...{hint}'


def _row(run: paths.Run, target_loss: float) -> dict[str, Any]:
  """Returns a finished run's row."""
  directory = run.directory
  record = records.read(directory)
  if 'diverged' in record:
    iteration = errors.read_integer(record['diverged'])
    raise errors.InputError(f'diverged by iteration {iteration}')
  # Its weights may be gone: they take space, and few figures need them.
  for output in ('masks', 'test.json', 'validate.json'):
    records.check_output(directory, record, output)
  masks = masks_lib.check(save_restore.restore_network(paths.masks(directory)))
  # What identifies a run, with what a script of one's own says.
  said = _part(record, 'description')
  said = _part(said, 'experiment') | said
  recipe, train = _part(said, 'recipe'), _part(record, 'results', 'train')
  seed, reset = errors.read_integer(said.get('seed')), said.get('reset')
  return {
    'trial': run.trial,
    'level': run.level,
    'experiment': run.experiment_name,
    'run_id': run.run_id,
    'density': masks_lib.density(masks),
    'remaining': sum(int(np.count_nonzero(mask)) for mask in masks.values()),
    'iterations': errors.read_integer(record.get('iterations')),
    **_measurements(directory, target_loss),
    'final_train_accuracy': errors.read_number(train.get('accuracy')),
    'final_train_loss': errors.read_number(train.get('loss')),
    'recipe': json.dumps(_recipe(said, record), sort_keys=True),
    'seed': seed if seed is not None and 0 <= seed < 2**64 else pd.NA,
    **{name: _text(said.get(name)) for name in ('control', 'script', 'task')},
    'checksum': _text(_part(record, 'outputs').get('final')),
    'reset': reset if type(reset) is int else _text(reset),
    'ticket_name': _text(_part(record, 'sources').get('ticket_name')),
    'prune_percents': json.dumps(recipe.get('prune_percents'), sort_keys=True),
    'pruner': _text(recipe.get('pruner')),
    'seconds': errors.read_number(record.get('seconds')),
    'versions': json.dumps(_part(record, 'versions'), sort_keys=True),
    'directory': directory,
  }


def _measurements(directory: str, target_loss: float) -> dict[str, Any]:
  """Returns when a run would best have been stopped, and how good it was."""
  split = 'validate'
  if not pathlib.Path(paths.log(directory, split)).exists():
    split = 'test'
  log, test = (save_restore.read_log(directory, s) for s in (split, 'test'))
  path = paths.log(directory, split)
  try:
    stop = metrics.early_stop(log)
    path = paths.log(directory, 'test')
    accuracy = metrics.accuracy_at(test, stop.iteration)
  except errors.InputError as error:
    raise errors.InputError(f'{path}: {error}') from None
  reached = metrics.loss_stop(log, target_loss)
  return {
    'early_stop': stop.iteration,
    'censored': stop.censored,
    'early_stop_split': split,
    'accuracy': accuracy,
    'final_accuracy': float(test['accuracy'][-1]),
    'loss_stop': pd.NA if reached.censored else reached.iteration,
    'loss_stop_censored': reached.censored,
  }


def _part(record: dict[str, Any], *names: str) -> dict[str, Any]:
  """Returns an object inside a record, empty where it is not recorded."""
  for name in names:
    value = record.get(name)
    if value is not None and not isinstance(value, dict):
      raise errors.InputError(f'run.json: {name}: wanted an object')
    record = value or {}
  return record


def _text(value: Any) -> str | None:
  return value if isinstance(value, str) else None


def _recipe(said: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
  """Returns what runs that are to be compared have in common."""
  own = ('training_len', 'batch_size', 'optimizer')  # Where there is no recipe.
  recipe = _part(said, 'recipe') or {
    name: said[name] for name in own if name in said
  }
  # Controls do not prune, and another execution is the same training.
  other = ('prune_percents', 'pruner', 'execution')
  return {
    **{name: value for name, value in recipe.items() if name not in other},
    'permute_labels': said.get('permute_labels', False),
    'test data': _part(record, 'inputs').get('test'),
  }


def curves(runs: pd.DataFrame, split: str = 'test') -> pd.DataFrame:
  """Reads the logs of runs, as one tidy table.

  Args:
    runs: Table as in `Results`; or some of its rows, as each is a file to read.
    split: 'train', 'validate' or 'test'.

  Returns:
    A row for each measurement, with `trial`, `level`, `experiment`, `run_id`
    and `density` of the run, and `iteration`, `loss` and `accuracy`. Runs
    without a log of that split have no rows.
  """
  tables = [pd.DataFrame(columns=[*_RUN, *save_restore.LOG_KEYS])]
  for run in runs.itertuples():
    path = paths.log(run.directory, split)
    if pathlib.Path(path).exists():
      values = {name: getattr(run, name) for name in _RUN}
      log = save_restore.read_log(path)
      tables.append(pd.DataFrame(values | log, columns=tables[0].columns))
  return pd.concat(tables[1:] or tables, ignore_index=True)


Networks = metrics.Networks


def networks(directory: str) -> Networks:
  """Reads the masks and weights in a run's folder.

  Raises:
    InputError: If they are missing or damaged.
  """
  return Networks(
    masks_lib.check(save_restore.restore_network(paths.masks(directory))),
    save_restore.restore_network(paths.initial(directory)),
    save_restore.restore_network(paths.final(directory)),
  )


def differences(runs: pd.DataFrame) -> list[str]:
  """Returns the hyperparameters in which runs (as in `Results`) differ."""
  recipes = [json.loads(recipe) for recipe in runs['recipe'].unique()]
  names = {name for recipe in recipes for name in recipe}
  return sorted(
    name
    for name in names
    if any(recipe.get(name) != recipes[0].get(name) for recipe in recipes)
  )


def summarize(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns means and ranges over the runs of each experiment and level.

  Args:
    runs: Table as in `Results`.

  Returns:
    A row for each experiment and level, with `density`, `runs` and `trials`
    (how many), `censored` (how many runs), and for each of `early_stop`,
    `accuracy`, `final_accuracy` and `final_train_accuracy` `{name}_mean` (over
    trials, of the mean over a trial's runs), `{name}_min` and `{name}_max`
    (over runs). Where runs are censored the mean of `early_stop` is a lower
    bound.
  """
  keys = ['experiment', 'level']
  groups = runs.groupby(keys, sort=True)
  trials = runs.groupby([*keys, 'trial'])[list(_SUMMARIZED)].mean()
  means = trials.groupby(keys, sort=True)
  columns = {
    'density': groups['density'].mean(),
    'runs': groups.size(),
    'trials': means.size(),
    'censored': groups['censored'].sum(),
  }
  for name in _SUMMARIZED:
    columns[f'{name}_mean'] = means[name].mean()
    columns[f'{name}_min'] = groups[name].min()
    columns[f'{name}_max'] = groups[name].max()
  return pd.DataFrame(columns).reset_index()

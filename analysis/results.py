"""Every finished run of an experiment's folder, as one tidy table.

What is known of a run is its row: made of its folder, or read from the file of
rows (see `rows`), so that runs outlive their folders.
"""

import glob
import json
import os
import pathlib
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lottery_ticket.analysis import metrics
from lottery_ticket.analysis import rows as rows_lib
from lottery_ticket.analysis import view
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
  *('checksum', 'seconds', 'versions', 'source', 'directory'),
)
_FLOATS = 'final_train_accuracy', 'final_train_loss', 'seconds'
_TYPES = {
  **dict.fromkeys(_FLOATS, float),
  **{'iterations': 'Int64', 'loss_stop': 'Int64', 'seed': 'UInt64'},
}
"""Types of columns in which values may be missing."""

_SUMMARIZED = 'early_stop', 'accuracy', 'final_accuracy', 'final_train_accuracy'
_ABOUT = ['trial', 'level', 'experiment', 'run_id', 'density']
"""Columns that say which run a row of another table is about."""
_POINTS = 48  # Of a curve, evenly over the logarithm of the iteration.


class Results(NamedTuple):
  """The runs of an experiment.

  Attributes:
    runs: A row for each finished run, with `COLUMNS`: `density` is P_m in
      [0, 1], `remaining` a count of weights; `early_stop` the iteration of
      minimum loss on `early_stop_split` (the test set where there is no
      validation set), a lower bound if `censored`; `accuracy` the test accuracy
      then, `final_...` at the end, of the whole training set NaN if not
      recorded; `loss_stop` the first iteration of a fixed loss on that split,
      missing where it never was reached (`loss_stop_censored`); `recipe` the
      hyperparameters that runs to be compared have in common, as JSON, as
      `prune_percents` and `versions`; `checksum` that of the final weights;
      `seconds` the time of training; `source` the commit that made the run;
      `directory` its folder. The others are what its record says, missing where
      it does not. Then come the numbers of `metrics.statistics`, like `initial
      bimodality layer0`, `barrier` (between the two copies of a network, a
      fraction of test examples) and `row`: all that is known of a run.
    problems: {run's folder: why it is not among the runs}.
    rows: {run, like trial1/7/same_init: row}.
  """

  runs: pd.DataFrame
  problems: dict[str, str]
  rows: dict[str, rows_lib.Row]


def read(
  experiment_path: str,
  *,
  target_loss: float = metrics.TARGET_LOSS,
  beside: str | None = None,
) -> Results:
  """Reads the runs of an experiment; others are named.

  A run is left out where it is unfinished, damaged or has diverged. One whose
  folder is gone is there if there is a row of it.

  Args:
    experiment_path: The folder of all trials.
    target_loss: The loss that `loss_stop` waits for.
    beside: Another folder with rows of these runs.

  Raises:
    InputError: If there is no finished run.
  """
  known = rows_lib.read(beside) if beside else {}
  known |= rows_lib.read(experiment_path)
  problems = dict.fromkeys(
    paths.find_parts(experiment_path), 'under way, or interrupted'
  )
  for run in paths.find_runs(experiment_path):
    name = os.path.relpath(run.directory, experiment_path)
    try:
      record = rows_lib.shorten(records.read(run.directory))
      if known.get(name, {}).get('record') != record:
        known[name] = {'run': name, **_made(run, record)}
      if lines := _lines(run.directory):  # Often measured after the row's run.
        known[name]['lines'] = lines
    except errors.InputError as error:
      known.pop(name, None)
      where = os.path.join(run.directory, '')
      problems[run.directory] = str(error).removeprefix(where)
  if not known:
    why = _why_empty(experiment_path, problems)
    raise errors.InputError(f'{experiment_path}: {why}')
  names = {paths.read_run(os.path.join(experiment_path, x)): x for x in known}
  runs = sorted(names, key=paths.in_order)
  rows = {names[run]: known[names[run]] for run in runs}
  table = pd.DataFrame(
    _columns(run, row, target_loss)
    for run, row in zip(runs, rows.values(), strict=True)
  )
  return Results(table.astype(_TYPES), problems, rows)


def _why_empty(experiment_path: str, problems: dict[str, str]) -> str:
  """Returns why no finished run was found in a folder."""
  folder = pathlib.Path(experiment_path)
  if not folder.is_dir():
    return 'no such folder'
  if problems:
    directory, why = next(iter(problems.items()))
    count = f'{len(problems)} unfinished, damaged or diverged'
    return f'no finished run there; {count}, like {directory}: {why}'
  wanted = 'wanted the folder that holds trial1, trial2, ...'
  if (folder / paths.record('')).exists():
    return f'this is a run; {wanted}'
  if any(folder.glob('[0-9]*/*/*.json')):
    return f'this is a trial; {wanted}'
  near = sorted(path.parent for path in folder.glob('*/trial*'))
  hint = f'; did you mean {near[0]}?' if near else ''
  return f'no finished run there; {wanted}{hint}'


def _made(run: paths.Run, record: dict[str, Any]) -> dict[str, Any]:
  """Returns what a run's folder says; weights take space, and may be gone."""
  directory = run.directory
  if 'diverged' in record:
    iteration = errors.read_integer(record['diverged'])
    raise errors.InputError(f'diverged by iteration {iteration}')
  for output in ('masks', 'test.json', 'validate.json'):
    records.check_output(directory, record, output)
  _described(record)
  masks, initial, final = found = networks(directory)
  trial = str(pathlib.Path(directory).parents[1])
  dense = paths.run(trial, 0, run.experiment_name)
  is_ticket = run.level and not run.run_id and os.path.isdir(dense)
  of_dense = networks(dense) if is_ticket else None
  row = {
    'record': record,
    'density': masks_lib.density(masks),
    'remaining': sum(int(np.count_nonzero(mask)) for mask in masks.values()),
    'layers': {k: [np.count_nonzero(m), m.size] for k, m in masks.items()},
    'curve': _curve(directory),
    'statistics': metrics.statistics(found, of_dense),
  }
  if not run.run_id:  # Figures show these of tickets alone.
    row['connections'] = metrics.ranked_connections(masks)
    row['weights'] = {
      stage: metrics.weight_histograms(masks, weights)
      for stage, weights in (('initial', initial), ('final', final))
      if weights
    }
  # As it will be when it has been read from its file.
  return save_restore.as_json(save_restore.plain(row), 'row')


def _lines(directory: str) -> list[dict[str, Any]]:
  """Returns the lines to a run, as files have them; both copies share one."""
  copies = re.sub('_[12]$', '', directory)
  files = sorted(glob.glob(paths.line(f'{glob.escape(directory)}_from*')))
  if copies != directory and os.path.isfile(paths.line(copies)):
    files.append(paths.line(copies))
  return [save_restore.read_json(path) for path in files]


def networks(directory: str) -> metrics.Networks:
  """Reads a run's masks, and its weights: {} for those that are gone.

  Raises:
    InputError: If the masks are missing, or anything is damaged.
  """
  initial, final = (
    save_restore.restore_network(path) if os.path.isdir(path) else {}
    for path in (paths.initial(directory), paths.final(directory))
  )
  masks = save_restore.restore_network(paths.masks(directory))
  return metrics.Networks(masks_lib.check(masks), initial, final)


def _curve(directory: str) -> dict[str, Any]:
  """Returns the measurements of a run, thinned.

  All that early stop within any number of iterations needs is there: each loss
  that is lower than all before it, and the last.
  """
  is_validated = os.path.exists(paths.log(directory, 'validate'))
  split = 'validate' if is_validated else 'test'
  log, test = (save_restore.read_log(directory, s) for s in (split, 'test'))
  path = paths.log(directory, split)
  try:
    stop = metrics.early_stop(log)
    path = paths.log(directory, 'test')
    metrics.accuracy_at(test, stop.iteration)
  except errors.InputError as error:
    raise errors.InputError(f'{path}: {error}') from None
  last = len(log['loss']) - 1
  losses = np.nan_to_num(log['loss'][1:], nan=np.inf)
  before = np.minimum.accumulate(np.append(np.inf, losses[:-1]))
  spread = np.geomspace(1, max(last, 1), _POINTS).round().astype(int)
  lows = 1 + np.flatnonzero(losses < before)
  places = np.unique([0, last, *lows, *spread[spread <= last]])
  accuracies = dict(zip(test['iteration'], test['accuracy'], strict=True))
  kept = log['iteration'][places]
  return {
    'split': split,
    'iteration': kept,
    'loss': log['loss'][places],
    'accuracy': [float(accuracies.get(k, np.nan)) for k in kept],
    'final_accuracy': float(test['accuracy'][-1]),
  }


def _described(record: dict[str, Any]) -> dict[str, Any]:
  """Returns the columns that a record alone says."""
  # What identifies a run, with what a script of one's own says.
  said = _part(record, 'description')
  said = _part(said, 'experiment') | said
  recipe, train = _part(said, 'recipe'), _part(record, 'results', 'train')
  seed, reset = errors.read_integer(said.get('seed')), said.get('reset')
  commit = _part(record, 'commit')
  changed = ' and changes' if commit.get('changed') else ''
  return {
    'iterations': errors.read_integer(record.get('iterations')),
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
    'source': f'{commit["hash"][:12]}{changed}' if commit else None,
  }


def _columns(
  run: paths.Run, row: rows_lib.Row, target_loss: float
) -> dict[str, Any]:
  """Returns a run's row of the table."""
  found = {
    **_described(row['record']),
    'trial': run.trial,
    'level': run.level,
    'experiment': run.experiment_name,
    'run_id': run.run_id,
    'density': row['density'],
    'remaining': row['remaining'],
    **metrics.stops(row['curve'], target=target_loss),
    'early_stop_split': row['curve']['split'],
    'final_accuracy': row['curve']['final_accuracy'],
    'directory': run.directory,
  }
  more = dict(row['statistics'])
  for line in row.get('lines', ()):
    if 'rewind_to' in line:
      more['barrier'] = line['barrier']
  return {**{k: found[k] for k in COLUMNS}, **more, 'row': row}


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


def curves(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns the thinned learning curves of runs, as one tidy table.

  Args:
    runs: Table as in `Results`, or some of its rows.

  Returns:
    A row for each measurement, with `trial`, `level`, `experiment`, `run_id`
    and `density` of the run, and `iteration`, `loss` (on `early_stop_split`)
    and `accuracy` (on the test set).
  """
  keys = save_restore.LOG_KEYS
  tables = [
    pd.DataFrame({k: run.row['curve'][k] for k in keys}).assign(**run[_ABOUT])
    for _, run in runs.iterrows()
  ]
  return pd.concat(tables or [pd.DataFrame(columns=[*_ABOUT, *keys])])


def lines(runs: pd.DataFrame, by: str) -> pd.DataFrame:
  """Returns the lines between runs and others, as one tidy table.

  Args:
    runs: Table as in `Results`, or some of its rows.
    by: `rewind_to` for those between two copies that start from an iteration,
      `from_level` for those from another level.

  Returns:
    A row for each line, with what `study.stability` has measured: `trial`,
    `level`, `density`, `by`, `barrier`, `loss_barrier`, `averaged`, and the
    lists `alpha`, `error` and `loss`; and `kind`, the name of the run's
    experiment, like `stability500_` of copies that start from iteration 500.
  """
  found = [
    line | {'kind': run.experiment}
    for run in runs[runs.run_id != '1'].itertuples()  # The first of two copies.
    for line in run.row.get('lines', ())
    if by in line
  ]
  columns = ['trial', 'level', 'density', by, 'barrier', 'kind']
  return pd.DataFrame(found, columns=None if found else columns)


def layers(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns how many weights of each layer runs have, as one tidy table.

  Args:
    runs: Table as in `Results`, or some of its rows.

  Returns:
    A row for each run and layer, with `trial`, `level`, `experiment`, `run_id`
    and `density` of the run, `layer`, `weights` and `left`: how many weights it
    has before pruning and in the run.
  """
  return pd.DataFrame(
    dict(run[_ABOUT]) | {'layer': name, 'weights': weights, 'left': left}
    for _, run in runs.iterrows()
    for name, (left, weights) in run['row']['layers'].items()
  )


def differences(runs: pd.DataFrame) -> list[str]:
  """Returns the hyperparameters in which runs (as in `Results`) differ."""
  recipes = [json.loads(recipe) for recipe in runs['recipe'].unique()]
  names = {name for x in recipes for name in view.differing(recipes[0], x)}
  return sorted(names)


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

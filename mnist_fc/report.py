"""Writes a page that says what an experiment found, and how to repeat it."""

import json
import shlex
import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import report as report_lib
from lottery_ticket.analysis import results
from lottery_ticket.analysis import tables
from lottery_ticket.cli import argfiles
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import paper
from lottery_ticket.mnist_fc.argfiles import control_argfile

TICKET = 'same_init'
CONTROL = 'control'
_EXPERIMENT = 'lottery_experiment'


def report(experiment_path: str = constants.EXPERIMENT_PATH) -> None:
  """Judges the paper's claims by the runs of an experiment, on one page.

  Prints the claims that the runs say something of. The page is
  `report/index.html` in the experiment's folder. Figures, the claims as text,
  JSON and CSV, and the runs as CSV lie beside it. Whatever an older report left
  there is replaced.

  Args:
    experiment_path: The folder of all trials.

  Raises:
    InputError: If there is no finished run in the folder.
  """
  found = results.read(experiment_path)
  written = report_lib.write(
    experiment_path, found, paper.CLAIMS, list(commands(found.runs))
  )
  judged = written.judged
  for directory, problem in found.problems.items():
    print(f'left out: {directory}: {problem}', file=sys.stderr)
  print(tables.claims(judged[judged.verdict != claims.NOT_MEASURED]))
  print(written.verdict)
  print(f'report: {written.page}')


def commands(runs: pd.DataFrame) -> Iterator[str]:
  """Yields the commands that would make the same runs again.

  Args:
    runs: As in `results.Results`.

  Yields:
    Lines for a shell; a comment for runs that no argfile makes.
  """
  controls: dict[str, tuple[dict[str, Any], list[str]]] = {}
  names = ['script', 'experiment', 'recipe', 'prune_percents', 'pruner']
  names += ['ticket_name']
  # Early records of controls do not say whose they are.
  runs = runs.assign(ticket_name=runs.ticket_name.fillna(TICKET))
  everyone = _numbers(runs)
  order = {_EXPERIMENT: 0, CONTROL: 1}
  groups = [
    (key[0], key[1], group) for key, group in runs.groupby(names, dropna=False)
  ]
  for script, name, group in sorted(
    groups, key=lambda item: order.get(item[0], len(order))
  ):
    if script == _EXPERIMENT:
      yield from _ladders(name, group)
    elif name in control_argfile.CONTROLS and everyone and _has_seeds(group):
      flags = _repetitions(name, group, everyone)
      line = argfiles.short_line(**flags)
      controls.setdefault(line, (flags, []))[1].append(name)
    else:
      runs = '1 run' if len(group) == 1 else f'{len(group)} runs'
      yield f'# {name}: {runs}, made by {script}'
  for flags, together in controls.values():
    yield _argfile(CONTROL, {'controls': together} | flags)


def _ladders(name: str, runs: pd.DataFrame) -> Iterator[str]:
  """Yields the commands of a ladder: one, or one for each trial."""
  flags = {
    'iterations': runs.level.max(),
    'experiment_name': None if name == TICKET else name,
    'reset': _given(runs.reset.iloc[0], 'initial'),
  } | _recipe_flags(runs)
  if _numbers(runs):
    yield _argfile(_EXPERIMENT, {'trials': runs.trial.nunique()} | flags)
    return
  for trial, seed in runs.groupby('trial', sort=False).seed.first().items():
    folder = f'experiments/trial{trial}'
    own = {'output_dir': folder, 'seed': _given(seed, None)} | flags
    line = argfiles.short_line(**own)
    yield f'python mnist_fc/runners/{_EXPERIMENT}.py {line}'


def _repetitions(
  name: str, runs: pd.DataFrame, everyone: list[int]
) -> dict[str, Any]:
  """Returns the flags of `control_argfile`, but for the control's name."""
  trials = sorted(runs.trial.astype(int).unique().tolist())
  flags = {
    'trials': len(everyone),
    'of_trials': None if trials == everyone else trials,
    'ticket_name': _given(runs.ticket_name.iloc[0], TICKET),
    'levels': sorted(runs.level.unique().tolist()),
    'repetitions': _largest_id(runs),
  } | _recipe_flags(runs)
  if name == 'permuted_labels':
    flags['permute_labels'] = None  # It does so itself.
  return flags


def _largest_id(runs: pd.DataFrame) -> int:
  return max(int(run_id or 1) for run_id in runs.run_id)


def _argfile(script: str, flags: dict[str, Any]) -> str:
  argfile = f'argfiles/{script}_argfile.py {argfiles.short_line(**flags)}'
  if set(argfile) & set('$`\\!'):
    quoted = shlex.quote(argfile)
  else:
    escaped = argfile.replace('"', '\\"')
    quoted = f'"{escaped}"'
  return f'python argfile_runner.py runners/{script}.py {quoted}'


def _numbers(runs: pd.DataFrame) -> list[int]:
  """Returns the trials if they are 1, 2, ... and their seeds too, else []."""
  numbers = [i + 1 for i in range(runs.trial.nunique())]
  return (
    numbers
    if set(runs.trial) == set(map(str, numbers)) and _has_seeds(runs)
    else []
  )


def _has_seeds(runs: pd.DataFrame) -> bool:
  """Says whether the seed of each trial is its number."""
  return bool((runs.seed.astype(str) == runs.trial).all())


def _recipe_flags(runs: pd.DataFrame) -> dict[str, Any]:
  """Returns what makes a recipe: its name, and values that differ from it."""
  values = json.loads(runs.recipe.iloc[0])
  flags = {'permute_labels': values.pop('permute_labels', False) or None}
  values['prune_percents'] = json.loads(runs.prune_percents.iloc[0])
  values['pruner'] = _given(runs.pruner.iloc[0], None)
  changes = {
    name: _changes(values, recipe.configuration())
    for name, recipe in constants.RECIPES.items()
  }
  name = min(changes, key=lambda name: len(changes[name]))
  return flags | {'recipe': _given(name, 'paper')} | changes[name]


def _changes(values: dict, recipe: dict) -> dict[str, Any]:
  """Returns the recorded values of a recipe that are not its own."""
  return {
    name: value
    for name, value in values.items()
    if name in recipe and value is not None and value != recipe[name]
  }


def _given(value: Any, default: Any) -> Any:
  """Returns a flag's value, None where it would be the default."""
  return None if pd.isna(value) or value == default else value

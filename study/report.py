"""Writes a page that says what an experiment found, and how to repeat it."""

import collections
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.study import command as command_lib
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib

if TYPE_CHECKING:  # An extra.
  import pandas as pd

_LADDER, _CONTROL = 'lottery_experiment', 'control'


def report(task: task_lib.Task, /, experiment_path: str | None = None) -> None:
  """Judges the paper's claims by the runs of an experiment, on one page.

  Prints the claims that the runs say something of. The page is
  `report/index.html` in the experiment's folder. Figures, the claims as text,
  JSON and CSV, and the runs as CSV lie beside it. Whatever an older report left
  there is replaced.

  Args:
    task: The experiment folder's.
    experiment_path: The folder of all trials; the task's by default.
  """
  from lottery_ticket.analysis import claims
  from lottery_ticket.analysis import report as report_lib
  from lottery_ticket.analysis import results
  from lottery_ticket.analysis import tables

  experiment_path = experiment_path or task.experiment_path
  found = results.read(experiment_path)
  written = report_lib.write(
    experiment_path, found, commands=list(commands(task, found.runs))
  )
  measured = written.judged[written.judged.verdict != claims.NOT_MEASURED]
  for directory, problem in found.problems.items():
    print(f'left out: {directory}: {problem}', file=sys.stderr)
  if len(measured):
    print(tables.claims(measured))
  print(written.verdict)
  print(f'report: {written.page}')


class _Run(NamedTuple):
  """A run, and what its record says."""

  trial: str
  level: int
  name: str
  run_id: str
  plan: plan_lib.Plan
  record: dict[str, Any]


def commands(task: task_lib.Task, runs: 'pd.DataFrame') -> Iterator[str]:
  """Yields commands that make the same runs, comments where no argfile does."""
  groups: dict[str, list[_Run]] = {}
  strangers: collections.Counter[tuple[str, str]] = collections.Counter()
  for row in runs.itertuples():
    record = records.read(row.directory)
    described = record.get('description', {})
    try:
      plan = plan_lib.restore(task, described)
    except errors.InputError:
      strangers[row.experiment, described.get('script', 'others')] += 1
      continue
    run = _Run(row.trial, row.level, row.experiment, row.run_id, plan, record)
    groups.setdefault(json.dumps(_key(task, run)), []).append(run)
  everyone = _numbers([run for group in groups.values() for run in group])
  together: dict[str, tuple[command_lib.Flags, list[str]]] = {}
  for key, group in groups.items():
    script, name, flags = json.loads(key)
    if script == _LADDER:
      yield from _ladders(task, group, flags)
    elif script == _CONTROL and name in controls.CONTROLS and everyone:
      flags = _repetitions(group, everyone) | flags
      line = argfiles.short_line(**flags)
      together.setdefault(line, (flags, []))[1].append(name)
    else:
      strangers[name, script] += len(group)
  for flags, those in together.values():
    yield _argfile(_CONTROL, {'controls': those} | flags)
  for (name, script), count in strangers.items():
    said = '1 run' if count == 1 else f'{count} runs'
    yield f'# {name}: {said}, made by {script}'


def _key(task: task_lib.Task, run: _Run) -> tuple[str, str, command_lib.Flags]:
  """Returns script, name and flags that runs of one command have in common."""
  flags: command_lib.Flags = {}
  if run.plan.script == _LADDER:
    flags = {'experiment_name': run.name, 'reset': run.plan.settings['reset']}
  elif run.plan.script == _CONTROL:
    sources = run.record['sources']
    flags = {'ticket_name': sources.get('ticket_name', names.TICKET)}
  flags = command_lib.without_defaults(task, flags)
  labels = command_lib.labels_and_order(run.plan)
  recipe = command_lib.recipe_flags(task, run.plan.recipe.configuration())
  return run.plan.script, run.name, flags | labels | recipe


def _ladders(
  task: task_lib.Task, runs: Sequence[_Run], flags: command_lib.Flags
) -> Iterator[str]:
  """Yields the commands of a ladder: one, or one for each trial."""
  last = {run.trial: run for run in sorted(runs, key=lambda run: run.level)}
  if _numbers(runs):
    levels = max(run.level for run in runs)
    yield _argfile(_LADDER, {'trials': len(last), 'iterations': levels} | flags)
    return
  for trial, run in last.items():
    folder = paths.run(f'experiments/trial{trial}', run.level, run.name)
    yield command_lib.of_run(task, {**run.record, 'sources': {}}, folder)


def _repetitions(
  runs: Sequence[_Run], everyone: list[int]
) -> command_lib.Flags:
  """Returns the flags of `control_argfile` that say how many."""
  trials = sorted({int(run.trial) for run in runs})
  flags = {
    'trials': len(everyone),
    'of_trials': None if trials == everyone else trials,
    'levels': sorted({int(run.level) for run in runs}),
    'repetitions': max(int(run.run_id or 1) for run in runs),
  }
  return {name: value for name, value in flags.items() if value is not None}


def _numbers(runs: Sequence[_Run]) -> list[int]:
  """Returns the trials if they are 1, 2, ... and their seeds too, else []."""
  trials = {run.trial for run in runs}
  numbers = [i + 1 for i in range(len(trials))]
  are_seeds = all(str(run.plan.seed) == run.trial for run in runs)
  return numbers if trials == set(map(str, numbers)) and are_seeds else []


def _argfile(script: str, flags: command_lib.Flags) -> str:
  argfile = f'argfiles/{script}_argfile.py {argfiles.short_line(**flags)}'
  if set(argfile) & set('$`\\!'):
    quoted = shlex.quote(argfile)
  else:
    escaped = argfile.replace('"', '\\"')
    quoted = f'"{escaped}"'
  return f'python argfile_runner.py runners/{script}.py {quoted}'

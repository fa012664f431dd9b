"""Commands that make runs again, from what their records say."""

import collections
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib

if TYPE_CHECKING:  # An extra.
  import pandas as pd

Flags = dict[str, Any]

_LADDER, _CONTROL = 'lottery_experiment', 'control'
_DEFAULTS = {
  'experiment_name': names.TICKET,
  'ticket_name': names.TICKET,
  'no_reset_name': names.NO_RESET,
  'reset': 'initial',
}
"""{flag: value} that need not be said."""


def of_run(task: task_lib.Task, record: dict[str, Any], directory: str) -> str:
  """Returns the command that makes a run of a record, in a folder."""
  plan = plan_lib.restore(task, record.get('description', {}))
  sources = record.get('sources', {})
  flags: Flags = {'output_dir': directory, 'level': plan.level}
  script, settings = plan.script, dict(plan.settings)
  if script == 'stability':  # Which makes both copies, as the ladder says.
    given = {'rewind_to': [settings['rewind_to']], **sources}
    line = argfiles.short_line(**_to_be_said(task, given))
    return f'python {task.name}/runners/{script}.py {line}'
  if script == _LADDER:
    trial_dir = os.path.dirname(os.path.dirname(directory))
    flags = {'output_dir': trial_dir, 'iterations': plan.level}
  elif script == _CONTROL and 'trial_dir' not in sources:
    script = 'reinitialize'  # The same run by another name.
    del settings['control']
  flags |= _to_be_said(task, {**settings, **sources})
  flags |= {'seed': plan.seed, **_common(task, plan)}
  runner = f'{task.name}/runners/{script}.py'
  return f'python {runner} {argfiles.short_line(**flags)}'


def _to_be_said(task: task_lib.Task, flags: Mapping[str, Any]) -> Flags:
  """Returns the flags without defaults."""
  defaults = dict(_DEFAULTS)
  if task.location:
    defaults[task.location] = os.path.abspath(task.choose()[1])
  return {k: value for k, value in flags.items() if value != defaults.get(k)}


def _common(task: task_lib.Task, plan: plan_lib.Plan) -> Flags:
  """Returns flags of labels, order (where no control sets them) and recipe."""
  row = controls.CONTROLS.get(plan.settings.get('control', ''))
  flags: Flags = {}
  if plan.permute_labels and not (row and row.permutes_labels):
    flags['permute_labels'] = True
  order = plan_lib.own_order(plan.description())
  if order is not None and not (row and row.reorders):
    flags['train_order_seed'] = order
  values, changes = plan.recipe.configuration(), {}
  for name, recipe in task.recipes.items():
    known = recipe.configuration()
    changes[name] = {k: v for k, v in values.items() if v != known.get(k)}
  nearest = min(changes, key=lambda name: len(changes[name]))
  if nearest != next(iter(task.recipes)):
    flags['recipe'] = nearest
  return flags | changes[nearest]


def of_runs(task: task_lib.Task, runs: 'pd.DataFrame') -> Iterator[str]:
  """Yields commands that make the same runs, comments where no argfile does."""
  groups: dict[str, list[Any]] = collections.defaultdict(list)
  strangers: collections.Counter[tuple[str, str]] = collections.Counter()
  for run in runs.itertuples():
    described = run.row['record'].get('description', {})
    try:
      plan = plan_lib.restore(task, described)
    except errors.InputError:
      strangers[run.experiment, described.get('script', 'others')] += 1
    else:
      groups[json.dumps(_key(task, plan, run))].append(run)
  everyone = _numbers([run for group in groups.values() for run in group])
  together: dict[str, tuple[Flags, list[str]]] = {}
  for key, group in groups.items():
    script, name, flags = json.loads(key)
    if script == _LADDER:
      yield from _ladders(task, group, flags)
    elif script == _CONTROL and name in controls.CONTROLS and everyone:
      trials = sorted({int(run.trial) for run in group})
      some = {} if trials == everyone else {'of_trials': trials}
      levels = sorted({int(run.level) for run in group})
      count = max(int(run.run_id or 1) for run in group)
      own = {'trials': len(everyone), **some, 'levels': levels}
      flags = own | {'repetitions': count} | flags
      line = argfiles.short_line(**flags)
      together.setdefault(line, (flags, []))[1].append(name)
    else:
      strangers[name, script] += len(group)
  for flags, those in together.values():
    yield argfile(task, _CONTROL, {'controls': those} | flags)
  for (name, script), count in strangers.items():
    said = '1 run' if count == 1 else f'{count} runs'
    yield f'# {name}: {said}, made by {script}'


def _key(task: task_lib.Task, plan: plan_lib.Plan, run: Any) -> tuple:
  """Returns script, name and flags that runs of one command have in common."""
  sources = run.row['record'].get('sources', {})
  flags: Flags = {}
  if plan.script == _LADDER:
    own = {'experiment_name': run.experiment}
    flags = {**plan.settings, **own, **_start(sources)}
  elif plan.script == _CONTROL and 'ticket_name' in sources:
    flags = {'ticket_name': sources['ticket_name']}
  said = _to_be_said(task, flags) | _common(task, plan)
  return plan.script, run.experiment, said


def _ladders(task: task_lib.Task, runs: list, flags: Flags) -> Iterator[str]:
  """Yields the commands of a ladder: one, or one for each trial."""
  runs = sorted(runs, key=lambda run: run.level)
  last = {run.trial: run for run in runs}
  if _numbers(runs) and not flags.keys() & {'masks', 'presets'}:
    count = {'trials': len(last), 'iterations': runs[-1].level}
    yield argfile(task, _LADDER, count | flags)
    return
  for trial, run in last.items():
    folder = paths.run(f'experiments/trial{trial}', run.level, run.experiment)
    record = run.row['record']
    sources = _start(record.get('sources', {}))
    yield of_run(task, {**record, 'sources': sources}, folder)


def _start(sources: Mapping[str, Any]) -> Flags:
  """Returns where a ladder's first masks and weights came from."""
  return {k: sources[k] for k in ('masks', 'presets') if k in sources}


def _numbers(runs: list) -> list[int]:
  """Returns the trials if they are 1, 2, ... and their seeds too, else []."""
  seeds = [str(run.row['record']['description']['seed']) for run in runs]
  pairs = set(zip((run.trial for run in runs), seeds, strict=True))
  numbers = list(range(1, len(pairs) + 1))
  return numbers if pairs == {(str(n), str(n)) for n in numbers} else []


def argfile(task: task_lib.Task, script: str, flags: Flags) -> str:
  """Returns the command that runs the jobs of an argfile."""
  path = f'{task.name}/argfiles/{script}_argfile.py'
  given = f'{path} {argfiles.short_line(**flags)}'.strip()
  quoted = '"' + given.replace('"', '\\"') + '"'
  if set(given) & set('$`\\!'):
    quoted = shlex.quote(given)
  return f'python argfile_runner.py {task.name}/runners/{script}.py {quoted}'

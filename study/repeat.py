"""Runs a finished run again, and says whether the bytes agree."""

import contextlib
import io
import os
import sys
import tempfile
from typing import Any, NamedTuple

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.study import commands
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib

Task = task_lib.Task

RECORDED, CHANGED, MISSING = 'as recorded', 'CHANGED', 'not there'
"""What has become of an output where the run lies."""
SAME, OTHER = 'the same bytes', 'OTHER BYTES'
"""What the repetition gave."""


class Repetition(NamedTuple):
  """What came of repeating a run."""

  stored: dict[str, str]  # {output: RECORDED, CHANGED or MISSING}, of the run.
  repeated: dict[str, str]  # {output: SAME or OTHER}, of its repetition.
  # {what: (then, now)}, of versions, processor and threads that differ.
  environment: dict[str, tuple[Any, Any]]
  command: str  # The command line that makes the run.

  @property
  def agrees(self) -> bool:
    """Whether all bytes agree, those that are stored (if they are) as well."""
    found = [*self.repeated.values(), *self.stored.values()]
    return {OTHER, CHANGED}.isdisjoint(found)

  def __str__(self) -> str:
    width = max(map(len, self.stored))
    lines = [f'made by: {self.command}']
    for name, stored in self.stored.items():
      now = self.repeated[name]
      lines.append(f'{name:{width}}  stored: {stored:11}  now: {now}')
    for name, (then, now) in self.environment.items():
      lines.append(f'{name}: {then} then, {now} now')
    other = [name for name, what in self.repeated.items() if what == OTHER]
    changed = [name for name, what in self.stored.items() if what == CHANGED]
    verdict = f'repeated: all {len(self.repeated)} outputs have the same bytes'
    if other:
      verdict = f'not repeated: other bytes in {", ".join(other)}'
    if changed:
      verdict += f'; changed since the run: {", ".join(changed)}'
    return '\n'.join([*lines, verdict])


def repeat(
  task: Task, run: str, /, *, output_dir: str | None = None, **location: Any
) -> None:
  """Runs a finished run again and says whether the bytes agree.

  Ends with exit code 0 if they all do, 1 if not. Masks and initial weights are
  read from the run's folder, or from where they came from, or drawn anew; they
  must have the bytes that the run was given.

  Args:
    run: The run's folder, or its run.json, wherever that is by now.
    output_dir: A new folder for what comes of it; by default none is kept.
    **location: Folder of its data, if they have moved.

  Examples:
    experiments/trial1/9/same_init
    runs/run.json --output_dir=again
  """
  found = make_again(task, run, output_dir=output_dir, **location)
  print(found)
  if not found.agrees:
    sys.exit(1)


def make_again(
  task: Task, run: str, *, output_dir: str | None = None, **location: Any
) -> Repetition:
  """Makes a finished run again, and compares; arguments are as of `repeat`."""
  path = paths.record(run) if os.path.isdir(run) else run
  folder = os.path.dirname(os.path.abspath(path))
  record = records.read(run)
  outputs, inputs = record.get('outputs'), record.get('inputs')
  try:
    plan = plan_lib.restore(task, record.get('description', {}))
    if not outputs or not inputs:
      raise errors.InputError('no checksums of its outputs are recorded')
    stored = {name: _stored(folder, name, outputs[name]) for name in outputs}
    sources = record.get('sources', {})
    # As said, as recorded, or as usual.
    place = str(sources.get(task.location))
    if any(location.values()) or not os.path.isdir(place):
      place = task.choose(**location)[1]
    plan = plan.replace(sources=sources, location=place)
    dataset, model = _given(plan, folder, stored, inputs)
  except errors.InputError as error:
    raise errors.InputError(f'{path}: cannot be repeated: {error}') from None
  if output_dir and os.path.lexists(output_dir):
    is_empty = os.path.isdir(output_dir) and not os.listdir(output_dir)
    if not is_empty:
      raise errors.InputError(f'output_dir: {output_dir}: wanted a new folder')
  with tempfile.TemporaryDirectory(prefix='lottery_ticket_') as scratch:
    again = os.path.abspath(output_dir or f'{scratch}/again')
    with (
      # What it says is of this repetition's folder, which nobody asked about.
      contextlib.redirect_stdout(io.StringIO()),
      contextlib.suppress(errors.DivergedError),  # The record says so.
    ):
      plan.train(dataset, model, again, record.get('execution'))
    made = records.read(again)
  then, now = (
    each.get('versions', {})
    | {f'{kind} threads': n for kind, n in each.get('threads', {}).items()}
    for each in (record, made)
  )
  both = {name: (then.get(name), now.get(name)) for name in sorted(then | now)}
  differing = {k: v for k, v in both.items() if len(set(v)) > 1}
  repeated = dict.fromkeys(outputs, OTHER)
  for name, checksum in made['outputs'].items():
    if outputs.get(name) == checksum:
      repeated[name] = SAME
  command = commands.of_run(task, record, folder)
  return Repetition(stored, repeated, differing, command)


def _stored(folder: str, name: str, checksum: str) -> str:
  if not os.path.lexists(os.path.join(folder, name)):
    return MISSING
  with contextlib.suppress(errors.InputError):
    if records.checksum(folder, name) == checksum:
      return RECORDED
  return CHANGED


def _given(plan: plan_lib.Plan, run: str, stored: dict, inputs: dict) -> tuple:
  """Returns the data and the network that the run was given."""
  dataset = plan.make_dataset()
  networks = {name: plan.sources.get(name) for name in ('presets', 'masks')}
  for argument, name in {'presets': 'initial', 'masks': 'masks'}.items():
    if stored.get(name) == RECORDED:
      networks[argument] = os.path.join(run, name)
  model = plan.make_model(**networks)
  model.build(dataset.train.values(slice(1)))
  weights = model.get_current_weights()
  there = {
    'masks': ('masks', save_restore.checksum(model.masks)),
    'initial': ('initial weights', save_restore.checksum(weights)),
  }
  for name, split in dataset.splits.items():
    there[name] = f'{name} data', split.checksum
  for name, (what, checksum) in there.items():
    if checksum != inputs.get(name):
      said = f'the {what} that are there are not those of the run'
      if name in dataset.splits:
        said += f'; --{plan.task.location} says where these are'
      raise errors.InputError(said)
  return dataset, model

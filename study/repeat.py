"""Runs a finished run again, and says whether the bytes agree."""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.study import commands
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib

RECORDED, CHANGED, MISSING = 'as recorded', 'CHANGED', 'not there'
"""What has become of an output where the run lies."""
SAME, OTHER = 'the same bytes', 'OTHER BYTES'
"""What the repetition gave."""


class Repetition(NamedTuple):
  """What came of repeating a run.

  Attributes:
    stored: {output: RECORDED, CHANGED or MISSING}, of the run that is repeated.
    repeated: {output: SAME or OTHER}, of its repetition.
    environment: {what: (then, now)}, of versions, processor and threads that
      are not the same.
    command: The command line that makes the run.
  """

  stored: dict[str, str]
  repeated: dict[str, str]
  environment: dict[str, tuple[Any, Any]]
  command: str

  @property
  def agrees(self) -> bool:
    """Whether all bytes agree, those that are stored (if they are) as well."""
    return not {OTHER, CHANGED}.intersection(
      [*self.repeated.values(), *self.stored.values()]
    )

  def __str__(self) -> str:
    """Returns what to tell people: a table, and a verdict."""
    width = max(map(len, self.stored))
    lines = [f'made by: {self.command}']
    for name, stored in self.stored.items():
      now = self.repeated[name]
      lines.append(f'{name:{width}}  stored: {stored:11}  now: {now}')
    for name, (then, now) in self.environment.items():
      lines.append(f'{name}: {then} then, {now} now')
    other = [name for name, is_ in self.repeated.items() if is_ == OTHER]
    changed = [name for name, is_ in self.stored.items() if is_ == CHANGED]
    verdict = f'repeated: all {len(self.repeated)} outputs have the same bytes'
    if other:
      verdict = f'not repeated: other bytes in {", ".join(other)}'
    if changed:
      verdict += f'; changed since the run: {", ".join(changed)}'
    return '\n'.join([*lines, verdict])


def repeat(
  task: task_lib.Task,
  run: str,
  /,
  *,
  output_dir: str | None = None,
  **location: Any,
) -> None:
  """Runs a finished run again and says whether the bytes agree.

  Ends with exit code 0 if they all do, 1 if not. Masks and initial weights are
  read from the run's folder, or from where they came from, or drawn anew; they
  must have the bytes that the run was given.

  Args:
    run: The run's folder, or its run.json, wherever that is by now.
    output_dir: A new folder in which to keep what comes of it; by default
      nothing is kept.
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
  task: task_lib.Task,
  run: str,
  *,
  output_dir: str | None = None,
  **location: Any,
) -> Repetition:
  """Makes a finished run again, and compares; arguments are as of `repeat`."""
  is_folder = os.path.isdir(run)
  folder = os.path.abspath(run if is_folder else os.path.dirname(run))
  path = paths.record(run) if is_folder else run
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
  # What it is told of is this repetition's folder, which nobody asked about.
  with (
    _output_dir(output_dir) as again,
    contextlib.redirect_stdout(io.StringIO()),
  ):
    with contextlib.suppress(errors.DivergedError):  # The record says so.
      plan.train(dataset, model, again, record.get('execution'))
    made = records.read(again)
  then, now = _environment(record), _environment(made)
  both = {name: (then.get(name), now.get(name)) for name in sorted(then | now)}
  return Repetition(
    stored,
    {
      name: SAME if made['outputs'].get(name) == checksum else OTHER
      for name, checksum in outputs.items()
    },
    {name: values for name, values in both.items() if len(set(values)) > 1},
    commands.of_run(task, record, folder),
  )


def _stored(folder: str, name: str, checksum: str) -> str:
  """Says what has become of an output."""
  if not os.path.lexists(os.path.join(folder, name)):
    return MISSING
  with contextlib.suppress(errors.InputError):
    if records.checksum(folder, name) == checksum:
      return RECORDED
  return CHANGED


def _given(
  plan: plan_lib.Plan,
  folder: str,
  stored: Mapping[str, str],
  inputs: Mapping[str, str],
) -> tuple[Any, Any]:
  """Returns the data and the network that the run was given."""
  dataset = plan.make_dataset()
  networks = {
    argument: os.path.join(folder, name)
    if stored.get(name) == RECORDED
    else plan.sources.get(argument)
    for argument, name in (('presets', 'initial'), ('masks', 'masks'))
  }
  model = plan.make_model(**networks)
  model.build(dataset.train.values(slice(1)))
  hint = f'; --{plan.task.location} says where these are'
  for name, what, checksum in (
    ('masks', 'masks', save_restore.checksum(model.masks)),
    (
      'initial',
      'initial weights',
      save_restore.checksum(model.get_current_weights()),
    ),
    *(
      (name, f'{name} data', split.checksum)
      for name, split in dataset.splits.items()
    ),
  ):
    if checksum != inputs.get(name):
      raise errors.InputError(
        f'the {what} that are there are not those of the run'
        f'{hint if what.endswith("data") else ""}'
      )
  return dataset, model


@contextlib.contextmanager
def _output_dir(output_dir: str | None) -> Iterator[str]:
  """Yields a new folder: the one that is asked for, or one that is removed."""
  if output_dir is None:
    with tempfile.TemporaryDirectory(prefix='lottery_ticket_') as folder:
      yield os.path.join(folder, 'again')
    return
  if os.path.lexists(output_dir):
    is_empty = os.path.isdir(output_dir) and not os.listdir(output_dir)
    if not is_empty:
      raise errors.InputError(f'output_dir: {output_dir}: wanted a new folder')
  yield os.path.abspath(output_dir)


def _environment(record: Mapping[str, Any]) -> dict[str, Any]:
  threads = record.get('threads', {})
  named = {f'{kind} threads': count for kind, count in threads.items()}
  return {**record.get('versions', {}), **named}

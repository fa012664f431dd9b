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
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import calls
from lottery_ticket.mnist_fc import common
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib

LADDER = 'lottery_experiment'

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
    command: The command line that made the run, if it is recorded.
  """

  stored: dict[str, str]
  repeated: dict[str, str]
  environment: dict[str, tuple[Any, Any]]
  command: str | None

  @property
  def agrees(self) -> bool:
    """Whether all bytes agree, those that are stored (if they are) as well."""
    return OTHER not in self.repeated.values() and CHANGED not in (
      self.stored.values()
    )


class _Source(NamedTuple):
  """A run to repeat, as its record describes it."""

  path: str
  folder: str
  record: dict[str, Any]
  recipe: recipe_lib.Recipe
  seed: int
  level: int

  @property
  def inputs(self) -> dict[str, Any]:
    return self.record.get('inputs', {})

  @property
  def experiment(self) -> dict[str, Any]:
    return self.record['description']

  @property
  def call(self) -> dict[str, Any]:
    call = self.record.get('sources', {}).get('call')
    return call if isinstance(call, dict) else {}

  @property
  def outputs(self) -> dict[str, str]:
    return self.record['outputs']


def repeat(
  run: str,
  /,
  *,
  output_dir: str | None = None,
  mnist_location: str | None = None,
) -> None:
  """Runs a finished run again and says whether the bytes agree.

  Ends with exit code 0 if they all do, 1 if not. A network that it was given
  is read from its folder, if its bytes are as recorded. Without the folder the
  call that made the run is made again, for a ticket from level 0 on.

  Args:
    run: The run's folder, or its run.json, wherever that is by now.
    output_dir: A new folder in which to keep what comes of it; by default
      nothing is kept.
    mnist_location: Folder of its data, if they have moved.

  Raises:
    InputError: Before any training, if it was not made by a script of
      `mnist_fc`, something it was made from is missing or has changed, or
      `output_dir` holds anything.
    SystemExit: With code 1, if bytes disagree.
  """
  found = make_again(run, output_dir=output_dir, mnist_location=mnist_location)
  if found.command:
    print(f'made by: {found.command}')
  width = max(map(len, found.stored))
  for name, stored in found.stored.items():
    print(f'{name:{width}}  stored: {stored:11}  now: {found.repeated[name]}')
  for name, (then, now) in found.environment.items():
    print(f'{name}: {then} then, {now} now')
  print(_verdict(found))
  if not found.agrees:
    sys.exit(1)


def _verdict(found: Repetition) -> str:
  total = len(found.repeated)
  other = [name for name, is_ in found.repeated.items() if is_ == OTHER]
  changed = [name for name, is_ in found.stored.items() if is_ == CHANGED]
  lines = [f'repeated: all {total} outputs have the same bytes']
  if other:
    lines = [f'not repeated: other bytes in {", ".join(other)}']
  if changed:
    lines.append(f'changed since the run: {", ".join(changed)}')
  return '; '.join(lines)


def make_again(
  run: str,
  *,
  output_dir: str | None = None,
  mnist_location: str | None = None,
) -> Repetition:
  """Makes a finished run again.

  Args:
    run: As in `repeat`.
    output_dir: As in `repeat`.
    mnist_location: As in `repeat`.

  Returns:
    How what came of it compares with the record.

  Raises:
    InputError: As `repeat` does.
  """
  source = _read(run)
  location = _data(source, mnist_location)
  stored = {name: _stored(source, name) for name in source.outputs}
  # What it is told of is this repetition's folder, which nobody asked about.
  with (
    _output_dir(output_dir) as folder,
    contextlib.redirect_stdout(io.StringIO()),
  ):
    made = _make(source, stored, location, folder)
    record = records.read(made)
  return Repetition(
    stored,
    {
      name: SAME if record['outputs'].get(name) == checksum else OTHER
      for name, checksum in source.outputs.items()
    },
    _differences(_environment(source.record), _environment(record)),
    calls.command(source.call) if calls.script(source.call) else None,
  )


def _read(run: str) -> _Source:
  """Reads what is to be repeated.

  Raises:
    InputError: If it is no finished run of a script.
  """
  is_folder = os.path.isdir(run)
  folder = run if is_folder else os.path.dirname(run)
  path = paths.record(run) if is_folder else run
  record = records.read_file(path)
  experiment = record.get('description', {})
  if not experiment.get('recipe') or 'script' not in experiment:
    raise errors.InputError(
      f'{path}: not made by a script of mnist_fc: no recipe is recorded'
    )
  if not record.get('outputs'):
    raise errors.InputError(f'{path}: no checksums of its outputs are recorded')
  recipe = recipe_lib.Recipe().replace(**experiment['recipe'])
  errors.check_integer('level', experiment.get('level'), least=0)
  return _Source(
    path,
    os.path.abspath(folder),
    record,
    recipe,
    seeds.check(experiment.get('seed')),
    experiment['level'],
  )


def _data(source: _Source, mnist_location: str | None) -> str:
  """Returns the folder of the run's data: as said, as recorded, or as usual."""
  if mnist_location is not None:
    return os.path.abspath(mnist_location)
  recorded = source.call.get('arguments', {}).get('mnist_location')
  if isinstance(recorded, str):
    start = str(source.call.get('folder', ''))
    location = os.path.abspath(os.path.join(start, recorded))
    if os.path.isdir(location):
      return location
  return os.path.abspath(constants.MNIST_LOCATION)


def _stored(source: _Source, name: str) -> str:
  """Says what has become of an output."""
  if not os.path.lexists(os.path.join(source.folder, name)):
    return MISSING
  with contextlib.suppress(errors.InputError):
    if records.checksum(source.folder, name) == source.outputs[name]:
      return RECORDED
  return CHANGED


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


def _make(
  source: _Source, stored: Mapping[str, str], location: str, folder: str
) -> str:
  """Trains again and returns the run's folder."""
  dataset = _dataset(source, location)
  _check_data(source, dataset)
  wanted = _wanted(source, dataset)
  lacking = [name for name in wanted.values() if stored.get(name) != RECORDED]
  if not lacking:
    networks = {
      argument: save_restore.restore_network(os.path.join(source.folder, name))
      for argument, name in wanted.items()
    }
    return _train(source, dataset, networks, folder)
  try:
    return _call(source, location, folder)
  except errors.InputError as error:
    states = [f'{name} {stored.get(name, MISSING)}' for name in lacking]
    raise errors.InputError(
      f'{source.path}: cannot be repeated: {", ".join(states)},'
      f' and the call that made it cannot be made again: {error}'
    ) from None


def _dataset(source: _Source, location: str) -> Any:
  permuted = source.experiment.get('permute_labels', False)
  return common.make_dataset(source.recipe, location, source.seed, permuted)


def _check_data(source: _Source, dataset: Any) -> None:
  recorded = source.inputs
  for name, split in dataset.splits.items():
    if split.checksum != recorded.get(name):
      raise errors.InputError(
        f'{source.path}: the {name} data are not those of the run;'
        ' --mnist_location says where these are'
      )


def _wanted(source: _Source, dataset: Any) -> dict[str, str]:
  """Returns which networks the run was given: {argument: output}."""
  model = _model(source)
  model.build(dataset.train.inputs[:1])
  wanted = {}
  if source.inputs.get('initial') != save_restore.checksum(
    model.get_current_weights()
  ):
    wanted['presets'] = paths.initial('')
  if source.inputs.get('masks') != save_restore.checksum(model.masks):
    wanted['masks'] = paths.masks('')
  return wanted


def _model(source: _Source, **networks: Any) -> Any:
  seed = seeds.integer(source.seed, 'model')
  return common.make_model(source.recipe, seed, **networks)


def _train(
  source: _Source, dataset: Any, networks: dict[str, Any], folder: str
) -> str:
  """Trains from the networks that the run was given."""
  described = {
    name: value
    for name, value in source.experiment.items()
    if name not in ('seed', 'level', 'recipe', 'train_order_seed')
  }
  model = _model(source, **networks)
  _check_ticket(source, dataset, model)
  with calls.during(source.call):
    common.train_model(
      source.recipe,
      dataset,
      model,
      folder,
      seed=source.seed,
      level=source.level,
      train_order_seed=source.experiment.get('train_order_seed'),
      overwrite=False,
      checkpoints=[
        int(name.removeprefix('checkpoint'))
        for name in source.outputs
        if name.startswith('checkpoint')
      ],
      **described,
    )
  return folder


def _check_ticket(source: _Source, dataset: Any, model: Any) -> None:
  """Checks that training starts where the run did."""
  model.build(dataset.train.inputs[:1])
  start = save_restore.checksum(model.get_current_weights())
  masks = save_restore.checksum(model.masks)
  for what, is_same in (
    ('masks', masks == source.inputs.get('masks')),
    ('initial weights', start == source.inputs.get('initial')),
  ):
    if not is_same:
      raise errors.InputError(
        f'{source.path}: the {what} are not those of the run'
      )


def _call(source: _Source, location: str, folder: str) -> str:
  """Makes the call that made the run; an experiment's, up to its level."""
  is_ladder = calls.script(source.call) == LADDER
  changes: dict[str, Any] = {
    'output_dir': folder,
    'mnist_location': location,
    'overwrite': None,
  }
  if is_ladder:
    changes['iterations'] = source.level
  made = os.path.normpath(os.path.join(folder, str(source.call.get('run', ''))))

  def check(output_dir: str, dataset: Any, model: Any) -> None:
    path = os.path.abspath(output_dir)
    if os.path.commonpath([path, folder]) != folder:
      raise errors.InputError(f'it would write to {path}')
    # Of a level that is found again, what comes out is to be seen.
    if path == made and not (is_ladder and source.level):
      _check_ticket(source, dataset, model)

  with calls.checked_by(check):
    calls.make_again(source.call, **changes)
  return made


def _environment(record: Mapping[str, Any]) -> dict[str, Any]:
  threads = record.get('threads', {})
  named = {f'{kind} threads': count for kind, count in threads.items()}
  return {**record.get('versions', {}), **named}


def _differences(
  then: dict[str, Any], now: dict[str, Any]
) -> dict[str, tuple[Any, Any]]:
  return {
    name: (then.get(name), now.get(name))
    for name in sorted(then.keys() | now.keys())
    if then.get(name) != now.get(name)
  }

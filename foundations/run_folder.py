"""The folder of one run: locked, never mixed with another run's, resumable.

A run writes `unfinished.json` first and `run.json` last. A folder with
`run.json` is finished and is loaded, not repeated, as long as all is there that
it says the run has left; one with only `unfinished.json` was interrupted and
starts over.
"""

import contextlib
import errno
import hashlib
import os
import pathlib
import re
import reprlib
from collections.abc import Iterator
from typing import Any

import filelock

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import files
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore

# What is an object in every record, if it is there.
_OBJECTS = (
  ('configuration',),
  ('configuration', 'data'),
  ('configuration', 'model'),
  ('configuration', 'optimizer'),
  ('configuration', 'experiment'),
  ('results',),
  ('versions',),
  ('threads',),
  ('outputs',),
  ('call',),
  ('call', 'arguments'),
)
_FULL = (errno.ENOSPC, errno.EDQUOT)  # Of a disk, or of one's share of it.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


@contextlib.contextmanager
def locked(directory: str) -> Iterator[save_restore.Check]:
  """Holds a run's folder for this process, making it if need be.

  The lock is the operating system's: it ends with the process, however that
  ends. What a process left that was killed as it wrote is removed.

  Yields:
    The `check` for all that is written there: it raises FileNotFoundError if
    the folder was removed meanwhile, be there another one by now or not.

  Raises:
    InputError: If the folder cannot be written, or another process has it.
    OSError: If the disk is full.
  """
  files.check_path(directory, 'output_dir')
  try:
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(_check_lock(directory), timeout=0)
    lock.acquire()
  except filelock.Timeout:
    raise errors.InputError(
      f'{directory}: another process is working on this run'
    ) from None
  except OSError as error:
    if error.errno in _FULL:
      raise
    raise errors.InputError(
      f'{directory}: cannot be written: {files.why(error)}'
    ) from None
  try:
    held = os.stat(paths.lock(directory))
    _tidy(directory)
    yield lambda: _check_held(directory, held)
  finally:
    lock.release()


def _check_held(directory: str, held: os.stat_result) -> None:
  with contextlib.suppress(FileNotFoundError):
    if os.path.samestat(os.stat(paths.lock(directory)), held):
      return
  raise FileNotFoundError(
    errno.ENOENT, 'Removed while its run was under way', directory
  )


def _tidy(directory: str) -> None:
  """Removes what no undisturbed run leaves."""
  if os.path.lexists(paths.record(directory)):
    pathlib.Path(paths.unfinished(directory)).unlink(missing_ok=True)
  for leftover in save_restore.find_leftovers(directory):
    files.remove(leftover)


def _check_lock(directory: str) -> str:
  """Returns the lock's file; locking would empty what a link leads to."""
  path = paths.lock(directory)
  is_file = os.path.isfile(path) and not os.path.islink(path)
  if os.path.lexists(path) and not is_file:
    raise errors.InputError(f'{path}: wanted a file of our own')
  return path


def read_record(directory: str) -> dict[str, Any] | None:
  """Returns the record of a finished or interrupted run, or None.

  Raises:
    InputError: If it is there but damaged.
  """
  for path in (paths.record(directory), paths.unfinished(directory)):
    if os.path.lexists(path):
      return save_restore.read_json(path)
  return None


def read_finished(directory: str) -> dict[str, Any]:
  """Returns the record of a finished run.

  What is in it has the types that `train` gives it as far as objects go:
  `configuration`, its `experiment`, `results` and such are dictionaries where
  they are there.

  Raises:
    InputError: If the run is not finished, or its record is damaged.
  """
  return read_file(paths.record(directory))


def read_file(path: str) -> dict[str, Any]:
  """Reads a record, wherever it lies; otherwise like `read_finished`."""
  record = save_restore.read_json(path)
  for names in _OBJECTS:
    value: Any = record
    for name in names:
      value = value.get(name, {})
    if not isinstance(value, dict):
      raise errors.InputError(
        f'{path}: {".".join(names)}: wanted an object, got {_SHORT.repr(value)}'
      )
  return record


def is_finished(
  directory: str, configuration: dict[str, Any], overwrite: bool
) -> bool:
  """Tells whether this very run is done already, and nothing of it is lost.

  Args:
    directory: The run's folder.
    configuration: What would be recorded of the run.
    overwrite: Whether another run's results may be thrown away.

  Raises:
    InputError: If the folder holds another run's results, or such as no run
      of this library left, and `overwrite` is false.
  """
  try:
    return _is_finished(directory, configuration)
  except errors.InputError:
    if not overwrite:
      raise
    return False


def _is_finished(directory: str, configuration: dict[str, Any]) -> bool:
  if os.path.lexists(paths.record(directory)):
    record = read_finished(directory)
    difference = _difference(record.get('configuration'), configuration)
    if difference is not None:
      raise errors.InputError(
        f'{directory}: holds a finished run of another configuration'
        f' ({difference}); choose another folder, or {errors.OVERWRITE}'
      )
    # An early version recorded no outputs.
    left = (os.path.join(directory, name) for name in record.get('outputs', ()))
    return all(map(os.path.lexists, left))
  if not os.path.lexists(paths.unfinished(directory)):
    for path in _outputs(directory):
      raise errors.InputError(
        f'{path}: not of a run of this library;'
        f' choose another folder, or {errors.OVERWRITE}'
      )
  return False


def start(directory: str, configuration: dict[str, Any]) -> None:
  """Clears what an earlier run left and records the one that begins."""
  # In this order: a crash leaves either the finished run or an unfinished one.
  save_restore.write_json(
    paths.unfinished(directory), {'configuration': configuration}
  )
  pathlib.Path(paths.record(directory)).unlink(missing_ok=True)
  for path in _outputs(directory):
    files.remove(path)


def finish(
  directory: str,
  record: dict[str, Any],
  *,
  check: save_restore.Check = save_restore.no_check,
) -> None:
  """Writes a run's record: from now on it is finished.

  Args:
    directory: The run's folder.
    record: What to record.
    check: Called before it takes its place: see `save_restore`.
  """
  save_restore.write_json(paths.record(directory), record, check=check)
  pathlib.Path(paths.unfinished(directory)).unlink(missing_ok=True)


def checksums(directory: str) -> dict[str, str]:
  """Returns {name: `checksum`} of what a run has left, but for summaries."""
  names = [path.name for path in _outputs(directory)]
  summaries = paths.summaries('')
  return {
    name: checksum(directory, name) for name in names if name != summaries
  }


def checksum(directory: str, name: str) -> str:
  """Returns the SHA-256 of one output of a run.

  Args:
    directory: The run's folder.
    name: Of a network, whose `save_restore.checksum` it is, or of a JSON file.

  Raises:
    InputError: If it is missing or cannot be read.
  """
  path = os.path.join(directory, name)
  if not name.endswith('.json'):
    return str(save_restore.checksum(save_restore.restore_network(path)))
  try:
    with files.open_regular(path) as stream:
      content = stream.read(save_restore.MAX_JSON_BYTES)
  except OSError as error:
    raise errors.InputError(
      f'{path}: cannot be read: {files.why(error)}'
    ) from None
  return hashlib.sha256(content).hexdigest()


def check_output(directory: str, record: dict[str, Any], name: str) -> None:
  """Checks that an output is what the run left, if that is recorded.

  Args:
    directory: The run's folder.
    record: Of the run.
    name: As in `checksum`.

  Raises:
    InputError: If it is missing, cannot be read, or is another.
  """
  recorded = record.get('outputs', {}).get(name)
  if recorded is not None and recorded != checksum(directory, name):
    path = os.path.join(directory, name)
    raise errors.InputError(f'{path}: other than what the run left')


def _outputs(directory: str) -> list[pathlib.Path]:
  """Returns what there is in the folder of the outputs of a run."""
  names = [
    paths.initial(directory),
    paths.final(directory),
    paths.masks(directory),
    paths.summaries(directory),
    *(paths.log(directory, name) for name in ('train', 'test', 'validate')),
  ]
  checkpoints = pathlib.Path(directory).glob('checkpoint[0-9]*')
  outputs = (*map(pathlib.Path, names), *checkpoints)
  return [path for path in outputs if os.path.lexists(path)]


def _difference(old: Any, new: Any, name: str = '') -> str | None:
  """Returns where two configurations first differ, or None."""
  if isinstance(old, dict) and isinstance(new, dict):
    # What somebody asked for, before what follows from it, like data.
    keys = sorted(
      set(old) | set(new), key=lambda key: (key != 'experiment', key)
    )
    for key in keys:
      found = _difference(
        old.get(key), new.get(key), f'{name}.{key}'.strip('.')
      )
      if found:
        return found
    return None
  if old == new:
    return None
  there, now = _brief(old), _brief(new)
  return f'{name or "configuration"}: {there} there, {now} now'


def _brief(value: Any) -> str:
  """Returns a value as text: of a checksum its beginning."""
  if isinstance(value, str) and re.fullmatch('[0-9a-f]{64}', value):
    return value[:12]
  return _SHORT.repr(value)

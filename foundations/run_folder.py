"""The folder of one run: locked, never mixed with another run's, resumable.

A run writes `unfinished.json` first and `run.json` last. A folder with
`run.json` is finished and is loaded, not repeated; one with only
`unfinished.json` was interrupted and starts over.
"""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import filelock

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore


@contextlib.contextmanager
def locked(directory: str) -> Iterator[None]:
  """Holds a run's folder for this process, making it if need be.

  The lock is the operating system's: it ends with the process, however that
  ends.

  Raises:
    InputError: If the folder cannot be written, or another process has it.
  """
  if not directory:
    raise errors.InputError("output_dir: wanted a folder, got ''")
  try:
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(paths.lock(directory), timeout=0)
    lock.acquire()
  except filelock.Timeout:
    raise errors.InputError(
      f'{directory}: another process is working on this run'
    ) from None
  except OSError as error:
    raise errors.InputError(
      f'{directory}: cannot be written: {error.strerror or error}'
    ) from None
  try:
    yield
  finally:
    lock.release()


def read_record(directory: str) -> dict[str, Any] | None:
  """Returns the record of a finished or interrupted run, or None.

  Raises:
    InputError: If it is there but damaged.
  """
  for path in (paths.record(directory), paths.unfinished(directory)):
    if os.path.exists(path):
      return save_restore.read_json(path)
  return None


def is_finished(
  directory: str, configuration: dict[str, Any], overwrite: bool
) -> bool:
  """Tells whether this very run is done already.

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
  if os.path.exists(paths.record(directory)):
    record = save_restore.read_json(paths.record(directory))
    difference = _difference(record.get('configuration'), configuration)
    if difference is not None:
      raise errors.InputError(
        f'{directory}: holds a finished run of another configuration'
        f' ({difference}); choose another folder, or overwrite'
      )
    return True
  if not os.path.exists(paths.unfinished(directory)):
    for path in _outputs(directory):
      raise errors.InputError(
        f'{path}: not of a run of this library;'
        ' choose another folder, or overwrite'
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
    if path.is_dir():
      shutil.rmtree(path)
    else:
      path.unlink()


def finish(directory: str, record: dict[str, Any]) -> None:
  """Writes a run's record: from now on it is finished."""
  save_restore.write_json(paths.record(directory), record)
  pathlib.Path(paths.unfinished(directory)).unlink(missing_ok=True)


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
  return [
    path for path in (*map(pathlib.Path, names), *checkpoints) if path.exists()
  ]


def _difference(old: Any, new: Any, name: str = '') -> str | None:
  """Returns where two configurations first differ, or None."""
  if isinstance(old, dict) and isinstance(new, dict):
    for key in sorted(set(old) | set(new)):
      found = _difference(
        old.get(key), new.get(key), f'{name}.{key}'.strip('.')
      )
      if found:
        return found
    return None
  return None if old == new else f'{name}: {old!r} there, {new!r} now'

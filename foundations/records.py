"""The record and the folder of one run.

A run is written in `{run}.part`, whose first file is `run.json`, and renamed
once to `{run}`: a folder with its final name is finished. A finished run is
loaded, not repeated. One that was interrupted goes on from the state that it
saved last, if nothing has changed on which its numbers depend, and else starts
over. TensorBoard shows a run that is under way by the name `{run}.part`.
"""

import contextlib
import dataclasses
import errno
import functools
import hashlib
import importlib.metadata
import inspect
import os
import pathlib
import platform
import re
import reprlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import filelock
import numpy as np
from absl import logging

import lottery_ticket
from lottery_ticket.foundations import backend
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import resumption
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_COMPARED = ('description', 'callbacks', 'inputs')
_OBJECTS = ('description', 'inputs', 'sources', 'code', 'results', 'outputs')
_RECORD = paths.record('')
_SUMMARIES = paths.summaries('')
_STATE = paths.state('')
_KEPT = re.compile(rf'{_STATE}|checkpoint\d+|{_RECORD}')  # To go on with.
_WHENCE = ('commit', 'sources')  # Of what is recorded, these change no number.
_LIBRARY = ('foundations', 'models', 'datasets')
_REPLACED = 'replaced.json'  # What `_RECORD` is called in `{run}.old`.
_OUTPUT = re.compile(
  r'initial|final|masks|summaries|checkpoint\d+|(run|train|test|validate).json'
)
_WELL_KNOWN = ('builtins', 'keras', 'lottery_ticket', 'numpy', 'tensorflow')
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


@contextlib.contextmanager
def begin(
  directory: str, record: Mapping[str, Any], *, overwrite: bool = False
) -> Iterator['Run']:
  """Holds a run's folder, finished or to be written, for this process.

  The lock is the operating system's: it ends with the process, however that
  ends. Whoever gets it next removes what a killed process left. `description`,
  `inputs` and `callbacks` of the record, JSON values, identify the run.

  Raises:
    InputError: If the folder cannot be written or renamed onto, holds another
      run (and not `overwrite`) or anything else, or another process has it.
    OSError: If the disk is full.
  """
  begun = save_restore.as_json(dict(record), 'description')
  directory = _check_place(directory)
  with _locked(directory):
    _finish_swap(directory)
    finished = _find_finished(directory, begun, overwrite)
    part = paths.part(directory)
    state = None if finished else _take_up(directory, begun)
    if state is None and os.path.lexists(part):
      _discard(part, _RECORD)
    if finished is None:
      save_restore.write_json(paths.record(part), begun)
    lock = os.stat(paths.lock(directory))
    yield Run(finished, state, part, directory, begun, lock)


@dataclasses.dataclass(frozen=True)
class Run:
  """A run whose folder this process holds.

  Attributes:
    finished: The record, if this very run is finished already; else None.
    state: What it goes on from, if it was interrupted; None if it begins.
    part: The folder to write outputs into; its `run.json` is there already.
  """

  finished: dict[str, Any] | None
  state: resumption.State | None
  part: str
  _directory: str
  _record: dict[str, Any]
  _lock: os.stat_result

  def commit(self, **results: Any) -> None:
    """Completes the record by `results`, and gives the folder its final name.

    Raises:
      OSError: If it cannot be written, or was removed meanwhile.
    """
    self._check_held()
    outputs = {
      name: checksum(self.part, name)
      for name in sorted(os.listdir(self.part))
      if name not in (_RECORD, _SUMMARIES, _STATE)
      and not save_restore.LITTER.fullmatch(name)
    }
    record = {**self._record, **results, 'outputs': outputs}
    save_restore.write_json(paths.record(self.part), record)
    save_restore.remove(pathlib.Path(paths.state(self.part)))
    with save_restore.naming(self._directory):
      if os.path.lexists(paths.record(self._directory)):
        os.rename(self._directory, paths.old(self._directory))
        _finish_swap(self._directory)
      else:
        os.rename(self.part, self._directory)

  def _check_held(self) -> None:
    with contextlib.suppress(FileNotFoundError):
      lock = os.stat(paths.lock(self._directory))
      os.stat(paths.record(self.part))
      if os.path.samestat(lock, self._lock):
        return
    said = 'Removed while its run was under way'
    raise FileNotFoundError(errno.ENOENT, said, self.part)


def _check_place(directory: str) -> str:
  """Returns the path of a folder that a run may be renamed to."""
  directory = os.path.normpath(directory)
  name = os.path.basename(directory)
  errors.require(
    name not in ('', '.', '..') and not name.endswith(paths.RESERVED),
    'output_dir',
    f'the name of a folder that ends in none of {", ".join(paths.RESERVED)}',
    repr(directory),
  )
  is_folder = os.path.isdir(directory) and not os.path.islink(directory)
  is_free = is_folder or not os.path.lexists(directory)
  is_right = is_free and not os.path.ismount(directory)
  got = 'a file, a link or a mounted disk'
  errors.require(is_right, directory, 'a folder', got)
  return directory


@contextlib.contextmanager
def _locked(directory: str) -> Iterator[None]:
  path = paths.lock(directory)
  lock = filelock.FileLock(path, timeout=0)
  try:
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    if os.path.exists(path) and os.path.getsize(path):  # Locking empties it.
      raise errors.InputError(f'{path}: wanted an empty file of our own')
    lock.acquire()
  except filelock.Timeout:
    raise errors.InputError(
      f'{directory}: another process is working on this run'
    ) from None
  except OSError as error:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
      raise
    raise errors.InputError(
      f'{directory}: cannot be written: {errors.why(error)}'
    ) from None
  try:
    yield
  finally:
    lock.release()


def _finish_swap(directory: str) -> None:
  """Finishes the replacement of a run by another one, if it has begun."""
  part, old = paths.part(directory), paths.old(directory)
  if not os.path.lexists(old):
    return
  with contextlib.suppress(errors.InputError):
    is_complete = 'outputs' in save_restore.read_json(paths.record(part))
    if is_complete and not os.path.lexists(directory):
      # The mark tells the old folder from a copy that somebody made.
      with contextlib.suppress(FileNotFoundError):
        os.rename(paths.record(old), os.path.join(old, _REPLACED))
      os.rename(part, directory)
  _discard(old, _REPLACED)


def _discard(folder: str, mark: str) -> None:
  """Removes a folder of ours: one with the file `mark`, or nothing else yet."""
  is_folder = os.path.isdir(folder) and not os.path.islink(folder)
  names = os.listdir(folder) if is_folder else ['']
  is_begun = all(name.startswith(f'.{mark}.') for name in names)
  if mark not in names and not is_begun:
    raise errors.InputError(
      f'{folder}: not of a run of this library; move it away'
    )
  # The mark goes last: whoever is killed here leaves a folder of ours. The
  # state goes first, since nothing can go on from it without the rest.
  for name in sorted(names, key=lambda name: (name == mark, name != _STATE)):
    save_restore.remove(pathlib.Path(folder, name))
  os.rmdir(folder)


def _take_up(directory: str, record: dict[str, Any]) -> resumption.State | None:
  """Returns what a run can go on from, and removes what it will write anew."""
  part = paths.part(directory)
  if not os.path.lexists(paths.state(part)):
    return None
  try:
    there = save_restore.read_json(paths.record(part))
    for key in sorted(record.keys() - _WHENCE):
      for found in _differences(there.get(key), record[key], key):
        raise errors.InputError(found)
    state = resumption.load(paths.state(part))
  except errors.InputError as error:
    logging.warning('%s: starts over: %s', directory, error)
    return None
  for name in os.listdir(part):
    if not _KEPT.fullmatch(name):
      save_restore.remove(pathlib.Path(part, name))
  logging.warning('%s: going on from iteration %d', directory, state.iteration)
  return state


def _find_finished(
  directory: str, record: Mapping[str, Any], overwrite: bool
) -> dict[str, Any] | None:
  """Returns the record of this very run, if it is finished and whole."""
  names = _names(directory)
  outputs: dict[str, Any] = {}
  try:
    if not names:
      return None
    there = read(directory)
    outputs = there.get('outputs', {})
    _check_same(directory, there, {key: record.get(key) for key in _COMPARED})
    if outputs.keys() <= set(names):
      for output in (paths.initial(''), paths.final('')):
        if output not in outputs:
          raise errors.InputError(
            f'{directory}: holds this run, finished, without its networks;'
            f' choose another folder, or {errors.OVERWRITE}'
          )
        check_output(directory, there, output)
      if there.get('code') != record.get('code'):
        logging.warning(
          '%s: the code of its model has changed since', directory
        )
      return there
  except errors.InputError:
    if not overwrite:
      raise
  for name in sorted(names):
    is_ours = name in outputs or _OUTPUT.fullmatch(name)
    if not is_ours and not save_restore.LITTER.fullmatch(name):
      raise errors.InputError(
        f'{directory}/{name}: is not of the run that would be replaced; move it'
        ' away'
      )
  return None


def _names(directory: str) -> list[str]:
  """Returns what is in a folder, if that is a run's, or nothing."""
  names = os.listdir(directory) if os.path.lexists(directory) else []
  if names and _RECORD not in names:
    raise errors.InputError(
      f'{directory}: holds {min(names)!r} and no run of this library;'
      ' choose another folder'
    )
  return names


def _check_same(
  directory: str, there: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
  for part, value in wanted.items():
    for found in _differences(there.get(part), value, part):
      found = re.sub(r'^(description|inputs)\.', '', found)
      raise errors.InputError(
        f'{directory}: holds another finished run ({found});'
        f' choose another folder, or {errors.OVERWRITE}'
      )


def _differences(old: Any, new: Any, name: str) -> Iterator[str]:
  """Yields where two JSON values differ."""
  if isinstance(old, dict) and isinstance(new, dict):
    for key in sorted(old.keys() | new.keys()):
      yield from _differences(old.get(key), new.get(key), f'{name}.{key}')
  elif old != new:
    there, now = (
      value[:12]  # Enough of a checksum.
      if re.fullmatch('[0-9a-f]{64}', str(value))
      else _SHORT.repr(value)
      for value in (old, new)
    )
    yield f'{name}: {there} there, {now} now'


def check(
  directory: str, description: Mapping[str, Any], overwrite: bool
) -> None:
  """Raises InputError now if `begin` would for a run of this description."""
  description = save_restore.as_json(dict(description), 'description')
  directory = _check_place(directory)
  if _names(directory) and not overwrite:
    _check_same(directory, read(directory), {'description': description})


def read(run: str) -> dict[str, Any]:
  """Returns a finished run's record, from its folder or its `run.json`.

  Raises:
    InputError: If the run is not finished, or its record is damaged.
  """
  path = run if os.path.isfile(run) else paths.record(run)
  record = save_restore.read_json(path)
  for name in _OBJECTS:
    place, value = f'{path}: {name}', record.get(name, {})
    is_object = isinstance(value, dict)
    errors.require(is_object, place, 'an object', _SHORT.repr(value))
  return record


def seed(directory: str) -> int | None:
  """Returns the seed of a finished or interrupted run, if it is known."""
  for folder in (directory, paths.part(os.path.normpath(directory))):
    if os.path.lexists(paths.record(folder)):
      found = read(folder).get('description', {}).get('seed')
      return None if found is None else seeds.check(found)
  return None


def checksum(directory: str, name: str) -> str:
  """Returns the SHA-256 of a network or a file in a run's folder."""
  path = os.path.join(directory, name)
  if not name.endswith('.json'):
    return str(save_restore.checksum(save_restore.restore_network(path)))
  with save_restore.opened(path) as stream:
    return hashlib.sha256(stream.read(save_restore.MAX_JSON_BYTES)).hexdigest()


def check_output(directory: str, record: Mapping[str, Any], name: str) -> None:
  """Raises InputError unless an output is what the run left, if recorded."""
  recorded = record.get('outputs', {}).get(name)
  if recorded is not None and recorded != checksum(directory, name):
    path = os.path.join(directory, name)
    raise errors.InputError(f'{path}: other than what the run left')


def source(function: Callable[..., Any]) -> str | None:
  """Returns a digest of the source text of a function or class, or None."""
  try:
    text = inspect.getsource(inspect.unwrap(function))
  except (OSError, TypeError):  # It was typed in, or is not Python's.
    return None
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def code(*used: Any) -> dict[str, str | None]:
  """Returns {name: digest} of the user's own code that is among `used`."""
  found: dict[str, str | None] = {}
  for item in used:
    if isinstance(item, Mapping):
      found |= code(*item.values())
    elif isinstance(item, (list, tuple)):
      found |= code(*item)
    elif isinstance(item, functools.partial):
      found |= code(item.func, *item.args, item.keywords)
    elif callable(item):
      item = item if hasattr(item, '__qualname__') else type(item)
      for kind in getattr(item, '__mro__', (item,)):
        package, _, rest = str(kind.__module__).partition('.')
        # An experiment folder's code is not in the library's digest.
        is_own = package == 'lottery_ticket' and (
          rest.partition('.')[0] not in _LIBRARY
        )
        if is_own or package not in _WELL_KNOWN:
          found[kind.__qualname__] = source(kind)
  return found


def versions() -> dict[str, str]:
  """Returns the versions of what the numbers depend on."""
  import keras  # Late: reading a record needs no TensorFlow.
  import tensorflow as tf

  processor = platform.processor()
  with contextlib.suppress(OSError):
    text = pathlib.Path('/proc/cpuinfo').read_text(errors='replace')
    if found := re.search(r'^model name\s*: *(.*)$', text, re.MULTILINE):
      processor = found[1].strip()
  return {
    'lottery_ticket': lottery_ticket.__version__,
    'python': platform.python_version(),
    'tensorflow': tf.__version__,
    'keras': keras.__version__,
    'numpy': np.__version__,
    'machine': platform.machine(),
    'processor': processor,  # Another one may round otherwise.
    'gpus': ', '.join(backend.deterministic_gpus()),
  }


def threads() -> dict[str, int]:
  """Returns how many threads TensorFlow may use; 0: as many as processors."""
  import tensorflow as tf

  config, given = tf.config.threading, os.environ.get
  intra = config.get_intra_op_parallelism_threads()
  inter = config.get_inter_op_parallelism_threads()
  return {
    'intra_op': intra or int(given('TF_NUM_INTRAOP_THREADS') or 0),
    'inter_op': inter or int(given('TF_NUM_INTEROP_THREADS') or 0),
  }


@functools.cache
def library() -> str:
  """Returns a digest of the source text of what trains, and of its compiler."""
  digest = hashlib.sha256()
  with contextlib.suppress(importlib.metadata.PackageNotFoundError):
    digest.update(importlib.metadata.version('numba').encode())
  for folder in _LIBRARY:
    for path in sorted((_ROOT / folder).glob('*.py')):
      digest.update(path.name.encode() + path.read_bytes())
  return digest.hexdigest()[:16]


@functools.cache
def commit() -> dict[str, Any] | None:
  """Returns the checkout's commit and whether files differ from it, or None."""
  command = ['git', '--no-optional-locks', '-C', str(_ROOT), 'describe']
  command += ['--always', '--exclude=*', '--abbrev=40', '--dirty']
  # A checkout further up is somebody else's, with this library installed in it.
  if not (_ROOT / '.git').exists():
    return None
  try:
    said = subprocess.run(
      command, check=True, capture_output=True, text=True, timeout=60
    ).stdout
  except (OSError, subprocess.SubprocessError):
    return None
  name, _, dirty = said.strip().partition('-')
  return {'hash': name, 'changed': bool(dirty)}

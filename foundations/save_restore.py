"""Networks, masks, logs and run records on disk.

Everything is written aside and renamed into place, so that nobody ever reads
half of it. Nothing is read with pickle.
"""

import contextlib
import hashlib
import io
import json
import math
import os
import pathlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import files
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import npy
from lottery_ticket.foundations import paths

Network = masks_lib.Network
NetworkLike = str | os.PathLike | Mapping[str, np.ndarray]
Check = Callable[[], None]

LOG_KEYS = ('iteration', 'loss', 'accuracy')
_ASIDE = re.compile(r'\..+\.[0-9a-f]{8}\.part')
_SAFE_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}')
MAX_JSON_BYTES = 2**25  # Half a million measurements; parsed, 20 times more.


def no_check() -> None:
  """Lets whatever is written take its place."""


@contextlib.contextmanager
def written_aside(path: str, check: Check = no_check) -> Iterator[pathlib.Path]:
  """Yields a name beside `path` that becomes `path` if all goes well.

  Args:
    path: The file or folder; folders that it lies in are made.
    check: As in `write_json`.

  Raises:
    InputError: If there can be no file of that name.
    OSError: If it cannot be written.
  """
  target = pathlib.Path(os.path.abspath(files.check_path(path)))
  aside, old = _aside(target), _aside(target)
  try:
    with files.named(path):
      target.parent.mkdir(parents=True, exist_ok=True)
      yield aside
      check()
      # Nothing replaces a folder, and a folder replaces nothing: the old one
      # is moved, since removing it would leave half of it for a moment.
      if aside.is_dir() and os.path.lexists(target):
        target.replace(old)
      aside.replace(target)
  finally:
    for rest in (aside, old):
      with contextlib.suppress(OSError):
        files.remove(rest)


def _aside(target: pathlib.Path) -> pathlib.Path:
  return target.with_name(f'.{target.name}.{secrets.token_hex(4)}.part')


def find_leftovers(folder: str) -> list[pathlib.Path]:
  """Returns what processes left in a folder that were killed as they wrote."""
  hidden = pathlib.Path(folder).glob('.*.part')
  return [path for path in hidden if _ASIDE.fullmatch(path.name)]


def check_name(name: object) -> str:
  """Returns a parameter's name if it can be a file's name.

  Raises:
    InputError: If it is empty, a path, hidden or has odd characters.
  """
  if not isinstance(name, str) or not _SAFE_NAME.fullmatch(name):
    raise errors.InputError(
      f'parameter name {name!r}: wanted letters, digits, "_", "-" and "."'
    )
  return name


def save_network(
  location: str, network: Mapping[str, np.ndarray], *, check: Check = no_check
) -> None:
  """Saves a network as a folder of .npy files.

  Args:
    location: The folder. One that is there already is replaced.
    network: {parameter name: array}.
    check: Called when all is written, before it takes its place; what it
      raises keeps it from that.

  Raises:
    InputError: If there is nothing to save, a name cannot be a file's name, an
      array is not of numbers, or there is something else than a network in the
      folder.
  """
  if not network:  # Nobody could tell it from one that is lost.
    raise errors.InputError(f'{location}: wanted at least one array, got none')
  arrays = {check_name(name): np.asarray(network[name]) for name in network}
  for name, array in arrays.items():
    if array.dtype.kind not in npy.KINDS or array.nbytes > npy.MAX_BYTES:
      raise errors.InputError(
        f'parameter {name!r}: wanted at most {npy.MAX_BYTES} bytes of numbers'
        f' or text, got {array.dtype} {list(array.shape)}'
      )
  _check_replaceable(location)
  with written_aside(location, check) as aside:
    aside.mkdir()
    for name, array in arrays.items():
      content = io.BytesIO()  # NumPy's own writing does not say what failed.
      np.save(content, array, allow_pickle=False)
      with (aside / f'{name}.npy').open('wb') as file:
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())


def _check_replaceable(location: str) -> None:
  """Checks that nothing but a network would be lost by saving another one."""
  if os.path.isfile(files.check_path(location)):
    raise errors.InputError(f'{location}: wanted a folder, got a file')
  folder = pathlib.Path(location)
  for path in folder.iterdir() if os.path.isdir(location) else ():
    if path.suffix != '.npy' or (path.is_dir() and not path.is_symlink()):
      raise errors.InputError(
        f'{location}: wanted a folder of nothing but .npy files to replace,'
        f' got {path.name!r} in it'
      )


def restore_network(location: str) -> Network:
  """Reads a network that `save_network` wrote.

  Args:
    location: The folder of .npy files.

  Returns:
    {parameter name: array}, in the order of the names.

  Raises:
    InputError: If there is no such folder, it holds no .npy file, or one of
      them is damaged.
  """
  if not os.path.isdir(location):
    raise errors.MissingInputError(
      f'{location}: wanted a folder of .npy files', os.fspath(location)
    )
  arrays = sorted(pathlib.Path(location).glob('*.npy'))
  if not arrays:
    raise errors.InputError(f'{location}: wanted .npy files, found none')
  return {check_name(path.stem): read_array(path) for path in arrays}


def _restore_finished(location: str) -> Network:
  """Reads a network that is not part of what a run has left half done."""
  _check_finished(location)
  network = restore_network(location)
  _check_finished(location)  # The run may have begun anew meanwhile.
  return network


def _check_finished(location: str) -> None:
  run = os.path.dirname(os.path.normpath(files.check_path(location)))
  under_way = os.path.lexists(paths.unfinished(run))
  if under_way and not os.path.lexists(paths.record(run)):
    raise errors.MissingInputError(
      f'{run}: wanted a finished run', paths.record(run)
    )


def read_array(path: str | os.PathLike) -> np.ndarray:
  """Reads one .npy file; a header never makes it allocate more than is there.

  Raises:
    InputError: If it is missing or is not a whole .npy file without pickles.
  """
  with opened(path) as stream:
    size = os.fstat(stream.fileno()).st_size
    try:
      return npy.load(stream, str(path), min(size, npy.MAX_BYTES))
    except errors.InputError as error:
      raise errors.InputError(
        f'{path}: wanted a whole .npy file without pickled objects'
      ) from error


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[io.BufferedReader]:
  """Opens a regular file to read.

  Raises:
    InputError: If it is missing, no regular file, or cannot be read.
  """
  try:
    with files.open_regular(path) as stream:
      yield stream
  except FileNotFoundError:
    raise errors.InputError(f'{path}: no such file') from None
  except OSError as error:
    raise errors.InputError(
      f'{path}: cannot be read: {files.why(error)}'
    ) from None


def standardize(
  network: NetworkLike | Sequence[NetworkLike] | None,
  combine_fn: Callable[..., Network] | None = None,
  *,
  name: str = 'network',
) -> Network | None:
  """Returns the network that is meant, whichever way it is given.

  Args:
    network: None, a dictionary {parameter name: array}, the folder where one
      is stored, or a list of these, to be combined.
    combine_fn: What makes one network of several, given as its arguments,
      like `masks.union`.
    name: What to call it in errors.

  Returns:
    {parameter name: array}, or None for None.

  Raises:
    InputError: If it is nothing of the kind, cannot be read, is in the folder
      of a run that is not finished, or is a list and there is no `combine_fn`.
  """
  if network is None:
    return None
  if isinstance(network, Mapping):
    return dict(network)
  if isinstance(network, (str, os.PathLike)):
    return _restore_finished(os.fspath(network))
  if not isinstance(network, (list, tuple)):
    raise errors.InputError(
      f'{name}: wanted a folder or a dictionary, got {network!r}'
    )
  if combine_fn is None or not network:
    raise errors.InputError(
      f'{name}: wanted one folder or dictionary, got {len(network)} of them'
    )
  return combine_fn(*[standardize(item, name=name) for item in network])


def checksum(network: Mapping[str, np.ndarray] | None) -> str | None:
  """Returns the SHA-256 of a network's names, shapes, types and bytes."""
  if network is None:
    return None
  digest = hashlib.sha256()
  for name, array in sorted(network.items()):
    array = np.ascontiguousarray(array)
    digest.update(f'{name} {array.dtype.str} {array.shape}\n'.encode())
    digest.update(array.data)
  return digest.hexdigest()


def write_json(path: str, value: Any, *, check: Check = no_check) -> None:
  """Writes a JSON document; NaN and infinities become null, arrays lists.

  Args:
    path: The file.
    value: What JSON can say, and arrays of that.
    check: Called when all is written, before it takes its place; what it
      raises keeps it from that.
  """
  text = json.dumps(_plain(value), indent=1, allow_nan=False)
  with (
    written_aside(path, check) as aside,
    aside.open('w', encoding='utf-8') as file,
  ):
    file.write(text + '\n')
    file.flush()
    os.fsync(file.fileno())


def _plain(value: Any) -> Any:
  """Returns the value with null for each number that JSON cannot hold."""
  if hasattr(value, '__array__'):
    value = np.asarray(value).tolist()
  if isinstance(value, dict):
    return {key: _plain(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [_plain(item) for item in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value


def read_json(path: str) -> dict[str, Any]:
  """Reads a JSON object, strictly: each name once, and finite numbers.

  Raises:
    InputError: If the file is missing, damaged, has over `MAX_JSON_BYTES` or
      holds something else.
  """
  with opened(path) as stream:
    text = stream.read(MAX_JSON_BYTES + 1)
  if len(text) > MAX_JSON_BYTES:
    raise errors.InputError(f'{path}: has over {MAX_JSON_BYTES} bytes')
  try:
    value = json.loads(
      text.decode(), object_pairs_hook=_object, parse_constant=_refuse
    )
  except (ValueError, RecursionError):
    value = None
  if not isinstance(value, dict):
    raise errors.InputError(f'{path}: wanted a JSON object')
  return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  if len(dict(pairs)) != len(pairs):
    raise ValueError('a name is given twice')
  return dict(pairs)


def _refuse(constant: str) -> NoReturn:
  raise ValueError(f'{constant} is not JSON')


def write_log(
  path: str,
  log: Mapping[str, Sequence[float] | np.ndarray],
  name: str = 'test',
  *,
  check: Check = no_check,
) -> None:
  """Writes a log of measurements.

  Args:
    path: The file, as `paths.log` names it, or the run's folder.
    log: Three lists or arrays of equal length: `iteration`, `loss` and
      `accuracy`, as `read_log` returns them.
    name: Of which split, if `path` is a folder.
    check: Called when all is written, before it takes its place; what it
      raises keeps it from that.

  Raises:
    InputError: If it is no log that `read_log` would read.
  """
  path = _log_file(path, name)
  lists = _plain({key: log[key] for key in LOG_KEYS if key in log})
  _check_log(path, lists)
  write_json(path, lists, check=check)


def read_log(path: str, name: str = 'test') -> dict[str, np.ndarray]:
  """Reads a log that `write_log` wrote.

  Args:
    path: The file, as `paths.log` names it, or the run's folder.
    name: Of which split, if `path` is a folder.

  Returns:
    `iteration` (int64), `loss` and `accuracy` (float64; NaN where the run had
    diverged), each of shape [number of measurements].

  Raises:
    InputError: If the file is missing or damaged.
  """
  path = _log_file(path, name)
  return _check_log(path, read_json(path))


def _log_file(path: str, name: str) -> str:
  return paths.log(path, name) if os.path.isdir(path) else path


def _check_log(path: str, log: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns the arrays of a log of lists; `path` is what errors call it."""
  try:
    iteration = np.array(_listed(log['iteration'], int), np.int64)
    loss, accuracy = (
      np.array(_listed(log[key], int, float, type(None)), np.float64)
      for key in ('loss', 'accuracy')
    )
  except (KeyError, TypeError, OverflowError):
    raise errors.InputError(
      f'{path}: wanted lists of numbers: {", ".join(LOG_KEYS)}'
    ) from None
  if not len(iteration) == len(loss) == len(accuracy) > 0:
    raise errors.InputError(f'{path}: wanted lists of equal length')
  if iteration[0] < 0 or np.any(np.diff(iteration) <= 0):
    raise errors.InputError(f'{path}: wanted iterations in increasing order')
  return {'iteration': iteration, 'loss': loss, 'accuracy': accuracy}


def _listed(values: Any, *types: type) -> list[Any]:
  """Returns what should be a list of finite values of these very types."""
  if type(values) is not list or not {*map(type, values)} <= set(types):
    raise TypeError
  if any(value in (math.inf, -math.inf) for value in values):  # Like 1e999.
    raise OverflowError
  return values

"""Networks, masks, logs and other JSON on disk.

All files are opened and read here. Nothing is read with pickle, and reading
never takes more memory than the file is long. A file or a network is written
under another name first and renamed, so that nobody ever reads half of it.
"""

import contextlib
import functools
import hashlib
import io
import json
import math
import os
import pathlib
import re
import secrets
import shutil
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths

Network = masks_lib.Network
NetworkLike = str | os.PathLike | Mapping[str, np.ndarray]

LOG_KEYS = ('iteration', 'loss', 'accuracy')
MAX_BYTES = 2**30  # Of an array.
MAX_JSON_BYTES = 2**25  # Half a million measurements; parsed, 20 times more.
_CHUNK_BYTES = 2**18
_KINDS = 'biufcSU'  # NumPy's types of numbers and text.
_HEADERS = {
  (1, 0): np.lib.format.read_array_header_1_0,
  (2, 0): np.lib.format.read_array_header_2_0,
}
_MAX_HEADER_BYTES = 10_100  # NumPy's limit, and what stands before the header.
LITTER = re.compile(r'\.DS_Store|\._.*')  # What macOS leaves in folders.
_STARTS = {
  b'<': 'a web page (HTML)',
  b'\x1f\x8b': 'a gzipped file',
  b'PK': 'a zip archive',
  b'version https://git-lfs': 'a pointer of Git LFS',
}
_SAFE_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}')


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[io.BufferedReader]:
  """Opens a regular file to read, or raises InputError; waits for no pipe."""

  def without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, 'O_NONBLOCK', 0))

  # ValueError: the path has a NUL.
  with errors.refusing(f'{path}: cannot be read', OSError, ValueError):
    try:
      with open(path, 'rb', opener=without_waiting) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
          raise OSError('Not a regular file')
        yield stream
    except FileNotFoundError:
      name = os.fspath(path)
      raise errors.MissingInputError(f'{name}: no such file', name) from None


@contextlib.contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
  """Names the file in errors of writing it: the system's may name none."""
  try:
    yield
  except OSError as error:
    raise OSError(error.errno, errors.why(error), os.fspath(path)) from error


@contextlib.contextmanager
def written_aside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
  """Yields a name beside `path` that becomes `path` if all goes well."""
  target = pathlib.Path(os.path.abspath(path))
  if not os.fspath(path) or not target.name:
    raise errors.InputError(f'path: wanted that of a file, got {path!r}')
  prefix = f'.{target.name}.{secrets.token_hex(4)}'
  aside, old = (target.with_name(f'{prefix}.{end}') for end in ('part', 'old'))
  try:
    with naming(path):
      target.parent.mkdir(parents=True, exist_ok=True)
      yield aside
      # Nothing replaces a folder, and a folder replaces nothing: the old one
      # is moved, since removing it would leave half of it for a moment.
      if aside.is_dir() and os.path.lexists(target):
        target.replace(old)
      aside.replace(target)
  finally:
    for rest in (aside, old):
      with contextlib.suppress(OSError):
        remove(rest)


def remove(path: pathlib.Path) -> None:
  """Removes a file, a folder, or a link but not what it leads to."""
  if path.is_dir() and not path.is_symlink():
    shutil.rmtree(path)
  else:
    path.unlink(missing_ok=True)


def write_file(path: pathlib.Path, content: bytes | memoryview) -> None:
  """Writes a file and waits until the disk has it."""
  with path.open('wb') as file:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def check_name(name: object) -> str:
  """Returns a parameter's name if it can be a file's, or raises InputError."""
  if isinstance(name, str) and _SAFE_NAME.fullmatch(name):
    return name
  raise errors.InputError(
    f'parameter name {name!r}: wanted letters, digits, "_", "-" and "."'
  )


def save_network(location: str, network: Mapping[str, np.ndarray]) -> None:
  """Saves a network, {parameter name: array}, as a folder of .npy files.

  A network that is there already is replaced.

  Raises:
    InputError: If there is nothing to save, a name cannot be a file's name, an
      array is not of numbers or text, or the folder holds anything else.
  """
  # An empty folder could not be told from a network that is lost.
  errors.require(network, location, 'at least one array', 'none')
  arrays = {check_name(name): np.asarray(network[name]) for name in network}
  for name, array in arrays.items():
    is_right = array.dtype.kind in _KINDS and array.nbytes <= MAX_BYTES
    got = f'{array.dtype} {list(array.shape)}'
    wanted = f'at most {MAX_BYTES} bytes of numbers or text'
    errors.require(is_right, f'parameter {name!r}', wanted, got)
  errors.require(not os.path.isfile(location), location, 'a folder', 'a file')
  for path in pathlib.Path(location).glob('*'):
    is_folder = path.is_dir() and not path.is_symlink()
    is_ours = path.suffix == '.npy' and not is_folder
    errors.require(
      is_ours or LITTER.fullmatch(path.name),
      location,
      'a folder of nothing but .npy files to replace',
      f'{path.name!r} in it',
    )
  with written_aside(location) as aside:
    aside.mkdir()
    for name, array in arrays.items():
      write_file(aside / f'{name}.npy', encode_array(array))


def encode_array(array: np.ndarray) -> bytes:
  """Returns the bytes of a .npy file."""
  content = io.BytesIO()  # NumPy's own writing does not say what failed.
  np.save(content, array, allow_pickle=False)
  return content.getvalue()


def restore_network(location: str) -> Network:
  """Reads a network, in the order of its names, that `save_network` wrote.

  Raises:
    InputError: If there is no such folder, or no .npy file or a damaged one.
  """
  if not os.path.isdir(location):
    message = f'{location}: wanted a folder of .npy files'
    raise errors.MissingInputError(message, os.fspath(location))
  arrays = sorted(pathlib.Path(location).glob('[!.]*.npy'))
  if not arrays:
    raise errors.InputError(f'{location}: wanted .npy files, found none')
  return {check_name(path.stem): read_array(path) for path in arrays}


def read_array(path: str | os.PathLike) -> np.ndarray:
  """Reads one .npy file, or raises InputError if `load_array` cannot."""
  with opened(path) as stream:
    return load_array(stream, str(path))


def load_array(
  stream: IO[bytes], name: str, max_bytes: int = MAX_BYTES
) -> np.ndarray:
  """Returns the array of numbers or text in a .npy file, which need not seek.

  Raises InputError, of `name`, unless it is just one of at most `max_bytes`.
  """
  content = bytearray(stream.read(_MAX_HEADER_BYTES))
  head = io.BytesIO(content)
  # NumPy, gzip and zipfile let through whatever their parts raise.
  with contextlib.suppress(Exception):
    version = np.lib.format.read_magic(head)
    with warnings.catch_warnings():
      warnings.simplefilter('ignore')
      shape, is_fortran, dtype = _HEADERS[version](head)
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind in _KINDS and 0 <= size <= max_bytes:
      # A header that lies is believed up to the end of the file, no further.
      wanted = head.tell() + size + 1
      while len(content) < wanted and (
        chunk := stream.read(min(wanted - len(content), _CHUNK_BYTES))
      ):
        content += chunk
      if len(content) == wanted - 1:
        flat = np.frombuffer(memoryview(content)[head.tell() :], dtype)
        return flat.reshape(shape, order='F' if is_fortran else 'C')
  start = bytes(content[:32]).lstrip()
  found = [kind for head, kind in _STARTS.items() if start.startswith(head)]
  raise errors.InputError(
    f'{name}: wanted a whole .npy file without pickles, at most {max_bytes}'
    f' bytes{f", got {found[0]}" if found else ""}'
  )


def standardize(
  network: NetworkLike | Sequence[NetworkLike] | None,
  combine_fn: Callable[..., Network] | None = None,
  *,
  name: str = 'network',
) -> Network | None:
  """Returns the network that is meant, whichever way it is given.

  Args:
    network: None, a dictionary {parameter name: array}, the folder of such a
      network, or a list of these, to be combined.
    combine_fn: Makes one network of several, like `masks.union`.
    name: Name of the argument, for errors.

  Raises:
    InputError: If it is nothing of the kind, cannot be read, is in the folder
      of a run that is not finished, or is a list and there is no `combine_fn`.
  """
  if network is None:
    return None
  if isinstance(network, Mapping):
    return dict(network)
  if isinstance(network, (str, os.PathLike)):
    run = os.path.dirname(os.path.abspath(network))
    if run.endswith(paths.RESERVED):
      message = f'{network}: wanted that of a finished run'
      raise errors.MissingInputError(message, run.rpartition('.')[0])
    return restore_network(os.fspath(network))
  is_list = isinstance(network, (list, tuple))
  errors.require(is_list, name, 'a folder or a dictionary', repr(network))
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


def plain(value: Any) -> Any:
  """Returns a value as JSON holds it: lists, and null for what is not finite.

  An object with a configuration, like Keras's, becomes {class: configuration},
  any other its name.
  """
  if value is None or isinstance(value, (bool, int, str)):
    return value
  if isinstance(value, float):
    return float(value) if math.isfinite(value) else None
  if isinstance(value, Mapping):
    return {str(key): plain(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(item) for item in value]
  if isinstance(value, functools.partial):
    return {plain(value.func): plain([value.args, value.keywords])}
  if hasattr(value, '__array__') and not isinstance(value, type):
    return plain(np.asarray(value).tolist())
  if hasattr(value, 'get_config') and not isinstance(value, type):
    # Keras numbers the names of what has none.
    config = {k: v for k, v in value.get_config().items() if k != 'name'}
    return {type(value).__name__: plain(config)}
  return getattr(value, '__name__', type(value).__name__)


def as_json(value: Any, name: str) -> Any:
  """Returns a value as JSON gives it back, or raises InputError, of `name`."""
  with errors.refusing(name, TypeError, ValueError, RecursionError):
    return json.loads(json.dumps(value, allow_nan=False))


def write_json(path: str, value: Any) -> None:
  """Writes a JSON document: `plain` says how it represents values."""
  text = json.dumps(plain(value), indent=1, allow_nan=False)
  with written_aside(path) as aside:
    write_file(aside, f'{text}\n'.encode())


def read_json(path: str) -> dict[str, Any]:
  """Reads a JSON object, or raises InputError: names once, numbers finite."""
  with opened(path) as stream:
    return parse_json(stream.read(MAX_JSON_BYTES + 1), path)


def parse_json(text: bytes, name: str) -> dict[str, Any]:
  """Returns a JSON object as `read_json` does; errors call it `name`."""
  if len(text) > MAX_JSON_BYTES:
    raise errors.InputError(f'{name}: has over {MAX_JSON_BYTES} bytes')

  def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
      raise ValueError('a name is given twice')
    return dict(pairs)

  value = None
  with contextlib.suppress(ValueError, RecursionError):
    # Of NaN and Infinity, which are not JSON, `int` makes a ValueError.
    value = json.loads(
      text.decode(), object_pairs_hook=once, parse_constant=int
    )
  if not isinstance(value, dict):
    raise errors.InputError(f'{name}: wanted a JSON object')
  return value


def write_log(
  path: str, log: Mapping[str, Sequence[float] | np.ndarray], name: str = 'test'
) -> None:
  """Writes a log of measurements, if `read_log` would read it.

  Args:
    path: The file, as `paths.log` names it, or the run's folder.
    log: `iteration`, `loss` and `accuracy`: lists or arrays of equal length.
    name: Name of the split, if `path` is a folder.
  """
  path = paths.log(path, name) if os.path.isdir(path) else path
  lists = plain({key: log[key] for key in LOG_KEYS if key in log})
  _check_log(path, lists)
  write_json(path, lists)


def read_log(path: str, name: str = 'test') -> dict[str, np.ndarray]:
  """Reads a log that `write_log` wrote; the arguments are the same.

  Returns:
    `iteration` (int64), `loss` and `accuracy` (float64; NaN where the run had
    diverged), each of shape [number of measurements].

  Raises:
    InputError: If the file is missing or damaged.
  """
  path = paths.log(path, name) if os.path.isdir(path) else path
  return _check_log(path, read_json(path))


def _check_log(path: str, log: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns the arrays of a log of lists; `path` is what errors call it."""
  try:
    arrays = {key: _numbers(log[key], key == 'iteration') for key in LOG_KEYS}
  except (KeyError, TypeError, ValueError):
    raise errors.InputError(
      f'{path}: wanted lists of numbers: {", ".join(LOG_KEYS)}'
    ) from None
  lengths = {len(array) for array in arrays.values()}
  if len(lengths) > 1 or 0 in lengths:
    raise errors.InputError(f'{path}: wanted lists of equal length')
  iteration = arrays['iteration']
  if iteration[0] < 0 or np.any(np.diff(iteration) <= 0):
    raise errors.InputError(f'{path}: wanted iterations in increasing order')
  return arrays


def _numbers(values: Any, are_counts: bool) -> np.ndarray:
  """Returns what should be a list of finite numbers, or null, as an array."""
  array = np.array([math.nan if value is None else value for value in values])
  kinds, dtype = ('iu', np.int64) if are_counts else ('iuf', np.float64)
  if array.size and (
    array.ndim != 1
    or array.dtype.kind not in kinds
    or np.isinf(array).any()
    or not np.array_equal(array.astype(dtype), array, equal_nan=True)
  ):
    raise TypeError
  return array.astype(dtype)

"""Networks, masks, logs and run records on disk.

Everything is written aside and renamed into place, so that nobody ever reads
half of it. Nothing is read with pickle.
"""

import contextlib
import hashlib
import json
import math
import os
import pathlib
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib

Network = masks_lib.Network
NetworkLike = str | os.PathLike | Mapping[str, np.ndarray]

LOG_KEYS = ('iteration', 'loss', 'accuracy')
_SAFE_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}')
_LARGEST_JSON = 256 * 2**20  # Bytes.


@contextlib.contextmanager
def _written_aside(path: str) -> Iterator[pathlib.Path]:
  """Yields a name beside `path` that becomes `path` if all goes well."""
  target = pathlib.Path(path)
  target.parent.mkdir(parents=True, exist_ok=True)
  aside = target.with_name(f'.{target.name}.{secrets.token_hex(4)}')
  try:
    yield aside
    if target.is_dir():
      shutil.rmtree(target)
    aside.replace(target)
  finally:
    if aside.is_dir():
      shutil.rmtree(aside, ignore_errors=True)
    else:
      aside.unlink(missing_ok=True)


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


def save_network(location: str, network: Mapping[str, np.ndarray]) -> None:
  """Saves a network as a folder of .npy files.

  Args:
    location: The folder. One that is there already is replaced.
    network: {parameter name: array}.

  Raises:
    InputError: If a name cannot be a file's name.
  """
  for name in network:
    check_name(name)
  with _written_aside(location) as aside:
    aside.mkdir()
    for name, array in network.items():
      with (aside / f'{name}.npy').open('wb') as file:
        np.save(file, np.asarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


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
  folder = pathlib.Path(location)
  if not folder.is_dir():
    raise errors.InputError(f'{location}: wanted a folder of .npy files')
  files = sorted(folder.glob('*.npy'))
  if not files:
    raise errors.InputError(f'{location}: wanted .npy files, found none')
  return {check_name(file.stem): read_array(file) for file in files}


def read_array(path: str | os.PathLike) -> np.ndarray:
  """Reads one .npy file; a header never makes it allocate more than is there.

  Raises:
    InputError: If it is missing or is not a whole .npy file without pickles.
  """
  if not os.path.exists(path):
    raise errors.InputError(f'{path}: no such file')
  # NumPy lets through whatever its parsers of headers and archives raise.
  with contextlib.suppress(Exception):
    # Mapping fails when the file is shorter than its header says.
    mapped = np.load(path, mmap_mode='r', allow_pickle=False)
    if isinstance(mapped, np.ndarray):
      return np.array(mapped)
  raise errors.InputError(
    f'{path}: wanted a whole .npy file without pickled objects'
  )


def standardize(
  network: NetworkLike | Sequence[NetworkLike] | None,
  combine_fn: Callable[..., Network] | None = None,
) -> Network | None:
  """Returns the network that is meant, whichever way it is given.

  Args:
    network: None, a dictionary {parameter name: array}, the folder where one
      is stored, or a list of these, to be combined.
    combine_fn: What makes one network of several, given as its arguments,
      like `masks.union`.

  Returns:
    {parameter name: array}, or None for None.

  Raises:
    InputError: If it is nothing of the kind, cannot be read, or is a list and
      there is no `combine_fn`.
  """
  if network is None:
    return None
  if isinstance(network, Mapping):
    return dict(network)
  if isinstance(network, (str, os.PathLike)):
    return restore_network(os.fspath(network))
  if not isinstance(network, (list, tuple)):
    raise errors.InputError(
      f'network: wanted a folder or a dictionary, got {network!r}'
    )
  if combine_fn is None or not network:
    raise errors.InputError(
      f'network: wanted one folder or dictionary, got {len(network)} of them'
    )
  return combine_fn(*[standardize(item) for item in network])


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


def write_json(path: str, value: Any) -> None:
  """Writes a JSON document; NaN and infinities become null."""
  text = json.dumps(_finite(value), indent=1, allow_nan=False)
  with _written_aside(path) as aside, aside.open('w', encoding='utf-8') as file:
    file.write(text + '\n')
    file.flush()
    os.fsync(file.fileno())


def _finite(value: Any) -> Any:
  """Returns the value with null for each number that JSON cannot hold."""
  if isinstance(value, dict):
    return {key: _finite(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [_finite(item) for item in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value


def read_json(path: str) -> dict[str, Any]:
  """Reads a JSON object.

  Raises:
    InputError: If the file is missing, damaged or holds something else.
  """
  file = pathlib.Path(path)
  try:
    if file.stat().st_size > _LARGEST_JSON:
      raise errors.InputError(f'{path}: too large for a JSON record')
    value = json.loads(file.read_text(encoding='utf-8'))
  except FileNotFoundError:
    raise errors.InputError(f'{path}: no such file') from None
  except (ValueError, OSError, RecursionError) as error:
    if isinstance(error, errors.InputError):
      raise
    raise errors.InputError(f'{path}: wanted a JSON object') from None
  if not isinstance(value, dict):
    raise errors.InputError(f'{path}: wanted a JSON object')
  return value


def write_log(path: str, log: Mapping[str, Sequence[float]]) -> None:
  """Writes a log of measurements.

  Args:
    path: The file, as `paths.log` names it.
    log: Three lists of equal length: `iteration`, `loss` and `accuracy`.
  """
  write_json(path, {key: list(log[key]) for key in LOG_KEYS})


def read_log(path: str) -> dict[str, np.ndarray]:
  """Reads a log that `write_log` wrote.

  Returns:
    `iteration` (int64), `loss` and `accuracy` (float64; NaN where the run had
    diverged), each of shape [number of measurements].

  Raises:
    InputError: If the file is missing or damaged.
  """
  log = read_json(path)
  try:
    arrays = {
      'iteration': np.array(log['iteration']).astype(np.int64, casting='safe'),
      'loss': np.array(log['loss'], np.float64),
      'accuracy': np.array(log['accuracy'], np.float64),
    }
  except (KeyError, TypeError, ValueError, OverflowError):
    raise errors.InputError(
      f'{path}: wanted lists of numbers: iteration, loss, accuracy'
    ) from None
  if len({array.shape for array in arrays.values()}) != 1:
    raise errors.InputError(f'{path}: wanted lists of equal length')
  if arrays['iteration'].ndim != 1:
    raise errors.InputError(f'{path}: wanted plain lists of numbers')
  return arrays

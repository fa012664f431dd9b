"""Arrays of bytes from .npy, .npz, IDX and CSV files that may be anything.

IDX is the format in which MNIST was published: two zero bytes, a byte for the
type (0x08: unsigned bytes), a byte for the number of dimensions, and each
dimension as a big-endian 32-bit integer; the data are in row-major order.
"""

import gzip
import hashlib
import io
import math
import pathlib
import struct
import zipfile
from typing import cast

import numpy as np

from lottery_ticket.datasets import splits
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

CLASSES = splits.CLASSES
MAX_BYTES = 2**28

_GZIP = b'\x1f\x8b'
_IDX = b'\x00\x00\x08'
_SIDE = 28


def read(path: pathlib.Path, key: str) -> np.ndarray:
  """Reads an array from a file, whose first bytes tell the format.

  That is .npy or IDX, gzipped or not, .npz with the array `key` ('x_train',
  say), or CSV with a row for each example: its class and its pixels. Inflates
  and allocates no more than `MAX_BYTES`, or than the file announces.

  Returns:
    The array; uint8 where it holds integers from 0 to 255.

  Raises:
    InputError: If the file is not there, is damaged, or is something else.
  """
  refusing = errors.refusing(f'{path}: cannot be read', Exception)
  with save_restore.opened(path) as stream, refusing:
    array = _read(stream, path, key)  # Whatever gzip and zipfile raise.
  is_whole = array.dtype.kind in 'iu' and array.size
  if is_whole and array.min() >= 0 and array.max() <= 255:
    return array.astype(np.uint8, copy=False)
  return array


def _read(file: io.BufferedReader, path: pathlib.Path, key: str) -> np.ndarray:
  head = file.peek(64)
  if head.startswith(_GZIP):
    # Not a reader by its type, but all that is asked of one here.
    file = cast(io.BufferedReader, gzip.GzipFile(fileobj=file))
    head = file.peek(64)
  if head.startswith(_GZIP):
    raise errors.InputError(f'{path}: is gzipped twice; unpack it once')
  if head.lstrip().startswith(b'<'):
    raise errors.InputError(
      f'{path}: is a web page (HTML), not data; download the file itself'
    )
  if head.startswith(b'PK'):
    with zipfile.ZipFile(file) as archive:
      member = archive.getinfo(f'{key}.npy')
      # Other methods inflate a whole file at once, whatever one asks for.
      if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f'{member.filename} is neither stored nor deflated')
      with archive.open(member) as plain:
        return save_restore.load_array(plain, str(path), MAX_BYTES)
  if head.startswith(_IDX):
    return _read_idx(file, str(path))
  if path.suffix == '.csv':
    return _read_csv(file, str(path), key)
  return save_restore.load_array(file, str(path), MAX_BYTES)


def _read_idx(stream: io.BufferedReader, name: str) -> np.ndarray:
  dimensions = stream.read(4)[3]
  shape = struct.unpack(f'>{dimensions}I', stream.read(4 * dimensions))
  size = math.prod(shape)
  data = stream.read(size + 1) if size <= MAX_BYTES else b''
  wanted = f'{size} bytes after the IDX header, at most {MAX_BYTES}'
  got = 'more' if len(data) > size else f'{len(data)} bytes'
  errors.require(len(data) == size, name, wanted, got)
  return np.frombuffer(data, np.uint8).reshape(shape)


def _read_csv(stream: io.BufferedReader, name: str, key: str) -> np.ndarray:
  titles = 0 if stream.peek(1)[:1].isdigit() else 1
  table = np.loadtxt(stream, np.uint8, delimiter=',', skiprows=titles, ndmin=2)
  columns, got = 1 + _SIDE**2, table.shape[1]
  wanted = f'{columns} columns, the class and the pixels'
  errors.require(got == columns, name, wanted, got)
  if key.startswith('y'):
    return table[:, 0].copy()
  return table[:, 1:].reshape(-1, _SIDE, _SIDE)


def checksum(array: np.ndarray) -> str:
  """Returns the SHA-256 of a uint8 array's IDX file, '-' for other arrays."""
  if array.dtype != np.uint8 or not array.ndim:
    return '-'
  header = struct.pack(f'>B{array.ndim}I', array.ndim, *array.shape)
  return hashlib.sha256(_IDX + header + array.tobytes()).hexdigest()


def check_images(images: np.ndarray, name: str) -> None:
  """Raises InputError unless these are images, uint8, shape [n, 28, 28]."""
  is_images = images.dtype == np.uint8 and images.shape[1:] == (_SIDE, _SIDE)
  wanted = f'uint8 images of shape [n, {_SIDE}, {_SIDE}] with n > 0'
  got = f'{images.dtype} {list(images.shape)}'
  errors.require(is_images and len(images), name, wanted, got)


def check_labels(labels: np.ndarray, examples: int, name: str) -> None:
  """Raises InputError unless these are the classes of so many examples."""
  is_right = labels.dtype.kind in 'ui' and labels.shape == (examples,)
  got = f'{labels.dtype} {list(labels.shape)}'
  errors.require(is_right, name, f'integers of shape [{examples}]', got)
  low, high = labels.min(), labels.max()
  is_right, wanted = low >= 0 and high < CLASSES, f'classes 0 to {CLASSES - 1}'
  errors.require(is_right, name, wanted, f'{low} to {high}')

"""IDX files of unsigned bytes: the format in which MNIST was published.

A file is a header and the data. The header is two zero bytes, a byte for the
type (0x08: unsigned bytes), a byte for the number of dimensions, and each
dimension as a big-endian 32-bit integer; the data are in row-major order.
"""

import gzip
import hashlib
import math
import pathlib
import struct
import zlib
from typing import BinaryIO

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import files

MAX_BYTES = 2**28
MAX_DIMENSIONS = 32

_PREFIX = b'\x00\x00\x08'
_GZIP_PREFIX = b'\x1f\x8b'
_Stream = BinaryIO | gzip.GzipFile


def read(path: str | pathlib.Path) -> np.ndarray:
  """Reads an IDX file, gzipped or not (which, its first bytes tell).

  Args:
    path: The file.

  Returns:
    An array of uint8, of the shape that the header says.

  Raises:
    InputError: The file is not there or cannot be read, or is not exactly one
      array of at most `MAX_BYTES` unsigned bytes.
  """
  try:
    with files.open_regular(path) as stream:
      return load(stream, str(path))
  except OSError as error:
    raise errors.InputError(
      f'IDX file {str(path)!r}: cannot be read: {files.why(error)}'
    ) from error


def load(stream: BinaryIO, name: str) -> np.ndarray:
  """Reads an IDX file, gzipped or not, from an open file.

  However much a gzipped file would inflate to, no more of it is inflated than
  its header announces, and one byte.

  Args:
    stream: The file, seekable and at its start.
    name: What errors call it.

  Returns:
    An array of uint8, of the shape that the header says.

  Raises:
    InputError: The file is not exactly one array of at most `MAX_BYTES`
      unsigned bytes.
  """
  gzipped = stream.read(len(_GZIP_PREFIX)) == _GZIP_PREFIX
  stream.seek(0)
  if not gzipped:
    return _load_plain(stream, name)
  try:
    with gzip.GzipFile(fileobj=stream) as plain:
      return _load_plain(plain, name)
  except (EOFError, gzip.BadGzipFile, zlib.error) as error:
    raise errors.InputError(
      f'IDX file {name!r}: damaged gzip data: {error}'
    ) from error


def encode(array: np.ndarray) -> bytes:
  """Encodes an array as an uncompressed IDX file.

  Args:
    array: An array of uint8, with 1 to `MAX_DIMENSIONS` dimensions.

  Returns:
    Header and data, as the file would hold them.

  Raises:
    InputError: The array has another type or number of dimensions.
  """
  if array.dtype != np.uint8 or not 1 <= array.ndim <= MAX_DIMENSIONS:
    raise errors.InputError(
      f'array: got {array.dtype} with {array.ndim} dimensions, wanted uint8 '
      f'with 1 to {MAX_DIMENSIONS}'
    )
  header = struct.pack(f'>B{array.ndim}I', array.ndim, *array.shape)
  return _PREFIX + header + array.tobytes()


def checksum(array: np.ndarray) -> str:
  """Computes the SHA-256 of the uncompressed IDX file of an array.

  Args:
    array: An array of uint8, with 1 to `MAX_DIMENSIONS` dimensions.

  Returns:
    The SHA-256, in 64 hexadecimal digits.

  Raises:
    InputError: The array has another type or number of dimensions.
  """
  return hashlib.sha256(encode(array)).hexdigest()


def _load_plain(stream: _Stream, name: str) -> np.ndarray:
  shape = _load_shape(stream, name)
  size = math.prod(shape)
  data = stream.read(size + 1)
  if len(data) != size:
    came = 'more' if len(data) > size else f'{len(data)} bytes'
    raise errors.InputError(
      f'IDX file {name!r}: got {came} after the header, wanted {size} bytes'
    )
  return np.frombuffer(data, np.uint8).reshape(shape)


def _load_shape(stream: _Stream, name: str) -> tuple[int, ...]:
  magic = stream.read(4)
  dimensions = magic[3] if len(magic) == 4 else 0
  if magic[:3] != _PREFIX or not 1 <= dimensions <= MAX_DIMENSIONS:
    raise errors.InputError(
      f'IDX file {name!r}: starts with {magic.hex() or "nothing"}, wanted '
      f'{_PREFIX.hex()} and 1 to {MAX_DIMENSIONS} dimensions'
    )
  sizes = stream.read(4 * dimensions)
  if len(sizes) != 4 * dimensions:
    raise errors.InputError(f'IDX file {name!r}: ends inside its header')
  shape = struct.unpack(f'>{dimensions}I', sizes)
  # A dimension of zero must not hide the others: numpy multiplies them too.
  if math.prod(max(size, 1) for size in shape) > MAX_BYTES:
    raise errors.InputError(
      f'IDX file {name!r}: got the shape {list(shape)}, wanted at most '
      f'{MAX_BYTES} bytes'
    )
  return shape

"""The .npy format, from files that may be damaged or made to do harm.

Unlike `numpy.load` this never unpickles, never allocates more than it was told
it may, never warns, and takes one array of numbers or text and nothing after.
"""

import io
import math
import warnings

import numpy as np

from lottery_ticket.foundations import errors

MAX_BYTES = 2**30
KINDS = 'biufcSU'  # Of NumPy's types: numbers and text.

_MAX_HEADER_BYTES = 10_000
_HEADERS = {
  (1, 0): (2, np.lib.format.read_array_header_1_0),
  (2, 0): (4, np.lib.format.read_array_header_2_0),
}


def load(
  stream: io.BufferedIOBase, name: str, max_bytes: int = MAX_BYTES
) -> np.ndarray:
  """Reads an array of numbers.

  Args:
    stream: A .npy file, at its start; it need not be seekable.
    name: What errors call it.
    max_bytes: How large the array may be.

  Returns:
    An array of the caller's own, of the shape and type that the header says.

  Raises:
    InputError: If it is not exactly one array of at most `max_bytes` of
      numbers or text.
    OSError: If it cannot be read.
  """
  shape, fortran, dtype = _read_header(stream, name)
  size = math.prod(shape) * dtype.itemsize
  wrong = dtype.kind not in KINDS or min(shape, default=0) < 0
  # Of a type without a size there is room for any number.
  if wrong or not dtype.itemsize or size > max_bytes:
    raise errors.InputError(
      f'{name}: got {dtype} {list(shape)}, wanted at most {max_bytes} bytes'
      ' of numbers or text'
    )
  flat = np.empty(math.prod(shape), dtype)
  came = stream.readinto(flat.view(np.uint8).data)
  if came != size or stream.read(1):
    after = 'more' if came == size else f'{came} bytes'
    raise errors.InputError(
      f'{name}: got {after} after the header, wanted {size} bytes'
    )
  try:
    return flat.reshape(shape, order='F' if fortran else 'C')
  except ValueError:  # Nothing, times a number beyond NumPy's.
    raise errors.InputError(f'{name}: got the shape {list(shape)}') from None


def _read_header(
  stream: io.BufferedIOBase, name: str
) -> tuple[tuple[int, ...], bool, np.dtype]:
  """Returns shape, whether in Fortran order, and type; as the header has it."""
  magic = stream.read(np.lib.format.MAGIC_LEN)
  version = tuple(magic[6:])
  if not magic.startswith(np.lib.format.MAGIC_PREFIX) or len(version) != 2:
    raise errors.InputError(f'{name}: is not a .npy file')
  if version not in _HEADERS:
    raise errors.InputError(
      f'{name}: got .npy version {version}, wanted (1, 0) or (2, 0)'
    )
  length_bytes, parse = _HEADERS[version]
  length = stream.read(length_bytes)
  if int.from_bytes(length, 'little') > _MAX_HEADER_BYTES:
    raise errors.InputError(
      f'{name}: has a header of over {_MAX_HEADER_BYTES} bytes'
    )
  header = io.BytesIO(length + stream.read(int.from_bytes(length, 'little')))
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    # NumPy lets through whatever its parsers raise.
    try:
      return parse(header)
    except Exception:
      raise errors.InputError(f'{name}: has a damaged header') from None

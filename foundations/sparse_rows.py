"""Rows of 64 images in vector registers: what numba alone does not offer.

A *row* holds one feature of 64 images: 64 float32 next to each other. Declared
to LLVM as one vector, a row stays in registers while a loop passes over
weights; LLVM splits it into as many registers as the processor needs (8 of
AVX2, 4 of AVX-512). All sums have one fixed order, and products are fused with
sums only where that is written: the same bytes on each call.

Arrays of rows have shape [rows, 64]. Indices are not checked.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending
from numba.core import cgutils
from numba.core import types

WIDTH = 64
_LANES = 8  # Partial sums of a dot product: one AVX2 register.
TILE = 16  # Images, and features, that are transposed together.

_INT, _LONG = ir.IntType(32), ir.IntType(64)
_ROW = ir.VectorType(ir.FloatType(), WIDTH)

_operation: Any = extending.intrinsic


def _of_values(build: Callable) -> Callable:
  """Makes numba's generator of an operation that needs its values alone."""
  return lambda context, builder, signature, args: build(builder, *args)


class Row(types.Type):
  """The numba type of a row that is in registers."""


row_type = Row('Row')


@extending.register_model(Row)
class _RowModel(extending.models.PrimitiveModel):
  def __init__(self, manager: Any, row: Row):
    super().__init__(manager, row, _ROW)


def _row_pointer(
  context: Any, builder: Any, kinds: Any, args: Any, rows: int, i: int
) -> Any:
  """Returns the address of row args[i] of the array of rows args[rows]."""
  data = context.make_array(kinds[rows])(context, builder, args[rows]).data
  index = context.cast(builder, args[i], kinds[i], types.int64)
  # Not numba's own: a stride that LLVM knows is a shift, not a product.
  pointer = builder.gep(data, [builder.mul(index, _LONG(WIDTH))])
  return builder.bitcast(pointer, _ROW.as_pointer())


def _shuffle(builder: Any, left: Any, right: Any, places: list[int]) -> Any:
  indices = ir.VectorType(_INT, len(places))(places)
  return builder.shuffle_vector(left, right, indices)


def _splat(builder: Any, number: Any) -> Any:
  # LLVM knows an insertion and a shuffle by zeros as a broadcast.
  one = builder.insert_element(_ROW(ir.Undefined), number, _INT(0))
  return _shuffle(builder, one, one, [0] * WIDTH)


def _fma(builder: Any, a: Any, b: Any, total: Any) -> Any:
  """Returns a * b + total, rounded once."""
  kind = ir.FunctionType(a.type, [a.type] * 3)
  name = f'llvm.fma.v{a.type.count}f32'
  function = cgutils.get_or_insert_function(builder.module, kind, name)
  return builder.call(function, (a, b, total))


@_operation
def load(typing: Any, rows: Any, i: Any) -> tuple[Any, Callable]:
  """Returns rows[i]."""

  def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pointer = _row_pointer(context, builder, signature.args, args, 0, 1)
    return builder.load(pointer, align=4)

  return row_type(rows, i), generate


@_operation
def store(typing: Any, rows: Any, i: Any, row: Any) -> tuple[Any, Callable]:
  """Sets rows[i] to a row."""

  def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pointer = _row_pointer(context, builder, signature.args, args, 0, 1)
    builder.store(args[2], pointer, align=4)
    return context.get_dummy_value()

  return types.void(rows, i, row), generate


@_operation
def splat(typing: Any, number: Any) -> tuple[Any, Callable]:
  """Returns a row of 64 times the same number, a float32."""
  return row_type(types.float32), _of_values(_splat)


@_operation
def fma(typing: Any, x: Any, row: Any, total: Any) -> tuple[Any, Callable]:
  """Returns x * row + total, rounded once; x is a float32."""
  generate = _of_values(
    lambda builder, x, *rows: _fma(builder, _splat(builder, x), *rows)
  )
  return row_type(types.float32, row_type, row_type), generate


@_operation
def multiply(typing: Any, left: Any, right: Any) -> tuple[Any, Callable]:
  """Returns the product of two rows, element by element."""
  generate = _of_values(lambda builder, *rows: builder.fmul(*rows))
  return row_type(row_type, row_type), generate


@_operation
def is_blank(typing: Any, row: Any) -> tuple[Any, Callable]:
  """Tells whether a row is all 0."""

  def generate(builder: Any, row: Any) -> Any:
    bits = builder.fcmp_unordered('!=', row, _ROW([0.0] * WIDTH))
    bits = builder.bitcast(bits, ir.IntType(WIDTH))
    return builder.icmp_unsigned('==', bits, bits.type(0))

  return types.boolean(row_type), _of_values(generate)


def _partial_sums(builder: Any, left: Any, right: Any) -> Any:
  """Returns 8 sums of 8 products each, of two rows."""
  sums = None  # One register's: others would make the order another one.
  for k in range(0, WIDTH, _LANES):
    places = list(range(k, k + _LANES))
    a, b = (_shuffle(builder, row, row, places) for row in (left, right))
    sums = builder.fmul(a, b) if sums is None else _fma(builder, a, b, sums)
  return sums


def _add_pairs(builder: Any, left: Any, right: Any) -> Any:
  """Returns sums of neighbours, of both vectors in turn, 2 + 2 + 2 + 2."""
  places = [0, 2, 8, 10, 4, 6, 12, 14]
  even = _shuffle(builder, left, right, places)
  odd = _shuffle(builder, left, right, [place + 1 for place in places])
  return builder.fadd(even, odd)


@_operation
def dots(
  typing: Any, row: Any, rows: Any, a: Any, b: Any, c: Any, d: Any
) -> tuple[Any, Callable]:
  """Returns the four dot products of a row with rows[a], [b], [c] and [d].

  Four at a time share the additions across registers.
  """

  def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    sums = []
    for i in (2, 3, 4, 5):
      pointer = _row_pointer(context, builder, signature.args, args, 1, i)
      other = builder.load(pointer, align=4)
      sums.append(_partial_sums(builder, args[0], other))
    pairs = [_add_pairs(builder, *sums[k : k + 2]) for k in (0, 2)]
    fours = _add_pairs(builder, *pairs)
    low = _shuffle(builder, fours, fours, [0, 1, 2, 3])
    high = _shuffle(builder, fours, fours, [4, 5, 6, 7])
    eights = builder.fadd(low, high)
    values = [builder.extract_element(eights, _INT(k)) for k in range(4)]
    return context.make_tuple(builder, signature.return_type, values)

  return types.UniTuple(types.float32, 4)(row, rows, a, b, c, d), generate


@_operation
def gather_tile(
  typing: Any,
  images: Any,
  places: Any,
  divisors: Any,
  first_image: Any,
  first_feature: Any,
  rows: Any,
) -> tuple[Any, Callable]:
  """Transposes 16 features of 16 images into rows.

  Sets rows[f, i] to images[places[i], f] / divisors[i], for 16 images i from
  `first_image` on, and 16 features f from `first_feature` on. Images in
  float32 are taken as they are.
  """

  def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    def address(array: int, *indices: Any) -> Any:
      kind = signature.args[array]
      struct = context.make_array(kind)(context, builder, args[array])
      return cgutils.get_item_pointer(context, builder, kind, struct, indices)

    def tile_at(array: int, *indices: Any) -> Any:
      element = context.get_data_type(signature.args[array].dtype)
      pointer = ir.VectorType(element, TILE).as_pointer()
      return builder.bitcast(address(array, *indices), pointer)

    image, feature = (
      context.cast(builder, args[k], signature.args[k], types.int64)
      for k in (3, 4)
    )
    columns = []
    for k in range(TILE):
      at = builder.add(image, _LONG(k))
      place = context.cast(
        builder, builder.load(address(1, at)), places.dtype, types.int64
      )
      # An image's features lie next to each other; those of others do not.
      columns.append(builder.load(tile_at(0, place, feature), align=1))
    # A perfect shuffle four times over transposes 16 x 16.
    low = [place for k in range(8) for place in (k, k + TILE)]
    high = [place + 8 for place in low]
    for _ in range(4):
      columns = [
        _shuffle(builder, columns[k], columns[k + 8], places)
        for k in range(8)
        for places in (low, high)
      ]
    divisor = builder.load(tile_at(2, image), align=4)
    for k, column in enumerate(columns):
      if images.dtype != types.float32:
        column = builder.fdiv(builder.uitofp(column, divisor.type), divisor)
      at = builder.add(feature, _LONG(k))
      builder.store(column, tile_at(5, at, image), align=4)
    return context.get_dummy_value()

  arguments = (images, places, divisors, first_image, first_feature, rows)
  return types.void(*arguments), generate


def zeros(*shape: int) -> np.ndarray:
  """Returns float32 zeros that begin where a cache line does."""
  size = 4 * int(np.prod(shape))
  # A row that crosses cache lines costs a load more for each of its registers.
  memory = np.zeros(size + 64, np.uint8)
  first = -memory.ctypes.data % 64
  return memory[first : first + size].view(np.float32).reshape(shape)

"""The bare matrix products of a training: what it cannot do without.

A layer of n inputs and m outputs multiplies three times for a batch: inputs by
kernel, inputs by output gradients (the kernel's gradient) and output gradients
by kernel (the inputs' gradient, which the first layer does not need). To
evaluate it multiplies once.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf


class Product(NamedTuple):
  """A product of two matrices, [rows, inner] by [inner, columns].

  Attributes:
    rows: Of the left matrix.
    inner: Columns of the left and rows of the right matrix.
    columns: Of the right matrix.
    transpose_left: Whether the left one lies in memory as [inner, rows].
    transpose_right: Whether the right one lies there as [columns, inner].
  """

  rows: int
  inner: int
  columns: int
  transpose_left: bool = False
  transpose_right: bool = False


def of_evaluation(images: int, units: Sequence[int]) -> list[Product]:
  """Returns the products of an evaluation.

  Args:
    images: How many are evaluated.
    units: The inputs of the first layer, then the outputs of each.
  """
  return [Product(images, n, m) for n, m in itertools.pairwise(units)]


def of_step(batch: int, units: Sequence[int]) -> list[Product]:
  """Returns the products of a training step.

  Args:
    batch: Images a batch.
    units: The inputs of the first layer, then the outputs of each.
  """
  layers = list(itertools.pairwise(units))
  kernels = [Product(n, batch, m, transpose_left=True) for n, m in layers]
  inputs = [Product(batch, m, n, transpose_right=True) for n, m in layers[1:]]
  return of_evaluation(batch, units) + kernels + inputs


def flops(products: Sequence[Product]) -> int:
  """Returns the multiplications and additions of some products."""
  return sum(2 * p.rows * p.inner * p.columns for p in products)


def graph(products: Sequence[Product]) -> Callable[[tf.Tensor], tuple]:
  """Returns a graph that does some products over and over, and nothing else.

  It is called with how often, an int32 scalar, and returns that and the last
  results. They are carried through the loop, so that none is optimized away.
  """
  operands = [_operands(product) for product in products]

  def multiply(i: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, ...]:
    results = [
      tf.matmul(left, right, p.transpose_left, p.transpose_right)
      for p, (left, right) in zip(products, operands, strict=True)
    ]
    return i + 1, *results

  @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
  def repeat(times: tf.Tensor) -> tuple[tf.Tensor, ...]:
    zeros = [tf.zeros([p.rows, p.columns]) for p in products]
    return tf.while_loop(
      lambda i, *_: i < times, multiply, (tf.constant(0), *zeros)
    )

  return repeat


def _operands(product: Product) -> tuple[tf.Variable, tf.Variable]:
  """Returns random matrices as they lie in memory; variables, not constants.

  What is known to be constant could be multiplied, or packed, ahead of time.
  """
  left, right = product[:2], product[1:3]
  if product.transpose_left:
    left = left[::-1]
  if product.transpose_right:
    right = right[::-1]
  return tuple(
    tf.Variable(tf.random.stateless_normal(shape, (0, seed)))
    for seed, shape in enumerate((left, right))
  )

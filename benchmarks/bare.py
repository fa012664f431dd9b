"""What a training cannot do without, and what does it plainly.

A layer of n inputs and m outputs multiplies three times for a batch: inputs by
kernel, inputs by output gradients (the kernel's gradient) and output gradients
by kernel (the inputs' gradient, which the first layer does not need). To
evaluate it multiplies once.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from lottery_ticket.foundations import dataset_base


class Product(NamedTuple):
  """A product of two matrices, by their shapes as they lie in memory."""

  left: tuple[int, int]
  right: tuple[int, int]
  transpose_left: bool = False
  transpose_right: bool = False


class Bare(NamedTuple):
  """The bare products of a recipe, ready to be timed."""

  steps: Callable[[], None]  # Those between two evaluations.
  evaluation: Callable[[], None]  # Of test and validation set.


def of_recipe(recipe: Any, dataset: dataset_base.DatasetBase) -> Bare:
  """Returns the bare products of a recipe, each done once already."""
  units = (dataset.train.inputs.shape[1], *(n for n, _ in recipe.layers))
  step = repeated(of_step(recipe.batch_size, units))
  evaluation = repeated(
    [
      product
      for name, split in dataset.splits.items()
      if name != 'train'
      for product in of_evaluation(split.size, units)
    ]
  )
  step(1)
  evaluation(1)
  return Bare(lambda: step(recipe.evaluation_interval), lambda: evaluation(1))


def of_evaluation(images: int, units: Sequence[int]) -> list[Product]:
  """Returns the products of an evaluation.

  `units` are the inputs of the first layer, then the outputs of each.
  """
  return [Product((images, n), (n, m)) for n, m in itertools.pairwise(units)]


def of_step(batch: int, units: Sequence[int]) -> list[Product]:
  """Returns the products of a training step; see `of_evaluation`."""
  layers = list(itertools.pairwise(units))
  kernels = [Product((batch, n), (batch, m), True) for n, m in layers]
  inputs = [Product((batch, m), (n, m), False, True) for n, m in layers[1:]]
  return of_evaluation(batch, units) + kernels + inputs


def repeated(products: Sequence[Product]) -> Callable[[int], None]:
  """Returns what does some products as often as it is told, in one graph."""
  # Variables: what is known to be constant could be packed ahead of time.
  operands = [
    [tf.Variable(tf.random.stateless_normal(shape, (0, 1))) for shape in p[:2]]
    for p in products
  ]

  def multiply(i: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, ...]:
    results = [
      tf.matmul(*matrices, *p[2:])
      for p, matrices in zip(products, operands, strict=True)
    ]
    return i + 1, *results

  @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
  def graph(times: tf.Tensor) -> tuple[tf.Tensor, ...]:
    # Results are carried through the loop, or they would be optimized away.
    zeros = [
      tf.zeros([p.left[p.transpose_left], p.right[not p.transpose_right]])
      for p in products
    ]
    return tf.while_loop(
      lambda i, *_: i < times, multiply, (tf.constant(0), *zeros)
    )

  def repeat(times: int) -> None:
    graph(tf.constant(times))[0].numpy()

  return repeat


def keras_fit(
  recipe: Any, dataset: dataset_base.DatasetBase, steps: int
) -> Callable[[], None]:
  """Returns what trains a recipe's network with Keras alone, without masks."""
  layers = [
    keras.layers.Dense(n, activation) for n, activation in recipe.layers
  ]
  model = keras.Sequential(layers)
  loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  model.compile(recipe.optimizer_fn(), loss, metrics=['accuracy'])
  size = steps * recipe.batch_size
  inputs = dataset.train.inputs[:size].numpy()
  labels = dataset.train.labels[:size].numpy()

  def fit() -> None:
    model.fit(inputs, labels, batch_size=recipe.batch_size, verbose=0)

  return fit

"""What a training cannot do without, and what does it plainly.

Bare are the convolutions, products, poolings and fused batch norms of a model,
in training with their gradients, on operands of the same shapes.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import model_base

HEAVY = ('Conv2D', 'MatMul', 'MaxPool', 'AvgPool', 'FusedBatchNormV3')


class Bare(NamedTuple):
  """The bare operations of a recipe, ready to be timed."""

  steps: Callable[[], None]  # Those between two evaluations.
  evaluation: Callable[[], None]  # Of test and validation set.


def of_recipe(
  recipe: Any, model: model_base.ModelBase, dataset: dataset_base.DatasetBase
) -> Bare:
  """Returns the bare operations of a recipe, each done once already."""
  model.build(dataset.train.values(slice(1)))
  shape = dataset.train.inputs.shape[1:]
  step = repeated(model, (recipe.batch_size, *shape))
  evaluations = [
    repeated(model, (split.size, *shape), is_training=False)
    for name, split in dataset.splits.items()
    if name != 'train'
  ]

  def evaluate() -> None:
    for evaluation in evaluations:
      evaluation(1)

  step(1)
  evaluate()
  return Bare(lambda: step(recipe.evaluation_interval), evaluate)


def find(
  model: model_base.ModelBase, shape: tuple[int, ...], is_training: bool
) -> list[tf.Operation]:
  """Returns the heavy operations of a model, for a batch of this shape."""
  traced = tf.function(
    lambda inputs: model(inputs, training=is_training), autograph=False
  ).get_concrete_function(tf.TensorSpec(shape, tf.float32))
  return [op for op in traced.graph.get_operations() if op.type in HEAVY]


def repeated(
  model: tf.Module, shape: tuple[int, ...], *, is_training: bool = True
) -> Callable[[int], None]:
  """Returns what does a model's bare operations, as often as it is told."""
  heavy = find(model, shape, is_training)
  # Variables: what is known to be constant could be computed ahead of time.
  draw = functools.partial(tf.random.stateless_uniform, seed=(0, 1))
  operands = [[tf.Variable(draw(x.shape)) for x in op.inputs] for op in heavy]

  def compute(number: int) -> list[tf.Tensor]:
    op = heavy[number]
    inputs = [variable.value() for variable in operands[number]]
    names = [argument.name for argument in op.op_def.input_arg]
    settings = {
      attribute.name: op.get_attr(attribute.name)
      for attribute in op.op_def.attr
      if attribute.type != 'type'
    }
    # Nobody wants the gradient of the images.
    wanted = inputs[:3] if number else inputs[1:2]
    with tf.GradientTape() as tape:
      tape.watch(wanted)
      outputs = getattr(tf.raw_ops, op.type)(
        **dict(zip(names, inputs, strict=True)), **settings
      )
      outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    gradients = tape.gradient(outputs, wanted) if is_training else []
    return [outputs, *gradients]

  def body(i: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, ...]:
    return i + 1, *(one for n in range(len(heavy)) for one in compute(n))

  @tf.function(input_signature=[tf.TensorSpec([], tf.int32)], autograph=False)
  def graph(times: tf.Tensor) -> tuple[tf.Tensor, ...]:
    # Results are carried through the loop, or they would be optimized away.
    return tf.while_loop(lambda i, *_: i < times, body, body(tf.constant(0)))

  return lambda times: graph(tf.constant(times))[0].numpy()


def keras_fit(
  recipe: Any, dataset: dataset_base.DatasetBase, steps: int
) -> Callable[[], None]:
  """Returns what trains a recipe's network with Keras alone, without masks."""
  layers = [keras.layers.Dense(n, kind) for n, kind in recipe.layers]
  model = keras.Sequential(layers)
  loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  model.compile(recipe.optimizer_fn(), loss, metrics=['accuracy'])
  size = steps * recipe.batch_size
  inputs = dataset.train.inputs[:size].numpy()
  labels = dataset.train.labels[:size].numpy()

  def fit() -> None:
    model.fit(inputs, labels, batch_size=recipe.batch_size, verbose=0)

  return fit

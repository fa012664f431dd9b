"""Compares training steps of convolutional networks with their bare operations.

python benchmarks/convolutions.py [--networks=[conv2,resnet20]] [--rounds=5]

A step has masks, augmentation, activations, loss and optimizer. Bare are its
convolutions, products, poolings and fused batch norms with their gradients, on
operands of the same shapes, in TensorFlow. Both take turns in one process.
"""

from collections.abc import Callable
from typing import Any

from lottery_ticket.benchmarks import timing
from lottery_ticket.cifar10_conv import constants
from lottery_ticket.cli import entry

BAR = 1.3
NETWORKS = ('lenet5', 'conv2', 'conv4', 'conv6', 'resnet20')
HEAVY = ('Conv2D', 'MatMul', 'MaxPool', 'AvgPool', 'FusedBatchNormV3')
DENSITY = 0.5  # Of the masks.


def main(
  *,
  networks: list[str] | None = None,
  width: int | None = None,
  jit_compile: bool = False,
  steps: int = 3,
  **given: Any,
) -> None:
  """Measures steps of networks, and prints how long they take.

  Args:
    networks: Names of recipes; by default one of each network.
    width: Filters of the first layer; by default the paper's.
    jit_compile: Whether XLA compiles the steps, as the trainer does not.
    steps: Training steps a turn.
    **given: Fields of `timing.Options`.
  """
  options = timing.Options(**given)
  figures = []
  for name in networks or NETWORKS:
    filters = None if name == 'lenet5' else width
    recipe = constants.TASK.recipe(name, width=filters)
    figures.append(measure(recipe, steps, options.rounds, jit_compile))
  options.report(
    'convolutions', figures, width=width, jit_compile=jit_compile, steps=steps
  )


def measure(
  recipe: Any, count: int, rounds: int, jit_compile: bool
) -> timing.Figure:
  """Compares a recipe's steps, with random masks, with bare operations."""
  from lottery_ticket.foundations import seeds
  from lottery_ticket.foundations import steps as steps_lib

  size = recipe.batch_size
  dataset = make_dataset(recipe, count)
  dense = constants.make_model(recipe, seed=1)
  dense.build(dataset.train.values(slice(1)))
  generator = seeds.generator(0, 'masks')
  masks = {
    name: (generator.random(mask.shape) < DENSITY).astype('f4')
    for name, mask in dense.masks.items()
  }
  bare = repeated(dense, (size, *dataset.train.inputs.shape[1:]))
  model = constants.make_model(recipe, masks=masks, seed=1)
  model.build(dataset.train.values(slice(1)))
  model.l2 = recipe.l2
  with steps_lib.prepared(
    dataset, model, recipe.optimizer_fn(), jit_compile, 'dense'
  ) as steps:
    pairs = timing.take_turns(
      lambda: steps(dataset.train, dataset.epoch(0), 0, count, size),
      lambda: bare(count),
      rounds,
    )
  what = f'{recipe.network}: step, bare operations'
  return timing.compare(what, pairs, 'ms', 1e3 / count, at_most=BAR)


def make_dataset(recipe: Any, batches: int) -> Any:
  """Returns a data set of noise in the form of what a network is for."""
  import numpy as np

  from lottery_ticket.datasets import augmentations
  from lottery_ticket.datasets import dataset_cifar10
  from lottery_ticket.foundations import dataset_base
  from lottery_ticket.foundations import seeds

  generator = seeds.generator(0, 'images')
  size = batches * recipe.batch_size
  is_gray = recipe.network == 'lenet5'
  shape = (size, 28, 28) if is_gray else (size, 32, 32, 3)
  images = generator.integers(0, 256, shape, np.uint8)
  values = dataset_cifar10.SCALINGS['standard']
  pair = images, generator.integers(0, 10, size)
  dataset = dataset_base.DatasetBase(
    pair,
    recipe.batch_size,
    pair,
    byte_values=values[:, 0] if is_gray else values,
  )
  if recipe.augment:
    dataset.train.augment = augmentations.flip_and_crop
  return dataset


def repeated(model: Any, shape: tuple[int, ...]) -> Callable[[int], None]:
  """Returns what does a model's bare operations as often as it is told.

  Args:
    model: The model; its graph is searched for operations.
    shape: Shape of a batch of inputs.
  """
  import tensorflow as tf

  traced = tf.function(
    lambda inputs: model(inputs, training=True), autograph=False
  ).get_concrete_function(tf.TensorSpec(shape, tf.float32))
  heavy = [op for op in traced.graph.get_operations() if op.type in HEAVY]
  # Variables: what is known to be constant could be computed ahead of time.
  operands = [
    [
      tf.Variable(tf.random.stateless_uniform(tensor.shape, (0, 1)))
      for tensor in op.inputs
    ]
    for op in heavy
  ]

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
    wanted = inputs[1:2] if not number else inputs[:3]
    with tf.GradientTape() as tape:
      tape.watch(wanted)
      outputs = getattr(tf.raw_ops, op.type)(
        **dict(zip(names, inputs, strict=True)), **settings
      )
      outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    return [outputs, *tape.gradient(outputs, wanted)]

  def body(i: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, ...]:
    results = [one for n in range(len(heavy)) for one in compute(n)]
    return i + 1, *results

  @tf.function(input_signature=[tf.TensorSpec([], tf.int32)], autograph=False)
  def graph(times: tf.Tensor) -> tuple[tf.Tensor, ...]:
    # Results are carried through the loop, or they would be optimized away.
    results = body(tf.constant(0))[1:]
    return tf.while_loop(
      lambda i, *_: i < times, body, (tf.constant(1), *results)
    )

  def repeat(times: int) -> None:
    graph(tf.constant(times))[0].numpy()

  return repeat


if __name__ == '__main__':
  entry.run(
    'lottery_ticket.benchmarks.convolutions:main', timing.Options, 'tensorflow'
  )

"""Compares training steps of convolutional networks with their bare operations.

python benchmarks/convolutions.py [--networks=[conv2,resnet20]] [--rounds=5]

A step has masks, augmentation, activations, loss and optimizer; `bare` tells
what the bare operations are. Both take turns in one process.
"""

from typing import Any

from lottery_ticket.benchmarks import timing
from lottery_ticket.cifar10_conv import constants
from lottery_ticket.cli import entry

BAR = 1.3
NETWORKS = ('lenet5', 'conv2/16', 'conv2', 'conv4', 'conv6', 'resnet20')
DENSITY = 0.5  # Of the masks.


def main(
  *,
  networks: list[str] | None = None,
  jit_compile: bool = False,
  steps: int = 3,
  **given: Any,
) -> None:
  """Measures steps of networks, and prints how long they take.

  Args:
    networks: Names of recipes, with '/16' that of width 16; by default one of
      each network.
    jit_compile: Whether XLA compiles the steps, as the trainer does not.
    steps: Training steps a turn.
    **given: Fields of `timing.Options`.
  """
  options = timing.Options(**given)
  figures = []
  for name in networks or NETWORKS:
    name, _, narrow = name.partition('/')
    filters = int(narrow) if narrow else None
    recipe = constants.TASK.recipe(name, width=filters)
    figures.append(measure(recipe, steps, options.rounds, jit_compile))
  options.report('convolutions', figures, jit_compile=jit_compile, steps=steps)


def measure(
  recipe: Any, count: int, rounds: int, jit_compile: bool
) -> timing.Figure:
  """Compares a recipe's steps, with random masks, with bare operations."""
  from lottery_ticket.benchmarks import bare
  from lottery_ticket.foundations import steps as steps_lib

  size = recipe.batch_size
  dataset = make_dataset(recipe, count)
  dense = constants.make_model(recipe, seed=1)
  dense.build(dataset.train.values(slice(1)))
  masks = timing.random_masks(dense.masks, DENSITY)
  repeat = bare.repeated(dense, (size, *dataset.train.inputs.shape[1:]))
  model = constants.make_model(recipe, masks=masks, seed=1)
  model.build(dataset.train.values(slice(1)))
  model.l2 = recipe.l2
  with steps_lib.prepared(
    dataset, model, recipe.optimizer_fn(), jit_compile, 'dense'
  ) as steps:
    pairs = timing.take_turns(
      lambda: steps(dataset.train, dataset.epoch(0), 0, count, size),
      lambda: repeat(count),
      rounds,
    )
  width = f', width {recipe.width}' if recipe.width else ''
  what = f'{recipe.network}{width}: step, bare operations'
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
  values = dataset_cifar10.SCALINGS['standard']
  shape: tuple[int, ...] = (size, 32, 32, 3)
  if recipe.network == 'lenet5':
    values, shape = values[:, 0], (size, 28, 28)
  images = generator.integers(0, 256, shape, np.uint8)
  pair = images, generator.integers(0, 10, size)
  dataset = dataset_base.DatasetBase(
    pair, recipe.batch_size, pair, byte_values=values
  )
  if recipe.augment:
    dataset.train.augment = augmentations.flip_and_crop
  return dataset


if __name__ == '__main__':
  entry.run(
    'lottery_ticket.benchmarks.convolutions:main', timing.Options, 'tensorflow'
  )

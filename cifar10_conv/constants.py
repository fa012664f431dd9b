"""Constants of the CIFAR-10 experiments: task and recipes.

They are those of Frankle & Carbin (arXiv 1803.03635 v5): Conv-2, Conv-4 and
Conv-6 of Section 3 and Appendix H, with dropout as there; ResNet-20 of Section
4 and Appendix I, which they call Resnet-18. LeNet-5 is for MNIST and
Fashion-MNIST.
"""

import functools
import os
import pathlib
from typing import Any

from lottery_ticket.cifar10_conv import locations
from lottery_ticket.cifar10_conv import recipe as recipe_lib
from lottery_ticket.models import networks
from lottery_ticket.study import task


def _conv(
  network: str, iterations: int, rate: float, percent: float = 0.1, **more: Any
) -> recipe_lib.Recipe:
  return recipe_lib.Recipe(
    network=network,
    learning_rate=rate,
    training_len=('iterations', iterations),
    prune_percents={'conv*': percent, 'dense*': 0.2, 'output': 0.1},
    **more,
  )


def _resnet(rate: float, **more: Any) -> recipe_lib.Recipe:
  rates = {'values': (rate, rate / 10, rate / 100)}
  return recipe_lib.Recipe(
    network='resnet20',
    optimizer='SGD',
    optimizer_settings={'momentum': 0.9},
    learning_rate={
      'PiecewiseConstantDecay': {'boundaries': (20_000, 25_000), **rates}
    },
    l2=1e-4,
    batch_size=128,
    training_len=('iterations', 30_000),
    pruner='global_magnitude',
    prune_percents={'*conv*': 0.2},  # Neither shortcuts nor the output layer.
    augment=True,
    **more,
  )


RECIPES = {
  'conv2': _conv('conv2', 20_000, 2e-4),
  'conv4': _conv('conv4', 25_000, 3e-4),
  'conv6': _conv('conv6', 30_000, 3e-4, 0.15),
  'conv2_dropout': _conv('conv2', 60_000, 3e-4, dropout=0.5),
  'conv4_dropout': _conv('conv4', 75_000, 2e-4, dropout=0.5),
  'conv6_dropout': _conv('conv6', 90_000, 2e-4, 0.15, dropout=0.5),
  'resnet20': _resnet(0.1),
  'resnet20_low': _resnet(0.01),
  'resnet20_warmup': _resnet(0.03, warmup=20_000),
  'lenet5': _conv('lenet5', 50_000, 1.2e-3, scaling='unit'),
}
"""{name: hyperparameters}; the first is the default."""


def make_dataset(
  recipe: recipe_lib.Recipe, location: str, seed: int, permute_labels: bool
) -> Any:
  """Returns the data of a recipe, in a fixed order.

  A location with `x_train.npy` is one of MNIST's layout, else of CIFAR-10's.
  """
  # Late: constants need no TensorFlow.
  from lottery_ticket.datasets import augmentations
  from lottery_ticket.datasets import dataset_cifar10
  from lottery_ticket.datasets import dataset_mnist

  make: Any = dataset_cifar10.DatasetCifar10
  if os.path.isfile(os.path.join(location, 'x_train.npy')):
    make = functools.partial(dataset_mnist.DatasetMnist, flatten=False)
  dataset = make(
    location,
    permute_labels=permute_labels,
    train_batch_size=recipe.batch_size,
    seed=seed,
    scaling=recipe.scaling,
    validation_size=recipe.validation_size,
  )
  if recipe.augment:
    dataset.train.augment = augmentations.flip_and_crop
  return dataset


def make_model(
  recipe: recipe_lib.Recipe,
  presets: Any = None,
  masks: Any = None,
  seed: int | None = None,
) -> Any:
  """Returns the network of a recipe."""
  return networks.make(
    recipe.network,
    presets,
    masks,
    seed,
    width=recipe.width,
    dropout=recipe.dropout,
    kernel_initializer=recipe.kernel_initializer,
  )


TASK = task.Task(
  folder=pathlib.Path(__file__).parent,
  recipes=RECIPES,
  make_dataset=make_dataset,
  make_model=make_model,
  experiment_path=locations.EXPERIMENT_PATH,
  data=recipe_lib.Data,
)
"""What the scripts of `study` know of this experiment."""

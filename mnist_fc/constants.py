"""Constants of the MNIST experiments: task, recipes, and where results lie."""

import pathlib
from typing import TYPE_CHECKING, Any

from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import locations
from lottery_ticket.mnist_fc import parts
from lottery_ticket.mnist_fc import recipe as recipe_lib
from lottery_ticket.study import task

if TYPE_CHECKING:  # Constants need no TensorFlow.
  from lottery_ticket.datasets import dataset_mnist
  from lottery_ticket.foundations import model_fc

RECIPES = {
  # Frankle & Carbin, arXiv 1803.03635 v5, Section 2 and Appendix G.
  'paper': recipe_lib.Recipe(),
  # google-research/lottery-ticket-hypothesis, 2018.
  'google': recipe_lib.Recipe(
    optimizer='SGD',
    learning_rate=0.1,
    batch_size=64,
    scaling='l2',
    validation_size=0,
  ),
}
"""{name: hyperparameters}; the first is the default."""

# The names of the 2018 code, with the values of the recipe `paper`.
HYPERPARAMETERS = RECIPES['paper'].hyperparameters
"""What `ModelFc` takes."""
OPTIMIZER_FN = RECIPES['paper'].optimizer_fn
"""Makes a new Keras optimizer."""
PRUNE_PERCENTS = dict(RECIPES['paper'].prune_percents)
"""{layer: fraction of its weights that a round prunes}."""
TRAINING_LEN = RECIPES['paper'].training_len
"""('iterations', n) of each training."""

MNIST_LOCATION = locations.MNIST_LOCATION
"""The folder of MNIST."""
FASHIONMNIST_LOCATION = locations.FASHIONMNIST_LOCATION
"""The folder of Fashion-MNIST."""
EXPERIMENT_PATH = locations.EXPERIMENT_PATH
"""The folder of all trials."""


def make_dataset(
  recipe: recipe_lib.Recipe,
  location: str,
  seed: int,
  permute_labels: bool = False,
) -> 'dataset_mnist.DatasetMnist':
  """Returns the data of a recipe, in a fixed order."""
  from lottery_ticket.datasets import dataset_mnist

  return dataset_mnist.DatasetMnist(
    location,
    permute_labels=permute_labels,
    train_batch_size=recipe.batch_size,
    seed=seed,
    scaling=recipe.scaling,
    validation_size=recipe.validation_size,
  )


def make_model(
  recipe: recipe_lib.Recipe,
  presets: Any = None,
  masks: Any = None,
  seed: int | None = None,
) -> 'model_fc.ModelFc':
  """Returns the network of a recipe."""
  from lottery_ticket.foundations import model_fc

  return model_fc.ModelFc(recipe.hyperparameters, presets, masks, seed)


TASK = task.Task(
  folder=pathlib.Path(__file__).parent,
  recipes=RECIPES,
  make_dataset=make_dataset,
  make_model=make_model,
  experiment_path=EXPERIMENT_PATH,
  data=recipe_lib.Data,
  parts=parts.parts,
)
"""What the scripts of `study` know of this experiment."""

recipe = TASK.recipe
"""Returns a recipe by name, with other values where they are given."""


def graph(category: str, filename: str) -> str:
  """The file of a figure."""
  return paths.graph(EXPERIMENT_PATH, category, filename)


def initialization(level: int) -> str:
  """The folder of a level's surviving initial weights, pooled over trials."""
  return paths.initialization(EXPERIMENT_PATH, level)


def trial(trial_name: str | int) -> str:
  """The folder of one trial."""
  return paths.trial(EXPERIMENT_PATH, trial_name)


def run(
  trial_name: str | int,
  level: int,
  experiment_name: str = 'same_init',
  run_id: str | int = '',
) -> str:
  """The folder of one run."""
  return paths.run(trial(trial_name), level, experiment_name, run_id)

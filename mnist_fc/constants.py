"""Constants of the MNIST experiments: recipes, and where results lie."""

from typing import Any

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import locations
from lottery_ticket.mnist_fc import recipe as recipe_lib

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

HYPERPARAMETERS = RECIPES['paper'].hyperparameters
OPTIMIZER_FN = RECIPES['paper'].optimizer_fn
PRUNE_PERCENTS = dict(RECIPES['paper'].prune_percents)
TRAINING_LEN = RECIPES['paper'].training_len

MNIST_LOCATION = locations.MNIST_LOCATION
FASHIONMNIST_LOCATION = locations.FASHIONMNIST_LOCATION
EXPERIMENT_PATH = locations.EXPERIMENT_PATH


def recipe(name: str, **values: Any) -> recipe_lib.Recipe:
  """Returns a recipe by name, with other values where they are not None.

  Raises:
    InputError: If there is no such recipe or value.
  """
  if name not in RECIPES:
    raise errors.InputError(
      f'recipe: wanted one of {sorted(RECIPES)}, got {name!r}'
    )
  return RECIPES[name].replace(**values)


def check_name(flag: str, name: str) -> None:
  """Checks a name of runs' folders.

  Args:
    flag: What to call it in the error.
    name: The name.

  Raises:
    InputError: If it is empty, a path, hidden or has odd characters.
  """
  try:
    save_restore.check_name(name)
  except errors.InputError:
    raise errors.InputError(
      f'{flag}: wanted letters, digits, "_", "-" and ".", got {name!r}'
    ) from None


def check_experiment_name(name: str) -> None:
  """Checks the name of an experiment's runs, which have no `run_id`.

  Raises:
    InputError: If it is not a name of folders, or `paths.find_runs` would take
      its end for a `run_id`.
  """
  check_name('experiment_name', name)
  if name[-1].isdecimal():
    raise errors.InputError(
      'experiment_name: wanted a name that does not end in a digit,'
      f' got {name!r}'
    )


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

"""What the experiment scripts share: data, models and runs of a recipe."""

import functools
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from lottery_ticket.datasets import dataset_mnist
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import model_fc
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import calls
from lottery_ticket.mnist_fc import recipe as recipe_lib

Network = masks_lib.Network
Recipe = recipe_lib.Recipe


def choose_seed(
  seed: int | None, run_directory: str, *, overwrite: bool = False
) -> int:
  """Returns the trial's seed.

  Args:
    seed: What the user gave, or None.
    run_directory: The trial's first run, whose record is asked for its seed if
      none was given: so an interrupted experiment goes on with its own.
    overwrite: Whether that run may be lost, and so its record be damaged.

  Raises:
    InputError: If the seed is no seed, or the record is damaged.
  """
  if seed is not None:
    return seeds.check(seed)
  try:
    recorded = records.seed(run_directory)
  except errors.InputError:
    if not overwrite:
      raise
    recorded = None
  return seeds.fresh() if recorded is None else recorded


def describe(
  recipe: Recipe, seed: int, level: int, **description: Any
) -> dict[str, Any]:
  """Returns what a run's record says of the experiment."""
  return {
    **description,
    'seed': seed,
    'level': level,
    'recipe': recipe.configuration(),
  }


def make_dataset(
  recipe: Recipe, mnist_location: str, seed: int, permute_labels: bool
) -> dataset_mnist.DatasetMnist:
  """Returns the data of a trial; kept for the next call that wants the same.

  Raises:
    InputError: If they are missing or damaged.
  """
  files = sorted(pathlib.Path(mnist_location).glob('*.npy'))
  return _make_dataset(
    mnist_location,
    tuple((file.name, file.stat().st_mtime_ns) for file in files),
    permute_labels=permute_labels,
    train_batch_size=recipe.batch_size,
    seed=seeds.integer(seed, 'data'),
    scaling=recipe.scaling,
    validation_size=recipe.validation_size,
  )


@functools.lru_cache(maxsize=1)
def _make_dataset(
  mnist_location: str, version: tuple, **arguments: Any
) -> dataset_mnist.DatasetMnist:
  del version  # Part of the key: files that changed are read again.
  return dataset_mnist.DatasetMnist(mnist_location, **arguments)


def make_model(
  recipe: Recipe,
  seed: int,
  presets: save_restore.NetworkLike | None = None,
  masks: save_restore.NetworkLike | list | None = None,
) -> model_fc.ModelFc:
  """Returns the network of a recipe."""
  return model_fc.ModelFc(recipe.hyperparameters, presets, masks, seed)


def order_seed(seed: int, level: int, train_order_seed: int | None) -> int:
  """Returns the seed of the order of the data.

  Args:
    seed: The trial's.
    level: The number of pruning rounds done.
    train_order_seed: Gives the order alone, if it is not None.

  Raises:
    InputError: If that is no seed.
  """
  if train_order_seed is None:
    return seeds.integer(seed, 'order', level)
  return seeds.check(train_order_seed, 'train_order_seed')


def read_ticket(run: str) -> controls.Ticket:
  """Returns the masks and initial weights of a finished run.

  Raises:
    InputError: If it is missing, unfinished or damaged.
  """
  return controls.Ticket(
    _network(run, paths.masks), _network(run, paths.initial)
  )


def read_weights(run: str) -> controls.Weights:
  """Returns the weights of a finished run, before and after training.

  Raises:
    InputError: If it is missing, unfinished or damaged.
  """
  return controls.Weights(
    _network(run, paths.initial), _network(run, paths.final)
  )


def _network(run: str, path: Callable[[str], str]) -> Network:
  """Returns a network of a finished run."""
  if not pathlib.Path(paths.record(run)).is_file():
    raise errors.MissingInputError(
      f'{run}: wanted a finished run;'
      ' runners/lottery_experiment.py makes tickets',
      paths.record(run),
    )
  return save_restore.standardize(path(run)) or {}


def is_saved(location: str, network: Network, *, overwrite: bool) -> bool:
  """Tells whether a folder holds a network already.

  Raises:
    InputError: If it holds another one that may not be lost.
  """
  if overwrite or not os.path.lexists(location):
    return False
  there = save_restore.restore_network(location)
  if save_restore.checksum(there) == save_restore.checksum(network):
    return True
  raise errors.InputError(
    f'{location}: holds another network; move it away, or {errors.OVERWRITE}'
  )


def train_model(
  recipe: Recipe,
  dataset: dataset_mnist.DatasetMnist,
  model: model_fc.ModelFc,
  output_dir: str | None,
  *,
  seed: int,
  level: int,
  train_order_seed: int | None,
  overwrite: bool,
  checkpoints: Sequence[int] = (),
  **description: Any,
) -> tuple[Network, Network]:
  """Trains a network as its recipe says, measured, saved and recorded.

  Args:
    recipe: Says how.
    dataset: What to train on, in whichever order.
    model: What to train.
    output_dir: The run's folder, or None to write nothing.
    seed: The trial's.
    level: The number of pruning rounds done; the order depends on it.
    train_order_seed: Gives the order alone, if it is not None.
    overwrite: Whether another run's results there may be lost.
    checkpoints: Iterations after which to save the weights as well.
    **description: What else to record of the experiment.

  Returns:
    Initial and final weights.

  Raises:
    InputError: Before any training, if an argument is of no use.
  """
  level = errors.check_integer('level', level, least=0)
  if output_dir is not None:
    calls.check(output_dir, dataset, model)
  trained = trainer.train(
    dataset.with_order(order_seed(seed, level, train_order_seed)),
    model,
    recipe.optimizer_fn,
    recipe.training_len,
    output_dir,
    test_interval=recipe.interval,
    validate_interval=recipe.interval,
    save_summaries=True,
    save_network=True,
    checkpoints=checkpoints,
    description=describe(
      recipe,
      seed,
      level,
      train_order_seed=train_order_seed,
      **description,
    ),
    sources={'call': calls.current(seed, output_dir)} if output_dir else None,
    overwrite=overwrite,
  )
  if output_dir is not None:
    _tell(output_dir, masks_lib.density(model.masks))
  return trained


def _tell(run: str, density: float) -> None:
  """Prints a line about a finished run."""
  record = records.read(run)
  accuracy = 100 * record['results']['test']['accuracy']
  print(
    f'{run}: {100 * density:.1f}% of the weights, test accuracy'
    f' {accuracy:.2f}% after {record["iterations"]:,} iterations',
    flush=True,  # Before what comes on stderr.
  )

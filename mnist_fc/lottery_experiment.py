"""Performs the lottery ticket experiment on MNIST."""

import functools
from collections.abc import Callable
from typing import Any

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import experiment
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import calls
from lottery_ticket.mnist_fc import common
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib

Network = masks_lib.Network


@recipe_lib.takes_values
@calls.recorded
def train(
  output_dir: str,
  mnist_location: str = constants.MNIST_LOCATION,
  training_len: schedule.Length | None = None,
  iterations: int = 30,
  experiment_name: str = 'same_init',
  presets: save_restore.NetworkLike | None = None,
  permute_labels: bool = False,
  train_order_seed: int | None = None,
  *,
  reset: str | int = 'initial',
  recipe: str = 'paper',
  seed: int | None = None,
  overwrite: bool = False,
  **values: Any,
) -> list[experiment.Level]:
  """Performs the lottery ticket experiment: one trial, level by level.

  Levels that are finished are loaded, not repeated: an interrupted experiment
  goes on when it is started again.

  Args:
    output_dir: The trial's folder; each level has its run in a folder there.
    mnist_location: Folder with MNIST or Fashion-MNIST.
    training_len: ('iterations', n) or ('epochs', n) of each run; the recipe's
      by default.
    iterations: The number of pruning rounds, so levels 0 to `iterations`.
    experiment_name: Name of the runs' folders; a digit at its end would count
      repetitions.
    presets: Folder of the initial weights of level 0; by default drawn.
    permute_labels: Whether to rename the classes by a random permutation.
    train_order_seed: Seed of the order of the data, the same at every level;
      by default the order depends on `seed` and the level.
    reset: What the weights that are left start from at the next level:
      'initial', their initial values (Section 2 of the paper); 'final', their
      trained ones, so that nothing is reset (Appendix B); or an integer k,
      their values in the dense network after iteration k (late rewinding).
    recipe: 'paper' or 'google': the hyperparameters.
    seed: Of all that is drawn; by default a new one, which is recorded.
    overwrite: Whether results of other runs in the folders may be lost.
    **values: Values of the recipe to replace, by name.

  Returns:
    What came of each level.

  Raises:
    InputError: Before any training, if an argument is of no use.
  """
  if not output_dir:
    raise errors.InputError("output_dir: wanted a folder, got ''")
  constants.check_experiment_name(experiment_name)
  iterations = errors.check_integer('iterations', iterations, least=0)
  chosen = constants.recipe(recipe, training_len=training_len, **values)
  reset = chosen.check_reset(reset)
  run = functools.partial(
    paths.run, output_dir, experiment_name=experiment_name
  )
  seed = common.choose_seed(seed, run(level=0), overwrite=overwrite)
  description = {
    'script': 'lottery_experiment',
    'permute_labels': permute_labels,
    'reset': reset,
  }
  for level in range(iterations + 1):
    described = common.describe(
      chosen, seed, level, train_order_seed=train_order_seed, **description
    )
    records.check(run(level=level), described, overwrite)

  def train_model(
    level: int, dataset: Any, model: Any
  ) -> tuple[Network, Network]:
    return common.train_model(
      chosen,
      dataset,
      model,
      run(level=level),
      seed=seed,
      level=level,
      train_order_seed=train_order_seed,
      overwrite=overwrite,
      checkpoints=[reset] if isinstance(reset, int) and not level else [],
      **description,
    )

  def prune_masks(
    masks: Network, final: Network, *, initial_weights: Network, level: int
  ) -> Network:
    return pruner.get(chosen.pruner)(
      chosen.prune_percents,
      masks,
      final,
      initial_weights=initial_weights,
      seed=seeds.integer(seed, 'prune', level + 1),
    )

  return experiment.experiment(
    make_dataset=functools.partial(
      common.make_dataset, chosen, mnist_location, seed, permute_labels
    ),
    make_model=functools.partial(
      common.make_model, chosen, seeds.integer(seed, 'model')
    ),
    train_model=train_model,
    prune_masks=prune_masks,
    iterations=iterations,
    presets=presets,
    reset=_reset_fn(reset, run(level=0)),
  )


def _reset_fn(
  reset: str | int, dense: str
) -> Callable[[int, Network, Network], Network] | None:
  """Returns what gives the presets of the next level; None for the initial."""
  if reset == 'initial':
    return None
  if reset == 'final':
    return lambda level, initial, final: final
  checkpoint = paths.checkpoint(dense, int(reset))
  return lambda *_: save_restore.restore_network(checkpoint)

"""Runs the random reinitialization control on a network, and its variants."""

import os
import pathlib
from typing import Any

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
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
  masks: save_restore.NetworkLike | list | None = None,
  initialization_distribution: save_restore.NetworkLike | None = None,
  same_sign: save_restore.NetworkLike | None = None,
  *,
  recipe: str = 'paper',
  seed: int | None = None,
  level: int = 0,
  run_id: int = 0,
  permute_labels: bool = False,
  train_order_seed: int | None = None,
  overwrite: bool = False,
  **values: Any,
) -> tuple[Network, Network]:
  """Trains a ticket's masks from other initial weights.

  With masks alone the weights are drawn anew from the recipe's initializer
  (`reinit`); with `initialization_distribution` from its values (`reuse`); with
  `same_sign`, too, they keep the ticket's signs (`reuse_sign`).

  Args:
    output_dir: The run's folder, for its weights, masks, logs and record.
    mnist_location: Folder with MNIST or Fashion-MNIST.
    training_len: ('iterations', n) or ('epochs', n); the recipe's by default.
    masks: Folder of masks, or a list of these, of which the union is taken;
      by default nothing is pruned.
    initialization_distribution: Folder of the values to draw from, one array
      a layer, as mnist_fc/initialization.py writes it.
    same_sign: Folder of the initial weights whose signs to keep.
    recipe: 'paper' or 'google': the hyperparameters.
    seed: The trial's; by default the one recorded in the run.json beside the
      folder `masks`, or a new one if there is none.
    level: How often the masks were pruned: draws and order depend on it.
    run_id: Number of this reinitialization: draws depend on it.
    permute_labels: Whether to rename the classes by a random permutation.
    train_order_seed: Seed of the order of the data alone; by default the order
      depends on `seed` and `level`.
    overwrite: Whether results of another run in `output_dir` may be lost.
    **values: Values of the recipe to replace, by name.

  Returns:
    The initial and the final weights, {parameter name: array} each.

  Raises:
    InputError: Before any training, if an argument is of no use.
  """
  level = errors.check_integer('level', level, least=0)
  run_id = errors.check_integer('run_id', run_id, least=0)
  chosen = constants.recipe(recipe, training_len=training_len, **values)
  if seed is None and isinstance(masks, (str, os.PathLike)):
    seed = records.seed(str(pathlib.Path(masks).absolute().parent))
  seed = common.choose_seed(seed, output_dir, overwrite=overwrite)
  masks = save_restore.standardize(masks, masks_lib.union, name='masks')
  control = _control(initialization_distribution, same_sign)
  draw_seed = seeds.integer(seed, 'control', control, level, run_id)
  presets = _presets(masks, initialization_distribution, same_sign, draw_seed)
  model = common.make_model(chosen, draw_seed, presets, masks)
  dataset = common.make_dataset(chosen, mnist_location, seed, permute_labels)
  return common.train_model(
    chosen,
    dataset,
    model,
    output_dir,
    seed=seed,
    level=level,
    train_order_seed=train_order_seed,
    overwrite=overwrite,
    script='control',  # By another name: the same run.
    control=control,
    run_id=run_id,
    permute_labels=permute_labels,
  )


def _control(distribution: Any, same_sign: Any) -> str:
  """Returns which of the three controls is asked for."""
  if distribution is None and same_sign is not None:
    raise errors.InputError(
      'same_sign: wanted together with initialization_distribution'
    )
  if distribution is None:
    return 'reinit'
  return 'reuse' if same_sign is None else 'reuse_sign'


def _check_pooled(distribution: Any) -> None:
  is_folder = isinstance(distribution, (str, os.PathLike))
  if is_folder and not os.path.exists(distribution):
    raise errors.MissingInputError(
      f'{distribution}: no such folder; runners/initialization.py makes it',
      os.fspath(distribution),
    )


def _presets(
  masks: Network | None,
  initialization_distribution: save_restore.NetworkLike | None,
  same_sign: save_restore.NetworkLike | None,
  seed: int,
) -> Network | None:
  """Returns initial weights, or None for those that the model draws."""
  _check_pooled(initialization_distribution)
  distribution = save_restore.standardize(
    initialization_distribution, name='initialization_distribution'
  )
  signs = save_restore.standardize(same_sign, name='same_sign')
  if distribution is None:
    return None
  if masks is None:
    raise errors.InputError(
      'initialization_distribution: wanted together with masks'
    )
  presets = controls.sample_weights(distribution, masks, seed)
  if signs is None:
    return presets
  signs = masks_lib.check_network(signs, 'same_sign')
  return controls.keep_signs(presets, signs)

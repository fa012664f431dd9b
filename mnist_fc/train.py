"""Trains a single network on MNIST, optionally with masks and presets."""

from typing import Any

from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import calls
from lottery_ticket.mnist_fc import common
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib


@recipe_lib.takes_values
@calls.recorded
def train(
  output_dir: str,
  mnist_location: str = constants.MNIST_LOCATION,
  training_len: schedule.Length | None = None,
  masks: save_restore.NetworkLike | list | None = None,
  presets: save_restore.NetworkLike | None = None,
  train_order_seed: int | None = None,
  *,
  recipe: str = 'paper',
  seed: int | None = None,
  level: int = 0,
  permute_labels: bool = False,
  overwrite: bool = False,
  **values: Any,
) -> tuple[masks_lib.Network, masks_lib.Network]:
  """Trains a single network, optionally with masks and presets.

  Args:
    output_dir: The run's folder, for its weights, masks, logs and record.
    mnist_location: Folder with MNIST or Fashion-MNIST.
    training_len: ('iterations', n) or ('epochs', n); the recipe's by default.
    masks: Folder of masks, or a list of these, of which the union is taken.
    presets: Folder of initial weights; by default they are drawn.
    train_order_seed: Seed of the order of the data alone; by default the order
      depends on `seed` and `level`.
    recipe: 'paper' or 'google': the hyperparameters.
    seed: Of all that is drawn; by default a new one, which is recorded.
    level: How often the masks were pruned, for the order and the record.
    permute_labels: Whether to rename the classes by a random permutation.
    overwrite: Whether results of another run in `output_dir` may be lost.
    **values: Values of the recipe to replace, by name.

  Returns:
    The initial and the final weights, {parameter name: array} each.

  Raises:
    InputError: Before any training, if an argument is of no use.
  """
  chosen = constants.recipe(recipe, training_len=training_len, **values)
  seed = common.choose_seed(seed, output_dir, overwrite=overwrite)
  model = common.make_model(
    chosen, seeds.integer(seed, 'model'), presets, masks
  )
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
    script='train',
    permute_labels=permute_labels,
  )

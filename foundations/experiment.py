"""The lottery ticket experiment: train, prune, reset, and again."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import save_restore

Network = masks_lib.Network


class Start(NamedTuple):
  """Weights that a level starts from, and where its training starts and ends.

  What the literature calls by these names starts from level 0's weights
  after iteration k (rewinding) or from the last level's trained weights, of a
  training that takes T iterations:

    rewinding to k               Start(weights, k)
    learning-rate rewinding      Start(trained)
    fine-tuning for n iterations Start(trained, T, T + n)

  Attributes:
    presets: {parameter name: array}, or the folder of such a network.
    first_iteration: As in `trainer.train`: schedule and data go on from there.
    last_iteration: As in `trainer.train`; None for the usual one.
  """

  presets: save_restore.NetworkLike | None
  first_iteration: int = 0
  last_iteration: int | None = None

  @property
  def iterations(self) -> dict[str, int | None]:
    """The arguments of `trainer.train` that say where training is to go on."""
    return {name: getattr(self, name) for name in self._fields[1:]}


class Level(NamedTuple):
  """What came of one level.

  Attributes:
    level: The number of pruning rounds done.
    masks: {layer name: 0/1 array}, the masks it was trained with.
    initial: {parameter name: array}, the weights it started from.
    final: {parameter name: array}, the weights after training.
  """

  level: int
  masks: Network
  initial: Network
  final: Network

  @property
  def density(self) -> float:
    """P_m, the fraction of prunable weights that remain."""
    return masks_lib.density(self.masks)


def experiment(
  make_dataset: Callable[[], dataset_base.DatasetBase],
  make_model: Callable[..., model_base.ModelBase],
  train_model: Callable[..., tuple[Network, Network]],
  prune_masks: Callable[..., Network],
  iterations: int,
  presets: save_restore.NetworkLike | None = None,
  *,
  masks: save_restore.NetworkLike | list | None = None,
  reset: Callable[[int, Network, Network], Network | Start] | None = None,
) -> list[Level]:
  """Finds winning tickets by iterative pruning (Section 2 of the paper).

  Args:
    make_dataset: `make_dataset()` gives the data set; called for each level.
    make_model: `make_model(presets=..., masks=...)` gives the network of the
      next level; each is None at level 0, unless it is given here.
    train_model: `train_model(level, dataset, model)` trains it and returns its
      initial and final weights. If it takes `first_iteration` and
      `last_iteration`, it gets what `reset` says of them by keyword.
    prune_masks: `prune_masks(masks, final_weights)` gives the next level's
      masks, like `pruner.prune_by_percent` with percents. If it has an argument
      `initial_weights` or `level` (with no default but None), it gets the
      weights that this level started from, and the level, by keyword.
    iterations: The number of pruning rounds: levels 0 to `iterations`.
    presets: Initial weights of level 0, or their folder; None: the model draws.
    masks: The masks of level 0, their folder, or a list of these, of which the
      union is taken; None to start from a dense network.
    reset: `reset(level, initial, final)` gives the next level's presets, or a
      `Start` that says where training starts and ends, too; by default the
      initial weights of level 0. Pruned weights become 0 in any case.

  Returns:
    What came of each level, from 0 to `iterations`.

  Raises:
    InputError: If `iterations` is not an integer of at least 0, `presets` or
      `masks` cannot be read, `make_model` does not take its arguments or has
      some already, `train_model` returns something else, or it does not take
      the iterations that `reset` says.
  """
  rounds = errors.check_integer('iterations', iterations, least=0)
  _check_open(make_model)
  optional = _optional(prune_masks) if rounds else set()
  takes_iterations = _takes_iterations(train_model)
  start = Start(save_restore.standardize(presets, name='presets'))
  masks = save_restore.standardize(masks, masks_lib.union, name='masks')
  levels: list[Level] = []
  for level in progress.levels(rounds):
    model = make_model(presets=start.presets, masks=masks)
    if isinstance(model, model_base.ModelBase):
      model.level.assign(level)
    where = start.iterations if takes_iterations else {}
    trained: Any = train_model(level, make_dataset(), model, **where)
    is_pair = isinstance(trained, (tuple, list)) and len(trained) == 2
    wanted = 'the initial and the final weights as its result'
    errors.require(is_pair, 'train_model', wanted, type(trained).__name__)
    initial, final = trained
    levels.append(Level(level, model.masks, initial, final))
    if level < rounds:
      known = {'initial_weights': initial, 'level': level}
      chosen = {name: known[name] for name in optional}
      masks = prune_masks(model.masks, final, **chosen)
      given = reset(level, initial, final) if reset else levels[0].initial
      start = given if isinstance(given, Start) else Start(given)
      if start.iterations != Start(None).iterations and not takes_iterations:
        raise errors.InputError(
          'train_model: wanted one that takes first_iteration=... and'
          ' last_iteration=..., since reset says them, for trainer.train'
        )
  return levels


def _takes_iterations(train_model: Callable[..., Any]) -> bool:
  """Tells whether a way to train takes what `Start.iterations` says."""
  try:
    inspect.signature(train_model).bind(0, None, None, **Start(None).iterations)
  except (TypeError, ValueError):  # It does not, or is not Python's.
    return False
  return True


def _is_open(default: Any) -> bool:
  """Tells whether an argument with this default has no value yet."""
  return default is None or default is inspect.Parameter.empty


def _optional(prune_masks: Callable[..., Network]) -> set[str]:
  """Returns which of the optional arguments a way to prune has left open."""
  got = repr(prune_masks)
  errors.require(callable(prune_masks), 'prune_masks', 'a function', got)
  try:
    parameters = inspect.signature(prune_masks).parameters
  except ValueError:  # Of a function that is not Python's.
    return set()
  names = parameters.keys() & {'initial_weights', 'level'}
  return {name for name in names if _is_open(parameters[name].default)}


def _check_open(make_model: Callable[..., Any]) -> None:
  """Checks that a maker of models takes presets and masks, and has none yet."""
  signature = inspect.signature(make_model)
  wanted = 'make_model: wanted one that takes presets=..., masks=...'
  with errors.refusing(wanted, TypeError):
    signature.bind(presets=None, masks=None)
  given = {k: item.default for k, item in signature.parameters.items()}
  # Signatures leave out what a partial gives to `**kwargs`.
  given |= getattr(make_model, 'keywords', {})
  for name in ('presets', 'masks'):
    if not _is_open(given.get(name)):
      raise errors.InputError(
        f'make_model: wanted one whose {name} are open, got one that has some;'
        f' give them to experiment, as {name}=...'
      )

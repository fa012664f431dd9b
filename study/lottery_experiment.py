"""Performs the lottery ticket experiment: one trial, level by level."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import seeds
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import resets
from lottery_ticket.study import task as task_lib

if TYPE_CHECKING:  # Flags need no TensorFlow.
  from lottery_ticket.foundations import experiment

Network = masks_lib.Network


def train(
  task: task_lib.Task,
  /,
  output_dir: str,
  *,
  iterations: int = 30,
  experiment_name: str = names.TICKET,
  presets: save_restore.NetworkLike | None = None,
  masks: save_restore.NetworkLike | list | None = None,
  reset: str | int = 'initial',
  fine_tuning_len: schedule.Length | None = None,
  **given: Any,
) -> list['experiment.Level']:
  """Performs the lottery ticket experiment: one trial, level by level.

  Levels that are finished are loaded, not repeated: started again, it goes on.

  Args:
    output_dir: The trial's folder; each level has its run in a folder there.
    iterations: The number of pruning rounds, so levels 0 to `iterations`.
    experiment_name: Name of the runs' folders, with no digit at its end.
    presets: Folder of the initial weights of level 0; by default drawn.
    masks: Folder of level 0's masks, or a list for the union; by default none.
    reset: What each level starts from: initial (level 0's initial weights),
      lr_rewind or final (the trained ones, for a whole training), fine_tune
      (the trained ones, to go on at the last rate), or an iteration of level
      0's training, to go on from there.
    fine_tuning_len: How long fine_tune trains, like iterations,5000.

  Examples:
    --output_dir=experiments/trial1 --seed=1
    --output_dir=experiments/rewound/trial1 --iterations=15 --reset=500

  Returns:
    What came of each level.
  """
  errors.require(output_dir, 'output_dir', 'a folder', repr(output_dir))
  names.check_experiment(experiment_name)
  iterations = errors.check_integer('iterations', iterations, least=0)
  levels = range(iterations + 1)
  runs = [paths.run(output_dir, level, experiment_name) for level in levels]
  sources = plan_lib.absolute(masks=masks, presets=presets)
  dense = plan_lib.make(
    task, 'lottery_experiment', runs[0], given, level=0, sources=sources
  )
  recipe = dense.recipe
  start = resets.check(recipe, reset, fine_tuning_len)
  dense = dense.replace(settings={**start, 'experiment_name': experiment_name})
  plans = [dense.replace(level=level) for level in levels]
  for plan, run in zip(plans, runs, strict=True):
    plan.check_folder(run)

  def train_model(level: int, dataset: Any, model: Any) -> Any:
    if not level:  # Names of layers are known as soon as there is a model.
      model.build(dataset.train.values(slice(1)))
      pruner.of_layers(recipe.prune_percents, model.masks)
    return plans[level].train(dataset, model, runs[level])

  def prune_masks(
    masks: Network, final: Network, *, initial_weights: Network, level: int
  ) -> Network:
    prune, percents = pruner.get(recipe.pruner), recipe.prune_percents
    seed = seeds.integer(dense.seed, 'prune', level + 1)
    return prune(
      percents, masks, final, initial_weights=initial_weights, seed=seed
    )

  from lottery_ticket.foundations import experiment

  return experiment.experiment(
    make_dataset=dense.make_dataset,
    make_model=dense.make_model,
    train_model=train_model,
    prune_masks=prune_masks,
    iterations=iterations,
    presets=presets,
    masks=masks,
    reset=_reset_fn(start['reset'], runs[0]),
  )


def _reset_fn(reset: str | int, dense: str) -> Callable[..., Network] | None:
  """Returns what gives the presets of the next level, None for the initial."""
  if reset == 'initial':
    return None
  if reset in ('final', 'fine_tune'):
    return lambda level, initial, final: final
  checkpoint = paths.checkpoint(dense, int(reset))
  return lambda *_: save_restore.restore_network(checkpoint)

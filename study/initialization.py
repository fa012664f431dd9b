"""Pools the initial weights that survived, over all trials of an experiment."""

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib
from lottery_ticket.study import tickets


def pool(
  task: task_lib.Task,
  /,
  level: int,
  experiment_path: str | None = None,
  experiment_name: str = names.TICKET,
  *,
  trials: list[int | str] | None = None,
  overwrite: bool = False,
) -> masks_lib.Network:
  """Pools a level's surviving initial weights: the `reuse` distribution.

  Writes them to `{experiment_path}/weights/{level}/initialization`.

  Args:
    level: The number of pruning rounds done.
    experiment_path: The folder of all trials; the task's by default.
    experiment_name: Name of the runs' folders.
    trials: Names of the trials; by default all that are there.
    overwrite: Whether another distribution there may be replaced.

  Examples:
    --level=9
    --level=9 --trials=[1,2]

  Returns:
    {layer name: float32 array of shape [survivors of all trials]}.
  """
  names.check('experiment_name', experiment_name)
  top = experiment_path or task.experiment_path
  folders = [paths.trial(top, name) for name in names.trials(top, trials)]
  runs = [paths.run(folder, level, experiment_name) for folder in folders]
  pooled = controls.pool_weights([plan_lib.read_ticket(run) for run in runs])
  location = paths.initialization(top, level)
  tickets.save_new({location: pooled}, overwrite=overwrite)
  return pooled

"""Trains a single network, optionally with masks and presets."""

from typing import Any

from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import save_restore
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib


def train(
  task: task_lib.Task,
  /,
  output_dir: str,
  *,
  masks: save_restore.NetworkLike | list | None = None,
  presets: save_restore.NetworkLike | None = None,
  level: int = 0,
  **given: Any,
) -> tuple[masks_lib.Network, masks_lib.Network]:
  """Trains a single network, optionally with masks and presets.

  Args:
    output_dir: The run's folder, for its weights, masks, logs and record.
    masks: Folder of masks, or a list of these, of which the union is taken.
    presets: Folder of initial weights; by default they are drawn.
    level: Number of times the masks were pruned, for the order and the record.

  Examples:
    --output_dir=experiments/trial1/0/dense --seed=1
    --output_dir=trained --masks=ticket/masks --presets=ticket/initial

  Returns:
    The initial and the final weights, {parameter name: array} each.
  """
  sources = plan_lib.absolute(masks=masks, presets=presets)
  plan = plan_lib.make(
    task, 'train', output_dir, given, level=level, sources=sources
  )
  model = plan.make_model(presets, masks)
  return plan.train(plan.make_dataset(), model, output_dir)

"""Runs the random reinitialization control on a network, and its variants."""

import os
from typing import Any

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import save_restore
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib

_DISTRIBUTION = 'initialization_distribution'


def train(
  task: task_lib.Task,
  /,
  output_dir: str,
  *,
  masks: save_restore.NetworkLike | list | None = None,
  initialization_distribution: save_restore.NetworkLike | None = None,
  same_sign: save_restore.NetworkLike | None = None,
  level: int = 0,
  run_id: int = 0,
  **given: Any,
) -> tuple[masks_lib.Network, masks_lib.Network]:
  """Trains a ticket's masks from other initial weights.

  With masks alone the weights are drawn anew from the recipe's initializer
  (`reinit`); with `initialization_distribution` from its values (`reuse`); with
  `same_sign`, too, they keep the ticket's signs (`reuse_sign`).

  Args:
    output_dir: The run's folder, for its weights, masks, logs and record.
    masks: Folder of masks, or a list of these for their union; by default none.
    initialization_distribution: Folder of the values to draw from, one array
      a layer, as the runner initialization writes it.
    same_sign: Folder of the initial weights whose signs to keep.
    level: Number of times the masks were pruned: draws and order depend on it.
    run_id: Number of this reinitialization: draws depend on it.

  Examples:
    --output_dir=new --masks=experiments/trial1/9/same_init/masks
    --output_dir=other --masks=ticket/masks --level=9 --run_id=2

  Returns:
    The initial and the final weights, {parameter name: array} each.
  """
  distribution, tickets, control = initialization_distribution, [], 'reinit'
  if isinstance(masks, (str, os.PathLike)):  # Beside them lies their record.
    tickets = [os.path.dirname(os.path.abspath(masks))]
  if distribution is not None:
    control = 'reuse' if same_sign is None else 'reuse_sign'
    if masks is None:
      raise errors.InputError(f'{_DISTRIBUTION}: wanted together with masks')
  elif same_sign is not None:
    raise errors.InputError(f'same_sign: wanted together with {_DISTRIBUTION}')
  run_id = errors.check_integer('run_id', run_id, least=0)
  plan = plan_lib.make(
    task,
    'control',  # It makes the same run under another name.
    output_dir,
    given,
    tickets=tickets,
    level=errors.check_integer('level', level, least=0),
    settings={'control': control, 'run_id': run_id},
    sources=plan_lib.absolute(
      masks=masks, initialization_distribution=distribution, same_sign=same_sign
    ),
  )
  place = plan.sources.get(_DISTRIBUTION, '')
  if place and not os.path.exists(place):  # Another job may make it.
    said = 'no such folder; runners/initialization.py makes it'
    raise errors.MissingInputError(f'{distribution}: {said}', place)
  masks = save_restore.standardize(masks, masks_lib.union, name='masks') or {}
  values = save_restore.standardize(distribution, name=_DISTRIBUTION)
  signs = save_restore.standardize(same_sign, name='same_sign')
  presets = {}  # The model draws what has none.
  if values is not None:
    presets = controls.sample_weights(values, masks, plan.draw_seed)
  if signs is not None:
    signs = masks_lib.check_network(signs, 'same_sign')
    presets = controls.keep_signs(presets, signs)
  return plan.train_ticket(controls.Ticket(masks, presets), output_dir)

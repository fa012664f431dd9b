"""Runs a control: trains a ticket with something about it changed."""

import contextlib
import functools
import math
import os
from collections.abc import Callable
from typing import Any

from lottery_ticket.analysis import rows
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import resets
from lottery_ticket.study import task as task_lib

Network = masks_lib.Network

_PRUNING = ('prune_percents', 'pruner')  # What a control has no use for.


def train(
  task: task_lib.Task,
  /,
  output_dir: str,
  *,
  control: str = 'reinit',
  trial_dir: str,
  level: int,
  run_id: int = 1,
  ticket_name: str = names.TICKET,
  no_reset_name: str = names.NO_RESET,
  trials: list[str] | None = None,
  scale: float | None = None,
  rewind_to: int | None = None,
  **given: Any,
) -> tuple[Network, Network]:
  """Trains a ticket with something about it changed.

  Args:
    output_dir: The run's folder, for its weights, masks, logs and record.
    control: What to change: a name in `foundations/controls.py`, like random,
      one_shot or noise_1x, or noise with --scale.
    trial_dir: Folder of the trial that found the ticket.
    level: The ticket's level: the number of times its masks were pruned.
    run_id: Number of this repetition: draws depend on it.
    ticket_name: Name of the folders of the trial's tickets.
    no_reset_name: Name of the folders of an experiment without resets.
    trials: Folders of all trials, for controls that combine them.
    scale: Scale of noise, in standard deviations of the initializer: --scale=1.
    rewind_to: The iteration to go back to, for rewind: --rewind_to=500.

  Examples:
    --output_dir=own --control=own --trial_dir=experiments/trial1 --level=9
    --output_dir=noisy --control=noise --scale=2 --trial_dir=experiments/trial1
      --level=9

  Returns:
    The initial and the final weights, {parameter name: array} each.
  """
  folders = {'ticket_name': ticket_name, 'no_reset_name': no_reset_name}
  for flag, folder in folders.items():
    names.check(flag, folder)
  name, row = controls.find(control)
  level = errors.check_integer('level', level, int('before' in row.needs))
  run_id = errors.check_integer('run_id', run_id, least=0)
  own = {'scale': scale, 'rewind_to': rewind_to, 'trials': trials}
  settings = _settings(control, row, own)
  trials = settings.pop('trials', ())
  run = functools.partial(paths.run, trial_dir, experiment_name=ticket_name)
  plan = plan_lib.make(
    task,
    'control',
    output_dir,
    given,
    tickets=[run(level), run(0)],
    level=level,
    sources=plan_lib.absolute(trial_dir=trial_dir, trials=trials) | folders,
    settings={'control': name, 'run_id': run_id, **settings},
  )
  if 'rewind_to' in settings:
    resets.check_rewinding(plan.recipe, 'rewind_to', settings['rewind_to'])
  for place in (run(level), run(0)):
    _check_like(place, plan, row)
  found = _found(plan, output_dir)
  ticket = row.function(**{need: found[need]() for need in row.needs})
  if row.permutes_labels:
    plan = plan.replace(permute_labels=True)
  if row.reorders:
    plan = plan.replace(train_order_seed=plan.draw_seed)
  return plan.train_ticket(ticket, output_dir)


def _found(plan: plan_lib.Plan, output_dir: str) -> dict[str, Callable]:
  """Returns what reads each thing that a control may ask for."""
  sources, level, read = plan.sources, plan.level, plan_lib.read_ticket
  trials = sources.get('trials', ())

  def run(level: int, name: str = 'ticket_name', trial: str = '') -> str:
    return paths.run(trial or sources['trial_dir'], level, sources[name])

  def dense() -> controls.Weights:
    if os.path.isfile(paths.record(run(0))):
      return plan_lib.read_weights(run(0))
    # Its initial weights can be drawn again, its trained ones are gone.
    return controls.Weights(read(run(0), plan).initial, {})

  return {
    'ticket': lambda: read(run(level), plan),
    'tickets': lambda: [read(run(level, trial=trial)) for trial in trials],
    'dense': dense,
    'before': lambda: plan_lib.read_weights(run(level - 1)),
    'no_reset': lambda: read(run(level, 'no_reset_name')),
    'rewound': lambda: _rewound(plan, output_dir, dense),
    'deviations': lambda: _deviations(plan.recipe, dense().initial),
    'scale': lambda: plan.settings['scale'],
    'seed': lambda: plan.draw_seed,
  }


def _rewound(plan: plan_lib.Plan, output_dir: str, dense: Callable) -> Network:
  """Returns the dense network's weights early in its training, trained again.

  The same seeds give the same bytes: nobody needs to have saved them. Where the
  control's run is finished, it has those that it needs.
  """
  with contextlib.suppress(errors.InputError):
    if records.read(output_dir).get('description') == plan.description():
      return plan_lib.read_weights(output_dir).initial
  from lottery_ticket.foundations import trainer

  length = 'iterations', plan.settings['rewind_to']
  plan = plan.replace(level=0)
  dataset = plan.make_dataset().with_order(plan.order_seed)
  model, recipe = plan.make_model(dense().initial), plan.recipe
  train = functools.partial(trainer.train, execution=recipe.execution)
  return train(dataset, model, recipe.optimizer_fn, length, None)[1]


def _settings(control: str, row: controls.Control, given: dict) -> dict:
  """Returns the settings of a control: from its row, or else from flags."""
  settings = {k: v for k, v in row.settings.items() if v is not None}
  for flag, value in given.items():
    example, check = _SETTINGS[flag]
    if flag in settings or flag not in row.settings:
      if value is not None:
        raise errors.InputError(f'{flag}: the control {control} takes none')
    elif value is None:
      said = f'wanted for the control {control}, like --{flag}={example}'
      raise errors.InputError(f'{flag}: {said}')
    else:
      settings[flag] = check(flag, value)
  return settings


_SETTINGS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
  'scale': ('1', errors.check_number),
  'rewind_to': ('500', functools.partial(errors.check_integer, least=1)),
  'trials': ("['experiments/trial1','experiments/trial2']", lambda _, v: v),
}
"""{flag: (example, check of its value)}."""


def _check_like(run: str, plan: plan_lib.Plan, row: controls.Control) -> None:
  """Checks that nothing is changed about a ticket's run beside the control."""
  try:
    there = rows.record(run).get('description', {})
  except errors.InputError:
    return  # A control that needs the ticket will say so.
  recorded = there | there.get('recipe', {})
  now = plan.description() | plan.recipe.configuration()
  for name in ('seed', 'permute_labels', *plan.recipe.configuration()):
    wanted, value = recorded.get(name, now[name]), now[name]
    is_same = name in _PRUNING or _spelt(wanted) == _spelt(value)
    errors.require(is_same, name, f'{wanted!r}, that of {run}', repr(value))
  if row.permutes_labels and plan.permute_labels:
    wanted = 'permuted_labels wants a trial whose labels are not'
    raise errors.InputError(f'control: {wanted}, got {run}')


def _spelt(value: Any) -> Any:  # GlorotNormal is glorot_normal.
  return value.lower().replace('_', '') if isinstance(value, str) else value


def _deviations(recipe: Any, initial: Network) -> dict[str, float]:
  """Returns the standard deviations that a recipe's layers are drawn with."""
  import keras  # Late: flags need no TensorFlow.

  initializer = keras.initializers.get(recipe.kernel_initializer)
  if not isinstance(initializer, keras.initializers.VarianceScaling):
    raise errors.InputError(
      'kernel_initializer: noise wants one that scales with the size of a'
      f' layer, like glorot_normal, got {recipe.kernel_initializer!r}'
    )

  def variance(*shape: int) -> float:
    *field, inputs, outputs = shape
    mean = (inputs + outputs) / 2
    fans = {'fan_in': inputs, 'fan_out': outputs, 'fan_avg': mean}
    return initializer.scale / (fans[initializer.mode] * math.prod(field))

  return {
    name: math.sqrt(variance(*array.shape))
    for name, array in initial.items()
    if array.ndim >= 2
  }

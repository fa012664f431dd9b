"""Runs a control: trains a ticket with something about it changed."""

import contextlib
import functools
import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from lottery_ticket.analysis import rows
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import task as task_lib

Network = masks_lib.Network

_PRUNING = ('prune_percents', 'pruner')  # What a control has no use for.
_EXAMPLES = {
  'scale': '--scale=1',
  'rewind_to': '--rewind_to=500',
  'trials': "--trials=['experiments/trial1','experiments/trial2']",
}


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
    rewind_to: The iteration whose weights to go back to, for rewind:
      --rewind_to=500.

  Returns:
    The initial and the final weights, {parameter name: array} each.
  """
  names.check('ticket_name', ticket_name)
  names.check('no_reset_name', no_reset_name)
  name, row = controls.find(control)
  level = errors.check_integer('level', level, least=0)
  if 'before' in row.needs and not level:
    raise errors.InputError(
      f'level: the control {control} wants at least 1, got {level}'
    )
  settings = _settings(
    control, row, {'scale': scale, 'rewind_to': rewind_to, 'trials': trials}
  )
  everyone = settings.pop('trials', ())
  run = functools.partial(paths.run, trial_dir, experiment_name=ticket_name)
  plan = plan_lib.make(
    task,
    'control',
    output_dir,
    given,
    tickets=[run(level), run(0)],
    level=level,
    settings={
      'control': name,
      'run_id': errors.check_integer('run_id', run_id, least=0),
      **settings,
    },
    sources=plan_lib.absolute(trial_dir=trial_dir, trials=everyone)
    | {'ticket_name': ticket_name, 'no_reset_name': no_reset_name},
  )
  for place in (run(level), run(0)):
    _check_like(place, plan, row)
  found = Found(plan, output_dir)
  ticket = row.function(**{need: getattr(found, need) for need in row.needs})
  if row.permutes_labels:
    plan = plan.replace(permute_labels=True)
  if row.reorders:
    plan = plan.replace(train_order_seed=plan.draw_seed)
  return plan.train_ticket(ticket, output_dir)


class Found(NamedTuple):
  """What a trial has found: each part is read when a control asks for it.

  The plan of the control's run says where to look.
  """

  plan: plan_lib.Plan
  output_dir: str

  def _run(self, level: int, name: str = 'ticket_name', trial: str = '') -> str:
    sources = self.plan.sources
    return paths.run(trial or sources['trial_dir'], level, sources[name])

  @property
  def ticket(self) -> controls.Ticket:
    """The ticket itself."""
    return plan_lib.read_ticket(self._run(self.plan.level), self.plan)

  @property
  def tickets(self) -> list[controls.Ticket]:
    """The tickets of all trials at this level."""
    return [
      plan_lib.read_ticket(self._run(self.plan.level, trial=trial))
      for trial in self.plan.sources['trials']
    ]

  @property
  def dense(self) -> controls.Weights:
    """The unpruned network; without trained weights if its folder is gone."""
    run = self._run(0)
    if os.path.isfile(paths.record(run)):
      return plan_lib.read_weights(run)
    return controls.Weights(plan_lib.read_ticket(run, self.plan).initial, {})

  @property
  def before(self) -> controls.Weights:
    """The network whose training the ticket's masks come from."""
    return plan_lib.read_weights(self._run(self.plan.level - 1))

  @property
  def no_reset(self) -> controls.Ticket:
    """The ticket that an experiment without resets found."""
    run = self._run(self.plan.level, 'no_reset_name')
    return plan_lib.read_ticket(run)

  @property
  def rewound(self) -> Network:
    """The dense network's weights early in its training, trained again.

    The same seeds give the same bytes: nobody needs to have saved them. Where
    the control's run is finished, it has those that it needs.
    """
    with contextlib.suppress(errors.InputError):
      record = records.read(self.output_dir)
      if record.get('description') == self.plan.description():
        return plan_lib.read_weights(self.output_dir).initial
    from lottery_ticket.foundations import trainer

    dense = self.plan.replace(level=0)
    return trainer.train(
      dense.make_dataset().with_order(dense.order_seed),
      dense.make_model(self.dense.initial),
      dense.recipe.optimizer_fn,
      ('iterations', self.plan.settings['rewind_to']),
      None,
      execution=dense.recipe.execution,
    )[1]

  @property
  def deviations(self) -> dict[str, float]:
    """The standard deviations that the layers' weights are drawn with."""
    return _deviations(self.plan.recipe.kernel_initializer, self.dense.initial)

  @property
  def scale(self) -> float:
    """The scale of noise."""
    return self.plan.settings['scale']

  @property
  def seed(self) -> int:
    """The seed of what is drawn."""
    return self.plan.draw_seed


def _settings(
  control: str, row: controls.Control, given: Mapping[str, Any]
) -> dict[str, Any]:
  """Returns the settings of a control: from its row, or else from flags."""
  fixed = {k: value for k, value in row.settings.items() if value is not None}
  for flag, value in given.items():
    takes = flag in row.settings and flag not in fixed
    if takes and value is None:
      raise errors.InputError(
        f'{flag}: wanted for the control {control}, like {_EXAMPLES[flag]}'
      )
    if value is not None and not takes:
      raise errors.InputError(f'{flag}: the control {control} takes none')
  _check(**given)
  return {k: v for k, v in given.items() if v is not None} | fixed


def _check(scale: Any, rewind_to: Any, trials: Any) -> None:
  if scale is not None:
    errors.check_number('scale', scale)
  if rewind_to is not None:
    errors.check_integer('rewind_to', rewind_to, least=1)
  is_list = isinstance(trials, (list, tuple)) and trials
  if trials is not None and not (
    is_list and all(isinstance(trial, str) for trial in trials)
  ):
    raise errors.InputError(
      f"trials: wanted a list of folders, like ['a/trial1'], got {trials!r}"
    )


def _check_like(
  run: str, plan: plan_lib.Plan, control: controls.Control
) -> None:
  """Checks that nothing is changed about a ticket's run beside the control."""
  try:
    there = rows.record(run).get('description', {})
  except errors.InputError:
    return  # A control that needs the ticket will say so.
  recorded = there | there.get('recipe', {})
  now = plan.description() | plan.recipe.configuration()
  for name in ('seed', 'permute_labels', *plan.recipe.configuration()):
    wanted, value = recorded.get(name, now[name]), now[name]
    if name not in _PRUNING and _spelt(wanted) != _spelt(value):
      raise errors.InputError(
        f'{name}: wanted {wanted!r}, that of {run}, got {value!r}'
      )
  if control.permutes_labels and plan.permute_labels:
    raise errors.InputError(
      f'control: permuted_labels wants a trial whose labels are not, got {run}'
    )


def _spelt(value: Any) -> Any:
  """Returns a name in one spelling: GlorotNormal is glorot_normal."""
  return value.lower().replace('_', '') if isinstance(value, str) else value


def _deviations(name: str, initial: Network) -> dict[str, float]:
  """Returns the standard deviations that an initializer draws layers with."""
  import keras  # Late: flags need no TensorFlow.

  initializer = keras.initializers.get(name)
  if not isinstance(initializer, keras.initializers.VarianceScaling):
    raise errors.InputError(
      'kernel_initializer: noise wants one that scales with the size of a'
      f' layer, like glorot_normal, got {name!r}'
    )
  fans = {
    'fan_in': lambda shape: shape[-2],
    'fan_out': lambda shape: shape[-1],
    'fan_avg': lambda shape: (shape[-2] + shape[-1]) / 2,
  }
  fan = fans[initializer.mode]
  return {
    name: math.sqrt(
      initializer.scale / (fan(array.shape) * math.prod(array.shape[:-2]))
    )
    for name, array in initial.items()
    if array.ndim >= 2
  }

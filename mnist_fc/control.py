"""Runs a control: trains a ticket with something about it changed."""

import functools
import inspect
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import keras

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import calls
from lottery_ticket.mnist_fc import common
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib
from lottery_ticket.mnist_fc.argfiles import control_argfile

Network = masks_lib.Network

_PRUNING = ('prune_percents', 'pruner')  # What a control has no use for.
_SETTINGS = {'scale': 'scale', 'rewound': 'rewind_to', 'tickets': 'trials'}
"""{what a control may want: the flag that says which}."""
_EXAMPLES = {
  'scale': '--scale=1',
  'rewind_to': '--rewind_to=500',
  'trials': "--trials=['experiments/trial1','experiments/trial2']",
}


@recipe_lib.takes_values
@calls.recorded
def train(
  output_dir: str,
  mnist_location: str = constants.MNIST_LOCATION,
  training_len: schedule.Length | None = None,
  control: str = 'reinit',
  *,
  trial_dir: str,
  level: int,
  run_id: int = 1,
  ticket_name: str = 'same_init',
  no_reset_name: str = 'no_reset',
  trials: list[str] | None = None,
  scale: float | None = None,
  rewind_to: int | None = None,
  recipe: str = 'paper',
  seed: int | None = None,
  permute_labels: bool = False,
  train_order_seed: int | None = None,
  overwrite: bool = False,
  **values: Any,
) -> tuple[Network, Network]:
  """Trains a ticket with something about it changed.

  Args:
    output_dir: The run's folder, for its weights, masks, logs and record.
    mnist_location: Folder with MNIST or Fashion-MNIST.
    training_len: ('iterations', n) or ('epochs', n); the recipe's by default.
    control: What to change: a name in `foundations/controls.py`, like random,
      one_shot or noise.
    trial_dir: Folder of the trial that found the ticket.
    level: The ticket's level: how often its masks were pruned.
    run_id: Number of this repetition: draws depend on it.
    ticket_name: Name of the folders of the trial's tickets.
    no_reset_name: Name of the folders of an experiment without resets.
    trials: Folders of all trials, for controls that combine them.
    scale: Of noise, in standard deviations of the initializer: --scale=1.
    rewind_to: The iteration whose weights to go back to, for rewind:
      --rewind_to=500.
    recipe: 'paper' or 'google': the hyperparameters.
    seed: The trial's; by default the one that its runs recorded, or a new one
      if they recorded none.
    permute_labels: Whether the trial's classes were permuted.
    train_order_seed: Seed of the order of the data alone; by default the order
      depends on `seed` and `level`.
    overwrite: Whether results of another run in `output_dir` may be lost.
    **values: Values of the recipe to replace, by name.

  Returns:
    The initial and the final weights, {parameter name: array} each.

  Raises:
    InputError: Before any training, if an argument is of no use, the recipe,
      the seed or the labels are others than the trial's, or a run that the
      control builds on is not finished.
  """
  constants.check_name('ticket_name', ticket_name)
  constants.check_name('no_reset_name', no_reset_name)
  level = errors.check_integer('level', level, least=0)
  run_id = errors.check_integer('run_id', run_id, least=0)
  settings: dict[str, Any] = {
    'scale': scale,
    'rewind_to': rewind_to,
    'trials': trials,
  }
  function = _function(control, level, settings)
  chosen = constants.recipe(recipe, training_len=training_len, **values)
  run = functools.partial(paths.run, trial_dir, experiment_name=ticket_name)
  _check_like(run(level), chosen, permute_labels, control)
  seed = common.choose_seed(
    _trial_seed(seed, [run(level), run(0)]), output_dir, overwrite=overwrite
  )
  draw_seed = seeds.integer(seed, 'control', control, level, run_id)
  make_dataset = functools.partial(
    common.make_dataset, chosen, mnist_location, seed
  )
  sources: dict[str, Callable[[], Any]] = {
    'ticket': lambda: common.read_ticket(run(level)),
    'tickets': lambda: [
      common.read_ticket(paths.run(trial, level, ticket_name))
      for trial in trials or ()
    ],
    'dense': lambda: common.read_weights(run(0)),
    'before': lambda: common.read_weights(run(level - 1)),
    'no_reset': lambda: common.read_ticket(
      paths.run(trial_dir, level, no_reset_name)
    ),
    'rewound': lambda: _rewound(
      chosen,
      int(rewind_to or 0),
      common.make_model(chosen, draw_seed, common.read_weights(run(0)).initial),
      make_dataset(permute_labels),
      seed=seed,
      level=0,
      train_order_seed=train_order_seed,
      overwrite=overwrite,
      script='control',
      control='dense',
      permute_labels=permute_labels,
    ),
    'deviations': lambda: _deviations(
      chosen, common.read_weights(run(0)).initial
    ),
    'scale': lambda: scale,
    'seed': lambda: draw_seed,
  }
  ticket = function(
    **{name: sources[name]() for name in inspect.signature(function).parameters}
  )
  if control == 'permuted_labels':
    permute_labels = True
  if control == 'other_order':
    train_order_seed = draw_seed
  return common.train_model(
    chosen,
    make_dataset(permute_labels),
    common.make_model(chosen, draw_seed, ticket.initial, ticket.masks),
    output_dir,
    seed=seed,
    level=level,
    train_order_seed=train_order_seed,
    overwrite=overwrite,
    script='control',
    control=control,
    run_id=run_id,
    permute_labels=permute_labels,
    **{
      name: settings[name]
      for name in ('scale', 'rewind_to')
      if settings[name] is not None
    },
  )


def _check_like(
  run: str, recipe: recipe_lib.Recipe, permute_labels: bool, control: str
) -> None:
  """Checks that nothing is changed about a ticket's run beside the control."""
  there: dict[str, Any] = {}
  if os.path.lexists(paths.record(run)):
    there = records.read(run).get('description', {})
  now = {'permute_labels': permute_labels, **recipe.configuration()}
  recorded = {'permute_labels': there.get('permute_labels', False)}
  if isinstance(there.get('recipe'), dict):
    recorded |= there['recipe']
  for name, value in recorded.items():
    if name in _PRUNING or name not in now:
      continue
    if _spelt(now[name]) != _spelt(value):
      raise errors.InputError(
        f'{name}: wanted {value!r}, that of {run}, got {now[name]!r}'
      )
  if control == 'permuted_labels' and recorded['permute_labels']:
    raise errors.InputError(
      f'control: permuted_labels wants a trial whose labels are not, got {run}'
    )


def _spelt(value: Any) -> Any:
  """Returns a name in one spelling: GlorotNormal is glorot_normal."""
  return value.lower().replace('_', '') if isinstance(value, str) else value


def _trial_seed(seed: int | None, runs: Sequence[str]) -> int | None:
  """Returns the seed that a trial's runs recorded, or else the given one."""
  for run in runs:
    recorded = records.seed(run)
    if recorded is None:
      continue
    if seed is not None and seeds.check(seed) != recorded:
      raise errors.InputError(
        f'seed: wanted {recorded}, that of {run}, got {seed}'
      )
    return recorded
  return seed


def _function(
  control: str, level: int, settings: dict[str, Any]
) -> Callable[..., controls.Ticket]:
  """Returns the function of a control, if it has what it wants."""
  if control not in controls.CONTROLS:
    raise errors.InputError(
      f'control: wanted one of {list(controls.CONTROLS)}, got {control!r}'
      f'{_hint(control)}'
    )
  function = controls.CONTROLS[control]
  wanted = inspect.signature(function).parameters
  if 'before' in wanted and not level:
    raise errors.InputError(
      f'level: the control {control} wants at least 1, got {level}'
    )
  for parameter, flag in _SETTINGS.items():
    value = settings[flag]
    if parameter in wanted and value is None:
      raise errors.InputError(
        f'{flag}: wanted for the control {control}, like {_EXAMPLES[flag]}'
      )
    if parameter not in wanted and value is not None:
      raise errors.InputError(f'{flag}: the control {control} takes none')
  _check(**settings)
  return function


def _hint(control: str) -> str:
  """Returns what a name means that the argfile alone knows."""
  settings = control_argfile.CONTROLS.get(control)
  if not settings:
    return ''
  flags = ' '.join(f'--{name}={value}' for name, value in settings.items())
  return f', which the argfile calls {flags}'


def _check(scale: Any, rewind_to: Any, trials: Any) -> None:
  is_number = isinstance(scale, (int, float)) and not isinstance(scale, bool)
  if scale is not None and not (is_number and 0 <= scale < math.inf):
    raise errors.InputError(
      f'scale: wanted a finite number of at least 0, got {scale!r}'
    )
  if rewind_to is not None:
    schedule.iterations(('iterations', rewind_to), 1, 'rewind_to')
  is_list = isinstance(trials, (list, tuple)) and trials
  if trials is not None and not (
    is_list and all(isinstance(trial, str) for trial in trials)
  ):
    raise errors.InputError(
      f"trials: wanted a list of folders, like ['a/trial1'], got {trials!r}"
    )


def _rewound(
  recipe: recipe_lib.Recipe,
  iterations: int,
  model: Any,
  dataset: Any,
  **arguments: Any,
) -> Network:
  """Returns the dense network's weights early in its training, trained again.

  The same seeds give the same bytes: nobody needs to have saved them.
  """
  early = recipe.replace(training_len=('iterations', iterations))
  return common.train_model(early, dataset, model, None, **arguments)[1]


def _deviations(
  recipe: recipe_lib.Recipe, initial: Network
) -> dict[str, float]:
  """Returns the standard deviations that the layers' weights are drawn with."""
  initializer = keras.initializers.get(recipe.kernel_initializer)
  if not isinstance(initializer, keras.initializers.VarianceScaling):
    raise errors.InputError(
      'kernel_initializer: noise wants one that scales with the size of a'
      f' layer, like glorot_normal, got {recipe.kernel_initializer!r}'
    )
  fans = {
    'fan_in': lambda shape: shape[0],
    'fan_out': lambda shape: shape[1],
    'fan_avg': lambda shape: sum(shape) / 2,
  }
  fan = fans[initializer.mode]
  return {
    name: math.sqrt(initializer.scale / fan(array.shape))
    for name, array in initial.items()
    if array.ndim == 2
  }

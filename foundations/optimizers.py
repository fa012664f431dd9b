"""Keras optimizers: made, described, and refused if they break masks.

TensorFlow is imported as it is needed: recipes check their values here, and
flags are to be read without it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

if TYPE_CHECKING:
  import keras

  from lottery_ticket.foundations import model_base

  Optimizer: TypeAlias = keras.optimizers.Optimizer
  Parameters = Mapping[str, model_base.Parameter]

OptimizerFn = Callable[[], 'keras.optimizers.Optimizer']
Rate = float | dict[str, dict[str, Any]]

_TRIAL_SIZE = 6  # Of the kernels that an optimizer is tried on, at most.
_TRIAL_UPDATES = 2


def from_settings(
  name: str, learning_rate: Rate, settings: Mapping[str, Any], warmup: int = 0
) -> Optimizer:
  """Returns a new Keras optimizer.

  Args:
    name: Name of a class in `keras.optimizers`, in any case.
    learning_rate: A number, or a schedule as in `check_rate`.
    settings: {name: value} of what else the class takes.
    warmup: Iterations over which the learning rate rises, linearly from 0, to
      what it would be without.

  Raises:
    InputError: If there is no such class, or it takes no such setting.
  """
  from keras import optimizers

  from lottery_ticket.foundations import rates

  rate = check_rate(learning_rate)
  if isinstance(rate, dict):
    ((schedule, values),) = rate.items()
    base = optimizers.schedules.LearningRateSchedule
    cls = _find('learning_rate', schedule, optimizers.schedules, base)
    rate = _instance('learning_rate', cls, values)
  rate = rates.Warmup(rate, warmup) if warmup else rate
  cls = _find('optimizer', name, optimizers, optimizers.Optimizer)
  return _instance('optimizer_settings', cls, settings, learning_rate=rate)


def check_rate(rate: Any) -> Rate:
  """Returns a learning rate; needs no TensorFlow.

  Args:
    rate: A number above 0, or a schedule of Keras by name and settings, like
      {'CosineDecay': {'initial_learning_rate': 0.0012, 'decay_steps': 50000}}.

  Raises:
    InputError: If it is anything else.
  """
  if not isinstance(rate, Mapping):
    return errors.check_number('learning_rate', rate, is_open=True)
  kinds = [isinstance(settings, Mapping) for settings in rate.values()]
  wanted = "a number, or a schedule like {'CosineDecay':"
  wanted += " {'initial_learning_rate': 0.0012, 'decay_steps': 50000}}"
  errors.require(kinds == [True], 'learning_rate', wanted, repr(dict(rate)))
  return {name: dict(settings) for name, settings in rate.items()}


def _find(what: str, name: str, module: Any, base: type) -> type:
  """Returns a child of a base class by its name in a module, in any case."""
  classes = {
    key.lower(): value
    for key, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, base) and value is not base
  }
  key, known = str(name).lower(), sorted(c.__name__ for c in classes.values())
  errors.require(key in classes, what, f'one of {known}', repr(name))
  return classes[key]


def _instance(
  what: str, cls: type, settings: Mapping[str, Any], **others: Any
) -> Any:
  said = f'{what}: {cls.__name__} does not take {dict(settings)!r}'
  with errors.refusing(said, Exception):
    made = cls(**others, **settings)
    if callable(made):  # A schedule looks at its settings no earlier.
      made(0)
    return made


def make(optimizer_fn: OptimizerFn, parameters: Parameters) -> Optimizer:
  """Returns a new optimizer that leaves pruned weights at 0.

  Args:
    optimizer_fn: Makes a new Keras optimizer at each call.
    parameters: {name: parameter} of the model that it is to train.

  Raises:
    InputError: If it makes something else, the same one again, or an
      optimizer that moves weights whose gradient is 0, like Muon, which does
      not treat each weight on its own, or makes them NaN, like Adafactor.
  """
  from keras import optimizers

  what, wanted = 'optimizer_fn', 'a function that makes a Keras optimizer'
  errors.require(callable(optimizer_fn), what, wanted, repr(optimizer_fn))
  optimizer, trial = optimizer_fn(), optimizer_fn()
  is_one = isinstance(optimizer, optimizers.Optimizer)
  errors.require(is_one, what, wanted, repr(optimizer))
  wanted = 'a new optimizer at each call'
  errors.require(optimizer is not trial, what, wanted, 'the same again')
  name = f'optimizer {_named(trial)}'
  # Keras takes any setting, and fails anyhow.
  with errors.refusing(f'{name}: cannot train with these settings', Exception):
    flaw = _flaw(trial, parameters)
  if flaw:
    raise errors.InputError(f'{name}: {flaw}, like SGD or Adam')
  return optimizer


def configuration(optimizer: Optimizer) -> dict[str, Any]:
  """Returns an optimizer's class and settings, as JSON can hold them."""
  return save_restore.plain(_settings(optimizer)) | changes(optimizer)


def key(optimizer: Optimizer) -> str | None:
  """Returns what an optimizer does, or None if its settings do not tell it."""
  from lottery_ticket.foundations import rates

  parts = list(_parts(optimizer))
  values = [value for part in parts for value in vars(part).values()]
  # Of a function, a class or a schedule of one's own only the name is known.
  code = [*parts, *filter(callable, values)]
  # What shifts a schedule is ours, but the schedule need not be.
  code = [x.shifted if isinstance(x, rates.Shifted) else x for x in code]
  ours = 'keras.', 'lottery_ticket.'
  is_known = all(type(item).__module__.startswith(ours) for item in code)
  if not is_known or optimizer.built or changes(optimizer):
    return None
  try:
    return json.dumps(_settings(optimizer), sort_keys=True)
  except TypeError:
    return None


def shift(optimizer: Optimizer, first: int, last: int, length: int) -> None:
  """Lets the schedule of a learning rate go on from a later iteration.

  Not by `iterations`: that would be Adam's count of updates, too, and what
  corrects the bias of its slots has to be as new as they are. Training goes
  from iteration `first` to `last`. The schedule is made for `length` of them:
  beyond, the rate stays that of the last of these. The optimizer is new.
  """
  from keras import optimizers

  from lottery_ticket.foundations import rates

  if not first and last <= length:
    return
  for part in _parts(optimizer):
    rate = getattr(part, '_learning_rate', None)
    if isinstance(rate, optimizers.schedules.LearningRateSchedule):
      part.learning_rate = rates.Shifted(rate, first, length - 1)


def changes(optimizer: Optimizer) -> dict[str, Any]:
  """Returns what was changed since an optimizer was made; mostly nothing."""
  names, variables, iterations = set(), 0, 0
  for part in _parts(optimizer):
    pattern = getattr(part, '_exclude_from_weight_decay_pattern', None)
    if pattern is not None:
      names.update(pattern.pattern.split('|'))
    variables += len(getattr(part, '_exclude_from_weight_decay', None) or ())
    iterations = max(iterations, int(part.iterations))
  found: dict[str, Any] = {'no_weight_decay': sorted(names)}
  found |= {'no_weight_decay_variables': variables, 'iterations': iterations}
  return {name: value for name, value in found.items() if value}


def _parts(optimizer: Optimizer) -> Iterator[Optimizer]:
  """Yields an optimizer and those to which it passes gradients on."""
  yield optimizer
  if hasattr(optimizer, 'inner_optimizer'):
    yield from _parts(optimizer.inner_optimizer)
  yield from getattr(optimizer, 'optimizers', ())


def _settings(optimizer: Optimizer) -> dict[str, Any]:
  name, settings = type(optimizer).__name__, _readable(optimizer.get_config())
  return {'class': name} | settings


def _readable(value: Any) -> Any:
  """Returns settings, what Keras serialized in them as {class: settings}."""
  if not isinstance(value, Mapping):
    return value
  if {'class_name', 'config'} <= set(value):
    return {value['class_name']: _readable(value['config'])}
  # Keras numbers the names of what has none.
  return {k: _readable(item) for k, item in value.items() if k != 'name'}


def _named(optimizer: Optimizer) -> str:
  """Returns an optimizer's name, with the settings that are not its default."""
  defaults = inspect.signature(type(optimizer)).parameters
  _, *inner = _parts(optimizer)
  changed = [
    f'{name}={value!r}'
    for name, value in configuration(optimizer).items()
    if name in defaults and name != 'learning_rate'
    if not isinstance(value, dict)
    and (value or None) != (defaults[name].default or None)
  ]
  arguments = ', '.join([*map(_named, inner), *changed])
  return type(optimizer).__name__ + (f'({arguments})' if arguments else '')


def _flaw(optimizer: Optimizer, parameters: Parameters) -> str | None:
  """Tries an optimizer on small kernels; returns what it does wrong, or None.

  Their names are the parameters', since these may decide what it does.
  """
  import tensorflow as tf

  generator = np.random.default_rng(0)
  masks, variables = [], []
  for name, item in parameters.items():
    # A row, a column and others are pruned, or the whole layer.
    for density in (0.5, 0) if item.is_trained else ():
      shape = [min(size, _TRIAL_SIZE) for size in item.variable.shape]
      mask = generator.random(shape) < density
      if item.is_prunable:
        mask[0] = mask[..., 0] = False
      value = np.where(mask, generator.normal(size=shape), 0)
      variable = tf.Variable(value.astype(np.float32), name=name)
      variable.path = name
      variables.append(variable)
      masks.append(mask)
  optimizer.build(variables)
  count = _TRIAL_UPDATES
  for part in _parts(optimizer):
    if part.gradient_accumulation_steps:
      part.gradient_accumulation_steps = 2
      count = 2 * _TRIAL_UPDATES
  for _ in range(count):
    drawn = [np.where(m, generator.normal(size=m.shape), 0) for m in masks]
    optimizer.apply([tf.constant(g, tf.float32) for g in drawn], variables)
  for variable, mask in zip(variables, masks, strict=True):
    pruned = variable.numpy()[~mask]
    if not np.isfinite(pruned).all():
      return (
        'would not keep weights finite whose gradient is 0, as in a pruned row,'
        ' column or layer; wanted one that does'
      )
    if parameters[variable.path].is_prunable and pruned.any():
      return (
        'would move pruned weights away from 0; wanted one that treats each'
        ' weight on its own'
      )
  return None

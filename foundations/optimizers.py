"""Keras optimizers: made, described, and refused if they break masks."""

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

OptimizerFn = Callable[[], keras.optimizers.Optimizer]


def make(optimizer_fn: OptimizerFn) -> keras.optimizers.Optimizer:
  """Returns a new optimizer that leaves pruned weights at 0.

  Args:
    optimizer_fn: Makes a new Keras optimizer at each call.

  Raises:
    InputError: If it makes something else, the same one again, or an
      optimizer that moves weights whose gradient is 0, like Muon, which does
      not treat each weight on its own.
  """
  optimizer, probe = _call(optimizer_fn), _call(optimizer_fn)
  if optimizer is probe:
    raise errors.InputError(
      'optimizer_fn: wanted a new optimizer at each call, got the same again'
    )
  try:
    leaves_zeros = _leaves_zeros(probe)
  except Exception as error:  # Keras takes any setting, and fails anyhow.
    reason = str(error).strip().partition('\n')[0]
    raise errors.InputError(
      f'optimizer {type(probe).__name__}: cannot train with these settings:'
      f' {reason}'
    ) from None
  if not leaves_zeros:
    raise errors.InputError(
      f'optimizer {type(probe).__name__}: would move pruned weights away from'
      ' 0; wanted one that treats each weight on its own, like SGD or Adam'
    )
  return optimizer


def _call(optimizer_fn: OptimizerFn) -> keras.optimizers.Optimizer:
  wanted = 'optimizer_fn: wanted a function that makes a Keras optimizer,'
  if not callable(optimizer_fn):
    raise errors.InputError(f'{wanted} got {optimizer_fn!r}')
  optimizer = optimizer_fn()
  if not isinstance(optimizer, keras.optimizers.Optimizer):
    raise errors.InputError(f'{wanted} got {optimizer!r}')
  return optimizer


def configuration(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
  """Returns an optimizer's class and settings, as JSON can hold them."""
  settings = {
    key: save_restore.plain(value)
    for key, value in optimizer.get_config().items()
    if key != 'name'
  }
  return {'class': type(optimizer).__name__} | settings | changes(optimizer)


def changes(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
  """Returns what was changed since an optimizer was made; mostly nothing."""
  names = getattr(optimizer, '_exclude_from_weight_decay_pattern', None) or ()
  if isinstance(names, re.Pattern):
    names = names.pattern.split('|')  # In any order.
  variables = getattr(optimizer, '_exclude_from_weight_decay', None)
  found = {
    'no_weight_decay': sorted(names),
    'no_weight_decay_variables': len(variables or ()),
    'iterations': int(optimizer.iterations),
  }
  return {name: value for name, value in found.items() if value}


def _leaves_zeros(optimizer: keras.optimizers.Optimizer) -> bool:
  """Tries an optimizer on a small kernel with some weights pruned."""
  generator = np.random.default_rng(0)
  mask = generator.random((8, 6)) < 0.5
  mask[0] = False
  # A Keras variable has a path, without which Muon cannot even be tried.
  kernel = keras.Variable(
    np.where(mask, generator.normal(size=mask.shape), 0).astype(np.float32)
  )
  optimizer.build([kernel])
  for _ in range(3):
    gradient = np.where(mask, generator.normal(size=mask.shape), 0)
    try:
      optimizer.apply([tf.constant(gradient, tf.float32)], [kernel])
    except AttributeError:
      return False  # Muon of some versions cannot train a plain variable.
  return not np.any(kernel.numpy()[~mask])

"""Keras optimizers: made, described, and refused if they break masks."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import errors

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
  optimizer, probe = optimizer_fn(), optimizer_fn()
  if not isinstance(optimizer, keras.optimizers.Optimizer):
    raise errors.InputError(
      'optimizer_fn: wanted a function that makes a Keras optimizer,'
      f' got {optimizer!r}'
    )
  if optimizer is probe:
    raise errors.InputError(
      'optimizer_fn: wanted a new optimizer at each call, got the same again'
    )
  if not _leaves_zeros(probe):
    raise errors.InputError(
      f'optimizer {type(probe).__name__}: would move pruned weights away from'
      ' 0; wanted one that treats each weight on its own, like SGD or Adam'
    )
  return optimizer


def configuration(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
  """Returns an optimizer's class and settings, as JSON can hold them."""
  settings = {
    key: _plain(value)
    for key, value in optimizer.get_config().items()
    if key != 'name'
  }
  return {'class': type(optimizer).__name__} | settings


def _plain(value: Any) -> Any:
  if isinstance(value, dict):
    return {str(key): _plain(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [_plain(item) for item in value]
  if value is None or isinstance(value, (bool, int, float, str)):
    return value
  if isinstance(value, np.generic):
    return value.item()
  return getattr(value, '__name__', type(value).__name__)


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

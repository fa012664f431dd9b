"""Schedules of learning rates that Keras does not have."""

from typing import Any

import keras
import tensorflow as tf


class Shifted(keras.optimizers.schedules.LearningRateSchedule):
  """A schedule that begins at a later iteration, and ends.

  Args:
    shifted: The schedule of a whole training.
    first: Its iteration that comes first.
    last: Its iteration whose rate stays from then on.
  """

  def __init__(self, shifted: Any, first: int, last: int):
    self.shifted, self._first, self._last = shifted, first, last

  def __call__(self, step: Any) -> Any:
    """Returns the rate of an update; the first one has the step 0."""
    return self.shifted(keras.ops.minimum(step + self._first, self._last))

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments."""
    shifted = keras.optimizers.schedules.serialize(self.shifted)
    return {'shifted': shifted, 'first': self._first, 'last': self._last}


class Warmup(keras.optimizers.schedules.LearningRateSchedule):
  """Multiplies a learning rate by what rises linearly from 0 to 1.

  Args:
    rate: A learning rate, or a schedule of Keras.
    iterations: How many iterations it takes; from then on it is `rate`.
  """

  def __init__(self, rate: Any, iterations: int):
    super().__init__()
    self.rate, self.iterations = rate, iterations

  def __call__(self, step: tf.Tensor) -> tf.Tensor:
    """Returns the rate of an update; the first one has the step 0."""
    rate = self.rate(step) if callable(self.rate) else self.rate
    return rate * tf.minimum(tf.cast(step, tf.float32) / self.iterations, 1.0)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments."""
    rate = keras.saving.serialize_keras_object(self.rate)
    return {'rate': rate, 'iterations': self.iterations}

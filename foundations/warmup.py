"""Learning rates that rise from 0, before whatever they do afterwards."""

from typing import Any

import keras
import tensorflow as tf


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
    """Returns the learning rate of an update; the first is number 0."""
    rate = self.rate(step) if callable(self.rate) else self.rate
    return rate * tf.minimum(tf.cast(step, tf.float32) / self.iterations, 1.0)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments."""
    rate = keras.saving.serialize_keras_object(self.rate)
    return {'rate': rate, 'iterations': self.iterations}

"""Learning-rate schedules of a training that does not begin at iteration 0."""

from typing import Any

import keras


class Shifted(keras.optimizers.schedules.LearningRateSchedule):
  """A schedule that begins at a later iteration, and ends.

  Args:
    shifted: The schedule of a whole training.
    first: Its iteration that comes first.
    last: Its iteration whose rate stays from then on.
  """

  def __init__(
    self,
    shifted: keras.optimizers.schedules.LearningRateSchedule,
    first: int,
    last: int,
  ):
    self.shifted, self._first, self._last = shifted, first, last

  def __call__(self, step: Any) -> Any:
    """Returns the rate of an update; the first one has the step 0."""
    return self.shifted(keras.ops.minimum(step + self._first, self._last))

  def get_config(self) -> dict[str, Any]:
    """Returns what it is made of."""
    serialize = keras.optimizers.schedules.serialize
    return {
      'shifted': serialize(self.shifted),
      'first': self._first,
      'last': self._last,
    }

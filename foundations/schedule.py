"""When a training is measured, saved and over; all in iterations."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from lottery_ticket.foundations import errors

Length = tuple[str, int]
"""('iterations', n) or ('epochs', n)."""

LARGEST_CHUNK = 1_000  # Iterations between two signs of life.


@dataclasses.dataclass(frozen=True)
class Schedule:
  """When to do what.

  Attributes:
    training_len: The number of iterations.
    test: How often to evaluate the test set; None: at the start and the end.
    validate: The same for the validation set.
    train: Over how many iterations to average training loss and accuracy.
    checkpoints: After which iterations to save the weights.
  """

  training_len: int
  test: int | None
  validate: int | None
  train: int
  checkpoints: tuple[int, ...]

  def next_stop(self, iteration: int) -> int:
    """Returns the next iteration after which something is to be done."""
    intervals = filter(None, (self.test, self.validate, self.train))
    stops = [interval * (iteration // interval + 1) for interval in intervals]
    stops += [point for point in self.checkpoints if point > iteration]
    return min(*stops, self.training_len, iteration + LARGEST_CHUNK)

  def is_due(self, interval: int | None, iteration: int) -> bool:
    """Tells whether something with this interval is due."""
    if iteration in (0, self.training_len):
      return True
    return interval is not None and iteration % interval == 0


def make(
  batches_per_epoch: int,
  training_len: Length,
  test_interval: Length | None = None,
  validate_interval: Length | None = None,
  train_interval: Length | None = None,
  checkpoints: Sequence[int] = (),
) -> Schedule:
  """Returns a schedule from lengths in iterations or epochs.

  Args:
    batches_per_epoch: Iterations an epoch.
    training_len: As in `trainer.train`.
    test_interval: As in `trainer.train`.
    validate_interval: As in `trainer.train`.
    train_interval: None for `test_interval`, or else an epoch.
    checkpoints: Iterations.

  Raises:
    InputError: If one of them is of another form.
  """

  def interval(length: Length | None, name: str) -> int | None:
    if length is None:
      return None
    return iterations(length, batches_per_epoch, name)

  average_over = train_interval or test_interval or ('epochs', 1)
  length = iterations(training_len, batches_per_epoch, 'training_len')
  return Schedule(
    training_len=length,
    test=interval(test_interval, 'test_interval'),
    validate=interval(validate_interval, 'validate_interval'),
    train=iterations(average_over, batches_per_epoch, 'train_interval'),
    checkpoints=_points(checkpoints, length),
  )


def iterations(length: Any, batches_per_epoch: int, name: str) -> int:
  """Returns a length in iterations.

  Args:
    length: What should be ('iterations', n) or ('epochs', n) with n >= 1.
    batches_per_epoch: Iterations an epoch.
    name: What to call the length in errors.

  Raises:
    InputError: If it is anything else.
  """
  is_pair = isinstance(length, (list, tuple)) and len(length) == 2
  if not is_pair or length[0] not in ('iterations', 'epochs'):
    raise errors.InputError(
      f"{name}: wanted ('iterations', n) or ('epochs', n), got {length!r}"
    )
  unit, count = length
  checked = errors.read_integer(count)
  if checked is None or checked < 1:
    raise errors.InputError(
      f'{name}: wanted an integer of at least 1 {unit}, got {count!r}'
    )
  return checked * (batches_per_epoch if unit == 'epochs' else 1)


def _points(checkpoints: Any, length: int) -> tuple[int, ...]:
  """Returns the checkpoints in their order."""
  if isinstance(checkpoints, np.ndarray):
    checkpoints = checkpoints.tolist()
  if not isinstance(checkpoints, (list, tuple, range)):
    raise errors.InputError(
      f'checkpoints: wanted a list of iterations, got {checkpoints!r}'
    )
  points = []
  for point in checkpoints:
    checked = errors.read_integer(point)
    if checked is None or not 1 <= checked <= length:
      raise errors.InputError(
        f'checkpoints: wanted iterations from 1 to {length}, got {point!r}'
      )
    points.append(checked)
  return tuple(sorted(points))

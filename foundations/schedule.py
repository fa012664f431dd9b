"""When a training is measured, saved and over; all in iterations."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lottery_ticket.foundations import errors

Length = tuple[str, int]
"""('iterations', n) or ('epochs', n)."""

When = Callable[[int], int]
"""Gives the first iteration after the given one that something is due at."""


class Schedule(NamedTuple):
  """How long to train, and when to measure and save, in iterations.

  Training goes from iteration `first` to `last`, of `training_len` that the
  learning rate is made for. `test` and `validate` are intervals, None for only
  the start and the end; training loss and accuracy are averaged over `train`.
  """

  first: int
  last: int
  training_len: int
  test: int | None
  validate: int | None
  train: int
  checkpoints: tuple[int, ...]


def make(
  batches_per_epoch: int,
  training_len: Length,
  test_interval: Length | None = None,
  validate_interval: Length | None = None,
  train_interval: Length | None = None,
  checkpoints: Sequence[int] = (),
  first_iteration: int = 0,
  last_iteration: int | None = None,
) -> Schedule:
  """Returns a schedule; arguments and errors are those of `trainer.train`."""

  def interval(length: Length | None, name: str) -> int | None:
    is_set = length is not None
    return iterations(length, batches_per_epoch, name) if is_set else None

  length = iterations(training_len, batches_per_epoch, 'training_len')
  last = length
  if last_iteration is not None:
    last = errors.check_integer('last_iteration', last_iteration, least=1)
  [first] = points([first_iteration], 0, last - 1, 'first_iteration')
  average_over = train_interval or test_interval or ('epochs', 1)
  return Schedule(
    first=first,
    last=last,
    training_len=length,
    test=interval(test_interval, 'test_interval'),
    validate=interval(validate_interval, 'validate_interval'),
    train=iterations(average_over, batches_per_epoch, 'train_interval'),
    checkpoints=points(checkpoints, first + 1, last, 'checkpoints'),
  )


def every(interval: int | None, last: int, first: int = 0) -> When:
  """Returns when something is due at the start, each interval and the end.

  Intervals count from 0, wherever training starts, so that its measurements lie
  beside those of other trainings. None: only the start and the end.
  """

  def after(iteration: int) -> int:
    if iteration < first:
      return first
    step = interval or last
    return min(step * (iteration // step + 1), last)

  return after


def at(iterations: Sequence[int]) -> When:
  """Returns when something is due at these iterations."""
  return lambda iteration: min(
    (point for point in iterations if point > iteration), default=sys.maxsize
  )


def iterations(length: Any, batches_per_epoch: int, name: str) -> int:
  """Returns a `Length` in iterations, or raises InputError about `name`."""
  is_pair = isinstance(length, (list, tuple)) and len(length) == 2
  if not is_pair or length[0] not in ('iterations', 'epochs'):
    is_bare = name == 'training_len' and errors.read_integer(length) is not None
    hint = f'; as a flag --{name}=iterations,{length}' if is_bare else ''
    raise errors.InputError(
      f"{name}: wanted ('iterations', n) or ('epochs', n), got {length!r}{hint}"
    )
  unit, given = length
  count = errors.read_integer(given) or 0
  wanted = f'an integer of at least 1 {unit}'
  errors.require(count > 0, name, wanted, repr(given))
  return count * (batches_per_epoch if unit == 'epochs' else 1)


def points(given: Any, first: int, last: int, name: str) -> tuple[int, ...]:
  """Returns iterations from `first` to `last`, sorted, or raises InputError."""
  if isinstance(given, np.ndarray):
    given = given.tolist()
  is_list = isinstance(given, (list, tuple, range))
  errors.require(is_list, name, 'a list of iterations', repr(given))
  wanted = f'iterations from {first} to {last}'
  for point in given:
    number = errors.read_integer(point)
    is_there = number is not None and first <= number <= last
    errors.require(is_there, name, wanted, repr(point))
  return tuple(sorted(map(int, given)))

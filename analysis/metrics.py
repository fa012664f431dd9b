"""What a run's logs say about it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lottery_ticket.foundations import errors

Log = Mapping[str, np.ndarray]
"""`iteration`, `loss` and `accuracy`, each of shape [measurements]."""


class EarlyStop(NamedTuple):
  """When a training would best have been stopped.

  Attributes:
    iteration: The first minimum of the loss over iterations >= 1.
    censored: Whether that is the last measurement: then the loss might have
      fallen further, and the true early stop is at `iteration` or later.
  """

  iteration: int
  censored: bool


def early_stop(log: Log) -> EarlyStop:
  """Finds the iteration of minimum validation loss (Section 2 of the paper).

  >>> losses = np.array([2.3, 0.4, 0.1, 0.2])
  >>> log = {'iteration': np.arange(0, 400, 100), 'loss': losses}
  >>> early_stop(log)
  EarlyStop(iteration=200, censored=False)

  Args:
    log: Of the validation set, as `save_restore.read_log` returns it.

  Returns:
    The iteration, and whether it is censored.

  Raises:
    InputError: If there is no finite loss after iteration 0.
  """
  later = log['iteration'] >= 1
  iterations, losses = log['iteration'][later], log['loss'][later]
  if not np.isfinite(losses).any():
    raise errors.InputError('log: wanted a finite loss after iteration 0')
  place = int(np.nanargmin(losses))
  return EarlyStop(int(iterations[place]), place == len(losses) - 1)


def accuracy_at(log: Log, iteration: int) -> float:
  """Returns the accuracy that was measured at an iteration.

  Args:
    log: Of any split.
    iteration: One of the log's iterations.

  Raises:
    InputError: If there was no measurement then.
  """
  places = np.flatnonzero(log['iteration'] == iteration)
  if not places.size:
    raise errors.InputError(f'log: no measurement at iteration {iteration}')
  return float(log['accuracy'][places[0]])

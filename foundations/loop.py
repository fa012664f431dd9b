"""The loop over iterations: batches in their order, and what is due when."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import steps as steps_lib

LARGEST_CHUNK = 1_000  # Iterations between two signs of life.

Event = tuple[schedule.When, Callable[[int], None]]
"""When something is due, and what then gets the iteration."""


def fit(
  steps: steps_lib.Steps,
  dataset: dataset_base.DatasetBase,
  first: int,
  last: int,
  events: Sequence[Event],
  average: measurements.Average,
  report: Callable[[int], None],
) -> int | None:
  """Trains from iteration `first` to `last`; events happen when they are due.

  The batches are those that training from 0 would have there. Of events due
  together, the first happens first. `average` gets losses and accuracies,
  `report` the iteration as a sign of life.

  Returns:
    None, or the iteration where it ended, as the loss was no longer finite.
  """

  # Chunks of one epoch follow each other, and each wants all of its order.
  @functools.lru_cache(maxsize=1)
  def order(epoch: int) -> tf.Tensor:
    return tf.constant(dataset.epoch(epoch))

  iteration = first
  _happen(events, iteration)
  while iteration < last:
    # As many updates as can be in one call: nothing sees weights between them.
    due = [after(iteration) for after, _ in events]
    stop = min(*due, last, iteration + LARGEST_CHUNK)
    for epoch, place, count, size in _batches(dataset, iteration, stop):
      loss, right = steps(dataset.train, order(epoch), place, count, size)
      average.add(loss, right, count * size)
      iteration += count
      if not math.isfinite(loss):  # To look at weights would take too long.
        return iteration
    if iteration == last:  # Before what is due: averages are the result.
      steps.finish()
    report(iteration)
    _happen(events, iteration)
  return None


def _happen(events: Sequence[Event], iteration: int) -> None:
  for after, happen in events:
    if after(iteration - 1) == iteration:
      happen(iteration)


def _batches(
  dataset: dataset_base.DatasetBase, iteration: int, stop: int
) -> Iterator[tuple[int, int, int, int]]:
  """Yields runs of batches of one size, up to the iteration `stop`.

  Each is the epoch, the place in its order where the first batch begins, the
  number of batches, and the examples in each. A short batch is on its own.
  """
  size = dataset.train_batch_size
  whole, rest = divmod(dataset.train.size, size)
  while iteration < stop:
    epoch, batch = divmod(iteration, dataset.batches_per_epoch)
    is_short = batch == whole
    count = 1 if is_short else min(stop - iteration, whole - batch)
    yield epoch, batch * size, count, rest if is_short else size
    iteration += count

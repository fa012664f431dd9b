"""The loop over iterations: updates, measurements, checkpoints."""

import functools
from collections.abc import Callable

import keras
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements as measurements_lib
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import steps as steps_lib

Network = masks_lib.Network
Measurement = measurements_lib.Measurement

EVALUATION_BATCH = 10_000  # Examples; bounds the memory an evaluation takes.


def evaluate(
  model: model_base.ModelBase, split: dataset_base.DatasetSplit
) -> Measurement:
  """Measures a network on all examples of a split.

  Args:
    model: The network.
    split: What to measure it on.

  Returns:
    The mean loss, and the accuracy: number right / number of examples.
  """
  if split.size <= EVALUATION_BATCH:
    parts = [model.measure(split.inputs, split.labels)]
  else:
    parts = [
      model.measure(
        split.inputs[start : start + EVALUATION_BATCH],
        split.labels[start : start + EVALUATION_BATCH],
      )
      for start in range(0, split.size, EVALUATION_BATCH)
    ]
  loss = sum(float(loss) for loss, _ in parts) / split.size
  return Measurement(loss, sum(int(right) for _, right in parts) / split.size)


class Loop:
  """One training, from the first update to the last.

  Args:
    dataset: What to train on.
    model: What to train; its variables are made.
    optimizer: A new Keras optimizer.
    plan: When to do what.
    jit_compile: Whether XLA compiles the steps.
  """

  _model: model_base.ModelBase
  _steps: steps_lib.Steps

  def __init__(
    self,
    dataset: dataset_base.DatasetBase,
    model: model_base.ModelBase,
    optimizer: keras.optimizers.Optimizer,
    plan: schedule.Schedule,
    jit_compile: bool,
  ):
    self._dataset = dataset
    self._plan = plan
    self._borrow = functools.partial(
      steps_lib.borrow, dataset, model, optimizer, jit_compile
    )
    self._order: tuple[int, tf.Tensor] | None = None

  def run(
    self,
    name: str,
    measurements: measurements_lib.Measurements,
    save_checkpoint: Callable[[int, Network], None],
  ) -> dict[str, Measurement]:
    """Trains the model.

    Args:
      name: What progress reports call the run.
      measurements: Gets what is measured.
      save_checkpoint: Called with the iteration after which to save weights,
        and these.

    Returns:
      The last measurement of each split, {split: measurement}.
    """
    with self._borrow() as steps:
      self._steps, self._model = steps, steps.model
      self._train(name, measurements, save_checkpoint)
      return {
        name: evaluate(self._model, split)
        for name, split in self._dataset.splits.items()
      }

  def _train(
    self,
    name: str,
    measurements: measurements_lib.Measurements,
    save_checkpoint: Callable[[int, Network], None],
  ) -> None:
    plan, iteration, average = self._plan, 0, _Average()
    with progress.of_run(name, plan.training_len) as report:
      self._evaluate(measurements, iteration)
      while iteration < plan.training_len:
        stop = plan.next_stop(iteration)
        while iteration < stop:
          iteration = self._advance(iteration, stop, average)
        report(iteration)
        if plan.is_due(plan.train, iteration):
          measurements.add('train', iteration, average.take())
        self._evaluate(measurements, iteration)
        if iteration in plan.checkpoints:
          save_checkpoint(iteration, self._model.get_current_weights())

  def _advance(self, iteration: int, stop: int, average: '_Average') -> int:
    """Trains up to `stop`, the epoch's end or its short batch at most."""
    dataset = self._dataset
    size = dataset.train_batch_size
    epoch, batch = divmod(iteration, dataset.batches_per_epoch)
    whole, short = divmod(dataset.train.size, size)
    if batch == whole:
      count, size = 1, short
    else:
      count = min(stop - iteration, whole - batch)
    first = batch * dataset.train_batch_size
    loss, right = self._steps(
      dataset.train, self._order_of(epoch), first, count, size
    )
    average.add(loss, right, count * size)
    return iteration + count

  def _order_of(self, epoch: int) -> tf.Tensor:
    if self._order is None or self._order[0] != epoch:
      self._order = epoch, tf.constant(self._dataset.train_order(epoch))
    return self._order[1]

  def _evaluate(
    self, measurements: measurements_lib.Measurements, iteration: int
  ) -> None:
    due = {'test': self._plan.test, 'validate': self._plan.validate}
    for name, interval in due.items():
      split = self._dataset.splits.get(name)
      if split is not None and self._plan.is_due(interval, iteration):
        measurements.add(name, iteration, evaluate(self._model, split))


class _Average:
  """Mean loss and accuracy over the examples trained on."""

  def __init__(self) -> None:
    self._loss, self._right, self._examples = 0.0, 0, 0

  def add(self, loss: float, right: int, examples: int) -> None:
    """Adds examples with their summed loss and the number right."""
    self._loss += loss
    self._right += right
    self._examples += examples

  def take(self) -> Measurement:
    """Returns the means and starts anew."""
    loss, right, examples = self._loss, self._right, self._examples
    self._loss, self._right, self._examples = 0.0, 0, 0
    return Measurement(loss / examples, right / examples)

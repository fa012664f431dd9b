"""The loop over iterations: updates, measurements, checkpoints."""

import functools
from collections.abc import Callable

import keras
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import measurements as measurements_lib
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import schedule

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

  def __init__(
    self,
    dataset: dataset_base.DatasetBase,
    model: model_base.ModelBase,
    optimizer: keras.optimizers.Optimizer,
    plan: schedule.Schedule,
    jit_compile: bool,
  ):
    self._dataset = dataset
    self._model = model
    self._plan = plan
    self._steps = _Steps(dataset, model, optimizer, jit_compile)
    self._order: tuple[int, tf.Tensor] | None = None

  def run(
    self,
    name: str,
    measurements: measurements_lib.Measurements,
    save_checkpoint: Callable[[int], None],
  ) -> None:
    """Trains the model.

    Args:
      name: What progress reports call the run.
      measurements: Gets what is measured.
      save_checkpoint: Called with the iteration after which to save weights.
    """
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
          save_checkpoint(iteration)

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
    loss, right = self._steps(self._order_of(epoch), first, count, size)
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


class _Steps:
  """Trains for many iterations in one graph."""

  def __init__(
    self,
    dataset: dataset_base.DatasetBase,
    model: model_base.ModelBase,
    optimizer: keras.optimizers.Optimizer,
    jit_compile: bool,
  ):
    self._dataset = dataset
    self._model = model
    self._variables = list(model.weights.values())
    self._optimizer = optimizer
    self._optimizer.build(self._variables)
    self._jit_compile = jit_compile
    self._graphs: dict[int, Callable[..., tuple]] = {}

  def __call__(
    self, order: tf.Tensor, first: int, count: int, size: int
  ) -> tuple[float, int]:
    """Trains on batches that follow each other in an epoch.

    Args:
      order: The epoch's permutation of the examples, int32, shape [n].
      first: The place in it where the first batch begins.
      count: The number of batches.
      size: Examples in each of them.

    Returns:
      The summed loss, and the number of examples classified right.
    """
    if size not in self._graphs:
      self._graphs[size] = self._graph(size)
    train = self._dataset.train
    loss, right = self._graphs[size](
      train.inputs, train.labels, order, tf.constant(first), tf.constant(count)
    )
    return float(loss), int(right)

  def _graph(self, size: int) -> Callable[..., tuple]:
    """Returns the graph for batches of one size."""
    # The short batch is one step an epoch: not worth compiling.
    is_whole = size == self._dataset.train_batch_size
    function = tf.function(
      functools.partial(self._loop, size),
      jit_compile=self._jit_compile and is_whole,
      autograph=False,
    )
    # Concrete, since TensorFlow warns of a function that is made often. The
    # data are arguments, since it never lets go of what a loop captures.
    train = self._dataset.train
    data = [
      tf.TensorSpec(tensor.shape, tensor.dtype)
      for tensor in (train.inputs, train.labels)
    ]
    order = tf.TensorSpec([train.size], tf.int32)
    scalar = tf.TensorSpec([], tf.int32)
    return function.get_concrete_function(*data, order, scalar, scalar)

  def _loop(
    self,
    size: int,
    inputs: tf.Tensor,
    labels: tf.Tensor,
    order: tf.Tensor,
    first: tf.Tensor,
    count: tf.Tensor,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    # XLA compiles anew for each start of a slice and each limit of a range:
    # so batches are gathered, and the loop counts.
    def body(
      i: tf.Tensor, total_loss: tf.Tensor, total_right: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
      places = first + i * size + tf.range(size)
      indices = tf.gather(order, places)
      loss, right = self._step(
        tf.gather(inputs, indices), tf.gather(labels, indices)
      )
      return i + 1, total_loss + loss, total_right + right

    start = tf.constant(0), tf.constant(0.0), tf.constant(0)
    _, total_loss, total_right = tf.while_loop(
      lambda i, *_: i < count, body, start
    )
    return total_loss, total_right

  def _step(
    self, inputs: tf.Tensor, labels: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes one update, on a batch."""
    with tf.GradientTape() as tape:
      logits = self._model(inputs)
      losses = self._model.loss(labels, logits)
      loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, self._variables)
    self._optimizer.apply(gradients, self._variables)
    right = self._model.accuracy(labels, logits)
    return tf.reduce_sum(losses), tf.reduce_sum(right)

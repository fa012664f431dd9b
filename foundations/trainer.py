"""Trains a network, measures it on the way and keeps what came of it."""

import json
import os
import pathlib
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import lottery_ticket
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements as measurements_lib
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import run_folder
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule

Measurement = measurements_lib.Measurement
Network = masks_lib.Network
Length = schedule.Length

EVALUATION_BATCH = 10_000  # Examples; bounds the memory an evaluation takes.


def train(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer_fn: Callable[[], keras.optimizers.Optimizer],
  training_len: Length,
  output_dir: str | None,
  *,
  test_interval: Length | None = None,
  validate_interval: Length | None = None,
  train_interval: Length | None = None,
  save_summaries: bool = False,
  save_network: bool = False,
  checkpoints: Sequence[int] = (),
  configuration: Mapping[str, Any] | None = None,
  overwrite: bool = False,
  jit_compile: bool = True,
) -> tuple[Network, Network]:
  """Trains a network.

  The test and the validation set are evaluated at iteration 0, at every
  interval and at the end; the training set at the end. A finished run with
  the same configuration and saved networks is loaded, not repeated; an
  unfinished one starts over.

  Args:
    dataset: What to train on.
    model: What to train; changed in place.
    optimizer_fn: Makes a new Keras optimizer.
    training_len: How long: ('iterations', n) or ('epochs', n), exactly.
    output_dir: The run's folder (see `paths`), or None to write nothing.
    test_interval: How often to evaluate the test set, like `training_len`;
      None for only at the start and at the end.
    validate_interval: The same for the validation set, if there is one.
    train_interval: Over how long to average the training loss and accuracy
      that are logged as `train`; None for `test_interval`, or else an epoch.
    save_summaries: Whether to write TensorBoard summaries.
    save_network: Whether to save initial and final weights and the masks.
    checkpoints: Iterations after which to save the weights as well.
    configuration: What else identifies the run, for its record: JSON values.
    overwrite: Whether another run's results in `output_dir` may be lost.
    jit_compile: Whether XLA compiles the training steps: faster, but not every
      layer can be compiled.

  Returns:
    The initial and the final weights, {parameter name: array} each. The
    initial ones are those that training started from, pruned ones at 0.

  Raises:
    InputError: Before any work, if an argument is of no use, the optimizer
      would revive pruned weights, or `output_dir` has another run's results,
      is in use or cannot be written.
  """
  dataset.check_classes(model.build(dataset.train.inputs[:1]))
  optimizer = optimizers.make(optimizer_fn)
  plan = schedule.make(
    dataset.batches_per_epoch,
    training_len,
    test_interval,
    validate_interval,
    train_interval,
    checkpoints,
  )
  if checkpoints and output_dir is None:
    raise errors.InputError('checkpoints: wanted an output_dir to save them in')
  run = _Run(
    dataset,
    model,
    optimizer,
    plan,
    output_dir,
    save_summaries=save_summaries,
    save_network=save_network,
    jit_compile=jit_compile,
  )
  if output_dir is None:
    return run.train()[:2]
  recorded = run.configuration(training_len, configuration or {})
  with run_folder.locked(output_dir):
    done = run_folder.is_finished(output_dir, recorded, overwrite)
    if done and save_network:
      return _load(model, output_dir)
    run_folder.start(output_dir, recorded)
    started = time.monotonic()
    initial, final, results = run.train()
    seconds = time.monotonic() - started
    run_folder.finish(
      output_dir,
      {
        'configuration': recorded,
        'results': results,
        'iterations': plan.training_len,
        'seconds': seconds,
        'iterations_per_second': plan.training_len / seconds,
        'versions': _versions(),
        'threads': _threads(),
      },
    )
  return initial, final


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


class _Run:
  """One training, from the first update to the last."""

  def __init__(
    self,
    dataset: dataset_base.DatasetBase,
    model: model_base.ModelBase,
    optimizer: keras.optimizers.Optimizer,
    plan: schedule.Schedule,
    output_dir: str | None,
    *,
    save_summaries: bool,
    save_network: bool,
    jit_compile: bool,
  ):
    self._dataset = dataset
    self._model = model
    self._optimizer = optimizer
    self._plan = plan
    self._output_dir = output_dir
    self._save_summaries = save_summaries
    self._save_network = save_network
    self._jit_compile = jit_compile
    self._steps = _make_steps(dataset, model, optimizer, jit_compile)
    self._order: tuple[int, tf.Tensor] | None = None

  def configuration(
    self, training_len: Length, experiment: Mapping[str, Any]
  ) -> dict[str, Any]:
    """Returns all that identifies the run, as it is read back from JSON.

    Args:
      training_len: As it was given.
      experiment: What the caller wants to have recorded.
    """
    splits, plan = self._dataset.splits, self._plan
    unit, count = training_len
    return _plain(
      {
        'training_len': [unit, int(count)],
        'intervals': {
          'train': plan.train,
          'test': plan.test,
          'validate': plan.validate,
        },
        'checkpoints': list(plan.checkpoints),
        'batch_size': self._dataset.train_batch_size,
        'train_order_seed': self._dataset.train_order_seed,
        'optimizer': optimizers.configuration(self._optimizer),
        'model': self._model.configuration(),
        'initial': save_restore.checksum(self._model.get_current_weights()),
        'data': {name: split.checksum for name, split in splits.items()},
        'jit_compile': self._jit_compile,
        'save_summaries': self._save_summaries,
        'save_network': self._save_network,
        'experiment': dict(experiment),
      }
    )

  def train(self) -> tuple[Network, Network, dict[str, Any]]:
    """Trains; returns initial and final weights and the last measurements."""
    model, directory = self._model, self._output_dir
    initial = model.get_current_weights()
    summaries = None
    if self._save_summaries and directory is not None:
      summaries = paths.summaries(directory)
    with measurements_lib.collect(summaries) as measurements:
      self._loop(measurements)
    final = model.get_current_weights()
    _check_masks_held(model.masks, final)
    results = {
      name: evaluate(model, split)._asdict()
      for name, split in self._dataset.splits.items()
    }
    if directory is not None:
      measurements.save(directory)
    if directory is not None and self._save_network:
      save_restore.save_network(paths.initial(directory), initial)
      save_restore.save_network(paths.final(directory), final)
      save_restore.save_network(paths.masks(directory), model.masks)
    return initial, final, results

  def _loop(self, measurements: measurements_lib.Measurements) -> None:
    plan, iteration = self._plan, 0
    average = _Average()
    name = '/'.join(pathlib.Path(self._output_dir or 'training').parts[-3:])
    with progress.of_run(name, plan.training_len) as report:
      self._evaluate(measurements, iteration)
      while iteration < plan.training_len:
        stop = plan.next_stop(iteration)
        while iteration < stop:
          iteration = self._advance(iteration, stop, average)
        report(iteration)
        if iteration and plan.is_due(plan.train, iteration):
          measurements.add('train', iteration, average.take())
        self._evaluate(measurements, iteration)
        self._save_checkpoint(iteration)

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

  def _save_checkpoint(self, iteration: int) -> None:
    if iteration in self._plan.checkpoints and self._output_dir is not None:
      save_restore.save_network(
        paths.checkpoint(self._output_dir, iteration),
        self._model.get_current_weights(),
      )


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
    mean = Measurement(
      self._loss / self._examples, self._right / self._examples
    )
    self.__init__()  # type: ignore[misc]
    return mean


def _make_steps(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer: keras.optimizers.Optimizer,
  jit_compile: bool,
) -> Callable[[tf.Tensor, int, int, int], tuple[float, int]]:
  """Returns a function that trains for many iterations in one graph.

  It is called with an epoch's order, the place in it to start from, the
  number of batches and the examples in each, and returns the summed loss and
  the number classified right.
  """
  inputs, labels = dataset.train.inputs, dataset.train.labels
  variables = list(model.weights.values())
  optimizer.build(variables)

  def step(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    batch_labels = tf.gather(labels, indices)
    with tf.GradientTape() as tape:
      logits = model(tf.gather(inputs, indices))
      losses = model.loss(batch_labels, logits)
      loss = tf.reduce_mean(losses)
    optimizer.apply(tape.gradient(loss, variables), variables)
    right = model.accuracy(batch_labels, logits)
    return tf.reduce_sum(losses), tf.reduce_sum(right)

  def steps(
    order: tf.Tensor, first: tf.Tensor, count: tf.Tensor, size: int
  ) -> tuple[tf.Tensor, tf.Tensor]:
    # XLA compiles anew for each start of a slice and each limit of a range:
    # so batches are gathered, and the loop counts.
    i, total_loss = tf.constant(0), tf.constant(0.0)
    total_right = tf.constant(0)
    while i < count:
      places = first + i * size + tf.range(size)
      loss, right = step(tf.gather(order, places))
      total_loss += loss
      total_right += right
      i += 1
    return total_loss, total_right

  def compiled(size: int, jit: bool) -> Callable[..., tuple]:
    # Concrete, since TensorFlow warns of a function that is made often.
    order = tf.TensorSpec([dataset.train.size], tf.int32)
    scalar = tf.TensorSpec([], tf.int32)
    function = tf.function(steps, jit_compile=jit)
    return function.get_concrete_function(order, scalar, scalar, size)

  functions: dict[int, Callable[..., tuple]] = {}

  def run(
    order: tf.Tensor, first: int, count: int, size: int
  ) -> tuple[float, int]:
    if size not in functions:
      # The short batch is one step an epoch: not worth compiling.
      is_whole = size == dataset.train_batch_size
      functions[size] = compiled(size, jit_compile and is_whole)
    loss, right = functions[size](order, tf.constant(first), tf.constant(count))
    return float(loss), int(right)

  return run


def _check_masks_held(masks: Network, final: Network) -> None:
  """Raises RuntimeError if a pruned weight is not 0: never to be trusted."""
  for name, mask in masks.items():
    if np.any(final[name][mask == 0] != 0):
      raise RuntimeError(f'pruned weights of {name!r} came back in training')


def _load(
  model: model_base.ModelBase, output_dir: str
) -> tuple[Network, Network]:
  """Returns a finished run's weights, and puts the final ones in the model."""
  initial = save_restore.restore_network(paths.initial(output_dir))
  final = save_restore.restore_network(paths.final(output_dir))
  names = model.weights
  for network, path in (
    (initial, paths.initial(output_dir)),
    (final, paths.final(output_dir)),
  ):
    if set(network) != set(names):
      raise errors.InputError(
        f'{path}: wanted {sorted(names)}, got {sorted(network)}'
      )
  for name, variable in names.items():
    variable.assign(final[name])
  return ({name: initial[name] for name in names}), {
    name: final[name] for name in names
  }


def _plain(configuration: dict[str, Any]) -> dict[str, Any]:
  """Returns the configuration as it will be read back from JSON.

  Raises:
    InputError: If it holds something that JSON does not.
  """
  try:
    return json.loads(json.dumps(configuration, allow_nan=False))
  except (TypeError, ValueError) as error:
    raise errors.InputError(f'configuration: {error}') from None


def _versions() -> dict[str, str]:
  """Returns the versions of what the numbers depend on."""
  return {
    'lottery_ticket': lottery_ticket.__version__,
    'python': platform.python_version(),
    'tensorflow': tf.__version__,
    'keras': keras.__version__,
    'numpy': np.__version__,
    'machine': platform.machine(),
  }


def _threads() -> dict[str, int]:
  """Returns how many threads TensorFlow may use; 0: as many as processors."""
  threading = tf.config.threading
  set_by_call = {
    'intra_op': threading.get_intra_op_parallelism_threads(),
    'inter_op': threading.get_inter_op_parallelism_threads(),
  }
  return {
    kind: count
    or int(os.environ.get(f'TF_NUM_{kind.replace("_", "").upper()}_THREADS', 0))
    for kind, count in set_by_call.items()
  }

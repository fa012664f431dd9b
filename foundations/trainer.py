"""Trains a network, measures it on the way and keeps what came of it."""

import contextlib
import dataclasses
import functools
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
from absl import logging

import lottery_ticket
from lottery_ticket.foundations import callbacks as callbacks_lib
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import loop
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import run_folder
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import steps as steps_lib

Network = masks_lib.Network
Length = schedule.Length

_THREADS_VARIABLE = {
  'intra_op': 'TF_NUM_INTRAOP_THREADS',
  'inter_op': 'TF_NUM_INTEROP_THREADS',
}


def evaluate(
  model: model_base.ModelBase, split: dataset_base.DatasetSplit
) -> measurements.Measurement:
  """Measures a network on all examples of a split.

  Args:
    model: The network.
    split: What to measure it on.

  Returns:
    The mean loss, and the accuracy: number right / number of examples.

  Raises:
    InputError: If the split has labels of other classes than the network.
  """
  split.check_classes(model.build(split.values(slice(1))))
  return measurements.evaluate(model, split)


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
  callbacks: Sequence[callbacks_lib.Callback] = (),
  configuration: Mapping[str, Any] | None = None,
  call: Mapping[str, Any] | None = None,
  overwrite: bool = False,
  jit_compile: bool = True,
) -> tuple[Network, Network]:
  """Trains a network.

  The test and the validation set are evaluated at iteration 0, at every
  interval and at the end; the training set at the end. A finished run with
  the same configuration is loaded, not repeated, and refused if its networks
  were not saved; one that is unfinished or has lost files starts over.

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
    callbacks: What else to call during the training, made by `callbacks.every`
      and `callbacks.at`; recorded by name and source. Not called if the run is
      finished already and loaded.
    configuration: What else identifies the run, for its record: JSON values.
    call: What was called to make the run, for its record alone: JSON values.
    overwrite: Whether results in `output_dir` that cannot be loaded, like
      another run's, may be lost.
    jit_compile: Whether XLA compiles the training steps: faster, but not every
      layer can be compiled.

  Returns:
    The initial and the final weights, {parameter name: array} each. The
    initial ones are those that training started from, pruned ones at 0.

  Raises:
    InputError: Before any work, if an argument is of no use, the optimizer
      would revive pruned weights, or `output_dir` has another run's results,
      or this one's without its networks, is in use or cannot be written.
  """
  dataset.check_classes(model.build(dataset.train.values(slice(1))))
  revived = _revived(model.masks, model.get_current_weights())
  if revived:
    raise errors.InputError(
      f'model: wanted 0 for pruned weights, got others in {revived!r}'
    )
  optimizer = optimizers.make(optimizer_fn)
  plan = schedule.make(
    dataset.batches_per_epoch,
    training_len,
    test_interval,
    validate_interval,
    train_interval,
    checkpoints,
  )
  if plan.checkpoints and output_dir is None:
    raise errors.InputError('checkpoints: wanted an output_dir to save them in')
  run = _Run(
    dataset,
    model,
    optimizer,
    plan,
    callbacks_lib.check(callbacks, dataset.batches_per_epoch, plan),
    output_dir,
    save_summaries,
    save_network,
    jit_compile,
  )
  if output_dir is None:
    return run.train()[:2]
  recorded = run.configuration(training_len, configuration or {})
  with run_folder.locked(output_dir) as check:
    if run_folder.is_finished(output_dir, recorded, overwrite):
      try:
        return run.load(output_dir)
      except errors.InputError:
        if not overwrite:
          raise
    run_folder.start(output_dir, recorded)
    started = time.monotonic()
    initial, final, results = run.train(check)
    seconds = time.monotonic() - started
    run_folder.finish(
      output_dir,
      {
        'configuration': recorded,
        'results': results,
        'outputs': run_folder.checksums(output_dir),
        'call': dict(call or {}),
        'iterations': plan.training_len,
        'seconds': seconds,
        'iterations_per_second': plan.training_len / seconds,
        'versions': _versions(),
        'threads': _threads(),
      },
      check=check,
    )
  return initial, final


@dataclasses.dataclass(frozen=True)
class _Run:
  """One training and what it leaves in its folder."""

  dataset: dataset_base.DatasetBase
  model: model_base.ModelBase
  optimizer: keras.optimizers.Optimizer
  plan: schedule.Schedule
  callbacks: Sequence[callbacks_lib.Callback]
  directory: str | None
  save_summaries: bool
  save_network: bool
  jit_compile: bool

  @property
  def name(self) -> str:
    """What progress reports call the run."""
    return '/'.join(pathlib.Path(self.directory or 'training').parts[-3:])

  def configuration(
    self, training_len: Length, experiment: Mapping[str, Any]
  ) -> dict[str, Any]:
    """Returns all that identifies the run, as it is read back from JSON.

    Args:
      training_len: As it was given.
      experiment: What the caller wants to have recorded.
    """
    splits, plan = self.dataset.splits, self.plan
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
        'callbacks': [item.configuration() for item in self.callbacks],
        'batch_size': self.dataset.train_batch_size,
        'train_order_seed': self.dataset.train_order_seed,
        'optimizer': optimizers.configuration(self.optimizer),
        'model': self.model.configuration(),
        'starting_weights': save_restore.checksum(
          self.model.get_current_weights()
        ),
        'data': {name: split.checksum for name, split in splits.items()},
        'jit_compile': self.jit_compile,
        'save_summaries': self.save_summaries,
        'save_network': self.save_network,
        'experiment': dict(experiment),
      }
    )

  def load(self, directory: str) -> tuple[Network, Network]:
    """Returns the finished run's weights, and puts the final ones in the model.

    Raises:
      InputError: If they were not saved, or are not those that the run left.
    """
    if not self.save_network:
      raise errors.InputError(
        f'{directory}: holds this run, finished, without its networks;'
        f' choose another folder, or {errors.OVERWRITE}'
      )
    outputs = run_folder.read_finished(directory).get('outputs', {})
    initial, final = (
      self._restored(path(directory), outputs.get(path('')))
      for path in (paths.initial, paths.final)
    )
    self.model.assign(final)
    progress.loaded(self.name)
    if self.callbacks:
      names = ', '.join(item.name for item in self.callbacks)
      logging.warning(
        '%s: finished already, so not called: %s', directory, names
      )
    return initial, final

  def _restored(self, path: str, checksum: str | None) -> Network:
    stored = save_restore.restore_network(path)
    if save_restore.checksum(stored) != checksum:
      raise errors.InputError(f'{path}: other weights than the run has left')
    return {name: stored[name] for name in self.model.parameters}

  def train(
    self, check: save_restore.Check = save_restore.no_check
  ) -> tuple[Network, Network, dict[str, Any]]:
    """Trains; returns initial and final weights and the last measurements.

    Args:
      check: Called before a file takes its place.
    """
    directory, length = self.directory, self.plan.training_len
    initial: Network = {}
    progress.note(density=masks_lib.density(self.model.masks))
    summaries = None
    if self.save_summaries and directory is not None:
      summaries = paths.summaries(directory)
    with (
      measurements.collect(summaries) as logs,
      progress.of_run(self.name, length) as report,
      steps_lib.prepared(
        self.dataset, self.model, self.optimizer, self.jit_compile
      ) as steps,
    ):
      average = measurements.Average()
      events = [
        *self._calls(steps),
        loop.Event(schedule.at([0]), lambda _: initial.update(steps.unload())),
        *self._measurements(steps, average, logs),
        loop.Event(
          schedule.at(self.plan.checkpoints),
          lambda iteration: save_restore.save_network(
            paths.checkpoint(str(directory), iteration),
            steps.unload(),
            check=check,
          ),
        ),
      ]
      loop.fit(steps, self.dataset, length, events, average, report)
      results = {
        name: steps.measure(split)._asdict()
        for name, split in self.dataset.splits.items()
      }
    final = self.model.get_current_weights()
    revived = _revived(self.model.masks, final)
    if revived:  # Never to be trusted.
      raise RuntimeError(f'pruned weights of {revived!r} came back in training')
    if directory is not None:
      logs.save(directory, check=check)
    if directory is not None and self.save_network:
      networks = {
        paths.initial: initial,
        paths.final: final,
        paths.masks: self.model.masks,
      }
      for path, network in networks.items():
        save_restore.save_network(path(directory), network, check=check)
    return initial, final, results

  def _calls(self, steps: steps_lib.Steps) -> list[loop.Event]:
    """Returns the callbacks as events."""

    def call(callback: callbacks_lib.Callback, iteration: int) -> None:
      self.model.assign(steps.unload())
      callback.function(iteration, self.model)
      weights = self.model.get_current_weights()
      revived = _revived(self.model.masks, weights)
      if revived:
        raise errors.InputError(
          f'callback {callback.name}: wanted 0 for pruned weights, got others'
          f' in {revived!r}'
        )
      steps.assign(weights)

    per_epoch, length = self.dataset.batches_per_epoch, self.plan.training_len
    return [
      loop.Event(item.when(per_epoch, length), functools.partial(call, item))
      for item in self.callbacks
    ]

  def _measurements(
    self,
    steps: steps_lib.Steps,
    average: measurements.Average,
    logs: measurements.Measurements,
  ) -> list[loop.Event]:
    """Returns the measurements of all splits as events."""
    plan, splits = self.plan, self.dataset.splits

    def measure(name: str, iteration: int) -> None:
      logs.add(name, iteration, steps.measure(splits[name]))

    def take_average(iteration: int) -> None:
      if average.examples:  # At the start there are none.
        logs.add('train', iteration, average.take())

    intervals = {'test': plan.test, 'validate': plan.validate}
    return [
      loop.Event(schedule.every(plan.train, plan.training_len), take_average),
      *(
        loop.Event(
          schedule.every(interval, plan.training_len),
          functools.partial(measure, name),
        )
        for name, interval in intervals.items()
        if name in splits
      ),
    ]


def _revived(masks: Network, weights: Network) -> str | None:
  """Returns the first layer with a pruned weight that is not 0, or None.

  Weights of a training that diverged are not numbers: nothing has revived them.
  """
  for name, mask in masks.items():
    pruned = weights[name][mask == 0]
    if np.any((pruned != 0) & np.isfinite(pruned)):
      return name
  return None


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
    'processor': _processor(),
  }


def _processor() -> str:
  """Returns which processor this is: another one may round otherwise."""
  with contextlib.suppress(OSError):
    text = pathlib.Path('/proc/cpuinfo').read_text(errors='replace')
    for line in text.splitlines():
      if line.startswith('model name'):
        return line.partition(':')[2].strip()
  return platform.processor()


def _threads() -> dict[str, int]:
  """Returns how many threads TensorFlow may use; 0: as many as processors."""
  threading = tf.config.threading
  set_by_call = {
    'intra_op': threading.get_intra_op_parallelism_threads(),
    'inter_op': threading.get_inter_op_parallelism_threads(),
  }
  return {
    kind: count or int(os.environ.get(_THREADS_VARIABLE[kind]) or 0)
    for kind, count in set_by_call.items()
  }

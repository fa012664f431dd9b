"""Trains a network, measures it on the way and keeps what came of it."""

import contextlib
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

import lottery_ticket
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import loop
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements as measurements_lib
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import run_folder
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule

evaluate = loop.evaluate
Network = masks_lib.Network
Length = schedule.Length

_THREADS_VARIABLE = {
  'intra_op': 'TF_NUM_INTRAOP_THREADS',
  'inter_op': 'TF_NUM_INTEROP_THREADS',
}


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
  dataset.check_classes(model.build(dataset.train.inputs[:1]))
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
    output_dir,
    save_summaries=save_summaries,
    save_network=save_network,
    jit_compile=jit_compile,
  )
  if output_dir is None:
    return run.train()[:2]
  recorded = run.configuration(training_len, configuration or {})
  with run_folder.locked(output_dir) as check:
    if run_folder.is_finished(output_dir, recorded, overwrite):
      try:
        loaded = run.load(output_dir)
        progress.loaded(run.name)
        return loaded
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


class _Run:
  """One training and what it leaves in its folder."""

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
    self._loop = loop.Loop(dataset, model, optimizer, plan, jit_compile)

  @property
  def name(self) -> str:
    """What progress reports call the run."""
    return '/'.join(pathlib.Path(self._output_dir or 'training').parts[-3:])

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
        'starting_weights': save_restore.checksum(
          self._model.get_current_weights()
        ),
        'data': {name: split.checksum for name, split in splits.items()},
        'jit_compile': self._jit_compile,
        'save_summaries': self._save_summaries,
        'save_network': self._save_network,
        'experiment': dict(experiment),
      }
    )

  def load(self, directory: str) -> tuple[Network, Network]:
    """Returns the finished run's weights, and puts the final ones in the model.

    The model is as it was when the run began: its weights are the initial ones.
    """
    if not self._save_network:
      raise errors.InputError(
        f'{directory}: holds this run, finished, without its networks;'
        f' choose another folder, or {errors.OVERWRITE}'
      )
    path = paths.final(directory)
    stored = save_restore.restore_network(path)
    initial = self._model.get_current_weights()
    outputs = run_folder.read_finished(directory).get('outputs')
    if outputs is None:  # As an early version has left it.
      is_same = _form(stored) == _form(initial)
    else:
      is_same = save_restore.checksum(stored) == outputs.get(paths.final(''))
    if not is_same:
      raise errors.InputError(f'{path}: other weights than the run has left')
    for name, variable in self._model.weights.items():
      variable.assign(stored[name])
    return initial, self._model.get_current_weights()

  def train(
    self, check: save_restore.Check = save_restore.no_check
  ) -> tuple[Network, Network, dict[str, Any]]:
    """Trains; returns initial and final weights and the last measurements.

    Args:
      check: Called before a file takes its place.
    """
    model, directory = self._model, self._output_dir
    save_checkpoint = functools.partial(self._save_checkpoint, check)
    initial = model.get_current_weights()
    summaries = None
    if self._save_summaries and directory is not None:
      summaries = paths.summaries(directory)
    with measurements_lib.collect(summaries) as measurements:
      measured = self._loop.run(self.name, measurements, save_checkpoint)
    final = model.get_current_weights()
    revived = _revived(model.masks, final)
    if revived:  # Never to be trusted.
      raise RuntimeError(f'pruned weights of {revived!r} came back in training')
    results = {name: split._asdict() for name, split in measured.items()}
    if directory is not None:
      measurements.save(directory, check=check)
    if directory is not None and self._save_network:
      networks = {
        paths.initial: initial,
        paths.final: final,
        paths.masks: model.masks,
      }
      for path, network in networks.items():
        save_restore.save_network(path(directory), network, check=check)
    return initial, final, results

  def _save_checkpoint(
    self, check: save_restore.Check, iteration: int, weights: Network
  ) -> None:
    save_restore.save_network(
      paths.checkpoint(str(self._output_dir), iteration),
      weights,
      check=check,
    )


def _revived(masks: Network, weights: Network) -> str | None:
  """Returns the first layer with a pruned weight that is not 0, or None.

  Weights of a training that diverged are not numbers: nothing has revived them.
  """
  for name, mask in masks.items():
    pruned = weights[name][mask == 0]
    if np.any((pruned != 0) & np.isfinite(pruned)):
      return name
  return None


def _form(network: Network) -> dict[str, tuple[Any, ...]]:
  return {name: (array.shape, array.dtype) for name, array in network.items()}


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

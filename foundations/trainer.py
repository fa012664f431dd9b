"""Trains a network, measures it on the way and keeps what came of it."""

import dataclasses
import functools
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from lottery_ticket.foundations import backend
from lottery_ticket.foundations import callbacks as callbacks_lib
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import execution as execution_lib
from lottery_ticket.foundations import loop
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import records
from lottery_ticket.foundations import resumption
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule
from lottery_ticket.foundations import steps as steps_lib

Network = masks_lib.Network
Length = schedule.Length


def evaluate(
  model: model_base.ModelBase,
  split: dataset_base.DatasetSplit,
  *,
  execution: str = 'auto',
) -> measurements.Measurement:
  """Measures a network on all examples of a split.

  Args:
    model: The network.
    split: What to measure it on.
    execution: As in `train`.

  Returns:
    The mean loss, and the accuracy: number right / number of examples.

  Raises:
    InputError: If the split has labels of other classes than the network, or
      the sparse execution is wanted of a network that it does not know.
  """
  split.check_classes(model.build(split.values(slice(1))))
  if execution_lib.resolve(execution, model, split) == 'sparse':
    return execution_lib.sparse_steps(model, split).measure(split)
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
  first_iteration: int = 0,
  last_iteration: int | None = None,
  callbacks: Sequence[callbacks_lib.Callback] = (),
  description: Mapping[str, Any] | None = None,
  sources: Mapping[str, Any] | None = None,
  overwrite: bool = False,
  jit_compile: bool | None = None,
  execution: str = 'auto',
) -> tuple[Network, Network]:
  """Trains a network.

  The test and the validation set are evaluated at the start, at every interval
  and at the end; the training set at the end. A finished run with the same
  configuration is loaded, not repeated, and refused if its networks were not
  saved; one that has lost files starts over.

  A training saves its state about every two minutes, and an interrupted one
  goes on from it, to the same bytes. It starts over if its record says anything
  else now: configuration, data, code, versions, threads or execution. One with
  callbacks, or with an optimizer or schedule that is not Keras's, always starts
  over, as these may have states that are not seen.

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
    first_iteration: The iteration where training starts, as if it had been
      there: the order of the data, noise, the learning rate's schedule and logs
      go on from it. The optimizer's slots start afresh, and so does what
      corrects their bias (Adam's count of updates).
    last_iteration: The iteration where training ends, by default after
      `training_len`; beyond that, the learning rate stays as it was.
    callbacks: What else to call, made by `callbacks.every` and `callbacks.at`;
      recorded by name and source. Not called if the run is loaded.
    description: What identifies the run, for its record: JSON values. With a
      `recipe` it stands for these arguments and the model's, too; without one,
      it is recorded beside them.
    sources: Where the inputs came from, for the record alone: JSON values.
    overwrite: Whether results in `output_dir` that are not loaded may be lost.
    jit_compile: Whether XLA compiles the training steps: by default those of
      dense networks, which get faster. Those of convolutions take many times as
      long on processors, and not every layer can be compiled.
    execution: `dense` products, `sparse` ones that skip pruned weights, or
      `auto`, the faster of these by a rule on densities and shapes.

  Returns:
    The initial and the final weights, {parameter name: array} each. The
    initial ones are those that training started from, pruned ones at 0.

  Raises:
    InputError: Before any work, if an argument is of no use, the sparse
      execution is wanted of what it does not know, the optimizer
      would revive pruned weights, or `output_dir` has another run's results,
      or this one's without its networks, is in use or cannot be written.
    DivergedError: If the loss or the weights stop being finite. The run ends
      there, and is a finished one, whose record says `diverged`: when.
  """
  backend.deterministic_gpus()  # Before anything is computed.
  _build(dataset, model)
  optimizer = optimizers.make(optimizer_fn, model.parameters)
  if jit_compile is None:
    jit_compile = all(mask.ndim < 4 for mask in model.masks.values())
  plan = schedule.make(
    dataset.batches_per_epoch,
    training_len,
    test_interval,
    validate_interval,
    train_interval,
    checkpoints,
    first_iteration,
    last_iteration,
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
    execution,
    execution_lib.resolve(
      execution, model, dataset.train, dataset.train_batch_size, optimizer
    ),
  )
  if output_dir is None:
    initial, final, outcome = run.train(None)
  else:
    record = run.record(training_len, description, sources or {})
    with records.begin(output_dir, record, overwrite=overwrite) as folder:
      if folder.finished is not None:
        run.check_finite(folder.finished)
        return run.load(output_dir)
      initial, final, outcome = run.train(folder.part, folder.state)
      rate = outcome['iterations'] / outcome['seconds']
      folder.commit(**outcome, iterations_per_second=rate)
  # Only now: a run that has diverged is a finished one, and not repeated.
  run.check_finite(outcome)
  return initial, final


def _build(
  dataset: dataset_base.DatasetBase, model: model_base.ModelBase
) -> None:
  """Makes a model's variables, and checks that they fit data and masks."""
  errors.check_number('model.l2', model.l2)
  # A first call makes the variables, and one example does for that.
  dataset.check_classes(model.build(dataset.train.values(slice(1))))
  revived = _revived(model.masks, model.get_current_weights())
  got = f'others in {revived!r}'
  errors.require(not revived, 'model', '0 for pruned weights', got)


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
  execution: str
  resolved_execution: str

  @property
  def name(self) -> str:
    """What progress reports call the run."""
    return '/'.join(pathlib.Path(self.directory or 'training').parts[-3:])

  def record(
    self,
    training_len: Length,
    description: Mapping[str, Any] | None,
    sources: Mapping[str, Any],
  ) -> dict[str, Any]:
    """Returns all that is known of the run before it begins."""
    model, dataset = self.model, self.dataset
    return {
      'description': self._description(training_len, description),
      'inputs': {
        **{name: split.checksum for name, split in dataset.splits.items()},
        'masks': save_restore.checksum(model.masks),
        'initial': save_restore.checksum(model.get_current_weights()),
      },
      'callbacks': [item.configuration() for item in self.callbacks],
      'sources': dict(sources),
      'execution': self.resolved_execution,
      'jit_compile': self.jit_compile,
      'code': records.code(type(model), vars(model), dataset.train.augment),
      'library': records.library(),
      'versions': records.versions(),
      'threads': records.threads(),
      'commit': records.commit(),
    }

  def _description(
    self, training_len: Length, description: Mapping[str, Any] | None
  ) -> dict[str, Any]:
    if description is not None and 'recipe' in description:
      return dict(description)
    plan = self.plan
    unit, count = training_len
    own = {
      'training_len': [unit, int(count)],
      'intervals': {
        'train': plan.train,
        'test': plan.test,
        'validate': plan.validate,
      },
      'checkpoints': list(plan.checkpoints),
      'batch_size': self.dataset.train_batch_size,
      'train_order_seed': self.dataset.train_order_seed,
      'optimizer': optimizers.configuration(self.optimizer),
      'augment': getattr(self.dataset.train.augment, '__name__', None),
      'model': self.model.configuration(),
      'jit_compile': self.jit_compile,
      'execution': self.execution,
      'save_summaries': self.save_summaries,
      'save_network': self.save_network,
    }
    if (plan.first, plan.last) != (0, plan.training_len):
      own['iterations'] = [plan.first, plan.last]
    if description is not None:
      own['experiment'] = dict(description)
    return own

  def check_finite(self, outcome: Mapping[str, Any]) -> None:
    """Raises DivergedError if that is what the run's record says."""
    if 'diverged' in outcome:
      raise errors.DivergedError(
        f'{self.directory or "training"}: diverged by iteration'
        f' {outcome["diverged"]}: loss or weights are no longer finite'
      )

  def load(self, directory: str) -> tuple[Network, Network]:
    """Returns the finished run's weights, and puts the final ones in the model.

    They come in the order in which the model's parameters were made.
    """
    folders = paths.initial(directory), paths.final(directory)
    initial, final = (
      {name: stored[name] for name in self.model.parameters}
      for stored in map(save_restore.restore_network, folders)
    )
    self.model.assign(final)
    progress.loaded(self.name)
    if self.callbacks:
      called = ', '.join(item.name for item in self.callbacks)
      logging.warning(
        '%s: finished already, so not called: %s', directory, called
      )
    return initial, final

  def train(
    self, directory: str | None, state: resumption.State | None = None
  ) -> tuple[Network, Network, dict[str, Any]]:
    """Trains; returns initial and final weights, and what to record.

    It writes to the folder, if there is one, and goes on from the state.
    """
    first, last = self.plan.first, self.plan.last
    state = state or resumption.State(first)
    began = time.monotonic() - state.seconds
    initial: Network = {}
    progress.note(density=masks_lib.density(self.model.masks))
    # Not before: the record says the schedule as it was given.
    optimizers.shift(self.optimizer, first, last, self.plan.training_len)
    is_known = optimizers.key(self.optimizer) is not None and not self.callbacks
    saved_to = paths.state(directory) if directory and is_known else None
    summaries = paths.summaries(directory) if directory else None
    before = state.iteration - first
    with (
      measurements.collect(summaries if self.save_summaries else None) as logs,
      progress.of_run(self.name, last - first, before) as report,
      steps_lib.prepared(
        self.dataset,
        self.model,
        self.optimizer,
        self.jit_compile,
        self.resolved_execution,
        first,
      ) as steps,
    ):
      average = measurements.Average(state.sums)
      for row in state.measured:
        logs.add(*row)
      if state.arrays:
        initial.update(steps.unload())
        steps.load_state(state.arrays)
      saved = time.monotonic()

      def live(iteration: int) -> None:
        nonlocal saved
        report(iteration - first)
        now = time.monotonic()
        if saved_to and now - saved >= resumption.SECONDS:
          others = now - began, average.sums, logs.rows, steps.state()
          resumption.save(saved_to, resumption.State(iteration, *others))
          saved = now

      events = self._events(steps, average, logs, initial, directory)
      diverged = loop.fit(
        steps, self.dataset, state.iteration, last, events, average, live
      )
      results = {
        name: steps.measure(split)._asdict()
        for name, split in self.dataset.splits.items()
      }
    final = self.model.get_current_weights()
    outcome = self._outcome(results, final, diverged)
    if directory is not None:
      logs.save(directory)
      if self.save_network:
        save_restore.save_network(paths.initial(directory), initial)
        save_restore.save_network(paths.final(directory), final)
        save_restore.save_network(paths.masks(directory), self.model.masks)
    outcome['seconds'] = time.monotonic() - began
    return initial, final, outcome

  def _outcome(
    self, results: dict[str, Any], final: Network, diverged: int | None
  ) -> dict[str, Any]:
    """Returns what to record of a training that has ended."""
    first, last = self.plan.first, self.plan.last
    # The last update can spoil weights that no loss in training has seen.
    losses: list[Any] = [measured['loss'] for measured in results.values()]
    if not all(np.isfinite(x).all() for x in [*losses, *final.values()]):
      diverged = diverged or last
    revived = _revived(self.model.masks, final)
    if revived:  # Never to be trusted.
      raise RuntimeError(f'pruned weights of {revived!r} came back in training')
    if diverged:  # What was measured then is no result.
      return {'iterations': diverged - first, 'diverged': diverged}
    return {'results': results, 'iterations': last - first}

  def _events(
    self,
    steps: steps_lib.Steps,
    average: measurements.Average,
    logs: measurements.Measurements,
    initial: Network,
    directory: str | None,
  ) -> list[loop.Event]:
    """Returns what happens during training; fills `initial` at its start."""
    plan, splits = self.plan, self.dataset.splits
    intervals = {'test': plan.test, 'validate': plan.validate}
    every = functools.partial(schedule.every, last=plan.last, first=plan.first)

    def take_average(iteration: int) -> None:
      if average.sums[-1]:  # At the start there are none.
        logs.add('train', iteration, average.take())

    def measure(name: str, iteration: int) -> None:
      logs.add(name, iteration, steps.measure(splits[name]))

    def save(iteration: int) -> None:
      path = paths.checkpoint(str(directory), iteration)
      save_restore.save_network(path, steps.unload())

    # Callbacks come first: what they assign is what training goes on from, so
    # it is what is measured, saved and, at the start, the initial weights.
    return [
      *(
        (
          item.when(self.dataset.batches_per_epoch, plan),
          functools.partial(self._call, item, steps),
        )
        for item in self.callbacks
      ),
      (schedule.at([plan.first]), lambda _: initial.update(steps.unload())),
      (every(plan.train), take_average),
      *(
        (every(interval), functools.partial(measure, name))
        for name, interval in intervals.items()
        if name in splits
      ),
      (schedule.at(plan.checkpoints), save),
    ]

  def _call(
    self, item: callbacks_lib.Callback, steps: steps_lib.Steps, iteration: int
  ) -> None:
    """Calls a callback, and goes on from what it assigns."""
    # The weights live in the steps, and the model has last level's or older.
    self.model.assign(steps.unload())
    self.model.iteration.assign(iteration)
    item.function(iteration, self.model)
    weights = self.model.get_current_weights()
    revived = _revived(self.model.masks, weights)
    name, got = f'callback {item.name}', f'others in {revived!r}'
    errors.require(not revived, name, '0 for pruned weights', got)
    steps.assign(weights)


def _revived(masks: Network, weights: Network) -> str | None:
  """Returns the first layer with a pruned weight that is not 0, or None.

  Weights of a training that diverged are not numbers: nothing has revived them.
  """
  for name, mask in masks.items():
    pruned = weights[name][mask == 0]
    if np.any((pruned != 0) & np.isfinite(pruned)):
      return name
  return None

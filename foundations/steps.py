"""Training steps as graphs, and graphs that serve many trainings.

To trace and compile a graph takes seconds, and TensorFlow never frees it. So
steps have variables of their own: weights and masks are loaded, trained and
unloaded, and where models say that they are alike (`ModelBase.architecture`)
the next one is trained by the same graphs.
"""

import collections
import contextlib
import functools
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import execution as execution_lib
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import seeds

Network = masks_lib.Network

MOST_SHARED = 4
"""The number of steps that are kept for trainings to come."""
_shared: 'collections.OrderedDict[Hashable, Steps]' = collections.OrderedDict()


@contextlib.contextmanager
def prepared(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer: keras.optimizers.Optimizer,
  jit_compile: bool,
  execution: str,
  first_iteration: int = 0,
) -> 'Iterator[Steps]':
  """Yields steps that begin with the weights and masks of a model.

  When the block ends well, the model gets what they have trained.

  Args:
    dataset: What to train on.
    model: What to train; its variables are made.
    optimizer: A new Keras optimizer.
    jit_compile: Whether XLA compiles the steps.
    execution: `dense` or `sparse`.
    first_iteration: The number of updates that the weights have had, for noise.
  """
  if execution == 'sparse':
    sparse = execution_lib.sparse_steps(model, dataset.train, optimizer)
    yield sparse
    model.assign(sparse.unload())
    return
  key = _key(dataset, model, optimizer, jit_compile)
  # Out of the table meanwhile: a callback may train another such model.
  steps = _shared.pop(key, None)
  if steps is None:
    # Nobody knows what else a model of no known architecture does with its
    # variables: it is trained in its own.
    parameters = model.parameters
    if key is not None:
      parameters = {name: item.copy(name) for name, item in parameters.items()}
    steps = Steps(dataset, parameters, optimizer, jit_compile)
  steps.model = model
  steps.load(model.get_current_weights(), model.masks, optimizer)
  seed = seeds.integer(dataset.train_order_seed, 'noise')
  for variable in (model.noise_seed, steps.noise.seed):
    variable.assign(seed)
  steps.noise.level.assign(model.level)
  steps.noise.iteration.assign(first_iteration)
  yield steps
  model.assign(steps.unload())
  del steps.model  # Its memory is not ours to keep.
  if key is not None:
    _shared[key] = steps
  while len(_shared) > MOST_SHARED:
    _shared.popitem(last=False)


def _key(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer: keras.optimizers.Optimizer,
  jit_compile: bool,
) -> Hashable | None:
  """Returns what decides a graph, or None if that is not known."""
  architecture, settings = model.architecture(), optimizers.key(optimizer)
  if architecture is None or settings is None:
    return None
  forms = [
    (name, *item.variable.shape, item.is_trained, item.mask is None)
    for name, item in model.parameters.items()
  ]
  train = dataset.train
  return (
    type(model),
    architecture,
    tuple(forms),
    settings,
    jit_compile,
    dataset.train_batch_size,
    *((tuple(t.shape), t.dtype) for t in (train.inputs, train.labels)),
    None if train.byte_values is None else train.byte_values.tobytes(),
    train.augment,
    model.l2,
  )


class Steps:
  """Trains for many iterations in one graph.

  Args:
    dataset: What to train on.
    parameters: {name: parameter}: the variables to train in.
    optimizer: A new Keras optimizer.
    jit_compile: Whether XLA compiles the steps.

  Attributes:
    model: Says what is computed with the parameters, as a graph is traced.
    noise: What its random numbers depend on.
  """

  model: model_base.ModelBase

  def __init__(
    self,
    dataset: dataset_base.DatasetBase,
    parameters: dict[str, model_base.Parameter],
    optimizer: keras.optimizers.Optimizer,
    jit_compile: bool,
  ):
    self._batch_size = dataset.train_batch_size
    self._parameters = parameters
    self._trained = [
      item.variable for item in parameters.values() if item.is_trained
    ]
    self._optimizer = optimizer
    self._optimizer.build(self._trained)
    self._jit_compile = jit_compile
    self._graphs: dict[int, Callable[..., tuple]] = {}
    self._measures: dict[tuple, Callable[..., Any]] = {}
    # Not the model's: a callback that calls it draws from those.
    self.noise = model_base.Noise.make()

  def load(
    self,
    weights: Network,
    masks: Network,
    optimizer: keras.optimizers.Optimizer,
  ) -> None:
    """Begins a training.

    Args:
      weights: {parameter name: array} of every parameter.
      masks: {layer name: 0/1 array}; others than of masked layers do not count.
      optimizer: A new Keras optimizer with the settings of the given one.
    """
    self.assign(weights)
    for name, item in self._parameters.items():
      if item.mask is not None:
        item.mask.assign(masks[name] != 0)
    if optimizer is self._optimizer:
      return
    # Slots may depend on the weights that training starts from, so they are
    # taken from an optimizer that is built on these.
    optimizer.build(self._trained)
    for variable, value in zip(
      self._optimizer.variables, optimizer.variables, strict=True
    ):
      variable.assign(value)

  def assign(self, weights: Network) -> None:
    """Goes on from other weights, {parameter name: array} of all of them."""
    for name, item in self._parameters.items():
      item.variable.assign(weights[name])

  def finish(self) -> None:
    """Ends a training like Keras: the weights may become their average."""
    self._optimizer.finalize_variable_values(self._trained)

  def unload(self) -> Network:
    """Returns {parameter name: array}, the weights as they are now."""
    return {
      name: item.variable.numpy().copy()
      for name, item in self._parameters.items()
    }

  def state(self) -> list[np.ndarray]:
    """Returns all that further updates depend on."""
    return [variable.numpy() for variable in self._changing()]

  def load_state(self, state: Sequence[np.ndarray]) -> None:
    """Goes on from what `state` gave, of steps that had begun like these."""
    for variable, value in zip(self._changing(), state, strict=True):
      variable.assign(value)

  def _changing(self) -> list[Any]:
    parameters = [item.variable for item in self._parameters.values()]
    return [self.noise.iteration, *self._optimizer.variables, *parameters]

  def measure(
    self, split: dataset_base.DatasetSplit
  ) -> measurements.Measurement:
    """Measures the weights as they are now, like `trainer.evaluate`."""
    with self.model.using(self._parameters, self._measures, self.noise):
      return measurements.evaluate(self.model, split)

  def __call__(
    self,
    train: dataset_base.DatasetSplit,
    order: tf.Tensor,
    first: int,
    count: int,
    size: int,
  ) -> tuple[float, int]:
    """Trains on batches that follow each other in an epoch.

    Args:
      train: The examples.
      order: The epoch, as `DatasetBase.epoch` gives it.
      first: The place in it where the first batch begins.
      count: The number of batches.
      size: Examples in each of them.

    Returns:
      The summed loss, and the number of examples classified right.
    """
    if size not in self._graphs:
      self._graphs[size] = self._graph(train, size)
    loss, right = self._graphs[size](
      train.inputs, train.labels, order, tf.constant(first), tf.constant(count)
    )
    return float(loss), int(right)

  def _graph(
    self, train: dataset_base.DatasetSplit, size: int
  ) -> Callable[..., tuple]:
    """Returns the graph for batches of one size."""
    # The short batch is one step an epoch: not worth compiling.
    is_whole = size == self._batch_size
    function = tf.function(
      functools.partial(self._loop, size, train.byte_values, train.augment),
      jit_compile=self._jit_compile and is_whole,
      autograph=False,
    )
    # Concrete, since TensorFlow warns of a function that is made often. The
    # data are arguments, since it never lets go of what a loop captures.
    data = [
      tf.TensorSpec(tensor.shape, tensor.dtype)
      for tensor in (train.inputs, train.labels)
    ]
    shape = [train.size] if train.augment is None else [train.size, 2]
    order = tf.TensorSpec(shape, tf.int32)
    scalar = tf.TensorSpec([], tf.int32)
    return function.get_concrete_function(*data, order, scalar, scalar)

  def _loop(
    self,
    size: int,
    byte_values: np.ndarray | None,
    augment: dataset_base.Augment | None,
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
      if augment is None:
        batch = tf.gather(inputs, indices)
      else:
        indices, draws = tf.unstack(indices, axis=1)
        batch = augment(tf.gather(inputs, indices), draws)
      batch = dataset_base.look_up(batch, byte_values)
      loss, right = self._step(batch, tf.gather(labels, indices))
      return i + 1, total_loss + loss, total_right + right

    # A loop in the graph, since a call from Python costs as much as a step.
    start = tf.constant(0), tf.constant(0.0), tf.constant(0)
    _, total_loss, total_right = tf.while_loop(
      lambda i, *_: i < count, body, start
    )
    return total_loss, total_right

  def _step(
    self, inputs: tf.Tensor, labels: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes one update, on a batch."""
    # The given model's code, but our variables: these stay in the graph, and
    # the next model's weights are loaded into them.
    with (
      self.model.using(self._parameters, self._measures, self.noise),
      tf.GradientTape() as tape,
    ):
      logits = self.model(inputs, training=True)
      losses = self.model.loss(labels, logits)
      loss = tf.reduce_mean(losses)
      if self.model.l2:
        loss += self.model.l2 * self._half_squares()
      scaled = self._optimizer.scale_loss(loss)
      right = self.model.accuracy(labels, logits)
    gradients = tape.gradient(scaled, self._trained)
    self._optimizer.apply(gradients, self._trained)
    return tf.reduce_sum(losses), tf.reduce_sum(right)

  def _half_squares(self) -> tf.Tensor:
    """Returns half the sum of squares of all kernels."""
    kernels = [
      item.variable for item in self._parameters.values() if item.is_prunable
    ]
    return tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])

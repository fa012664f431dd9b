"""Training steps as graphs, and graphs that serve many trainings.

To trace and compile a graph takes seconds, and TensorFlow never frees it. So
steps have variables of their own: weights and masks are loaded, trained and
unloaded, and where models say that they are alike (`ModelBase.architecture`)
the next one is trained by the same graphs.
"""

import contextlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import execution as execution_lib
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import model_checks
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import seeds

Network = masks_lib.Network
Optimizer: TypeAlias = keras.optimizers.Optimizer
Split = dataset_base.DatasetSplit

MOST_SHARED = 4  # Steps that are kept for trainings to come.
_shared: dict[Hashable, 'Steps'] = {}


@contextlib.contextmanager
def prepared(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer: Optimizer,
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
      parameters = {name: item.copy() for name, item in parameters.items()}
    steps = Steps(dataset, parameters, optimizer, jit_compile)
  steps.model = model
  steps.load(model.get_current_weights(), model.masks, optimizer)
  model.noise_seed.assign(seeds.integer(dataset.train_order_seed, 'noise'))
  steps.variables.noise_seed.assign(model.noise_seed)
  steps.variables.level.assign(model.level)
  steps.variables.iteration.assign(first_iteration)
  yield steps
  model.assign(steps.unload())
  del steps.model  # Its memory is not ours to keep.
  if key is not None:
    _shared[key] = steps
  while len(_shared) > MOST_SHARED:
    del _shared[next(iter(_shared))]  # The oldest.


def _key(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer: Optimizer,
  jit_compile: bool,
) -> Hashable | None:
  """Returns what decides a graph, or None if that is not known."""
  architecture, settings = model.architecture(), optimizers.key(optimizer)
  if None in (architecture, settings) or model_checks.has_own_methods(model):
    return None
  forms = [
    (name, *item.variable.shape, item.is_trained, item.mask is None)
    for name, item in model.parameters.items()
  ]
  train, values = dataset.train, dataset.train.byte_values
  data = [(tuple(t.shape), t.dtype) for t in (train.inputs, train.labels)]
  batches = dataset.train_batch_size, train.augment, *data
  of_bytes = None if values is None else values.tobytes()
  of_model = type(model), architecture, model.l2, *forms
  return of_model, settings, jit_compile, batches, of_bytes


class Steps:
  """Trains for many iterations in one graph.

  Args:
    dataset, optimizer, jit_compile: As in `prepared`.
    parameters: {name: parameter}: the variables to train in.

  Attributes:
    model: Says what is computed with the parameters, as a graph is traced.
    variables: The parameters, and noise that is not the model's: a callback
      that calls it draws from that.
  """

  model: model_base.ModelBase

  def __init__(
    self,
    dataset: dataset_base.DatasetBase,
    parameters: dict[str, model_base.Parameter],
    optimizer: Optimizer,
    jit_compile: bool,
  ):
    self.variables = model_base.Variables(parameters)
    items = parameters.values()
    self._trained = [item.variable for item in items if item.is_trained]
    self._optimizer = optimizer
    self._optimizer.build(self._trained)
    self._batch_size = dataset.train_batch_size
    self._jit_compile = jit_compile
    self._graphs: dict[int, Callable[..., tuple]] = {}

  def load(
    self, weights: Network, masks: Network, optimizer: Optimizer
  ) -> None:
    """Begins a training.

    Args:
      weights: {parameter name: array} of every parameter.
      masks: {layer name: 0/1 array}; others than of masked layers do not count.
      optimizer: A new Keras optimizer with the settings of the given one.
    """
    self.assign(weights)
    for name, item in self.variables.parameters.items():
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
    self.variables.assign(weights)

  def finish(self) -> None:
    """Ends a training like Keras: the weights may become their average."""
    self._optimizer.finalize_variable_values(self._trained)

  def unload(self) -> Network:
    """Returns {parameter name: array}, the weights as they are now."""
    return self.variables.values()

  def state(self) -> list[np.ndarray]:
    """Returns all that further updates depend on."""
    return [variable.numpy() for variable in self._changing()]

  def load_state(self, state: Sequence[np.ndarray]) -> None:
    """Goes on from what `state` gave, of steps that had begun like these."""
    for variable, value in zip(self._changing(), state, strict=True):
      variable.assign(value)

  def _changing(self) -> list[Any]:
    items = self.variables.parameters.values()
    noise, slots = self.variables.iteration, self._optimizer.variables
    return [noise, *slots, *(item.variable for item in items)]

  def measure(self, split: Split) -> measurements.Measurement:
    """Measures the weights as they are now, like `trainer.evaluate`."""
    with self.model.using(self.variables):
      return measurements.evaluate(self.model, split)

  def __call__(
    self,
    train: Split,
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

  def _graph(self, train: Split, size: int) -> Callable[..., tuple]:
    """Returns the graph for batches of one size."""
    byte_values, augment = train.byte_values, train.augment

    # XLA compiles anew for each start of a slice and each limit of a range:
    # so batches are gathered, and the loop counts.
    def loop(*arguments: tf.Tensor) -> list[tf.Tensor]:
      inputs, labels, order, first, count = arguments

      def body(i: tf.Tensor, *totals: tf.Tensor) -> tuple[tf.Tensor, ...]:
        indices = tf.gather(order, first + i * size + tf.range(size))
        if augment is None:
          batch = tf.gather(inputs, indices)
        else:
          indices, draws = tf.unstack(indices, axis=1)
          batch = augment(tf.gather(inputs, indices), draws)
        batch = dataset_base.look_up(batch, byte_values)
        loss, right = self._step(batch, tf.gather(labels, indices))
        return i + 1, totals[0] + loss, totals[1] + right

      # A loop in the graph, since a call from Python costs as much as a step.
      start = tf.constant(0), tf.constant(0.0), tf.constant(0)
      return tf.while_loop(lambda i, *_: i < count, body, start)[1:]

    # The short batch is one step an epoch: not worth compiling.
    jit_compile = self._jit_compile and size == self._batch_size
    function = tf.function(loop, jit_compile=jit_compile, autograph=False)
    # Concrete, since TensorFlow warns of a function that is made often. The
    # data are arguments, since it never lets go of what a loop captures.
    data = [
      tf.TensorSpec(t.shape, t.dtype) for t in (train.inputs, train.labels)
    ]
    shape = [train.size] if augment is None else [train.size, 2]
    order, scalar = tf.TensorSpec(shape, tf.int32), tf.TensorSpec([], tf.int32)
    return function.get_concrete_function(*data, order, scalar, scalar)

  def _step(
    self, inputs: tf.Tensor, labels: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes one update, on a batch."""
    # The given model's code, but our variables: these stay in the graph, and
    # the next model's weights are loaded into them.
    with self.model.using(self.variables), tf.GradientTape() as tape:
      logits = self.model(inputs, training=True)
      losses = self.model.loss(labels, logits)
      loss = tf.reduce_mean(losses)
      if self.model.l2:
        items = self.variables.parameters.values()
        kernels = [item.variable for item in items if item.is_prunable]
        squares = [tf.nn.l2_loss(kernel) for kernel in kernels]  # Halved.
        loss += self.model.l2 * tf.add_n(squares)
      scaled = self._optimizer.scale_loss(loss)
      right = self.model.accuracy(labels, logits)
    gradients = tape.gradient(scaled, self._trained)
    self._optimizer.apply(gradients, self._trained)
    return tf.reduce_sum(losses), tf.reduce_sum(right)

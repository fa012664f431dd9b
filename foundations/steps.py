"""Training steps as graphs, and graphs that serve many trainings.

To trace and compile a graph takes seconds, and TensorFlow never frees it. So
models that say which others compute the same (`ModelBase.structure`) are
trained by a twin, which is kept in this process with its graphs: it takes over
their weights and masks, and gives the weights back.
"""

import collections
import contextlib
import functools
from collections.abc import Callable, Hashable, Iterator

import keras
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import optimizers

_MOST_KEPT = 4
_kept: 'collections.OrderedDict[Hashable, _Twin]' = collections.OrderedDict()


@contextlib.contextmanager
def borrow(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer: keras.optimizers.Optimizer,
  jit_compile: bool,
) -> 'Iterator[Steps]':
  """Yields steps that begin with the weights of a model.

  What they have trained is in the model when the block ends well.

  Args:
    dataset: What to train on.
    model: What to train; its variables are made.
    optimizer: A new Keras optimizer.
    jit_compile: Whether XLA compiles the steps.
  """
  key = _key(dataset, model, optimizer, jit_compile)
  if key is None:
    yield Steps(dataset, model, optimizer, jit_compile)
    return
  # Not in its place meanwhile: it serves one training at a time.
  twin = _kept.pop(key, None)
  if twin is None:
    twin = _Twin(Steps(dataset, model.twin(), optimizer, jit_compile))
  twin.begin(model)
  yield twin.steps
  model.take_over(twin.steps.model)
  _kept[key] = twin
  while len(_kept) > _MOST_KEPT:
    _kept.popitem(last=False)


def _key(
  dataset: dataset_base.DatasetBase,
  model: model_base.ModelBase,
  optimizer: keras.optimizers.Optimizer,
  jit_compile: bool,
) -> Hashable | None:
  """Returns what decides a graph, or None if that is not known."""
  structure = model.structure()
  if structure is None or not type(optimizer).__module__.startswith('keras.'):
    return None
  settings = optimizer.get_config() | {'name': None}
  plain = (type(None), bool, int, float, str)
  if not all(isinstance(value, plain) for value in settings.values()):
    return None  # Like a function as the learning rate.
  if optimizer.built or optimizers.changes(optimizer):
    return None  # More than its settings say.
  train = dataset.train
  return (
    structure,
    type(optimizer),
    tuple(sorted(settings.items())),
    jit_compile,
    dataset.train_batch_size,
    *((tuple(t.shape), t.dtype) for t in (train.inputs, train.labels)),
  )


class _Twin:
  """Steps of a model of our own, to be used again."""

  def __init__(self, steps: 'Steps'):
    self.steps = steps
    self._optimizer = [
      variable.numpy() for variable in steps.optimizer.variables
    ]

  def begin(self, model: model_base.ModelBase) -> None:
    """Makes all as if it were new, with the weights and masks of a model."""
    self.steps.model.take_over(model)
    for variable, value in zip(
      self.steps.optimizer.variables, self._optimizer, strict=True
    ):
      variable.assign(value)


class Steps:
  """Trains for many iterations in one graph.

  Args:
    dataset: What to train on.
    model: What to train; its variables are made.
    optimizer: A new Keras optimizer.
    jit_compile: Whether XLA compiles the steps.
  """

  def __init__(
    self,
    dataset: dataset_base.DatasetBase,
    model: model_base.ModelBase,
    optimizer: keras.optimizers.Optimizer,
    jit_compile: bool,
  ):
    self._batch_size = dataset.train_batch_size
    self.model = model
    self._variables = list(model.weights.values())
    self.optimizer = optimizer
    self.optimizer.build(self._variables)
    self._jit_compile = jit_compile
    self._graphs: dict[int, Callable[..., tuple]] = {}

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
      order: The epoch's permutation of the examples, int32, shape [n].
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
      functools.partial(self._loop, size),
      jit_compile=self._jit_compile and is_whole,
      autograph=False,
    )
    # Concrete, since TensorFlow warns of a function that is made often. The
    # data are arguments, since it never lets go of what a loop captures.
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
      logits = self.model(inputs)
      losses = self.model.loss(labels, logits)
      loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, self._variables)
    self.optimizer.apply(gradients, self._variables)
    right = self.model.accuracy(labels, logits)
    return tf.reduce_sum(losses), tf.reduce_sum(right)

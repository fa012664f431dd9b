"""Data sets: splits that lie whole in device memory, in a repeatable order."""

import copy
import functools
import hashlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import tf_data

_SUM_TOLERANCE = 1e-3  # Of a distribution: float16 keeps a sum no better.

Examples: TypeAlias = tuple[np.ndarray, np.ndarray] | tf.data.Dataset
"""Inputs and labels as a pair of arrays, or a pipeline of such pairs."""

Augment: TypeAlias = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Changes a batch: `augment(inputs, draws)` gives inputs of the same form.

`draws` are int32 in [0, 2**31), shape [batch]: drawn for each example anew in
each epoch, and nothing else may be random. It becomes part of a graph.
"""


class DatasetSplit:
  """Examples with their labels, as two tensors.

  Args:
    inputs: Array of numbers, shape [n, ...].
    labels: Classes as integers, shape [n], or distributions over the classes
      (one-hot, say), shape [n, classes].
    name: What to call the split in errors.
    byte_values: Values that a model takes for bytes 0 to 255, float32, shape
      [256] or, with a column for each channel, [256, channels]. The inputs,
      uint8, then stay bytes in memory, a quarter of their values.

  Attributes:
    inputs: float32 tensor, or uint8 with `byte_values`, shape [n, ...].
    labels: int32 tensor, shape [n], or float32 tensor, shape [n, classes].
    size: The number of examples n.
    augment: How updates see the inputs (bytes as such); None for as they are.

  Raises:
    InputError: If there are no examples, shapes do not fit together, labels
      are no classes, or a number is not finite.
  """

  def __init__(
    self,
    inputs: np.ndarray,
    labels: np.ndarray,
    name: str = 'split',
    byte_values: np.ndarray | None = None,
  ):
    inputs, labels = np.asarray(inputs), np.asarray(labels)
    _check_arrays(inputs, labels, name)
    if byte_values is not None:
      byte_values = _check_byte_values(byte_values, inputs, name)
    self.name, self.size, self.byte_values = name, len(inputs), byte_values
    self.augment: Augment | None = None
    input_type = np.float32 if byte_values is None else np.uint8
    label_type = np.float32 if labels.ndim == 2 else np.int32
    # A constant keeps a second copy, of the array that it was made from.
    self.inputs, self.labels = (
      tf.identity(tf.constant(array.astype(dtype, copy=False)))
      for array, dtype in ((inputs, input_type), (labels, label_type))
    )

  @functools.cached_property
  def checksum(self) -> str:
    """SHA-256 of the shapes and bytes of inputs and labels."""
    digest = hashlib.sha256()
    if self.byte_values is not None:
      digest.update(self.byte_values.tobytes())
    for tensor in (self.inputs, self.labels):
      digest.update(f'{tensor.dtype.name} {tensor.shape}\n'.encode())
      digest.update(np.ascontiguousarray(tensor.numpy()).data)
    return digest.hexdigest()

  def values(self, chosen: slice | None = None) -> tf.Tensor:
    """Returns the inputs of all or some examples as a model takes them."""
    inputs = self.inputs if chosen is None else self.inputs[chosen]
    return look_up(inputs, self.byte_values)

  def check_classes(self, classes: int) -> None:
    """Raises InputError unless a model with so many outputs fits the labels."""
    if self.labels.shape.rank == 2:
      is_right = self.labels.shape[1] == classes
      got = f'are of {self.labels.shape[1]} classes'
    else:
      highest = int(tf.reduce_max(self.labels))
      is_right, got = highest < classes, f'go up to {highest}'
    if not is_right:
      raise errors.InputError(
        f'{self.name} labels: {got}, the model has {classes} outputs'
      )


def look_up(inputs: tf.Tensor, byte_values: np.ndarray | None) -> tf.Tensor:
  """Returns a split's `inputs` as a model takes them, float32."""
  if byte_values is None:
    return inputs
  # A look-up gives the values that NumPy computed, bit for bit. In a graph
  # x / 255 becomes x * (1 / 255), and half of the values differ.
  channels = byte_values.size // 256
  places = tf.cast(inputs, tf.int32) * channels + tf.range(channels)
  return tf.gather(byte_values.ravel(), places)


def _make_split(
  examples: Examples, name: str, byte_values: np.ndarray | None
) -> DatasetSplit:
  if isinstance(examples, tf.data.Dataset):
    examples = tf_data.read(examples, name)
  errors.require(
    isinstance(examples, (tuple, list)) and len(examples) == 2,
    name,
    'a pair of arrays (inputs, labels) or a tf.data.Dataset of such pairs',
    type(examples).__name__,
  )
  inputs, labels = examples
  return DatasetSplit(inputs, labels, name, byte_values)


def _check_arrays(inputs: np.ndarray, labels: np.ndarray, name: str) -> None:
  """Raises InputError unless these can be a split's inputs and labels."""
  are_numbers = {inputs.dtype.kind, labels.dtype.kind} <= {*'buif'}
  got = f'{inputs.dtype} inputs and {labels.dtype} labels'
  errors.require(are_numbers, name, 'arrays of numbers', got)
  is_right = inputs.ndim > 1 and len(inputs)
  wanted = 'shape [n, features...] with n > 0'
  errors.require(is_right, f'{name} inputs', wanted, inputs.shape)
  n, is_one_hot, place = len(inputs), labels.ndim == 2, f'{name} labels'
  is_some = labels.ndim == 1 or (is_one_hot and labels.shape[1] > 1)
  wanted = f'shape [{n}], or [{n}, classes] with two classes or more,'
  wanted += f' as there are {n} inputs'
  hint = 'use labels[:, 0]' if labels.shape[1:] == (1,) else ''
  is_right = is_some and len(labels) == n
  errors.require(is_right, place, wanted, labels.shape, hint)
  lowest, highest = labels.min(), labels.max()
  are_classes = labels.dtype.kind != 'f' and lowest >= 0 and highest < 2**31
  got = f'{labels.dtype} from {lowest} to {highest}'
  wanted = 'integers from 0, below 2**31'
  errors.require(is_one_hot or are_classes, place, wanted, got)
  limit = np.finfo(np.float32).max
  for kind, array in (('inputs', inputs), ('labels', labels)):
    # The extremes, since they need no memory; NaN is within nothing.
    if array.dtype.kind == 'f' and not (
      -limit <= array.min() and array.max() <= limit
    ):
      first = np.argwhere(~(np.abs(array) <= limit))[0, 0]
      raise errors.InputError(
        f'{name} {kind}: wanted finite numbers in float32, example {first} has'
        ' others'
      )
  if is_one_hot:
    sums = labels.sum(axis=1, dtype=np.float64)
    wrong = (np.abs(sums - 1) > _SUM_TOLERANCE) | (labels.min(axis=1) < 0)
    row = int(np.argmax(wrong))
    wanted = 'each row to be a distribution, not negative and of sum 1'
    got = f'{labels[row].min():g} as the least and {sums[row]:g} as the sum of'
    errors.require(not wrong.any(), place, wanted, f'{got} row {row}')


def _check_byte_values(
  table: np.ndarray, inputs: np.ndarray, name: str
) -> np.ndarray:
  """Returns the values of bytes if the inputs are bytes that have them."""
  table, channels = np.asarray(table, np.float32), inputs.shape[-1]
  shapes = (256,), (256, channels)
  is_table = table.shape in shapes and np.isfinite(table).all()
  errors.require(
    inputs.dtype == np.uint8 and is_table,
    f'{name} byte_values',
    f'uint8 inputs and finite numbers of shape [256] or [256, {channels}]',
    f'{inputs.dtype} inputs and {table.shape}',
  )
  return table


class DatasetBase:
  """A data set to train a network on; subclass it for your own.

  Args:
    train: Pair of arrays (inputs, labels) as in `DatasetSplit`, or a
      `tf.data.Dataset` of such pairs, batched or not, read by `tf_data.read`.
    train_batch_size: Examples a batch. The last batch of an epoch may be
      short: every example is seen once an epoch.
    test: Examples, like `train`.
    validate: Examples, like `train`, or None for no validation set.
    train_order_seed: Seed of the training order. None draws one, which is then
      to be found in `train_order_seed`.
    byte_values: As in `DatasetSplit`, for all splits.

  Attributes:
    train, test, validate: The `DatasetSplit`s; `validate` may be None.

  Raises:
    InputError: If arrays do not make a split, the splits' examples are of
      different shapes, or the batch size is not a positive integer.
  """

  def __init__(
    self,
    train: Examples,
    train_batch_size: int,
    test: Examples,
    validate: Examples | None = None,
    train_order_seed: int | None = None,
    *,
    byte_values: np.ndarray | None = None,
  ):
    size = errors.check_integer('batch size', train_batch_size, least=1)
    self.train_batch_size = size
    if train_order_seed is None:
      train_order_seed = seeds.fresh()
    self.train_order_seed = seeds.check(train_order_seed, 'train_order_seed')
    self.train = _make_split(train, 'train', byte_values)
    self.test = _make_split(test, 'test', byte_values)
    self.validate = None
    if validate is not None:
      self.validate = _make_split(validate, 'validate', byte_values)
    for name, split in self.splits.items():
      for kind in ('inputs', 'labels'):
        wanted, got = (
          list(getattr(one, kind).shape[1:]) for one in (self.train, split)
        )
        like = f'shape [n, *{wanted}] like the training set'
        errors.require(wanted == got, f'{name} {kind}', like, f'[n, *{got}]')

  @property
  def splits(self) -> dict[str, DatasetSplit]:
    """{name: split}, of those that there are."""
    splits = {'train': self.train, 'test': self.test, 'validate': self.validate}
    return {name: split for name, split in splits.items() if split is not None}

  @property
  def batches_per_epoch(self) -> int:
    """The number of batches, and so of iterations, in an epoch."""
    return -(-self.train.size // self.train_batch_size)

  def check_classes(self, classes: int) -> None:
    """Raises InputError unless a model with so many outputs fits the labels."""
    for split in self.splits.values():
      split.check_classes(classes)

  def train_order(self, epoch: int) -> np.ndarray:
    """Returns the order of one epoch, which counts from 0.

    It is a permutation of the training examples, int32, shape [n]: a function
    of `train_order_seed` and `epoch` alone.
    """
    generator = seeds.generator(self.train_order_seed, 'epoch', epoch)
    return generator.permutation(self.train.size).astype(np.int32)

  def epoch(self, number: int) -> np.ndarray:
    """Returns what updates of an epoch, which counts from 0, go through.

    It is `train_order`, and where the training set is augmented it has a second
    column, shape [n, 2]: a number for each example, in [0, 2**31), that depends
    on `train_order_seed`, the epoch and the example alone.
    """
    order = self.train_order(number)
    if self.train.augment is None:
      return order
    generator = seeds.generator(self.train_order_seed, 'augment', number)
    draws = generator.integers(0, 2**31, self.train.size).astype(np.int32)
    return np.stack([order, draws[order]], axis=1)

  def with_order(self, train_order_seed: int) -> 'DatasetBase':
    """Returns this data set (sharing its memory) in another training order."""
    other = copy.copy(self)
    other.train_order_seed = seeds.check(train_order_seed, 'train_order_seed')
    return other

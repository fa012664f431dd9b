"""Layers: functions of a model, a name and inputs.

Each becomes a method by a line in `ModelBase`, like `dense = layers.dense`. It
asks the model for its parameters by name: `model.kernel` gives one that masks
can prune, `model.variable` one that they cannot.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import keras
import tensorflow as tf

from lottery_ticket.foundations import errors

if TYPE_CHECKING:
  from lottery_ticket.foundations import model_base

Activation: TypeAlias = str | Callable[[tf.Tensor], tf.Tensor] | None
Initializer: TypeAlias = str | keras.initializers.Initializer | None
Size: TypeAlias = int | tuple[int, int]

PYTORCH_NORM = 0.9, 1e-5
"""Momentum and epsilon of batch norm in PyTorch, which most papers used."""


class Dense(NamedTuple):
  """A dense layer, as `ModelBase.architecture` may name it.

  Attributes:
    name: The kernel's name, as in `dense`.
    activation: The name of a Keras activation, or None.
  """

  name: str
  activation: str | None = None


def dense(
  model: model_base.ModelBase,
  name: str,
  inputs: tf.Tensor,
  units: int,
  activation: Activation = None,
  use_bias: bool = True,
  kernel_initializer: Initializer = None,
) -> tf.Tensor:
  """Applies a fully-connected layer that can be pruned.

  Args:
    model: The model that has the layer's parameters.
    name: The kernel's name; the bias is called `{name}_bias`. A name that
      comes again means the same parameters.
    inputs: Tensor of shape [batch, features].
    units: The number of outputs.
    activation: A function, the name of a Keras activation, or None.
    use_bias: Whether to add a bias, which starts at 0 and is never pruned.
    kernel_initializer: A Keras initializer or its name; by default that of the
      model, or `GlorotNormal` (the paper, Section 2; TensorFlow's
      truncates at two standard deviations).

  Returns:
    Tensor of shape [batch, units].

  Raises:
    InputError: If the inputs are of another rank, or a preset or a mask of
      this layer is of another shape.
  """
  # Else bytes and float64, which NumPy makes, would not fit the kernel.
  inputs = tf.cast(inputs, tf.float32)
  is_right = inputs.shape.rank == 2 and inputs.shape[1] is not None
  what, wanted = f'layer {name!r}', 'inputs of shape [batch, features]'
  errors.require(is_right, what, wanted, inputs.shape, 'flatten them first')
  shape = inputs.shape[1], errors.check_integer(f'{what}, units', units, 1)
  outputs = tf.matmul(inputs, model.kernel(name, shape, kernel_initializer))
  if use_bias:
    outputs += model.variable(f'{name}_bias', shape[-1:], 'zeros')
  return get_activation(what, activation)(outputs)


def conv2d(
  model: model_base.ModelBase,
  name: str,
  inputs: tf.Tensor,
  filters: int,
  kernel_size: Size,
  strides: Size = 1,
  padding: str = 'same',
  activation: Activation = None,
  use_bias: bool = True,
  kernel_initializer: Initializer = None,
) -> tf.Tensor:
  """Applies a convolution that can be pruned.

  Args:
    model: The model that has the layer's parameters.
    name: The kernel's name, as in `dense`. Its shape is [height, width,
      channels, filters].
    inputs: Tensor of shape [batch, height, width, channels], or of shape
      [batch, height, width] for a single channel.
    filters: The number of output channels.
    kernel_size: Height and width of the kernel, or one number for both.
    strides: Steps down and to the right, or one number for both.
    padding: 'same' (zeros around, so that outputs are as large as inputs over
      strides) or 'valid' (none).
    activation: As in `dense`.
    use_bias: As in `dense`.
    kernel_initializer: As in `dense`.

  Returns:
    Tensor of shape [batch, height, width, filters].

  Raises:
    InputError: If an argument is of no use, or a preset or a mask of this
      layer is of another shape.
  """
  pairs = {'kernel_size': kernel_size, 'strides': strides}
  inputs, padding, sizes, steps = _windows(name, inputs, padding, **pairs)
  filters = errors.check_integer(f'layer {name!r}, filters', filters, 1)
  shape = (*sizes, inputs.shape[3], filters)
  kernel = model.kernel(name, shape, kernel_initializer)
  outputs = tf.nn.conv2d(inputs, kernel, steps, padding)
  if use_bias:
    outputs += model.variable(f'{name}_bias', shape[-1:], 'zeros')
  return get_activation(f'layer {name!r}', activation)(outputs)


def max_pool(
  inputs: tf.Tensor,
  size: Size = 2,
  strides: Size | None = None,
  padding: str = 'valid',
) -> tf.Tensor:
  """Returns the largest input of each window.

  Args:
    inputs: Tensor of shape [batch, height, width, channels].
    size: Height and width of the window, or one number for both.
    strides: Steps from window to window; by default the window's size.
    padding: As in `conv2d`.

  Returns:
    Tensor of shape [batch, height, width, channels].

  Raises:
    InputError: If an argument is of no use.
  """
  sizes = {'size': size, 'strides': size if strides is None else strides}
  inputs, padding, *pairs = _windows('max_pool', inputs, padding, **sizes)
  return tf.nn.max_pool2d(inputs, *pairs, padding)


def average_pool(
  inputs: tf.Tensor,
  size: Size = 2,
  strides: Size | None = None,
  padding: str = 'valid',
) -> tf.Tensor:
  """Returns the mean of each window; otherwise like `max_pool`."""
  sizes = {'size': size, 'strides': size if strides is None else strides}
  inputs, padding, *pairs = _windows('average_pool', inputs, padding, **sizes)
  return tf.nn.avg_pool2d(inputs, *pairs, padding)


def flatten(inputs: tf.Tensor) -> tf.Tensor:
  """Returns the inputs with one row of features an example."""
  return tf.reshape(inputs, [-1, math.prod(inputs.shape[1:])])


def _windows(
  name: str, inputs: tf.Tensor, padding: str, **sizes: Size
) -> tuple[Any, ...]:
  """Returns images, TensorFlow's padding, and sizes as pairs, all checked."""
  layer, wanted = f'layer {name!r}', "the padding 'same' or 'valid'"
  errors.require(padding in ('same', 'valid'), layer, wanted, repr(padding))
  pairs = []
  for what, size in sizes.items():
    pair = size if isinstance(size, (list, tuple)) else (size, size)
    pairs.append([errors.read_integer(number) or 0 for number in pair])
    is_right = len(pair) == 2 and min(pairs[-1]) > 0
    wanted = f'{what} of one or two positive integers'
    errors.require(is_right, layer, wanted, repr(size))
  inputs = tf.cast(inputs, tf.float32)
  if inputs.shape.rank == 3:  # MNIST comes so.
    inputs = inputs[..., tf.newaxis]
  is_right = inputs.shape.rank == 4 and inputs.shape[3] is not None
  wanted = 'inputs of shape [batch, height, width, channels]'
  errors.require(is_right, layer, wanted, inputs.shape)
  return inputs, padding.upper(), *pairs


def batch_norm(
  model: model_base.ModelBase,
  name: str,
  inputs: tf.Tensor,
  training: bool,
  momentum: float = 0.99,
  epsilon: float = 1e-3,
) -> tf.Tensor:
  """Normalizes each feature, like Keras's `BatchNormalization`.

  Its parameters `{name}_gamma` and `{name}_beta` are trained; its states
  `{name}_mean` and `{name}_variance`, moving averages, are not. None is pruned.

  Args:
    model: The model that has the layer's parameters.
    name: What their names begin with.
    inputs: Tensor of shape [batch, ..., features].
    training: Whether to normalize by the batch, and to add it to the averages;
      else the averages normalize.
    momentum: How much of the averages stays at an update, in [0, 1].
    epsilon: What is added to the variance.

  Returns:
    Tensor of the shape of the inputs.

  Raises:
    InputError: If the number of features is not known, or a preset is of
      another shape.
  """
  inputs = tf.cast(inputs, tf.float32)
  is_right = inputs.shape.rank and inputs.shape[-1] is not None
  wanted = 'inputs of shape [batch, ..., features]'
  errors.require(is_right, f'layer {name!r}', wanted, inputs.shape)
  features = inputs.shape[-1:]
  # All four are made in evaluations, too, where not all of them are used: the
  # names of a model's parameters must not depend on who calls it first.
  gamma = model.variable(f'{name}_gamma', features, 'ones')
  beta = model.variable(f'{name}_beta', features, 'zeros')
  mean = model.state(f'{name}_mean', features, 'zeros')
  variance = model.state(f'{name}_variance', features, 'ones')
  # One kernel forward and one back, for inputs of any rank. In training, where
  # it normalizes by the batch, it wants empty averages.
  fused = tf.raw_ops.FusedBatchNormV3(
    x=tf.reshape(inputs, [-1, 1, 1, *features]),
    scale=gamma,
    offset=beta,
    mean=[] if training else mean,
    variance=[] if training else variance,
    epsilon=epsilon,
    is_training=bool(training),
  )
  if training:
    if model.states_momentum is not None:
      momentum = model.states_momentum
    # The kernel divides by n - 1, Keras by n: for the averages alone, as both
    # normalize by n.
    count = tf.cast(tf.size(inputs) // features[0], tf.float32)
    biased = fused.batch_variance * (1 - 1 / count)
    for average, value in ((mean, fused.batch_mean), (variance, biased)):
      average.assign(average * momentum + value * (1 - momentum))
  return tf.reshape(fused.y, tf.shape(inputs))


def dropout(
  model: model_base.ModelBase, inputs: tf.Tensor, rate: float, training: bool
) -> tf.Tensor:
  """Sets some inputs to 0, and scales the others to make up for it.

  Which ones is a function of the model's noise: see `ModelBase.noise_key`.

  Args:
    model: The model that has the noise.
    inputs: Tensor of any shape.
    rate: The fraction of inputs that become 0, in [0, 1).
    training: Whether to do so; else the inputs are passed on.

  Raises:
    InputError: If the rate is anything else.
  """
  if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
    raise errors.InputError(f'dropout: wanted a rate in [0, 1), got {rate!r}')
  if not training or not rate:
    return inputs
  # Whole bits, since XLA makes other floats of them than TensorFlow does.
  bits = tf.random.stateless_uniform(
    tf.shape(inputs), model.noise_key(), None, None, tf.uint32
  )
  stays = bits >= tf.constant(int(rate * 2**32), tf.uint32)
  return tf.where(stays, inputs / (1 - rate), tf.zeros_like(inputs))


def get_activation(
  name: str, activation: Activation
) -> Callable[[tf.Tensor], tf.Tensor]:
  """Returns an activation as a function, or raises InputError, of `name`."""
  try:
    return keras.activations.get(activation)
  except (TypeError, ValueError):
    raise errors.InputError(
      f'{name}: wanted a function or a Keras activation, got {activation!r}'
    ) from None

"""Layers: functions of a model, a name and inputs.

Each becomes a method by a line in `ModelBase`, like `dense = layers.dense`. It
asks the model for its parameters by name: `model.kernel` gives one that masks
can prune, `model.variable` one that they cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import errors

if TYPE_CHECKING:
  from lottery_ticket.foundations import model_base

Activation: TypeAlias = str | Callable[[tf.Tensor], tf.Tensor] | None
Initializer: TypeAlias = str | keras.initializers.Initializer | None


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
    kernel_initializer: A Keras initializer or its name; by default
      `GlorotNormal` (the paper, Section 2; TensorFlow's truncates at two
      standard deviations).

  Returns:
    Tensor of shape [batch, units].

  Raises:
    InputError: If the inputs are of another rank, or a preset or a mask of
      this layer is of another shape.
  """
  inputs = tf.cast(inputs, tf.float32)
  if inputs.shape.rank != 2 or inputs.shape[1] is None:
    raise errors.InputError(
      f'layer {name!r}: wanted inputs of shape [batch, features],'
      f' got {inputs.shape}; flatten them first'
    )
  if not isinstance(units, (int, np.integer)) or units < 1:
    raise errors.InputError(
      f'layer {name!r}: wanted at least one unit, got {units!r}'
    )
  if kernel_initializer is None:
    kernel_initializer = 'glorot_normal'
  shape = (inputs.shape[1], int(units))
  kernel = model.kernel(name, shape, kernel_initializer)
  outputs = tf.matmul(inputs, kernel)
  if use_bias:
    outputs += model.variable(f'{name}_bias', shape[1:], 'zeros')
  return get_activation(f'layer {name!r}', activation)(outputs)


def get_activation(
  name: str, activation: Activation
) -> Callable[[tf.Tensor], tf.Tensor]:
  """Returns an activation as a function.

  Args:
    name: What to call its place in errors.
    activation: A function, the name of a Keras activation, or None.

  Raises:
    InputError: If it is anything else.
  """
  try:
    return keras.activations.get(activation)
  except (TypeError, ValueError):
    raise errors.InputError(
      f'{name}: wanted a function or a Keras activation, got {activation!r}'
    ) from None

"""Models whose layers can be pruned (masks) and reset (presets).

Masks hold inside the layers, whoever trains the model: a pruned weight starts
at exactly 0 and its gradient is exactly 0, so it stays 0 under every optimizer
that treats each weight on its own.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import describe
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds

Network = masks_lib.Network
Activation: TypeAlias = str | Callable[[tf.Tensor], tf.Tensor] | None
Initializer: TypeAlias = str | keras.initializers.Initializer | None


@tf.custom_gradient
def _masked(
  kernel: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
  """Passes a kernel on; of its gradient, what the mask keeps.

  The kernel's pruned weights are 0 already: masking the gradient keeps them
  so, and costs less than masking the kernel as well. Selecting rather than
  multiplying gives 0 even where a gradient is infinite or NaN.
  """

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
    return tf.where(mask, upstream, tf.zeros_like(upstream)), None

  return tf.identity(kernel), gradient


class ModelBase(tf.Module):
  """A network to prune; subclass it and write `__call__`.

  >>> class TwoLayers(ModelBase):
  ...   def __call__(self, inputs):
  ...     hidden = self.dense('hidden', inputs, 50, 'relu')
  ...     return self.dense('logits', hidden, 10)
  >>> model = TwoLayers(seed=1)
  >>> model(tf.zeros([4, 20])).shape
  TensorShape([4, 10])
  >>> list(model.weights)
  ['hidden', 'hidden_bias', 'logits', 'logits_bias']

  `__call__` becomes part of a graph, without AutoGraph: where it decides by a
  tensor's value, it does so with `tf.cond` or `tf.where`.

  Variables are made at the first call, and found by name afterwards. Names
  and shapes of presets and masks are checked at the end of that call.

  Args:
    presets: {parameter name: array} of initial values, or the folder of such
      a network. May be partial: the rest is drawn.
    masks: {layer name: 0/1 array}, the folder of such a network, or a list of
      these, of which the union is taken. May be partial: the rest is ones.
    seed: Of the initial values that are drawn; each parameter's depend on the
      seed and its name alone. None draws a seed, to be found in `seed`.

  Raises:
    InputError: At construction if presets or masks cannot be read, or are not
      finite numbers (masks: 0 and 1); at the first call if one has a name or a
      shape that the model does not have.
  """

  def __init__(
    self,
    presets: save_restore.NetworkLike | None = None,
    masks: save_restore.NetworkLike | list | None = None,
    seed: int | None = None,
  ):
    super().__init__()
    self.seed = seeds.fresh() if seed is None else seeds.check(seed)
    presets = save_restore.standardize(presets, name='presets') or {}
    masks = save_restore.standardize(masks, masks_lib.union, name='masks') or {}
    self._presets = masks_lib.check_network(presets, 'presets')
    self._given_masks = masks_lib.check(masks)
    self._variables: dict[str, tf.Variable] = {}
    self._masks: dict[str, tf.Variable] = {}
    self._is_built = False
    self._measures: dict[tuple, Callable[..., Any]] = {}

  def __init_subclass__(cls, **kwargs: Any):
    """Makes the first call of a child's `__call__` check all names."""
    super().__init_subclass__(**kwargs)
    if '__call__' in cls.__dict__:
      cls.__call__ = _checking_names(cls.__call__)  # type: ignore[method-assign]

  def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns the logits, shape [batch, classes]; to be written by a child.

    Args:
      inputs: Tensor of shape [batch, ...].
    """
    raise NotImplementedError(f'{type(self).__name__} needs a __call__')

  def build(self, inputs: tf.Tensor) -> int:
    """Makes all variables, by one call on a few examples.

    Args:
      inputs: Tensor of shape [batch, ...].

    Returns:
      The number of classes that the logits tell apart.

    Raises:
      InputError: If presets or masks do not fit, or the outputs are no logits.
    """
    with tf.GradientTape() as tape:
      logits = self(inputs)
    if not self._variables or logits.shape.rank != 2:
      raise errors.InputError(
        f'{type(self).__name__}: wanted layers and logits of shape'
        f' [batch, classes], got {len(self._variables)} parameters and shape'
        f' {logits.shape}'
      )
    made = {id(variable) for variable in self._variables.values()}
    # A Keras layer's variables are not this module's, but were watched.
    for variable in (*self.trainable_variables, *tape.watched_variables()):
      if id(variable) not in made:
        raise errors.InputError(
          f'{type(self).__name__}: variable {variable.name!r} would not be'
          ' saved or reset; wanted only those that layers like dense make'
        )
    return int(logits.shape[1])

  @property
  def weights(self) -> dict[str, tf.Variable]:
    """{parameter name: variable}, in the order in which they were made."""
    return dict(self._variables)

  @property
  def masks(self) -> Network:
    """{layer name: float32 0/1 array} of every layer; ones where unpruned.

    Before the first call, those that were given: layers are not known yet.
    """
    if not self._masks:
      return {name: mask.copy() for name, mask in self._given_masks.items()}
    return {
      name: mask.numpy().astype(np.float32)
      for name, mask in self._masks.items()
    }

  @property
  def presets(self) -> Network:
    """{parameter name: array}, the initial values that were given."""
    return {name: array.copy() for name, array in self._presets.items()}

  def get_current_weights(self) -> Network:
    """Returns {parameter name: float32 array}, a copy of all parameters.

    Raises:
      InputError: If there are none yet.
    """
    if not self._variables:
      raise errors.InputError(
        f'{type(self).__name__}: has no weights before it is first called'
      )
    return {
      name: np.array(variable.numpy())
      for name, variable in self._variables.items()
    }

  def structure(self) -> Hashable | None:
    """Returns what decides which function of its parameters a model is.

    Models of one class with equal structures compute the same from equal
    parameters and masks; they may share graphs. None, the default, says that
    this is not known. A child that answers has to define `twin`, too.
    """
    return None

  def twin(self) -> 'ModelBase':
    """Returns another model of this structure, its variables made."""
    raise NotImplementedError(f'{type(self).__name__} needs a twin')

  def take_over(self, other: 'ModelBase') -> None:
    """Takes the weights and masks of a model of the same structure."""
    for name, variable in self._variables.items():
      variable.assign(other._variables[name])
    for name, mask in self._masks.items():
      mask.assign(other._masks[name])

  def configuration(self) -> dict[str, Any]:
    """Returns what a run's record says of the model; a child may add to it."""
    digests = {
      kind.__name__: describe.code(kind) for kind in type(self).__mro__
    }
    code = {name: digest for name, digest in digests.items() if digest}
    return {
      'class': type(self).__name__,
      **({'code': code} if code else {}),
      'seed': self.seed,
      'shapes': {
        name: list(variable.shape) for name, variable in self._variables.items()
      },
      'presets': save_restore.checksum(self._presets or None),
      'masks': save_restore.checksum(self.masks),
    }

  def dense(
    self,
    name: str,
    inputs: tf.Tensor,
    units: int,
    activation: Activation = None,
    use_bias: bool = True,
    kernel_initializer: Initializer = None,
  ) -> tf.Tensor:
    """A fully-connected layer that can be pruned.

    Args:
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
    shape = (inputs.shape[1], int(units))
    if kernel_initializer is None:
      kernel_initializer = 'glorot_normal'
    kernel = self._prunable(name, shape, kernel_initializer)
    outputs = tf.matmul(inputs, kernel)
    if use_bias:
      outputs += self._variable(f'{name}_bias', shape[1:], 'zeros')
    return _activation(name, activation)(outputs)

  def loss(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Returns each example's cross-entropy, shape [batch].

    Args:
      labels: Integer classes, shape [batch], or a distribution over the
        classes, shape [batch, classes]; tensors or arrays.
      logits: Shape [batch, classes].
    """
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank == 1:
      labels = tf.cast(labels, tf.int32)
      return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    labels = tf.cast(labels, logits.dtype)
    return tf.nn.softmax_cross_entropy_with_logits(labels, logits)

  def accuracy(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Returns 1 for each example that is classified right, else 0.

    Args:
      labels: As in `loss`.
      logits: Shape [batch, classes].

    Returns:
      int32 tensor of shape [batch].
    """
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank == 2:
      labels = tf.argmax(labels, 1, output_type=tf.int32)
    classes = tf.argmax(logits, 1, output_type=tf.int32)
    return tf.cast(tf.equal(classes, tf.cast(labels, tf.int32)), tf.int32)

  def measure(
    self, inputs: tf.Tensor, labels: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the summed loss and the number classified right.

    Args:
      inputs: Shape [n, ...].
      labels: As in `loss`.
    """
    specs = tuple(
      tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)
      for tensor in (inputs, labels)
    )
    if specs not in self._measures:
      # Concrete, since TensorFlow warns of a function that is made often.
      if not self._variables:
        self.build(inputs[:1])
      function = tf.function(self._measure_eagerly, autograph=False)
      self._measures[specs] = function.get_concrete_function(*specs)
    return self._measures[specs](inputs, labels)

  def _measure_eagerly(
    self, inputs: tf.Tensor, labels: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    logits = self(inputs)
    loss = tf.reduce_sum(self.loss(labels, logits))
    return loss, tf.reduce_sum(self.accuracy(labels, logits))

  def _prunable(
    self, name: str, shape: tuple[int, ...], initializer: Initializer
  ) -> tf.Tensor:
    """Returns a kernel that its mask holds."""
    if name not in self._masks:
      mask = self._given_masks.get(name, np.ones(shape, np.float32))
      _check_shape(f'masks[{name!r}]', mask, shape)
      with tf.init_scope():
        self._masks[name] = tf.Variable(
          mask != 0, trainable=False, name=f'{name}_mask'
        )
    kernel = self._variable(name, shape, initializer)
    if name not in self._given_masks:
      return kernel.value()
    return _masked(kernel.value(), self._masks[name].value())

  def _variable(
    self, name: str, shape: tuple[int, ...], initializer: Initializer
  ) -> tf.Variable:
    """Returns the parameter of that name; makes it if it is not there."""
    if name not in self._variables:
      save_restore.check_name(name)
      with tf.init_scope():
        value = self._initial_value(name, shape, initializer)
        self._variables[name] = tf.Variable(value, name=name)
    _check_shape(f'parameter {name!r}', self._variables[name], shape)
    return self._variables[name]

  def _initial_value(
    self, name: str, shape: tuple[int, ...], initializer: Initializer
  ) -> np.ndarray:
    if name in self._presets:
      value = self._presets[name]
      _check_shape(f'presets[{name!r}]', value, shape)
    else:
      seed = seeds.integer(self.seed, 'initial', name)
      value = _draw(initializer, shape, seed)
    return masks_lib.apply(self._given_masks, {name: value})[name]

  def _check_names(self) -> None:
    """Raises InputError for a preset or a mask that no layer has taken."""
    for what, given, known in (
      ('masks', self._given_masks, self._masks),
      ('presets', self._presets, self._variables),
    ):
      unknown = [name for name in given if name not in known]
      if unknown:
        raise errors.InputError(
          f'{what}: the model has no {unknown[0]!r}; it has {sorted(known)}'
        )


def _checking_names(call: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
  """Wraps a `__call__` so that names are checked when it is first through."""

  @functools.wraps(call)
  def checked(self: ModelBase, *args: Any, **kwargs: Any) -> tf.Tensor:
    if not hasattr(self, '_is_built'):
      raise errors.InputError(
        f'{type(self).__name__}: wanted super().__init__(presets, masks, seed)'
        ' in its __init__'
      )
    if self._is_built or type(self).__call__ is not checked:
      return call(self, *args, **kwargs)
    outputs = call(self, *args, **kwargs)
    self._check_names()
    self._is_built = True
    return outputs

  return checked


def _check_shape(what: str, value: Any, shape: tuple[int, ...]) -> None:
  if tuple(value.shape) != tuple(shape):
    raise errors.InputError(
      f'{what}: wanted shape {list(shape)}, got {list(value.shape)}'
    )


def _activation(
  layer: str, activation: Activation
) -> Callable[[tf.Tensor], tf.Tensor]:
  try:
    return keras.activations.get(activation)
  except (TypeError, ValueError):
    raise errors.InputError(
      f'layer {layer!r}: wanted a function or a Keras activation,'
      f' got {activation!r}'
    ) from None


def _draw(
  initializer: Initializer, shape: tuple[int, ...], seed: int
) -> np.ndarray:
  """Returns initial values, drawn with `seed` unless there is another one."""
  try:
    draw = keras.initializers.get(initializer)
    if isinstance(draw, keras.initializers.Initializer):
      config = draw.get_config()
      if config.get('seed', seed) is None:
        draw = type(draw).from_config(config | {'seed': seed})
    value = np.array(draw(shape, dtype='float32'))
  except Exception:
    if callable(initializer):
      raise  # It is the user's own.
    raise errors.InputError(
      'kernel_initializer: wanted one of Keras that draws weights,'
      f' got {initializer!r}'
    ) from None
  _check_shape('kernel_initializer', value, shape)
  return value

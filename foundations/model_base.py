"""Models whose layers can be pruned (masks) and reset (presets).

Masks hold inside the layers, whoever trains the model: a pruned weight starts
at exactly 0 and its gradient is exactly 0, so it stays 0 under every optimizer
that treats each weight on its own.
"""

import contextlib
import functools
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import backend
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import layers
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import model_checks
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds

backend.check()

Network = masks_lib.Network
Initializer = layers.Initializer
Shape = tuple[int, ...]


@tf.custom_gradient
def _masked(
  kernel: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
  """Passes a kernel on, and of its gradient what the mask keeps.

  The kernel's pruned weights are 0 already: masking the gradient keeps them
  so, and costs less than masking the kernel as well. Selecting rather than
  multiplying gives 0 even where a gradient is infinite or NaN.
  """

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
    return tf.where(mask, upstream, tf.zeros_like(upstream)), None

  return tf.identity(kernel), gradient


class Parameter(tf.Module):
  """A parameter of a model; a module, so that TensorFlow finds its variables.

  Attributes:
    variable: Its values, float32.
    is_trained: Whether an optimizer updates it.
    is_prunable: Whether it may have a mask.
    mask: Boolean variable, true where a weight stays; None if all do.
  """

  def __init__(
    self,
    name: str,
    value: np.ndarray,
    mask: np.ndarray | None = None,
    is_trained: bool = True,
    is_prunable: bool = False,
  ):
    super().__init__()
    self.variable = tf.Variable(value, trainable=is_trained, name=name)
    # As Keras calls it; some optimizers choose by it what to do.
    self.variable.path = name
    self.is_trained, self.is_prunable = is_trained, is_prunable
    self.mask = None
    if mask is not None:
      self.mask = tf.Variable(mask != 0, trainable=False, name=f'{name}_mask')

  def copy(self) -> 'Parameter':
    """Returns a parameter of the same form, with variables of its own."""
    mask = None if self.mask is None else self.mask.numpy()
    given = self.variable.path, self.variable.numpy(), mask
    return Parameter(*given, self.is_trained, self.is_prunable)

  def mask_array(self) -> np.ndarray:
    """Returns the mask as a float32 0/1 array; ones if all weights stay."""
    if self.mask is None:
      return np.ones(self.variable.shape, np.float32)
    return self.mask.numpy().astype(np.float32)


class Variables(tf.Module):
  """All variables that a model computes with, and graphs that have them inside.

  Attributes:
    parameters: {name: parameter}, in the order in which they were made.
    noise_seed: As in `ModelBase`, like `level` and `iteration`.
    graphs: {form of examples: what measures these}.
  """

  def __init__(self, parameters: dict[str, Parameter]):
    super().__init__()
    self.parameters = parameters
    make = functools.partial(tf.Variable, 0, trainable=False, dtype=tf.int64)
    self.noise_seed = make(name='noise_seed')
    self.level, self.iteration = make(name='level'), make(name='iteration')
    self.graphs: dict[str, Callable[..., Any]] = {}

  def assign(self, weights: Network) -> None:
    """Gives all parameters other values, {parameter name: array}."""
    for name, item in self.parameters.items():
      item.variable.assign(weights[name])

  def values(self) -> Network:
    """Returns a copy of all parameters, {parameter name: float32 array}."""
    items = self.parameters.items()
    return {name: np.array(item.variable.numpy()) for name, item in items}


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

  A `__call__(inputs, training)` is told whether it computes an update (True) or
  an evaluation (False): `batch_norm` and `dropout` want to know. The methods
  `kernel`, `variable`, `state` and `noise_key` are what layers are made of.
  Layers of Keras that have variables, and random operations with a state, are
  refused. NumPy's random numbers cannot be seen: as a graph is made, they
  become constants of it.

  `__call__` becomes part of a graph, without AutoGraph: where it decides by a
  tensor's value, it does so with `tf.cond` or `tf.where`.

  Variables are made at the first call, and found by name afterwards. Names
  and shapes of presets and masks are checked at the end of that call.

  Args:
    presets: {parameter name: array} of initial values, or the folder of such
      a network. May be partial: the rest is drawn.
    masks: {layer name: 0/1 array}, the folder of such a network, or a list of
      these, of which the union is taken. May be partial: the rest is ones.
    seed: Seed of the initial values that are drawn; each parameter's depend on
      the seed and its name alone. None draws a seed, to be found in `seed`.

  Attributes:
    l2: How much of half the sum of squares of all kernels the trainer adds to
      the mean loss of an update, 0 by default: the weight decay of papers.
      Keras's `weight_decay` shrinks weights outside of the loss instead.
    kernel_initializer: Initializer of kernels whose layers are given none, None
      (the default) for `GlorotNormal`.
    states_momentum: Momentum of all moving averages in eager calls, None (the
      default) for that of each layer.

  Raises:
    InputError: At construction if presets or masks cannot be read, or are not
      finite numbers (masks: 0 and 1); at the first call if one has a name or a
      shape that the model does not have.
  """

  dense = layers.dense
  conv2d = layers.conv2d
  max_pool = staticmethod(layers.max_pool)
  average_pool = staticmethod(layers.average_pool)
  flatten = staticmethod(layers.flatten)
  batch_norm = layers.batch_norm
  dropout = layers.dropout

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
    self._variables = Variables({})
    self._is_checked = False
    self.l2 = 0.0
    self.kernel_initializer: Initializer = None
    self.states_momentum: float | None = None
    self._places, self._is_noisy = 0, False

  def __init_subclass__(cls, **kwargs: Any):
    """Checks a child, and makes the first call of its `__call__` do the rest.

    Which names there are is known only when that call is through, and a child
    that writes `__call__` has no other place in which the base could look.
    """
    super().__init_subclass__(**kwargs)
    for name, value in vars(cls).items():
      model_checks.check_hides(ModelBase, cls.__name__, name, value)
    if '__call__' in vars(cls):
      cls.__call__ = _whole_call(cls.__call__)  # type: ignore[method-assign]

  def __setattr__(self, name: str, value: Any) -> None:
    """Sets an attribute, unless it would hide a method of the base."""
    model_checks.check_hides(ModelBase, type(self).__name__, name, value)
    super().__setattr__(name, value)

  def __call__(self, inputs: tf.Tensor, *args: Any, **kwargs: Any) -> tf.Tensor:
    """Returns the logits, shape [batch, classes]; to be written by a child.

    Args:
      inputs: Tensor of shape [batch, ...].
      *args: `training`, whether this is part of an update. A child that does
        without it need not have it, and can be told nevertheless.
      **kwargs: The same, by name.
    """
    raise NotImplementedError(f'{type(self).__name__} needs a __call__')

  def build(self, inputs: tf.Tensor) -> int:
    """Makes all variables, and checks what the model computes.

    Args:
      inputs: Tensor of shape [batch, ...], of which only the form counts.

    Returns:
      The number of classes that the logits tell apart.

    Raises:
      InputError: If presets or masks do not fit, or the outputs are no logits.
    """
    name, spec = type(self).__name__, tf.TensorSpec(inputs.shape, inputs.dtype)
    takes_training = model_checks.takes_training(type(self).__call__)
    for training in (True, False) if takes_training else (False,):
      self._is_checked = False  # A branch that is new may have new layers.
      # `tf.function` would trace it twice.
      call = functools.partial(self, training=training)
      traced = tf.compat.v1.wrap_function(call, [spec])
      self._check_graph(traced.graph)
    shape = traced.structured_outputs.shape
    count, wanted = len(self.parameters), 'layers and logits of shape'
    got = f'{count} parameters and shape {shape}'
    is_right = count and shape.rank == 2
    errors.require(is_right, name, f'{wanted} [batch, classes]', got)
    return int(shape[1])

  def _check_graph(self, graph: tf.Graph) -> None:
    name, own = type(self).__name__, self._variables.variables
    model_checks.check_graph(name, graph, self.trainable_variables, own)

  @property
  def parameters(self) -> dict[str, Parameter]:
    """{name: parameter}, in the order in which they were made."""
    return dict(self._variables.parameters)

  @property
  def weights(self) -> dict[str, tf.Variable]:
    """{name: variable} of what is trained, in the order of its making."""
    items = self._variables.parameters.items()
    return {name: item.variable for name, item in items if item.is_trained}

  @property
  def states(self) -> dict[str, tf.Variable]:
    """{name: variable} of what is not trained, like moving averages."""
    items = self._variables.parameters.items()
    return {name: item.variable for name, item in items if not item.is_trained}

  @property
  def noise_seed(self) -> tf.Variable:
    """What random numbers depend on, int64 in [0, 2**32); to be assigned to.

    The trainer sets it to the child 'noise' of the data set's
    `train_order_seed`: runs in another order have other noise.
    """
    return self._variables.noise_seed

  @property
  def level(self) -> tf.Variable:
    """The number of pruning rounds done, int64; to be assigned to.

    `experiment` sets it: levels of the same seed have other noise.
    """
    return self._variables.level

  @property
  def iteration(self) -> tf.Variable:
    """The number of updates made, as random numbers count them, int64.

    Calls with `training` that draw noise advance it, so that no two updates
    have the same; the trainer and a loop of one's own may assign to it.
    """
    return self._variables.iteration

  @property
  def masks(self) -> Network:
    """{layer name: float32 0/1 array} of every layer; ones where unpruned.

    Before the first call, those that were given: layers are not known yet.
    """
    if not self._variables.parameters:
      return {name: mask.copy() for name, mask in self._given_masks.items()}
    items = self._variables.parameters.items()
    return {name: item.mask_array() for name, item in items if item.is_prunable}

  @property
  def presets(self) -> Network:
    """{parameter name: array}, the initial values that were given."""
    return {name: array.copy() for name, array in self._presets.items()}

  def get_current_weights(self) -> Network:
    """Returns a copy of all parameters, {parameter name: float32 array}."""
    if not self._variables.parameters:
      raise errors.InputError(
        f'{type(self).__name__}: has no weights before it is first called'
      )
    return self._variables.values()

  def assign(self, weights: Network) -> None:
    """Gives all parameters other values, {parameter name: array}."""
    self._variables.assign(weights)

  def architecture(self) -> Hashable | None:
    """Returns what a model is made of, or None (the default) if unknown.

    Models of one class with equal architectures, parameters and masks compute
    the same, so that they may share graphs. A child that answers has to name
    all that its `__call__`, `loss` and `accuracy` depend on. A child that is
    nothing but dense layers, one after the other, answers with a tuple of
    `layers.Dense`; training it may then skip its pruned weights.
    """
    return None

  @contextlib.contextmanager
  def using(self, variables: Variables) -> Iterator[None]:
    """Computes with other variables, of the same forms, within the block.

    What a child writes for its own variables is so traced for other ones.
    """
    own, self._variables = self._variables, variables
    try:
      yield
    finally:
      self._variables = own

  def configuration(self) -> dict[str, Any]:
    """Returns what a run's record says of the model; a child may add to it."""
    return {'class': type(self).__name__, 'seed': self.seed, 'l2': self.l2}

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
    """Returns the summed loss, and the number classified right."""
    specs = [
      tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)
      for tensor in (inputs, labels)
    ]
    # As text, since TensorFlow sorts the keys where it looks for variables.
    form, graphs = str(specs), self._variables.graphs
    if form not in graphs:
      if not self._variables.parameters:
        self.build(inputs[:1])

      def sums(inputs: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
        logits = self(inputs, training=False)
        each = self.loss(labels, logits), self.accuracy(labels, logits)
        return [tf.reduce_sum(values) for values in each]

      # Concrete, since TensorFlow warns of a function that is made often.
      function = tf.function(sums, autograph=False)
      graph = function.get_concrete_function(*specs)
      self._check_graph(graph.graph)  # With the loss, which may be a child's.
      graphs[form] = graph
    return graphs[form](inputs, labels)

  def kernel(
    self, name: str, shape: Shape, initializer: Initializer = None
  ) -> tf.Tensor:
    """Returns a layer's kernel, whose pruned weights get no gradient.

    Args:
      name: The parameter's name.
      shape: Its shape.
      initializer: A Keras initializer or its name; None for the model's.

    Raises:
      InputError: If a preset, a mask or the parameter has another shape.
    """
    initializer = initializer or self.kernel_initializer or 'glorot_normal'
    item = self._parameter(name, shape, initializer, is_prunable=True)
    if item.mask is None:
      return item.variable.value()
    return _masked(item.variable.value(), item.mask.value())

  def variable(
    self, name: str, shape: Shape, initializer: Initializer
  ) -> tf.Variable:
    """Returns a trained parameter that is never pruned; otherwise `kernel`."""
    return self._parameter(name, shape, initializer).variable

  def state(
    self, name: str, shape: Shape, initializer: Initializer
  ) -> tf.Variable:
    """Returns a parameter that is neither trained nor pruned.

    It is saved and reset like all parameters; the layer assigns to it where it
    is told that it computes an update. Otherwise as `kernel`.
    """
    return self._parameter(name, shape, initializer, is_trained=False).variable

  def noise_key(self) -> tf.Tensor:
    """Returns the seed of a stateless random operation, int64, shape [2].

    A function of `noise_seed`, `level`, `iteration` and the place of this call
    among those of a `__call__`; to be called in training alone:

    >>> class Noisy(ModelBase):
    ...   def __call__(self, inputs, training):
    ...     if training:
    ...       key = self.noise_key()
    ...       inputs += tf.random.stateless_normal(tf.shape(inputs), key)
    ...     return self.dense('logits', inputs, 10)
    """
    self._is_noisy = True
    self._places += 1
    # Below 2**32: of larger seeds XLA makes other numbers than TensorFlow.
    # Places are spread by the golden ratio, and levels by another number, so
    # that neither like seeds nor a place and a level meet.
    spread = self._places * 0x9E3779B9 + self.level * 0x85EBCA6B
    seed = (self.noise_seed + spread) % 2**32
    return tf.stack([seed, self.iteration.value()])

  def _parameter(
    self, name: str, shape: Shape, initializer: Initializer, **kind: bool
  ) -> Parameter:
    """Returns the parameter of that name; makes it if it is not there."""
    parameters = self._variables.parameters
    if name not in parameters:
      save_restore.check_name(name)
      mask = self._given_masks.get(name) if kind.get('is_prunable') else None
      if mask is not None:
        _check_shape(f'masks[{name!r}]', mask, shape)
      with tf.init_scope():  # The first call may be inside a graph.
        value = self._presets.get(name)
        if value is None:
          seed = seeds.integer(self.seed, 'initial', name)
          value = _draw(initializer, shape, seed)
        _check_shape(f'presets[{name!r}]', value, shape)
        value = masks_lib.apply(self._given_masks, {name: value})[name]
        parameters[name] = Parameter(name, value, mask, **kind)
    _check_shape(f'parameter {name!r}', parameters[name].variable, shape)
    return parameters[name]

  def _check_names(self) -> None:
    """Raises InputError for a preset or a mask that no layer has taken."""
    items = self._variables.parameters.items()
    prunable = [name for name, item in items if item.is_prunable]
    for what, given, known in (
      ('masks', self._given_masks, prunable),
      ('presets', self._presets, self._variables.parameters),
    ):
      for name in sorted(set(given) - set(known)):
        raise errors.InputError(
          f'{what}: the model has no {name!r}; it has {sorted(known)}'
        )
    self._is_checked = True


def _whole_call(call: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
  """Wraps a `__call__`: checks when it is first through; and noise goes on."""
  takes_training = model_checks.takes_training(call)

  @functools.wraps(call)
  def whole(self: ModelBase, *args: Any, **kwargs: Any) -> tf.Tensor:
    training = args[1] if len(args) > 1 else kwargs.get('training', False)
    if not takes_training:
      kwargs.pop('training', None)
    if not hasattr(self, '_variables'):
      raise errors.InputError(
        f'{type(self).__name__}: wanted super().__init__(presets, masks, seed)'
        ' in its __init__'
      )
    if type(self).__call__ is not whole:
      # A parent's `__call__` that a child calls does not know all names.
      return call(self, *args, **kwargs)
    self._places = 0
    if self._is_checked:
      outputs = call(self, *args, **kwargs)
    else:
      with model_checks.watching_keras(type(self).__name__):
        outputs = call(self, *args, **kwargs)
      self._check_names()
    # A loop that forgot to would train one and the same part of a network.
    if self._is_noisy and training:
      self.iteration.assign_add(1)
    return outputs

  return whole


def _check_shape(what: str, value: Any, shape: Shape) -> None:
  wanted, got = list(shape), list(value.shape)
  errors.require(wanted == got, what, f'shape {wanted}', got)


def _draw(initializer: Initializer, shape: Shape, seed: int) -> np.ndarray:
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

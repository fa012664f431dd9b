"""What a model may not have in it, since its numbers would be silently wrong.

Keras layers and TensorFlow's own generators have variables of their own, which
a run neither saves nor resets; stateful random operations draw other numbers
whenever a run is repeated. All of these are seen in the graph of a model, or as
it computes. NumPy's random numbers are not: they become constants.
"""

import contextlib
import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from lottery_ticket.foundations import errors

Variables = Iterable[tf.Variable]

_METHODS = {
  'Dense': 'self.dense',
  'Conv2D': 'self.conv2d',
  'BatchNormalization': 'self.batch_norm',
  'Dropout': 'self.dropout',
  'SeedGenerator': 'self.noise_key and stateless random operations',
  'ActivityRegularization': 'a loss method of your own',
}
"""{Keras class: what to use in the place of its children}."""
_OTHER_METHODS = 'self.kernel, self.variable or self.state'

_RANDOM = re.compile(
  '(Stateful|Parameterized)?(Random(?!Index)|TruncatedNormal|StandardNormal'
  r'|Uniform(Int|FullInt)?$)|Rng|Multinomial|NonDeterministic|Fractional'
  r'|\w*CandidateSampler'
)
"""Operations that draw other numbers each time; not Stateless... ones."""


@contextlib.contextmanager
def watching_keras(model: str) -> Iterator[None]:
  """Refuses Keras layers with variables or losses, if called within the block.

  Keras's seeds are variables, too. It has no hook for calls, and layers that
  are made in a model's `__call__`, or that do nothing in inference, are seen in
  no other way: so the call itself is wrapped meanwhile. InputError, which names
  the model, comes at the end of the block.
  """
  call = keras.layers.Layer.__call__
  found: list[keras.layers.Layer] = []

  @functools.wraps(call)
  def watched(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
    outputs = call(layer, *args, **kwargs)
    if layer.variables or layer.losses:
      found.append(layer)
    return outputs

  keras.layers.Layer.__call__ = watched
  try:
    yield
  finally:
    keras.layers.Layer.__call__ = call
  for layer in found:
    kinds = [kind.__name__ for kind in type(layer).__mro__]
    if all('seed_generator' in variable.path for variable in layer.variables):
      kinds.append('SeedGenerator')
    known = (_METHODS[kind] for kind in kinds if kind in _METHODS)
    raise errors.InputError(
      f'{model}: wanted no variables, losses or randomness that would not be'
      f' saved, reset or added, got keras.layers.{type(layer).__name__}; use'
      f' {next(known, _OTHER_METHODS)}'
    )


def check_graph(
  model: str, graph: tf.Graph, trained: Variables, own: Variables
) -> None:
  """Raises InputError for random operations, and variables not of a model.

  Those that are trained need not be in its graph, but perhaps in a loss; `own`
  are those that it may have.
  """
  definition = graph.as_graph_def()
  functions = (item.node_def for item in definition.library.function)
  for node in itertools.chain(definition.node, *functions):
    if _RANDOM.match(node.op):
      raise errors.InputError(
        f'{model}: wanted random numbers that can be drawn again, got the'
        f' operation {node.op}; use self.dropout, or'
        f' {_METHODS["SeedGenerator"]}'
      )
  known = {id(variable) for variable in own}
  for variable in (*trained, *graph.variables):
    if id(variable) not in known:
      raise errors.InputError(
        f'{model}: variable {variable.name!r} would not be saved or reset; use'
        f' {_OTHER_METHODS}'
      )


def check_hides(base: type, model: str, name: str, value: Any) -> None:
  """Raises InputError if a model's attribute hides what `base` has.

  Functions may take the place of methods, and properties that of properties.
  """
  hidden = None if name.startswith('_') else getattr(base, name, None)
  properties = property, functools.cached_property
  is_layer = isinstance(value, (keras.layers.Layer, tf.Module))
  may = (callable(value) and not is_layer) or hasattr(value, '__func__')
  if isinstance(hidden, properties):
    may = isinstance(value, properties)
  if hidden is not None and not may:
    raise errors.InputError(
      f'{model}.{name}: hides what every model has by this name; choose another'
      ' name for the attribute'
    )


def takes_training(call: Callable[..., Any]) -> bool:
  """Returns whether a `__call__` has an argument `training`."""
  parameters = inspect.signature(call).parameters
  return 'training' in parameters or any(
    parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()
  )


def has_own_methods(model: tf.Module) -> bool:
  """Returns whether a model was given methods that its class does not have."""
  return any(callable(getattr(type(model), name, None)) for name in vars(model))

"""A generic fully-connected network."""

from collections.abc import Hashable, Mapping
from typing import Any

import keras
import tensorflow as tf

from lottery_ticket.foundations import describe
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import save_restore


class ModelFc(model_base.ModelBase):
  """Dense layers one after the other, called `layer0`, `layer1` and so on.

  Args:
    hyperparameters: `layers`, a list of (units, activation), the last of which
      gives the logits; an activation is a function, the name of a Keras
      activation, or None. Optional: `kernel_initializer`, as in
      `ModelBase.dense`.
    presets: As in `ModelBase`.
    masks: As in `ModelBase`.
    seed: As in `ModelBase`.

  Raises:
    InputError: If the hyperparameters are anything else; as in `ModelBase`.
  """

  def __init__(
    self,
    hyperparameters: Mapping[str, Any],
    presets: save_restore.NetworkLike | None = None,
    masks: save_restore.NetworkLike | list | None = None,
    seed: int | None = None,
  ):
    super().__init__(presets, masks, seed)
    self._hyperparameters = _check(hyperparameters)

  def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns the logits, shape [batch, units of the last layer].

    Args:
      inputs: Tensor of shape [batch, features].
    """
    outputs = inputs
    initializer = self._hyperparameters.get('kernel_initializer')
    for i, (units, activation) in enumerate(self._hyperparameters['layers']):
      outputs = self.dense(
        f'layer{i}',
        outputs,
        units,
        activation,
        kernel_initializer=initializer,
      )
    return outputs

  def structure(self) -> Hashable | None:
    """Returns layers and which are masked, if this is all that matters."""
    layers = tuple(map(tuple, self._hyperparameters['layers']))
    has_functions = any(callable(layer[1]) for layer in layers)
    has_own_methods = any(
      callable(getattr(ModelFc, name, None)) for name in vars(self)
    )
    if type(self) is not ModelFc or has_functions or has_own_methods:
      return None
    inputs = self.weights['layer0'].shape[0]
    return inputs, layers, tuple(sorted(self._given_masks))

  def twin(self) -> 'ModelFc':
    """Returns another network of these layers, its variables made."""
    twin = ModelFc(self._hyperparameters, None, self._given_masks, self.seed)
    twin.build(tf.zeros([1, self.weights['layer0'].shape[0]]))
    return twin

  def configuration(self) -> dict[str, Any]:
    """Returns what a run's record says of the model."""
    return super().configuration() | {
      'hyperparameters': {
        name: describe.plain(value)
        for name, value in self._hyperparameters.items()
      }
    }


def _check(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
  """Returns a copy of the hyperparameters, if they make a network."""
  if not isinstance(hyperparameters, Mapping):
    raise errors.InputError(
      'hyperparameters: wanted a dictionary with layers,'
      f' got {hyperparameters!r}'
    )
  hyperparameters = dict(hyperparameters)
  unknown = set(hyperparameters) - {'layers', 'kernel_initializer'}
  if unknown:
    raise errors.InputError(
      f'hyperparameters: wanted layers and kernel_initializer,'
      f' got {sorted(unknown)[0]!r}'
    )
  layers = hyperparameters.get('layers')
  if not isinstance(layers, (list, tuple)) or not layers:
    raise errors.InputError(
      f'layers: wanted a list of (units, activation), got {layers!r}'
    )
  for layer in layers:
    _check_layer(layer)
  return hyperparameters


def _check_layer(layer: Any) -> None:
  if (
    not isinstance(layer, (list, tuple))
    or len(layer) != 2
    or (errors.read_integer(layer[0]) or 0) < 1
  ):
    raise errors.InputError(
      f'layers: wanted (units, activation) with units of at least 1,'
      f' got {layer!r}'
    )
  try:
    keras.activations.get(layer[1])
  except (ValueError, TypeError):
    raise errors.InputError(
      f'layers: wanted a function or a Keras activation, got {layer[1]!r}'
    ) from None

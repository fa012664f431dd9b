"""A generic fully-connected network."""

from collections.abc import Hashable, Mapping
from typing import Any

import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import layers
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import save_restore


class ModelFc(model_base.ModelBase):
  """Dense layers one after the other, called `layer0`, `layer1` and so on.

  Args:
    hyperparameters: `layers`, a list of (units, activation), the last of which
      gives the logits; an activation is a function, the name of a Keras
      activation, or None. Optional: `kernel_initializer`, as in
      `ModelBase.dense`.
    presets, masks, seed: As in `ModelBase`.

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
    what, known = 'hyperparameters', {'layers', 'kernel_initializer'}
    wanted = 'a dictionary with layers and perhaps kernel_initializer'
    is_one = isinstance(hyperparameters, Mapping)
    is_right = is_one and {*hyperparameters} <= known
    errors.require(is_right, what, wanted, repr(hyperparameters))
    given: Any = hyperparameters.get('layers')
    is_list = isinstance(given, (list, tuple)) and len(given) > 0
    wanted = 'a list of (units, activation) with units of at least 1'
    for layer in given if is_list else [given]:
      is_pair = is_list and isinstance(layer, (list, tuple)) and len(layer) == 2
      is_right = is_pair and (errors.read_integer(layer[0]) or 0) >= 1
      errors.require(is_right, 'layers', wanted, repr(layer))
      layers.get_activation('layers', layer[1])
    self._hyperparameters = dict(hyperparameters)
    self.kernel_initializer = hyperparameters.get('kernel_initializer')

  def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns logits [batch, last units] of inputs [batch, features]."""
    outputs = inputs
    for i, (units, activation) in enumerate(self._hyperparameters['layers']):
      outputs = self.dense(f'layer{i}', outputs, units, activation)
    return outputs

  def architecture(self) -> Hashable | None:
    """Returns the layers, as `layers.Dense`, if these say it all.

    They do not for a child, which may have its own `__call__`, or an activation
    that is a function, perhaps with a state.
    """
    activations = [item[1] for item in self._hyperparameters['layers']]
    if type(self) is not ModelFc or any(map(callable, activations)):
      return None
    return tuple(
      layers.Dense(f'layer{i}', activation)
      for i, activation in enumerate(activations)
    )

  def configuration(self) -> dict[str, Any]:
    """Returns what a run's record says of the model."""
    plain = save_restore.plain(self._hyperparameters)
    return super().configuration() | {'hyperparameters': plain}

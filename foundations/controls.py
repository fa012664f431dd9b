"""Controls: what changes about a found ticket while the rest is kept.

Each takes and gives networks; none trains anything. Random reinitialization
needs no function: it is the ticket's masks with another seed and no presets.
"""

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import seeds

Network = masks_lib.Network


def surviving_weights(masks: Network, weights: Network) -> Network:
  """Returns the weights that the masks keep.

  Args:
    masks: {layer name: 0/1 array}.
    weights: {parameter name: array}; others than the masked are left out.

  Returns:
    {layer name: array of shape [survivors]}.

  Raises:
    InputError: If a layer has no weights, or they are of another shape.
  """
  return {
    name: _of_shape(weights, name, mask.shape)[mask != 0]
    for name, mask in masks_lib.check(masks).items()
  }


def sample_weights(distribution: Network, masks: Network, seed: int) -> Network:
  """Draws new initial weights from a sample of values (Appendix F.3).

  Args:
    distribution: {layer name: array of any shape}, the values to draw from,
      with replacement.
    masks: {layer name: 0/1 array} of the ticket.
    seed: Of the draws; each layer's depend on it and the layer's name alone.

  Returns:
    {layer name: float32 array of the mask's shape}, pruned weights at 0.

  Raises:
    InputError: If the distribution has other layers, no values for a layer
      that has survivors, or values that are not finite numbers.
  """
  masks = masks_lib.check(masks)
  values = masks_lib.check_network(distribution, 'initialization_distribution')
  if set(values) != set(masks):
    raise errors.InputError(
      f'initialization_distribution: wanted the layers {sorted(masks)} of the'
      f' masks, got {sorted(values)}'
    )
  return {
    name: _sample(name, values[name].ravel(), mask, seed)
    for name, mask in masks.items()
  }


def _sample(
  name: str, values: np.ndarray, mask: np.ndarray, seed: int
) -> np.ndarray:
  weights = np.zeros(mask.shape, np.float32)
  survivors = np.count_nonzero(mask)
  if survivors and not values.size:
    raise errors.InputError(
      f'initialization_distribution[{name!r}]: wanted values, got none'
    )
  if survivors:
    generator = seeds.generator(seed, name)
    weights[mask != 0] = generator.choice(values, survivors)
  return weights


def keep_signs(weights: Network, initial: Network) -> Network:
  """Gives weights the signs of others, and keeps their magnitudes.

  Args:
    weights: {parameter name: array}.
    initial: {parameter name: array}, with the signs; may hold more.

  Returns:
    {parameter name: array}, of the parameters of `weights`.

  Raises:
    InputError: If a parameter is missing or of another shape.
  """
  return {
    name: np.copysign(np.abs(array), _of_shape(initial, name, array.shape))
    for name, array in weights.items()
  }


def _of_shape(
  network: Network, name: str, shape: tuple[int, ...]
) -> np.ndarray:
  """Returns a parameter, if it is there in that shape."""
  if name not in network or np.shape(network[name]) != shape:
    raise errors.InputError(
      f'weights: wanted {name!r} of shape {list(shape)}, got'
      f' { {key: list(np.shape(value)) for key, value in network.items()} }'
    )
  return np.asarray(network[name])

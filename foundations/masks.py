"""Masks: dictionaries {layer name: array of 0 and 1}, 1 where a weight stays.

All functions return new arrays and leave what they are given as it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lottery_ticket.foundations import errors

Network = dict[str, np.ndarray]
"""{parameter name: array}; masks and presets are networks, too."""


def check(masks: Mapping[str, np.ndarray], what: str = 'masks') -> Network:
  """Returns masks as new float32 arrays of 0 and 1, or raises InputError."""
  checked = check_network(masks, what)
  for name, mask in checked.items():
    wrong = next(mask[(mask != 0) & (mask != 1)].flat, None)
    errors.require(wrong is None, f'{what}[{name!r}]', 'only 0 and 1', wrong)
  return checked


def check_network(network: Mapping[str, np.ndarray], what: str) -> Network:
  """Returns a network as new, finite float32 arrays, or raises InputError."""
  is_mapping, got = isinstance(network, Mapping), type(network).__name__
  errors.require(is_mapping, what, 'a dictionary {name: array}', got)
  checked = {}
  for name, given in network.items():
    place = f'{what}[{name!r}]'
    try:
      array = np.asarray(given)
    except ValueError:  # Like lists of different lengths.
      raise errors.InputError(f'{place}: wanted an array of numbers') from None
    got = f'dtype {array.dtype}'
    is_numbers = array.dtype.kind in 'buif'
    errors.require(is_numbers, place, 'an array of numbers', got)
    with np.errstate(over='ignore'):  # Beyond float32 is inf: refused below.
      checked[name] = array.astype(np.float32)
    wrong = next(array[~np.isfinite(checked[name])].flat, None)
    errors.require(wrong is None, place, 'finite float32 numbers', wrong)
  return checked


def union(*masks: Network | Sequence[Network]) -> Network:
  """Keeps a weight that any of the masks keeps.

  >>> first, second = {'a': np.array([0, 0, 1])}, {'a': np.array([0, 1, 1])}
  >>> union(first, second)['a'].tolist()
  [0.0, 1.0, 1.0]

  Args:
    *masks: Masks of the same layers and shapes, or one list of them.

  Raises:
    InputError: If there are none, or their layers or shapes differ.
  """
  return _combine(np.maximum, masks)


def intersect(*masks: Network | Sequence[Network]) -> Network:
  """Keeps a weight that all of the masks keep; arguments are as in `union`.

  >>> first, second = {'a': np.array([0, 0, 1])}, {'a': np.array([0, 1, 1])}
  >>> intersect(first, second)['a'].tolist()
  [0.0, 0.0, 1.0]
  """
  return _combine(np.minimum, masks)


def _combine(function: np.ufunc, masks: tuple[Any, ...]) -> Network:
  flat: list[Any] = []
  for item in masks:
    flat.extend(item if isinstance(item, (list, tuple)) else [item])
  errors.require(flat, 'masks', 'at least one set', 'none')
  checked = [check(item, f'masks {i}') for i, item in enumerate(flat)]
  first = {name: mask.shape for name, mask in sorted(checked[0].items())}
  for i, item in enumerate(checked):
    wanted = f'the layers {first} of masks 0'
    shapes = {name: mask.shape for name, mask in sorted(item.items())}
    errors.require(shapes == first, f'masks {i}', wanted, shapes)
  return {k: function.reduce([item[k] for item in checked]) for k in checked[0]}


def apply(masks: Network, network: Network) -> Network:
  """Returns the network with pruned weights at exactly 0; shapes must agree."""
  applied = {name: array.copy() for name, array in network.items()}
  for name in masks.keys() & network.keys():
    shape, wanted = masks[name].shape, f'the shape {network[name].shape}'
    is_right = shape == network[name].shape
    errors.require(is_right, f'masks[{name!r}]', wanted, shape)
    applied[name][masks[name] == 0] = 0
  return applied


def density(masks: Network) -> float:
  """Returns P_m: the fraction of prunable weights that remain, in [0, 1].

  >>> density({'layer0': np.array([[1, 0], [0, 0]])})
  0.25
  """
  weights = sum(mask.size for mask in masks.values())
  wanted = f'at least one {"weight" if masks else "layer"}'
  errors.require(weights, 'masks', wanted, 'none')
  return sum(int(np.count_nonzero(m)) for m in masks.values()) / weights

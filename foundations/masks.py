"""Masks: dictionaries {layer name: array of 0 and 1}, 1 where a weight stays.

All functions return new arrays and leave what they are given as it was.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lottery_ticket.foundations import errors

Network = dict[str, np.ndarray]
"""{parameter name: array}; masks and presets are networks, too."""


def check(masks: Mapping[str, np.ndarray], what: str = 'masks') -> Network:
  """Returns masks as new float32 arrays of 0 and 1, or raises InputError."""
  checked = check_network(masks, what)
  for name, mask in checked.items():
    wrong = mask[(mask != 0) & (mask != 1)]
    if wrong.size:
      raise errors.InputError(
        f'{what}[{name!r}]: wanted only 0 and 1, got {wrong[0]}'
      )
  return checked


def check_network(network: Mapping[str, np.ndarray], what: str) -> Network:
  """Returns a network as new, finite float32 arrays, or raises InputError."""
  if not isinstance(network, Mapping):
    raise errors.InputError(
      f'{what}: wanted a dictionary {{name: array}},'
      f' got {type(network).__name__}'
    )
  checked = {}
  for name, given in network.items():
    try:
      array = np.asarray(given)
      got = f', got dtype {array.dtype}'
    except ValueError:  # Like lists of different lengths.
      got = ''
    if not got or array.dtype.kind not in 'buif':
      raise errors.InputError(
        f'{what}[{name!r}]: wanted an array of numbers{got}'
      )
    with np.errstate(over='ignore'):  # Beyond float32 is inf: refused below.
      checked[name] = array.astype(np.float32)
    wrong = array[~np.isfinite(checked[name])]
    if wrong.size:
      raise errors.InputError(
        f'{what}[{name!r}]: wanted finite float32 numbers, got {wrong.flat[0]}'
      )
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


def _combine(
  function: Callable[[np.ndarray, np.ndarray], np.ndarray],
  masks: tuple[Network | Sequence[Network], ...],
) -> Network:
  """Combines masks layer by layer."""
  flat: list[Any] = [
    one
    for item in masks
    for one in (item if isinstance(item, (list, tuple)) else [item])
  ]
  if not flat:
    raise errors.InputError('masks: wanted at least one set, got none')
  checked = [check(item, f'masks {i}') for i, item in enumerate(flat)]
  for i, item in enumerate(checked[1:], 1):
    if _shapes(item) != _shapes(checked[0]):
      raise errors.InputError(
        f'masks {i}: wanted the layers {_shapes(checked[0])} of masks 0,'
        f' got {_shapes(item)}'
      )
  return {
    name: functools.reduce(function, [item[name] for item in checked]).copy()
    for name in checked[0]
  }


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
  return {name: array.shape for name, array in sorted(network.items())}


def apply(masks: Network, network: Network) -> Network:
  """Returns the network with pruned weights at exactly 0; shapes must agree."""
  for name in masks.keys() & network.keys():
    if masks[name].shape != network[name].shape:
      raise errors.InputError(
        f'masks[{name!r}]: wanted the shape {network[name].shape},'
        f' got {masks[name].shape}'
      )
  return {
    name: np.where(masks[name] != 0, array, np.zeros((), array.dtype))
    if name in masks
    else array.copy()
    for name, array in network.items()
  }


def density(masks: Network) -> float:
  """Returns P_m: the fraction of prunable weights that remain, in [0, 1].

  >>> density({'layer0': np.array([[1, 0], [0, 0]])})
  0.25
  """
  weights = sum(mask.size for mask in masks.values())
  if not weights:
    wanted = 'one weight' if masks else 'one layer'
    raise errors.InputError(f'masks: wanted at least {wanted}, got none')
  return sum(int(np.count_nonzero(m)) for m in masks.values()) / weights

"""Ways to prune: from masks and trained weights to smaller masks."""

from collections.abc import Mapping

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib

Network = masks_lib.Network


def prune_by_percent(
  percents: Mapping[str, float],
  masks: Mapping[str, np.ndarray],
  final_weights: Mapping[str, np.ndarray],
) -> Network:
  """Prunes each layer's smallest surviving weights (Section 2 of the paper).

  Of a layer's n survivors exactly `round(percent * n)` are removed, half to
  even: those of the smallest magnitude, and of equal ones those that come
  first. The new masks lie inside the old ones.

  >>> masks = {'layer0': np.ones((2, 2))}
  >>> weights = {'layer0': np.array([[0.1, -2.0], [0.5, -0.2]])}
  >>> prune_by_percent({'layer0': 0.5}, masks, weights)['layer0'].tolist()
  [[0.0, 1.0], [1.0, 0.0]]

  Args:
    percents: {layer name: float in [0, 1]}, the fraction of the survivors to
      remove. Layers that are not named keep their mask.
    masks: {layer name: 0/1 array}, of the level that was trained.
    final_weights: {parameter name: array}, after training; others than the
      masked layers' are not used.

  Returns:
    {layer name: float32 0/1 array}, new arrays for every layer of `masks`.

  Raises:
    InputError: If a percent is outside [0, 1] or names a layer without a
      mask, a layer has no final weights, or they are NaN or of another shape.
  """
  check_percents(percents)
  old = masks_lib.check(masks)
  _check_layers(percents, old, final_weights)
  return {
    name: _prune_layer(percents.get(name, 0.0), mask, final_weights.get(name))
    for name, mask in old.items()
  }


def check_percents(percents: Mapping[str, float]) -> None:
  """Checks {layer name: fraction in [0, 1]}.

  Raises:
    InputError: If it is anything else.
  """
  if not isinstance(percents, Mapping):
    raise errors.InputError(
      f'percents: wanted {{layer name: fraction}}, got {percents!r}'
    )
  for name, percent in percents.items():
    is_number = isinstance(percent, (int, float, np.number))
    if not is_number or isinstance(percent, bool) or not 0 <= percent <= 1:
      raise errors.InputError(
        f'percents[{name!r}]: wanted a fraction in [0, 1], got {percent!r}'
      )


def _check_layers(
  percents: Mapping[str, float],
  masks: Network,
  final_weights: Mapping[str, np.ndarray],
) -> None:
  for name in percents:
    if name not in masks:
      raise errors.InputError(
        f'percents[{name!r}]: no such layer; masks are of {sorted(masks)}'
      )
    if name not in final_weights:
      raise errors.InputError(
        f'final_weights: wanted {name!r}, got {sorted(final_weights)}'
      )
    weights = np.asarray(final_weights[name])
    if weights.shape != masks[name].shape:
      raise errors.InputError(
        f'final_weights[{name!r}]: wanted shape {masks[name].shape},'
        f' got {weights.shape}'
      )
    if np.isnan(weights).any():
      raise errors.InputError(
        f'final_weights[{name!r}]: NaN: the training diverged'
      )


def _prune_layer(
  percent: float, mask: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
  """Returns a new mask for one layer."""
  new_mask = mask.copy()
  survivors = np.flatnonzero(mask)
  count = round(float(percent) * survivors.size)
  if count:
    magnitudes = np.abs(np.asarray(weights).ravel()[survivors])
    smallest = np.argsort(magnitudes, kind='stable')[:count]
    new_mask.ravel()[survivors[smallest]] = 0
  return new_mask

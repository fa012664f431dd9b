"""Ways to prune: from masks and trained weights to smaller masks.

Every way has one shape and, if it is in `PRUNERS`, a name (`random` and those
by sign want a seed):

  (percents, masks, final_weights, *, initial_weights=None, seed=None) -> masks

It is made of a criterion, which gives a score to each surviving weight of a
layer, and a scope, which says among which weights the lowest scores are looked
for. A criterion of one's own, here the product of both weights, makes another:

>>> def agreement(layer):
...   return layer.initial * layer.final
>>> prune_by_agreement = functools.partial(prune, agreement, per_layer)
>>> masks = {'layer0': np.ones(4)}
>>> initial = {'layer0': np.array([-1.0, 2.0, 3.0, -4.0])}
>>> final = {'layer0': np.array([-1.0, 2.0, -3.0, 4.0])}
>>> pruned = prune_by_agreement(
...   {'layer0': 0.5}, masks, final, initial_weights=initial
... )
>>> pruned['layer0'].tolist()
[1.0, 1.0, 0.0, 0.0]

The criteria other than `magnitude` and `random` are those of Zhou et al.,
"Deconstructing Lottery Tickets" (arXiv 1905.01067), Figure 2 and Section 5:
w_i is a weight before training and w_f after it.
"""

import dataclasses
import fnmatch
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from absl import logging

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import seeds

Network = masks_lib.Network


@dataclasses.dataclass(frozen=True)
class Layer:
  """A layer's surviving weights, as a criterion sees them.

  Attributes:
    name: Name of the layer.
    final: Weights after training, float64, shape [survivors], by position.
    initial_weights: The same before training, or None if not known.
    seed: Seed of what is drawn, or None.
  """

  name: str
  final: np.ndarray
  initial_weights: np.ndarray | None = None
  seed: int | None = None

  @property
  def initial(self) -> np.ndarray:
    """The weights before training, like `final`; InputError if not known."""
    if self.initial_weights is None:
      raise errors.InputError(
        f'initial_weights: wanted {self.name!r}, got None'
      )
    return self.initial_weights

  @property
  def generator(self) -> np.random.Generator:
    """A generator that depends on the seed and the layer's name alone."""
    return seeds.generator(self.seed, self.name)  # type: ignore[arg-type]


Criterion = Callable[[Layer], np.ndarray]
"""Gives an array of shape [survivors]: the higher a score, the longer kept."""
Scope = Callable[[Mapping[str, float], Network], Network]
"""Gives {layer name: boolean array of shape [survivors]}: which ones go."""
Pruner = Callable[..., Network]
"""Has the shape that is shown above."""


def prune(
  criterion: Criterion,
  scope: Scope,
  percents: Mapping[str, float],
  masks: Network,
  final_weights: Network,
  *,
  initial_weights: Network | None = None,
  seed: int | None = None,
) -> Network:
  """Prunes the weights with the lowest scores, as `prune_by_percent` does.

  The criterion scores a layer's surviving weights; the scope is `per_layer` or
  `across_layers`. Among equal scores, those that come first in a layer go
  first. Criteria may want the weights before training, or a seed.

  Raises:
    InputError: As `prune_by_percent`, or if the criterion wants something that
      is not given, or gives no scores.
  """
  check_percents(percents)
  pruned = masks_lib.check(masks)
  percents = of_layers(percents, pruned)
  scores = {}
  for name in sorted(percents):
    final = _survivors(name, pruned[name], final_weights, 'final_weights')
    initial: Any = initial_weights
    if initial is not None:
      initial = _survivors(name, pruned[name], initial, 'initial_weights')
    given = criterion(Layer(name, final, initial, seed))
    what = f'scores[{name!r}]'
    scores[name] = _check_numbers(given, final.shape, what, 'undefined')
  for name, gone in scope(percents, scores).items():
    pruned[name][pruned[name] != 0] = ~gone
    if gone.size and gone.all():
      _tell(f'{name}: pruned whole: none of its weights is left')
  if not any(percents.values()):
    _tell(f'{", ".join(pruned)}: not pruned: no percent is above 0')
  return pruned


@functools.cache
def _tell(message: str) -> None:
  """Logs a message once, since all levels to come would repeat it."""
  logging.warning(message)


def prune_by_percent(
  percents: Mapping[str, float],
  masks: Network,
  final_weights: Network,
  *,
  initial_weights: Network | None = None,
  seed: int | None = None,
) -> Network:
  """Prunes each layer's smallest surviving weights (Section 2 of the paper).

  Removes exactly `round(percent * n)` of a layer's n survivors, half to even:
  the smallest magnitudes, and among equal ones those that come first.

  >>> masks = {'layer0': np.ones((2, 2))}
  >>> weights = {'layer0': np.array([[0.1, -2.0], [0.5, -0.2]])}
  >>> prune_by_percent({'layer0': 0.5}, masks, weights)['layer0'].tolist()
  [[0.0, 1.0], [1.0, 0.0]]

  Args:
    percents: {layer name: fraction of the survivors to remove, in [0, 1]}.
      Layers that are not named keep their mask; patterns like `conv*` may
      stand for names, as in `of_layers`.
    masks: {layer name: 0/1 array}, of the level that was trained.
    final_weights: {parameter name: array}, at least of these, after training.
    initial_weights: Not used; all ways to prune have one shape.
    seed: Not used either.

  Returns:
    {layer name: float32 0/1 array}, new arrays inside the old masks.

  Raises:
    InputError: If a percent is outside [0, 1] or names a layer without a
      mask, or a layer's weights are missing, NaN or of another shape.
  """
  del initial_weights, seed
  return prune(magnitude, per_layer, percents, masks, final_weights)


def get(name: str) -> Pruner:
  """Returns the way to prune that has this name, or raises InputError."""
  return PRUNERS[errors.check_choice('pruner', name, sorted(PRUNERS))]


def check_percents(percents: Mapping[str, float]) -> None:
  """Raises InputError unless this is {layer name: fraction in [0, 1]}."""
  is_mapping, wanted = isinstance(percents, Mapping), '{layer name: fraction}'
  errors.require(is_mapping, 'percents', wanted, repr(percents))
  for name, percent in percents.items():
    is_scalar = isinstance(percent, np.ndarray) and not percent.ndim
    number = errors.read_number(np.ravel(percent)[0] if is_scalar else percent)
    is_right = number is not None and 0 <= number <= 1
    place, wanted = f'percents[{name!r}]', 'a fraction in [0, 1]'
    errors.require(is_right, place, wanted, repr(percent))


def of_layers(
  percents: Mapping[str, float], names: Iterable[str]
) -> dict[str, float]:
  """Returns the percent of each layer that a name or a pattern is of.

  >>> of_layers({'conv*': 0.1, 'conv0': 0.2}, ['conv0', 'conv1', 'output'])
  {'conv0': 0.2, 'conv1': 0.1}

  Args:
    percents: {layer name, or pattern with * as in names of files: fraction}; of
      several that match a layer, the longest counts.
    names: Names of all layers.

  Raises:
    InputError: If there is no layer of some name or pattern.
  """
  found: dict[str, float] = {}
  names = sorted(names)
  # A dictionary's order decides nothing.
  for pattern in sorted(percents, key=lambda p: (len(p), p), reverse=True):
    matching = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not matching:
      raise errors.InputError(
        f'percents[{pattern!r}]: no such layer; masks are of {names}'
      )
    found = dict.fromkeys(matching, percents[pattern]) | found
  return found


def per_layer(percents: Mapping[str, float], scores: Network) -> Network:
  """Removes `round(percent * n)` of each layer's n survivors, half to even."""
  gone = {}
  for name, of_layer in scores.items():
    percent, size = float(percents[name]), of_layer.size
    count = round(percent * size)
    if percent and size and not count:
      _tell(
        f'{name}: {100 * percent:g}% of its last {size} weights rounds to none:'
        ' its mask no longer changes'
      )
    gone[name] = lowest(of_layer, count)
  return gone


def across_layers(percents: Mapping[str, float], scores: Network) -> Network:
  """Removes `round(percent * n)` of the n survivors of all layers together.

  With different percents, it is as many as these come to in all. Among equal
  scores, those of the first layer by name go first.
  """
  if not scores:
    return {}
  sizes = {name: of_layer.size for name, of_layer in scores.items()}
  count = round(math.fsum(float(percents[k]) * sizes[k] for k in sizes))
  gone = lowest(np.concatenate(list(scores.values())), count)
  ends = np.cumsum(list(sizes.values()))
  return dict(zip(scores, np.split(gone, ends[:-1]), strict=True))


def magnitude(layer: Layer) -> np.ndarray:
  """Large final: |w_f|, that of Frankle & Carbin."""
  return np.abs(layer.final)


def _ranks(layer: Layer) -> list[np.ndarray]:
  """Counts, for each weight, those of smaller magnitude, after and before."""
  magnitudes = np.abs(layer.final), np.abs(layer.initial)
  return [np.searchsorted(np.sort(each), each) for each in magnitudes]


def _by_sign(layer: Layer, sign: int) -> np.ndarray:
  """Scores max(0, sign w_i w_f / |w_i|), with random scores below 0 for ties.

  The ties are more than go in a round: by position, the first inputs would lose
  all their weights.
  """
  scores = sign * np.sign(layer.initial) * layer.final
  return np.where(scores > 0, scores, -layer.generator.random(scores.size))


CRITERIA: dict[str, Criterion] = {
  'random': lambda layer: layer.generator.random(layer.final.size),
  'small_final': lambda layer: -np.abs(layer.final),
  'large_init': lambda layer: np.abs(layer.initial),
  'small_init': lambda layer: -np.abs(layer.initial),
  # min(alpha |w_f|, |w_i|), where alpha aligns the percentiles of the two: the
  # smaller of a weight's ranks among the survivors.
  'large_init_large_final': lambda layer: np.minimum(*_ranks(layer)),
  'small_init_small_final': lambda layer: -np.maximum(*_ranks(layer)),
  'magnitude_increase': lambda layer: magnitude(layer) - np.abs(layer.initial),
  'movement': lambda layer: np.abs(layer.final - layer.initial),
  'large_final_same_sign': lambda layer: _by_sign(layer, 1),
  'large_final_diff_sign': lambda layer: _by_sign(layer, -1),
}
"""Criteria by name, each applied to a layer on its own in `PRUNERS`."""

PRUNERS: dict[str, Pruner] = {
  'magnitude': prune_by_percent,
  'large_final': prune_by_percent,
  'global_magnitude': functools.partial(prune, magnitude, across_layers),
  **{
    name: functools.partial(prune, criterion, per_layer)
    for name, criterion in CRITERIA.items()
  },
}
"""All ways to prune, by name; add one's own to have it in recipes, too."""


def _survivors(
  name: str, mask: np.ndarray, weights: Network, what: str
) -> np.ndarray:
  errors.require(name in weights, what, repr(name), sorted(weights))
  place, nan = f'{what}[{name!r}]', 'the training diverged'
  return _check_numbers(weights[name], mask.shape, place, nan)[mask != 0]


def _check_numbers(
  value: Any, shape: tuple[int, ...], what: str, nan: str
) -> np.ndarray:
  """Returns an array of numbers; `nan` says what it means if one is none."""
  array = np.asarray(value)
  errors.require(array.shape == shape, what, f'shape {shape}', array.shape)
  is_numbers = array.dtype.kind in 'buif'
  errors.require(is_numbers, what, 'numbers', f'dtype {array.dtype}')
  if np.isnan(array).any():
    raise errors.InputError(f'{what}: NaN: {nan}')
  return array.astype(np.float64)


def lowest(scores: np.ndarray, count: int) -> np.ndarray:
  """Returns booleans, True at the `count` lowest scores, ties by position."""
  if not count:
    return np.zeros(scores.shape, bool)
  highest = np.partition(scores, count - 1, axis=None)[count - 1]
  found = scores < highest  # Sorting takes ten times longer.
  ties = np.flatnonzero(scores == highest)
  found.flat[ties[: count - np.count_nonzero(found)]] = True
  return found

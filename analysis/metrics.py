"""Computes what a run's logs, masks and weights say about it.

A log is that of the validation set, as `save_restore.read_log` returns it.
Masks are {layer name: 0/1 array of shape [..., inputs, units]}, weights
{parameter name: array}.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import seeds

Network = masks_lib.Network

Log = Mapping[str, np.ndarray]
"""`iteration`, `loss` and `accuracy`, each of shape [measurements]."""

TARGET_LOSS = 0.12
"""A validation loss that dense networks, tickets and reinitialized ones reach.

With the paper's recipe on MNIST, long before early stop.
"""

_PERMUTATIONS = 10


class Networks(NamedTuple):
  """Masks {layer name: array} and weights {parameter name: array} of a run."""

  masks: Network
  initial: Network
  final: Network


class Stop(NamedTuple):
  """When a training would have been stopped.

  Attributes:
    iteration: The iteration of a measurement.
    censored: Whether the training was too short: the true stop is there or
      later.
  """

  iteration: int
  censored: bool


def early_stop(log: Log) -> Stop:
  """Finds the iteration of minimum validation loss (Section 2 of the paper).

  >>> losses = np.array([2.3, 0.4, 0.1, 0.2])
  >>> log = {'iteration': np.arange(0, 400, 100), 'loss': losses}
  >>> early_stop(log)
  Stop(iteration=200, censored=False)

  Returns:
    The first minimum of the loss over iterations >= 1; censored if that is the
    last measurement, as the loss might have fallen further.

  Raises:
    InputError: If there is no finite loss after iteration 0.
  """
  iterations, losses = _after_0(log)
  if not np.isfinite(losses).any():
    raise errors.InputError('log: wanted a finite loss after iteration 0')
  place = int(np.nanargmin(losses))
  return Stop(int(iterations[place]), place == len(losses) - 1)


def loss_stop(log: Log, target: float = TARGET_LOSS) -> Stop:
  """Finds the first iteration of a validation loss of at most `target`.

  It measures the speed of learning as early stop does, with less noise: a loss
  curve is steep where it crosses the target, and flat around its minimum.

  Args:
    log: Log of the validation set.
    target: Cross-entropy in nats.

  Returns:
    The first measurement at or below it over iterations >= 1, or else the last
    one, censored.

  Raises:
    InputError: If there is no measurement after iteration 0.
  """
  iterations, losses = _after_0(log)
  if not iterations.size:
    raise errors.InputError('log: wanted a measurement after iteration 0')
  reached = losses <= target
  place = int(reached.argmax()) if reached.any() else len(losses) - 1
  return Stop(int(iterations[place]), not reached.any())


def stops(
  curve: Mapping[str, Any],
  within: float = np.inf,
  target: float = TARGET_LOSS,
) -> dict[str, Any]:
  """Returns when a training would have been stopped, and how good it was.

  Args:
    curve: A log, as lists or arrays, with accuracies of the test set.
    within: Iterations after which the training ended.
    target: The loss of `loss_stop`.

  Returns:
    Columns of a run's row: `early_stop`, `censored`, `accuracy` (then),
    `loss_stop` (missing if not reached) and `loss_stop_censored`.
  """
  chosen = np.asarray(curve['iteration']) <= within
  names = 'iteration', 'loss', 'accuracy'
  log = {name: np.asarray(curve[name], float)[chosen] for name in names}
  stop, reached = early_stop(log), loss_stop(log, target)
  return {
    'early_stop': stop.iteration,
    'censored': stop.censored,
    'accuracy': accuracy_at(log, stop.iteration),
    'loss_stop': pd.NA if reached.censored else reached.iteration,
    'loss_stop_censored': reached.censored,
  }


def _after_0(log: Log) -> tuple[np.ndarray, np.ndarray]:
  """Returns iterations >= 1 and the losses that were measured then."""
  later = log['iteration'] >= 1
  return log['iteration'][later], log['loss'][later]


def accuracy_at(log: Log, iteration: int) -> float:
  """Returns the accuracy that any split's log has of an iteration.

  Raises:
    InputError: If there was no measurement then.
  """
  places = np.flatnonzero(log['iteration'] == iteration)
  if not places.size:
    raise errors.InputError(f'log: no measurement at iteration {iteration}')
  return float(log['accuracy'][places[0]])


def unit_counts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Counts the connections into the units of a layer, and out of its inputs.

  Args:
    mask: Mask of a layer, shape [..., inputs, units]; [units] is one input.

  Returns:
    Counts of shapes [units] and [inputs].
  """
  mask = np.atleast_2d(mask)
  counts = np.count_nonzero(mask.reshape(-1, *mask.shape[-2:]), axis=0)
  return counts.sum(axis=0), counts.sum(axis=1)


def weight_histograms(
  masks: Network, weights: Network, bins: int = 36
) -> dict[str, dict[str, Any]]:
  """Returns the distribution of each layer's surviving weights.

  Args:
    masks: Masks of a run.
    weights: Its initial or final weights.
    bins: Number of bins, of equal width; the last layer has but hundreds of
      weights.

  Returns:
    {layer: {'widest': the greatest magnitude, 'counts': [bins], in bins from
    -widest to widest}}.
  """
  found = {}
  for name, values in controls.surviving_weights(masks, weights).items():
    widest = float(np.abs(values).max(initial=0)) or 1.0
    counts, _ = np.histogram(values, bins, range=(-widest, widest))
    found[name] = {'widest': widest, 'counts': counts.tolist()}
  return found


def ranked_connections(
  masks: Network, points: int = 41
) -> dict[str, dict[str, list[float]]]:
  """Returns which share of its connections a unit keeps, the most first.

  Args:
    masks: Masks of a run.
    points: Number of quantiles over the units of a layer.

  Returns:
    {'incoming' or 'outgoing': {layer: [points], in [0, 1]}}.
  """
  found: dict[str, dict[str, list[float]]] = {'incoming': {}, 'outgoing': {}}
  for layer, mask in masks.items():
    for ranked, counts in zip(found.values(), unit_counts(mask), strict=True):
      shares = counts * len(counts) / mask.size
      quantiles = np.quantile(shares, np.linspace(1, 0, points))
      ranked[layer] = quantiles.round(4).tolist()
  return found


def statistics(
  run: Networks, dense: Networks | None = None
) -> dict[str, float]:
  """Returns all that claims need of a run's weights: columns of its row.

  Args:
    run: A run's networks; `initial` or `final` is empty if they are lost.
    dense: Those of the unpruned run that the run's ticket was found from.

  Returns:
    {'{statistic} {layer}': number}: 'initial bimodality' and 'near 0', 'final
    ...' (as in `modes`), 'incoming excess' and 'variation', 'outgoing ...' (as
    in `connections`), 'in and out' (of a dense layer: correlation of the
    connections into a unit with those out of it, into the next layer) and, of
    tickets, 'distance', 'away' and both 'by chance' (as in `moved`). What is
    not defined, like the shape of three weights, is left out.
  """
  found: dict[str, float] = {}
  before = None
  for layer, mask in run.masks.items():
    kept = mask != 0
    incoming, outgoing = unit_counts(kept)
    of_layer = {
      f'{stage} {name}': value
      for stage in ('initial', 'final')
      if layer in (network := getattr(run, stage))
      for name, value in modes(network[layer][kept]).items()
    }
    for direction, units in (('incoming', incoming), ('outgoing', outgoing)):
      for name, value in connections(units, kept.size).items():
        of_layer[f'{direction} {name}'] = value
    if dense and layer in dense.initial and layer in dense.final:
      of_layer |= moved(kept, dense.initial[layer], dense.final[layer])
    is_dense = mask.ndim == 2  # What follows a convolution is not known here.
    if is_dense and before is not None and len(before[1]) == len(outgoing):
      found[f'in and out {before[0]}'] = _correlation(before[1], outgoing)
    found |= {f'{name} {layer}': value for name, value in of_layer.items()}
    before = (layer, incoming) if is_dense else None
  return {k: float(x) for k, x in found.items() if np.isfinite(x)}


def modes(values: np.ndarray) -> dict[str, float]:
  """Measures whether weights have two modes, one on each side of 0.

  Returns:
    `bimodality`: Sarle's coefficient (skewness^2 + 1) / kurtosis (Pfister et
    al. 2013, "Good things peak in pairs"), 1/3 for a Gaussian, 0.423 for one
    truncated at two stddevs as the initializer is, 5/9 for a uniform
    distribution, up to 1 for two modes. `near 0`: the density within half a
    stddev of 0 over that from there to one and a half, 1.58 for a Gaussian,
    1.44 for the initializer, 1 for a uniform distribution, 0 for a hole.
    Nothing for fewer than four weights, or equal ones.
  """
  values = values.astype(np.float64)
  # The coefficient of three values or fewer says nothing: it is 1 for two.
  if values.size < 4 or not (spread := values.std()):
    return {}
  # A density with one mode, at 0, has no less there than beside: a test for two
  # modes that has not to find their places, where it would find peaks in noise.
  inside, near = (np.mean(np.abs(values) < k * spread) for k in (1.5, 0.5))
  kurtosis = stats.kurtosis(values, fisher=False)
  return {
    'bimodality': float((stats.skew(values) ** 2 + 1) / kurtosis),
    'near 0': _ratio(2 * near, inside - near),
  }


def connections(counts: np.ndarray, possible: int) -> dict[str, float]:
  """Measures how unevenly connections are spread over units (Appendix F.6).

  Args:
    counts: Connections of each unit, shape [units].
    possible: Number of connections that all units had before any pruning.

  Returns:
    `variation` (stddev / mean) and `excess`: the variance beyond that of as
    many connections placed at random, over the squared mean, and over 1 - 1 /
    possible connections of a unit. 0 is as even as chance; units whose chances
    vary with a stddev of a quarter of their mean come to 1/16, however many
    connections they may have.
  """
  each, share = possible // len(counts), counts.sum() / possible
  mean, variance = counts.mean(), counts.var()
  # A random mask keeps exactly so many weights: the count of a unit is
  # hypergeometric, and varies less than independent draws would.
  rest = (possible - each) / max(possible - 1, 1)
  chance = each * share * (1 - share) * rest
  return {
    'variation': _ratio(np.sqrt(variance), mean),
    # The factor makes it free of the layer's shape.
    'excess': _ratio(variance - chance, mean**2 * (1 - 1 / each)),
  }


def moved(
  kept: np.ndarray, initial: np.ndarray, final: np.ndarray
) -> dict[str, float]:
  """Compares how far the training of a dense network moved a ticket's weights.

  Appendix F.5 of the paper. A ticket's weights were chosen for being large, so
  that they moved further than others, and away from 0, even where movement has
  nothing to do with the ticket. So the same is computed of movements permuted
  within the layer, with weights chosen by the same ranks of final magnitude.

  Args:
    kept: Mask of the ticket's layer, of any shape.
    initial: Weights of that layer in the dense network before training.
    final: Weights after it.

  Returns:
    `distance`, the mean |final - initial| of weights that are kept over that of
    the others; `away`, the share with |final| > |initial| of those kept, in
    [0, 1]; `distance by chance` and `away by chance`, the means of the same
    over permutations. Nothing where all or none are kept.
  """
  if kept.all() or not kept.any():
    return {}
  initial, final = initial.astype(np.float64), final.astype(np.float64)
  steps = (final - initial).ravel()
  start, chosen = initial.ravel(), kept.ravel()

  def measure(chosen: np.ndarray, steps: np.ndarray) -> tuple[float, float]:
    lengths, is_away = np.abs(steps), np.abs(start + steps) > np.abs(start)
    distance = _ratio(lengths[chosen].mean(), lengths[~chosen].mean())
    return distance, float(is_away[chosen].mean())

  # A ticket is found in several rounds, so that its weights are not exactly the
  # largest ones of the dense network: ranks keep that as it is.
  by_rank = chosen[np.argsort(np.abs(start + steps), kind='stable')]
  generator, chances = seeds.generator(0, 'permuted'), []
  for _ in range(_PERMUTATIONS):
    permuted, again = generator.permutation(steps), np.empty_like(chosen)
    again[np.argsort(np.abs(start + permuted), kind='stable')] = by_rank
    chances.append(measure(again, permuted))
  names = 'distance', 'away', 'distance by chance', 'away by chance'
  values = *measure(chosen, steps), *np.mean(chances, axis=0)
  return dict(zip(names, values, strict=True))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
  """Returns Pearson's correlation, NaN if one of the two is constant."""
  varies = first.std() and second.std()
  return float(np.corrcoef(first, second)[0, 1]) if varies else np.nan


def _ratio(numerator: float, denominator: float) -> float:
  """Returns a / b, and NaN for b = 0."""
  return float(numerator / denominator) if denominator else np.nan

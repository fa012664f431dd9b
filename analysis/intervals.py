"""Estimates over trials with their intervals. Trials are the sample.

Several runs of one trial share its data, its initial weights and its masks:
they are averaged first, and count as one.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lottery_ticket.foundations import errors

METHODS = ('expanded', 'percentile', 'basic', 'BCa')


class Interval(NamedTuple):
  """An estimate and what the data say about its precision.

  Attributes:
    estimate: Estimate, in the unit of the values.
    low: Lower end of the confidence interval; NaN for fewer than two trials.
    high: Upper end.
    n: The number of trials.
  """

  estimate: float
  low: float
  high: float
  n: int


def t_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
  """Returns the mean over trials with Student's t interval.

  Args:
    values: One number a trial, shape [trials]; NaN where there is none.
    confidence: Confidence level, in (0, 1).

  Raises:
    InputError: If an argument is of no use.
  """
  _check_confidence(confidence)
  sample = _sample(values)
  n = len(sample)
  if n < 2:
    return Interval(float(sample.mean()) if n else np.nan, np.nan, np.nan, n)
  mean = float(sample.mean())
  # Of equal values SciPy says NaN; an infinite one makes the mean infinite.
  error = float(stats.sem(sample)) if np.isfinite(mean) else 0.0
  if error == 0:
    return Interval(mean, mean, mean, n)
  low, high = stats.t.interval(confidence, n - 1, mean, error)
  return Interval(mean, float(low), float(high), n)


def bootstrap(
  table: ArrayLike,
  statistic: Callable[[np.ndarray], float] = np.mean,
  confidence: float = 0.95,
  *,
  seed: int,
  method: str = 'expanded',
  resamples: int = 9_999,
) -> Interval:
  """Returns a statistic of the trials with its bootstrap interval.

  Whole trials are drawn with replacement, so that what was measured on one
  trial stays together. With few trials percentiles are too narrow: of five, a
  95% interval of the mean covers it in 84% of cases. Expanded ones are further
  out by as much as Student's t is (Hesterberg 2015, "What Teachers Should Know
  About the Bootstrap"), but never beyond the sample: of five they cover the
  mean in 92%, of three in 75%.

  Args:
    table: Measurements, shape [trials] or [trials, ...].
    statistic: Takes a table of that shape, returns a number.
    confidence: Confidence level, in (0, 1).
    seed: Seed of the draws: the same seed gives the same interval.
    method: 'expanded' percentiles, or 'percentile', 'basic' or 'BCa' as in
      `scipy.stats.bootstrap`.
    resamples: Number of resamples.

  Raises:
    InputError: If an argument is of no use.
  """
  _check_confidence(confidence)
  if method not in METHODS:
    raise errors.InputError(
      f'method: wanted one of {list(METHODS)}, got {method!r}'
    )
  trials = np.asarray(table, np.float64)
  n = len(trials)
  estimate = float(statistic(trials)) if n else np.nan
  if n < 2:
    return Interval(estimate, np.nan, np.nan, n)
  if method == 'expanded':
    confidence, method = _expanded(confidence, n), 'percentile'
  with np.errstate(invalid='ignore'):  # Of infinite ends there is no spread.
    drawn = stats.bootstrap(
      (np.arange(n),),
      _statistic_of_places(trials, statistic),
      n_resamples=resamples,
      confidence_level=confidence,
      method=method,
      vectorized=True,
      random_state=np.random.default_rng(seed),
    ).confidence_interval
  return Interval(estimate, float(drawn.low), float(drawn.high), n)


def _expanded(confidence: float, n: int) -> float:
  """Returns the confidence whose percentiles reach as far as Student's t."""
  reach = np.sqrt(n / (n - 1)) * stats.t.ppf((1 + confidence) / 2, n - 1)
  return min(float(1 - 2 * stats.norm.sf(reach)), 1 - 1e-9)


def _statistic_of_places(
  trials: np.ndarray, statistic: Callable[[np.ndarray], float]
) -> Callable[..., np.ndarray]:
  """Returns the statistic as a function of which trials were drawn.

  Few trials have few different resamples: each is computed once.
  """

  def of_places(places: np.ndarray, axis: int = -1) -> np.ndarray:
    drawn = np.sort(np.moveaxis(places, axis, -1), axis=-1)
    different, which = np.unique(
      drawn.reshape(-1, drawn.shape[-1]), axis=0, return_inverse=True
    )
    values = np.array([float(statistic(trials[row])) for row in different])
    return values[which.reshape(drawn.shape[:-1])]

  return of_places


def _sample(values: ArrayLike) -> np.ndarray:
  sample = np.asarray(values, np.float64)
  if sample.ndim != 1:
    raise errors.InputError(
      f'values: wanted one number a trial, got shape {list(sample.shape)}'
    )
  return sample[~np.isnan(sample)]


def _check_confidence(confidence: float) -> None:
  if not 0 < confidence < 1:
    raise errors.InputError(
      f'confidence: wanted a number between 0 and 1, got {confidence!r}'
    )

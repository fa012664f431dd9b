"""Rules that say what an interval means for a claim.

A claim has a direction: the estimand lies on one side of a null. Where the
paper gives a number, or says that there is at least or at most so much, it has
a size as well. The two are judged apart: an effect may be there, and smaller
than in the paper.

In all of them the `null` is the value of the estimand if the claim is wrong,
`side` the side of it that the paper claims: 'above', 'below', or 'near' it;
`least` the number of trials below which nothing is said. Ends of intervals may
be infinite.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lottery_ticket.analysis import intervals

REPRODUCED, OPEN, OPPOSITE = 'reproduced', 'open', 'opposite'
AS_IN_THE_PAPER, SMALLER, LARGER = 'as in the paper', 'smaller', 'larger'
NOT_REPRODUCED, TOO_FEW = 'not reproduced', 'too few trials'
NOT_MEASURED, INCONCLUSIVE = 'not measured', 'inconclusive'

LEAST_TRIALS = 3


class Stated(NamedTuple):
  """What the paper says of a size: the truth lies between two numbers."""

  low: float
  high: float

  def meets(self, interval: intervals.Interval) -> bool:
    """Tells whether an interval has a number in common with these."""
    return interval.low <= self.high and self.low <= interval.high


def stated(value: float | tuple[float, float]) -> Stated:
  """Returns the numbers that the paper's number may stand for, by its digits.

  >>> stated(0.5)
  Stated(low=0.45, high=0.55)

  Args:
    value: The paper's number; or two that its statement lies between, like
      (0.3, inf) for "more than 0.3".
  """
  if isinstance(value, tuple):
    return Stated(*value)
  _, _, decimals = str(value).partition('.')
  digit = 0.5 * 10.0 ** -len(decimals)
  return Stated(value - digit, value + digit)


def verdict(
  interval: intervals.Interval,
  null: float,
  side: str,
  margin: float = math.nan,
  least: int = LEAST_TRIALS,
) -> str:
  """Judges an interval; effects inside the margin are as good as the null.

  Returns:
    'not measured' without any trial. 'inconclusive' with fewer than `least`.
    For 'near': 'reproduced' if the interval lies inside the margin, 'not
    reproduced' if it lies outside. For the others: 'not reproduced' if it lies
    on the other side of the null or inside the margin, 'reproduced' if it lies
    on the claimed side. Otherwise 'inconclusive'.
  """
  if not interval.n:
    return NOT_MEASURED
  if interval.n < least or math.isnan(interval.low):
    return INCONCLUSIVE
  low, high = interval.low - null, interval.high - null
  if side == 'below':
    low, high = -high, -low
  is_inside = max(abs(low), abs(high)) <= margin  # False for NaN.
  if side == 'near':
    is_so, is_not = is_inside, low > margin or high < -margin
  else:
    is_so, is_not = low > 0 and not is_inside, high < 0 or is_inside
  if is_so:
    return REPRODUCED
  return NOT_REPRODUCED if is_not else INCONCLUSIVE


def direction(
  interval: intervals.Interval,
  null: float,
  side: str,
  least: int = LEAST_TRIALS,
) -> str:
  """Says on which side of the null an interval lies.

  Returns:
    'reproduced' on the claimed side, 'opposite' on the other side, 'open' if
    the null is inside; 'too few trials' or 'not measured'; '' for 'near'.
  """
  if not interval.n:
    return NOT_MEASURED
  if interval.n < least or math.isnan(interval.low):
    return TOO_FEW
  if side == 'near':
    return ''
  if interval.low <= null <= interval.high:
    return OPEN
  return REPRODUCED if (interval.low > null) == (side == 'above') else OPPOSITE


def size(
  interval: intervals.Interval,
  null: float,
  paper: Stated,
  least: int = LEAST_TRIALS,
) -> str:
  """Says how an interval compares with what the paper says of the size.

  Returns:
    'as in the paper' if they meet; else 'not reproduced' if the null is inside
    the interval, 'smaller' if it lies nearer to the null than the paper's
    number, or beyond it, and 'larger' if it lies further away. '' where there
    is nothing to compare.
  """
  if math.isnan(paper.low + interval.low) or interval.n < least:
    return ''
  if paper.meets(interval):
    return AS_IN_THE_PAPER
  if interval.low <= null <= interval.high:
    return NOT_REPRODUCED
  is_above = interval.low > paper.high
  return LARGER if is_above == (paper.low > null) else SMALLER


def p_value(values: ArrayLike, null: float) -> float:
  """Returns the two-sided p-value of a mean over trials, by Student's t.

  It is NaN for fewer than two trials, values that are infinite, or that are the
  same in each trial.

  Args:
    values: One number a trial, shape [trials]; NaN where there is none.
    null: The mean if the claim is wrong.
  """
  sample = np.asarray(values, np.float64)
  sample = sample[~np.isnan(sample)]
  if len(sample) < 2 or not np.isfinite(sample).all():
    return math.nan
  if stats.sem(sample) <= 1e-12 * abs(sample).max():  # Only rounding errors.
    return math.nan
  return float(stats.ttest_1samp(sample, null).pvalue)


def holm(p_values: ArrayLike) -> np.ndarray:
  """Adjusts p-values for their number by Holm's method.

  At most a share alpha of studies whose nulls are all true has any adjusted
  p-value below alpha.

  Args:
    p_values: Shape [tests]; NaN, which stays NaN, where there is none.
  """
  raw = np.asarray(p_values, np.float64)
  order = np.argsort(raw)[: np.count_nonzero(~np.isnan(raw))]
  # The smallest p-value is the best of all tests and is multiplied by their
  # number; the next one is the best of the others, and so on.
  factors = np.arange(len(order), 0, -1)
  adjusted = np.full(raw.shape, np.nan)
  # A test is no surer than one of a smaller p-value.
  adjusted[order] = np.minimum(np.maximum.accumulate(factors * raw[order]), 1)
  return adjusted

"""Rules that say what an interval means for a claim.

A claim has a direction if it says on which side of a null an estimand lies, and
a size if the paper gives a number, or two that it lies between. The two are
judged apart: an effect may be there, and smaller than in the paper. What they
say of five trials, in percent of studies, where the stddev over trials is a
quarter of the paper's number (as for C7 and C8), and in parentheses 0.6 of it
(as for C1); `tests/analysis/rules_test.py` simulates it:

  truth            direction             size
  the null         open 95 (95)          not reproduced 95 (74)
                   reproduced 2.5 (2.5)  as in the paper 0 (22)
  the paper's      reproduced 100 (80)   as in the paper 97 (96)
  a quarter of it  reproduced 40 (11)    smaller 40 (5)
                   open 60 (89)          not reproduced 59 (48)
                                         as in the paper 0 (47)
  its opposite     opposite 100 (79)     smaller 100 (79)

In all of them the `null` is the value of the estimand if the claim is wrong,
NaN if it has no direction; `side` the side of it that the paper claims, 'above'
or 'below'; `least` the number of trials below which nothing is said. Ends of
intervals may be infinite.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lottery_ticket.analysis import intervals

REPRODUCED, OPEN, OPPOSITE = 'reproduced', 'open', 'opposite'
TOO_FEW, NOT_MEASURED = 'too few trials', 'not measured'
DIRECTIONS = (REPRODUCED, OPEN, OPPOSITE, TOO_FEW, NOT_MEASURED)

AS_IN_THE_PAPER, NOT_REPRODUCED = 'as in the paper', 'not reproduced'
SMALLER, LARGER = 'smaller', 'larger'
SIZES = (AS_IN_THE_PAPER, SMALLER, LARGER, NOT_REPRODUCED)

LEAST_TRIALS = 3

ADJUSTMENT = (
  'Intervals are 95% intervals over seeds on one test set. They and the'
  ' verdicts are not adjusted for the number of claims: where a null is true,'
  ' chance puts one interval in forty on the claimed side. The p-values of'
  " claims.csv are Student's, and p_holm is adjusted by Holm's method."
)
"""What pages say about chance."""


class Stated(NamedTuple):
  """What the paper says of a size: the truth lies between two numbers."""

  low: float
  high: float


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


def direction(
  interval: intervals.Interval,
  null: float,
  side: str,
  least: int = LEAST_TRIALS,
) -> str:
  """Says on which side of the null an interval lies.

  Returns:
    'reproduced' on the claimed side, 'opposite' on the other side, 'open' if
    the null is inside; 'too few trials' or 'not measured'; '' for a claim
    without a direction.
  """
  if interval.n < least or math.isnan(interval.low):
    return TOO_FEW if interval.n else NOT_MEASURED
  if math.isnan(null):
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
    number, or beyond it, and 'larger' if it lies further away; without a null
    'smaller' is below the paper's number. '' where there is nothing to compare.
  """
  if math.isnan(paper.low + interval.low) or interval.n < least:
    return ''
  if interval.low <= paper.high and paper.low <= interval.high:
    return AS_IN_THE_PAPER
  if interval.low <= null <= interval.high:
    return NOT_REPRODUCED
  is_above = interval.low > paper.high
  is_outward = is_above if math.isnan(null) else is_above == (paper.low > null)
  return LARGER if is_outward else SMALLER


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
  is_of_use = len(sample) > 1 and np.isfinite(sample).all()
  # What varies less has only rounding errors.
  if is_of_use and stats.sem(sample) > 1e-12 * abs(sample).max():
    return float(stats.ttest_1samp(sample, null).pvalue)
  return math.nan


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

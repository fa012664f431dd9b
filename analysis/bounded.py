"""Measurements of which only a lower or an upper bound may be known.

A training whose loss still fell at its last measurement would have been stopped
there or later: its early stop lies between that iteration and infinity. What is
computed from it lies between two numbers as well, and both are kept here.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


@dataclasses.dataclass(frozen=True)
class Bounded:
  """Numbers between bounds: one a trial (Series), or trials x levels (table).

  All attributes but the note have the same shape; NaN stands for what was not
  measured. The ends of sums, differences and ratios are exact where no
  measurement occurs twice, else they are on the safe side.

  Attributes:
    seen: The numbers that were measured.
    low: The least that the truth may be.
    high: The most that it may be.
    late: Above 0 for accuracies at an early stop that may really come later.
    note: Words that say which levels were summed up, or ''.
  """

  seen: Any
  low: Any
  high: Any
  late: Any
  note: str = ''

  def __add__(self, other: 'Bounded') -> 'Bounded':
    """Adds, trial by trial."""
    return self._combine('add', other, 'low', 'high')

  def __sub__(self, other: 'Bounded') -> 'Bounded':
    """Subtracts, trial by trial."""
    return self._combine('sub', other, 'high', 'low')

  def __truediv__(self, other: 'Bounded') -> 'Bounded':
    """Divides by positive numbers, trial by trial."""
    return self._combine('div', other, 'high', 'low')

  def __mul__(self, factor: float) -> 'Bounded':
    """Multiplies by a positive number."""
    seen, low, high = (factor * end for end in (self.seen, self.low, self.high))
    return Bounded(seen, low, high, self.late)

  def _combine(
    self, operation: str, other: 'Bounded', for_low: str, for_high: str
  ) -> 'Bounded':
    """Combines two measurements; names the other's ends for low and high."""

    # An early stop that counts in both terms may rise in both at once, so that
    # these ends are rather too far apart than too close.
    def of(mine: str, theirs: str, operation: str = operation) -> Any:
      combine = getattr(getattr(self, mine), operation)
      return combine(getattr(other, theirs), axis=0)

    ends = of('seen', 'seen'), of('low', for_low), of('high', for_high)
    return Bounded(*ends, of('late', 'late', 'add'))

  def each(self, function: Callable[[Any], Any], note: str = '') -> 'Bounded':
    """Applies a function that rises with its argument, like a mean."""
    ends = (self.seen, self.low, self.high, self.late)
    seen, low, high, late = map(function, ends)
    return Bounded(seen, low, high, late, note)

  @property
  def is_late(self) -> bool:
    """Tells whether some number is an accuracy at a censored early stop."""
    return bool((self.late.to_numpy(float) > 0).any())

  def array(self) -> np.ndarray:
    """Returns seen, low and high, shape [trials, 3] or [trials, 3, levels]."""
    ends = (self.seen, self.low, self.high)
    return np.stack([end.to_numpy(float) for end in ends], axis=1)


def exact(values: Any) -> Bounded:
  """Returns a Series or a table of numbers as ones that leave nothing open."""
  return Bounded(values, values, values, 0 * values)


def percent_fewer(first: Bounded, second: Bounded) -> Bounded:
  """Returns by how many percent the first is less than the second."""
  ratio = first / second
  # Less is saved where the ratio is greater: low and high change places.
  seen, high, low = (100 * (1 - x) for x in (ratio.seen, ratio.low, ratio.high))
  return Bounded(seen, low, high, ratio.late)


def columns(several: dict[Any, Bounded]) -> Bounded:
  """Returns a table with a column for each label, sorted by these."""

  def of_ends(name: str) -> pd.DataFrame:
    return pd.DataFrame({k: getattr(several[k], name) for k in sorted(several)})

  return Bounded(*map(of_ends, ('seen', 'low', 'high', 'late')))


def mean(several: list[Bounded]) -> Bounded:
  """Returns the mean of several, of the trials that have them all."""
  table = columns(dict(enumerate(several)))
  return table.each(lambda end: end.mean(axis=1, skipna=False))


def spread(several: list[Bounded]) -> Bounded:
  """Returns the greatest minus the least, of the trials that have them all."""
  table = columns(dict(enumerate(several)))
  whole = table.each(lambda end: end[table.seen.notna().all(axis=1)])
  greatest = whole.each(lambda end: end.max(axis=1))
  return greatest - whole.each(lambda end: end.min(axis=1))

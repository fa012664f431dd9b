"""Judges which of a paper's claims the runs bear out.

The claims belong to a task (an experiment folder): tables in its module `paper`
say what is measured of each. Here the measurements become intervals over
trials, and what `rules` say of them. Each part of a claim has a row of its own.
"""

import dataclasses
import importlib
import importlib.util
import json
import math
import string
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors

COLUMNS = (
  *('source', 'claim', 'part', 'statement', 'estimand', 'unit', 'paper'),
  *('paper_low', 'paper_high', 'measured', 'bound', 'n', 'low', 'high'),
  *('null', 'side', 'direction', 'size', 'p_value', 'p_holm'),
  *('loss_measured', 'loss_low', 'loss_high', 'loss_direction', 'note'),
)

STABILITY = 'arXiv 1912.05671'
"""The paper about stability: Frankle et al., "Linear Mode Connectivity"."""

_LEAST_TRIALS_BOOTSTRAP = 5
_LIMITS = {  # By unit.
  'rho': (-1, 1),
  'percent of images': (0, 100),
  'points of error': (0, 100),  # A barrier is above the mean of its ends.
}


@dataclasses.dataclass(frozen=True)
class Part:
  """One number that a claim is about.

  Attributes:
    quantity: Number that is measured.
    above: Value that it lies above if the claim is right: the null.
    below: Value that it lies below; NaN both where the claim is about a size
      alone.
    value: The paper's number, or two that its statement lies between; NaN if
      it gives none.
    about: Names of values of the recipe that must be the paper's, beside those
      of all claims.
  """

  quantity: estimands.Quantity
  above: float = math.nan
  below: float = math.nan
  value: float | tuple[float, float] = math.nan
  about: tuple[str, ...] = ()

  @property
  def null(self) -> float:
    """The value of the estimand if the claim is wrong, NaN if there is none."""
    return self.below if math.isnan(self.above) else self.above

  @property
  def side(self) -> str:
    """The side of the null that the paper claims, '' if there is no null."""
    if math.isnan(self.null):
      return ''
    return 'below' if math.isnan(self.above) else 'above'


class Claim(NamedTuple):
  """A claim of a paper: its number, what it says, its number in words."""

  name: str
  statement: str
  paper: str
  parts: Sequence[Part]


@dataclasses.dataclass(frozen=True)
class Claims:
  """The claims of a paper about one network.

  Attributes:
    recipe: {name: value} of the recipe that they are about, as runs record it.
    about: {name: values} of recipes that they say something of: of the network
      and the data, and `weights`, those of the unpruned network. No claim is
      judged by runs of others.
    paper: What the paper is called, and what it is about if there are several
      tables.
    headlines: Numbers of the best known claims.
    levels: Levels that the paper's figures show.
    claims: The claims, in the paper's order.
  """

  recipe: dict[str, Any]
  about: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)
  paper: str = 'the paper'
  headlines: Sequence[str] = ()
  levels: Sequence[int] = ()
  claims: Sequence[Claim] = ()

  def are_about(self, study: view.Study) -> bool:
    """Tells whether runs are of the network and data of these claims."""
    known = {**study.recipe, 'weights': study.runs.remaining.max()}
    # What a record does not say may be the paper's: rows of one's own scripts.
    return all(
      known.get(name) in (None, *values) for name, values in self.about.items()
    )


def as_recorded(recipe: Mapping[str, Any]) -> dict[str, Any]:
  """Returns the recipe of claims, from a configuration of a task's recipe."""
  values = {k: value for k, value in recipe.items() if k != 'execution'}
  return values | {'permute_labels': False, 'reset': 'initial'}


def near(percent: float) -> tuple[float, float]:
  """Returns the P_m that a level read from a figure may stand for."""
  # A round prunes a fifth of the weights.
  return percent * 0.8**1.5, percent / 0.8**1.5


def of_runs(runs: pd.DataFrame) -> Sequence[Claims]:
  """Returns the tables of claims about the task of runs, the main one first.

  They are `TABLES` in the module `paper` of the task's folder in the library;
  those about the network and the data of the runs come first. Without any, one
  that is empty.
  """
  for task in runs.task.dropna().unique():
    package = f'lottery_ticket.{task}'
    if (
      task.isidentifier()
      and importlib.util.find_spec(package)
      and importlib.util.find_spec(f'{package}.paper')
    ):
      tables = importlib.import_module(f'{package}.paper').TABLES
      return sorted(
        tables, key=lambda x: not x.are_about(view.Study(runs, x.recipe))
      )
  return [Claims({})]


def departures(runs: pd.DataFrame, claims: Claims) -> list[str]:
  """Says in which values the runs differ from the paper's recipe.

  Returns:
    Words like 'evaluation_interval 500 (the paper: 100)'.
  """
  study = view.Study(runs, claims.recipe)
  said = [
    f'{name} {_said(study.recipe[name])} (the paper: {_said(value)})'
    for name, value in claims.recipe.items()
    if name in study.differing
  ]
  if claims.claims and 'test' in set(study.runs.early_stop_split):
    said.append('early stop by test loss, as there is no validation set')
  return said


def _said(value: Any) -> str:
  """Returns a value of a recipe in words."""
  match value:
    case [str(unit), int(count)]:
      return f'{count:,} {unit}'
  return value if isinstance(value, str) else json.dumps(value)


def judge(
  runs: pd.DataFrame,
  claims: Claims | None = None,
  *,
  only: Sequence[str] | None = None,
  confidence: float = 0.95,
  seed: int = 0,
) -> pd.DataFrame:
  """Judges the claims of a paper.

  Args:
    runs: Table as in `results.Results`, of one experiment or of several.
    claims: Claims to judge; by default all about the runs' task.
    only: Numbers of the claims to judge, like ['C1', 'C7']; by default all.
    confidence: Confidence level of the intervals, in (0, 1).
    seed: Seed of the bootstrap.

  Returns:
    A row for each part of a claim, with `COLUMNS`: `source` is the paper;
    `part` a letter, '' if there is but one; `measured`, `low`, `high`, `null`,
    `paper_low` and `paper_high` (what the paper says lies between these) are in
    `unit`; `bound` is 'lower' or 'upper' if `measured` is such a bound,
    'unknown' if the truth may lie on either side, else ''; `n` is the number of
    trials; `direction` and `size` as in `rules`; `p_value` that of the null by
    a t-test over trials, missing where there is none, and `p_holm` the same
    adjusted for the number of rows of a paper. `loss_measured` and the like are
    the same for speed, with iterations to a fixed validation loss in the place
    of those to early stop. There are no rows if the claims are about other data
    or networks, or the runs' task makes none.

  Raises:
    InputError: If there are no runs, or a claim is unknown.
  """
  if runs.empty:
    raise errors.InputError('runs: wanted at least one, got none')
  tables = of_runs(runs) if claims is None else [claims]
  known = [claim.name for table in tables for claim in table.claims]
  for name in only or ():
    if name not in known:
      raise errors.InputError(f'only: wanted some of {known}, got {name!r}')
  runs = runs.reset_index(drop=True)
  found = [_judge(runs, x, only or known, confidence, seed) for x in tables]
  # Tables without rows have no types that could join those of others.
  whole = [table for table in found if len(table)]
  nothing = pd.DataFrame(columns=list(COLUMNS))
  return pd.concat(whole or [nothing], ignore_index=True)


def _judge(
  runs: pd.DataFrame,
  claims: Claims,
  names: Sequence[str],
  confidence: float,
  seed: int,
) -> pd.DataFrame:
  """Judges those claims of a table that are named."""
  study = view.Study(runs, claims.recipe)
  find = _Finder(study, confidence, seed)
  # A loss curve is steep where it crosses a fixed loss, and flat at its
  # minimum: the same claims with less noise.
  to_loss = view.Study(runs, claims.recipe, 'loss_stop')
  by_loss = _Finder(to_loss, confidence, seed)
  rows = [
    _row(claim, part, find, by_loss)
    for claim in claims.claims
    if claim.name in names and claims.are_about(study)
    for part in claim.parts
  ]
  table = pd.DataFrame(rows, columns=list(COLUMNS)).assign(source=claims.paper)
  return table.assign(p_holm=rules.holm(table.p_value))


def counts(judged: pd.DataFrame, column: str = 'direction') -> dict[str, int]:
  """Returns how many rows of `judge` say what, {word: count}."""
  words = {'direction': rules.DIRECTIONS, 'size': rules.SIZES}[column]
  return {word: int((judged[column] == word).sum()) for word in words}


class _Found(NamedTuple):
  """An estimate with its interval, and how far to trust it."""

  interval: intervals.Interval
  bound: str = ''
  least: int = rules.LEAST_TRIALS
  notes: tuple[str, ...] = ()
  values: Sequence[float] = ()

  def direction(self, part: Part) -> str:
    return rules.direction(self.interval, part.null, part.side, self.least)


def _row(
  claim: Claim, part: Part, find: '_Finder', by_loss: '_Finder'
) -> dict[str, Any]:
  """Returns the row of a part of a claim."""
  found, stated = find(part), rules.stated(part.value)
  interval, size = found.interval, ''
  # Ends that may lie on either side of the point would meet any number.
  if found.bound != 'unknown':
    size = rules.size(interval, part.null, stated, found.least)
  notes = [*found.notes]
  if 0 < interval.n < found.least:
    notes.insert(0, f'n = {interval.n} of at least {found.least} trials')
  letters = string.ascii_lowercase if len(claim.parts) > 1 else ' '
  row = {
    'claim': claim.name,
    'part': letters[claim.parts.index(part)].strip(),
    'statement': claim.statement,
    'estimand': part.quantity.words,
    'unit': part.quantity.unit,
    'paper': claim.paper,
    'paper_low': float(stated.low),
    'paper_high': float(stated.high),
    'measured': interval.estimate,
    'bound': found.bound,
    'n': interval.n,
    'low': interval.low,
    'high': interval.high,
    'null': float(part.null),
    'side': part.side,
    'direction': found.direction(part),
    'size': size,
    'p_value': rules.p_value(found.values, part.null),
    'loss_direction': '',
    'note': '; '.join(notes),
  }
  if part.quantity.is_speed and interval.n:
    other = by_loss(part)
    row['loss_measured'], row['loss_low'], row['loss_high'], _ = other.interval
    row['loss_direction'] = other.direction(part)
  return row


class _Finder:
  """Finds what a study says of parts of claims, with intervals."""

  def __init__(self, study: view.Study, confidence: float, seed: int):
    self._study, self._confidence, self._seed = study, confidence, seed

  def __call__(self, part: Part) -> _Found:
    try:
      if names := [x for x in part.about if x in self._study.differing]:
        raise view.NotMeasuredError(
          f"wanted: runs with the paper's {', '.join(names)}"
        )
      measured = part.quantity.measure(self._study)
    except view.NotMeasuredError as error:
      nothing = intervals.Interval(math.nan, math.nan, math.nan, 0)
      return _Found(nothing, notes=(str(error),))
    if isinstance(measured, estimands.OverTrials):
      found = self._bootstrap(measured)
    else:
      found = self._mean(measured)
    # Intervals by Student's t know nothing of where the estimand must lie.
    limits = _LIMITS.get(part.quantity.unit, (-math.inf, math.inf))
    low, high = map(float, np.clip(found.interval[1:3], *limits))
    late = 'some accuracies are of censored early stops'
    notes = (*found.notes, measured.note, late if measured.is_late else '')
    return found._replace(
      interval=found.interval._replace(low=low, high=high),
      notes=tuple(filter(None, (*notes, _BOUNDS[found.bound]))),
    )

  def _mean(self, measured: estimands.Bounded) -> _Found:
    ends = estimands.Ends(measured.seen, measured.low, measured.high)
    seen, low, high = (intervals.t_interval(x, self._confidence) for x in ends)
    bound, note = _bound(ends), ''
    # No t-test knows of numbers that are but bounds.
    values = () if bound or seen.n < rules.LEAST_TRIALS else measured.seen
    if not seen.n:
      note = 'wanted: a trial with all of these runs'
    elif seen.n > 1 and low.low == high.high:
      note = 'the same in each trial, so that the interval has no width'
    # The mean of the truths lies between those of their ends: so do, with the
    # wanted confidence, the outer ends of these two means' intervals.
    interval = seen._replace(low=low.low, high=high.high)
    return _Found(interval, bound, notes=(note,), values=values)

  def _bootstrap(self, measured: estimands.OverTrials) -> _Found:
    table, statistic, *_ = measured
    low, high = (
      intervals.bootstrap(table, end, self._confidence, seed=self._seed)
      for end in (lambda x: statistic(x).low, lambda x: statistic(x).high)
    )
    ends = statistic(table)
    interval = low._replace(estimate=ends.seen, high=high.high)
    notes = ('bootstrap interval',)
    return _Found(interval, _bound(ends), _LEAST_TRIALS_BOOTSTRAP, notes)


_BOUNDS = {
  'lower': 'a lower bound, as some early stops or levels are not known',
  'upper': 'an upper bound, as some early stops or levels are not known',
  'unknown': 'some early stops or levels are not known',
  '': '',
}


def _bound(ends: estimands.Ends) -> str:
  """Returns which bound the numbers that were seen are."""
  rises, falls = np.any(ends.high > ends.seen), np.any(ends.low < ends.seen)
  if rises and falls:
    return 'unknown'
  return 'lower' if rises else 'upper' if falls else ''


SIGNS = {'lower': '>= ', 'upper': '<= ', 'unknown': '? ', '': ''}
"""Signs before a number that is a bound."""


def numbers(measured: float, low: float, high: float, bound: str) -> str:
  """Returns an estimate and its interval as text, like '2.13 [1.48, 2.78]'."""
  text = f'{SIGNS[bound]}{measured:.3g}'
  return text if math.isnan(low) else f'{text} [{low:.3g}, {high:.3g}]'

"""What of the paper's claims about this network the runs bear out.

`paper.CLAIMS` says what is measured of each; here the measurements become
intervals over trials, and these verdicts. A claim of several parts holds if
every part does. Each interval is for itself: at 95%, one of 40 nulls that are
true is excluded on the claimed side by chance.
"""

import functools
import math
import os
import pathlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import paper
from lottery_ticket.analysis import results
from lottery_ticket.analysis import study as study_lib
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

REPRODUCED = 'reproduced'
NOT_REPRODUCED = 'not reproduced'
INCONCLUSIVE = 'inconclusive'
NOT_MEASURED = 'not measured'
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_MEASURED)

COLUMNS = (
  'claim',
  'statement',
  'estimand',
  'unit',
  'paper',
  'paper_value',
  'measured',
  'bound',
  'n',
  'low',
  'high',
  'null',
  'margin',
  'verdict',
  'paper_inside',
  'note',
)

LEAST_TRIALS = 3
LEAST_TRIALS_BOOTSTRAP = 5
_LATER = 10  # Times: how much later a censored early stop may really be.
_WORST_FIRST = (NOT_REPRODUCED, INCONCLUSIVE, REPRODUCED)
_BOUNDS = {'rho': (-1, 1), 'share': (0, 1)}  # By unit.

Study = study_lib.Study


def verdict(
  interval: intervals.Interval,
  null: float,
  side: str,
  margin: float = math.nan,
  least: int = LEAST_TRIALS,
) -> str:
  """Judges an interval.

  Args:
    interval: Of the estimand.
    null: What it is if the claim is wrong; for 'near', what it is said to be.
    side: 'above', 'below' or 'near'.
    margin: Half the width of what is as good as the null, or NaN.
    least: With fewer trials there is no verdict.

  Returns:
    'not measured' without any trial. 'inconclusive' with fewer than `least`.
    For 'near': 'reproduced' if the interval lies inside the margin, 'not
    reproduced' if it lies outside. For the others: 'not reproduced' if it lies
    on the other side of the null or inside the margin, 'reproduced' if it lies
    on the claimed side. Otherwise 'inconclusive'.
  """
  if not interval.n:
    return NOT_MEASURED
  if interval.n < least or not math.isfinite(interval.low + interval.high):
    return INCONCLUSIVE
  low, high = interval.low - null, interval.high - null
  if side == 'below':
    low, high = -high, -low
  is_inside = max(abs(low), abs(high)) <= margin  # False for NaN.
  if side == 'near':
    is_outside = low > margin or high < -margin
    return _choose(is_inside, is_outside)
  return _choose(low > 0 and not is_inside, high < 0 or is_inside)


def _choose(is_so: bool, is_not: bool) -> str:
  if is_so:
    return REPRODUCED
  return NOT_REPRODUCED if is_not else INCONCLUSIVE


def judge(
  runs: pd.DataFrame,
  only: Sequence[str] | None = None,
  *,
  confidence: float = 0.95,
  seed: int = 0,
) -> pd.DataFrame:
  """Judges the claims of the paper.

  Args:
    runs: As in `results.Results`, of one experiment or of several together.
    only: Which claims, like ['C1', 'C7']; by default all.
    confidence: Of the intervals, in (0, 1).
    seed: Of the bootstrap.

  Returns:
    A row for each claim, with `COLUMNS`: of a claim of several parts, the one
    that decides; the note has the others. `measured`, `low`, `high`, `null`,
    `margin` and `paper_value` are in `unit`; `bound` is 'lower' or 'upper' if
    `measured` is such a bound, 'unknown' if the truth may lie on either side,
    else ''; `n` is the number of trials; `paper_inside` whether the paper's
    value is inside the interval, missing where there is none.

  Raises:
    InputError: If there are no runs, or a claim is unknown.
  """
  judges = _Judge(runs, confidence, seed)
  rows = [_deciding(_table(judges.rows(claim))) for claim in _chosen(only)]
  return _table([judges.with_remarks(row) for row in rows])


def parts(
  runs: pd.DataFrame,
  only: Sequence[str] | None = None,
  *,
  confidence: float = 0.95,
  seed: int = 0,
) -> pd.DataFrame:
  """Judges all parts of claims.

  Args:
    runs: As in `results.Results`.
    only: Which claims, like ['C1', 'C7']; by default all.
    confidence: Of the intervals, in (0, 1).
    seed: Of the bootstrap.

  Returns:
    A row for each part, with `COLUMNS` as in `judge`.

  Raises:
    InputError: If there are no runs, or a claim is unknown.
  """
  judges = _Judge(runs, confidence, seed)
  rows = [row for claim in _chosen(only) for row in judges.rows(claim)]
  return _table([judges.with_remarks(row) for row in rows])


def _chosen(only: Sequence[str] | None) -> list[paper.Claim]:
  known = {claim.claim: claim for claim in paper.CLAIMS}
  for name in only or ():
    if name not in known:
      raise errors.InputError(
        f'only: wanted some of {list(known)}, got {name!r}'
      )
  return [claim for name, claim in known.items() if name in (only or known)]


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
  table = pd.DataFrame(rows, columns=list(COLUMNS))
  return table.astype({'paper_inside': 'boolean'})


def _deciding(rows: pd.DataFrame) -> dict[str, Any]:
  """Returns the row of the part that decides, with the others in its note."""
  is_measured = rows.verdict != NOT_MEASURED
  if not is_measured.any():
    return {**rows.iloc[0], 'note': '; '.join(rows.note.unique())}
  order = rows.verdict[is_measured].map(_WORST_FIRST.index)
  deciding = rows.loc[order.idxmin()]
  judged = deciding.verdict
  if not is_measured.all() and judged == REPRODUCED:
    judged = INCONCLUSIVE  # What is missing may be otherwise.
  others = [
    f'also: {part.estimand}: {_said(part)}'
    for index, part in rows.iterrows()
    if index != deciding.name
  ]
  note = '; '.join([*filter(None, [deciding.note]), *others])
  return {**deciding, 'verdict': judged, 'note': note}


def _said(row: pd.Series) -> str:
  said = row.verdict
  if row.verdict != NOT_MEASURED:
    interval = intervals.Interval(row.measured, row.low, row.high, row.n)
    said = f'{numbers(interval, row.bound)} {row.unit}: {said}'
  return f'{said} ({row.note})' if row.note else said


SIGNS = {'lower': '>= ', 'upper': '<= ', 'unknown': '? ', '': ''}
"""What stands before a number that is a bound."""


def numbers(interval: intervals.Interval, bound: str = '') -> str:
  """Returns an estimate and its interval as text, like '2.13 [1.48, 2.78]'."""
  text = f'{SIGNS[bound]}{interval.estimate:.3g}'
  if math.isfinite(interval.low):
    text += f' [{interval.low:.3g}, {interval.high:.3g}]'
  return text


class _Found(NamedTuple):
  """An estimate, and how far to trust it.

  Attributes:
    interval: With its interval.
    least: How many trials a verdict takes.
    notes: What to say about it.
    bounds: Of 'lower' and 'upper', which bounds the estimate is.
    open: Those of them that the interval does not know of.
  """

  interval: intervals.Interval
  least: int
  notes: list[str]
  bounds: frozenset[str] = frozenset()
  open: frozenset[str] = frozenset()


class _Judge:
  """Judges claims on the runs of a study."""

  def __init__(self, runs: pd.DataFrame, confidence: float, seed: int):
    if runs.empty:
      raise errors.InputError('runs: wanted at least one, got none')
    self._runs = runs = runs.reset_index(drop=True)
    self._networks = functools.lru_cache(maxsize=64)(results.networks)
    self._study = self._of(runs)
    self._confidence = confidence
    self._seed = seed
    self._found = functools.cache(self._find)
    self._changed = functools.cache(lambda change: self._of(change(runs)))

  def _of(self, runs: pd.DataFrame) -> Study:
    return Study(runs, paper.RECIPE, self._networks)

  @functools.cached_property
  def _later(self) -> list[Study]:
    """The study, with the censored early stops of some runs much later."""
    return [self._of(runs) for runs in _with_later_stops(self._runs)]

  def rows(self, claim: paper.Claim) -> list[dict[str, Any]]:
    """Returns the rows of a claim's parts."""
    return [self._row(claim, part) for part in claim.parts]

  def with_remarks(self, row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row with what is to be said of everything that is measured."""
    remarks = _remarks(self._study) if row['n'] else []
    return {**row, 'note': '; '.join(filter(None, [row['note'], *remarks]))}

  def _row(self, claim: paper.Claim, part: paper.Part) -> dict[str, Any]:
    found = self._found(part.measure)
    interval = _bounded(found.interval, part.unit)
    judged = verdict(interval, part.null, part.side, part.margin, found.least)
    for bound in found.open:
      judged = _of_bound(judged, part.side, bound)
    return {
      **claim._asdict(),
      **part._asdict(),
      **interval._asdict(),
      'measured': interval.estimate,
      'bound': _bound(found.bounds),
      'verdict': judged,
      'paper_inside': _is_inside(part.paper_value, interval, found.bounds),
      'note': '; '.join(self._notes(part, found)),
    }

  def _notes(self, part: paper.Part, found: _Found) -> Iterator[str]:
    n, least = found.interval.n, found.least
    if 0 < n < least:
      yield f'n = {n}, a verdict takes {least}'
    yield from found.notes
    for name, measure in part.also.items():
      other = self._found(measure)
      if other.interval.n:
        said = numbers(other.interval, _bound(other.bounds))
        about = '; '.join([f'n = {other.interval.n}', *other.notes])
        yield f'{name}: {said} ({about})'

  def _find(self, measure: paper.Estimand) -> _Found:
    """Returns what the study says of an estimand, with its interval."""
    try:
      measured = measure(self._study)
    except study_lib.NotMeasuredError as error:
      nothing = intervals.Interval(math.nan, math.nan, math.nan, 0)
      return _Found(nothing, LEAST_TRIALS, [str(error)])
    is_sure = not self._runs.censored.any()
    directions = frozenset() if is_sure else self._directions(measure)
    if isinstance(measured, estimands.OverTrials):
      interval = self._bootstrap(measured)
      least, bounds = LEAST_TRIALS_BOOTSTRAP, measured.bounds | directions
    else:
      interval = intervals.t_interval(_values(measured), self._confidence)
      least, bounds = LEAST_TRIALS, directions
    notes = list(_about(measured, interval))
    if not is_sure and self._depends_on_accuracies(measure):
      notes.append('some accuracies are of censored early stops')
    if directions:
      notes.append('some early stops are censored')
    notes += [f'{_ARTICLES[bound]} {bound} bound' for bound in sorted(bounds)]
    return _Found(interval, least, notes, bounds, directions)

  def _bootstrap(self, measured: estimands.OverTrials) -> intervals.Interval:
    def interval(
      statistic: Callable[[np.ndarray], float],
    ) -> intervals.Interval:
      return intervals.bootstrap(
        measured.table, statistic, self._confidence, seed=self._seed
      )

    found = interval(measured.statistic)
    if measured.most is not None:
      found = found._replace(high=interval(measured.most).high)
    if measured.bounds:
      found = found._replace(estimate=measured.estimate)
    return found

  def _directions(self, measure: paper.Estimand) -> frozenset[str]:
    """Returns which bounds censored early stops make of an estimate."""
    here = _estimate(measure, self._study)
    if here == _estimate(measure, self._changed(_without_stops)):
      return frozenset()  # It is not about early stops.
    found: set[str] = set()
    for later in self._later:
      change = _estimate(measure, later) - here
      if abs(change) > 0:  # False for NaN.
        found.add('lower' if change > 0 else 'upper')
      if len(found) == 2:
        break
    return frozenset(found)

  def _depends_on_accuracies(self, measure: paper.Estimand) -> bool:
    """Tells whether accuracies at censored early stops make a difference."""
    other = _estimate(measure, self._changed(_with_other_accuracies))
    return abs(other - _estimate(measure, self._study)) > 0


_ARTICLES = {'lower': 'a', 'upper': 'an'}


def _bound(bounds: Collection[str]) -> str:
  """Returns what the column `bound` says."""
  return 'unknown' if len(bounds) > 1 else ''.join(bounds)


def _values(measured: pd.Series | estimands.OverLevels) -> pd.Series:
  if isinstance(measured, estimands.OverLevels):
    return measured.values
  return measured


def _about(
  measured: estimands.Measured, interval: intervals.Interval
) -> Iterator[str]:
  """Yields what to say about an estimate."""
  if not interval.n:
    yield 'wanted: a trial with all of these runs'
  elif isinstance(measured, estimands.OverTrials):
    yield 'bootstrap interval'
  elif interval.n > 1 and interval.low == interval.high:
    yield 'the same in each trial, so that the interval has no width'
  note = '' if isinstance(measured, pd.Series) else measured.note
  if note:
    yield note


def _estimate(measure: paper.Estimand, study: Study) -> float:
  """Returns what a study says of an estimand, NaN if nothing."""
  try:
    measured = measure(study)
  except study_lib.NotMeasuredError:
    return math.nan
  if isinstance(measured, estimands.OverTrials):
    return measured.statistic(measured.table)
  return float(_values(measured).mean())


def _bounded(interval: intervals.Interval, unit: str) -> intervals.Interval:
  """Returns the part of an interval that is possible."""
  least, most = _BOUNDS.get(unit, (-math.inf, math.inf))
  return interval._replace(
    low=np.clip(interval.low, least, most),
    high=np.clip(interval.high, least, most),
  )


def _of_bound(judged: str, side: str, bound: str) -> str:
  """Takes back a verdict that the truth beyond a bound could turn around.

  Args:
    judged: The verdict if the bound were the truth.
    side: Where the estimand is if the claim is right.
    bound: Which bound it is, 'lower' or 'upper'.
  """
  if judged == NOT_MEASURED:
    return judged
  helps = {'above': 'lower', 'below': 'upper'}.get(side) == bound
  safe = REPRODUCED if helps else NOT_REPRODUCED
  return judged if judged == safe and side != 'near' else INCONCLUSIVE


def _is_inside(
  paper_value: float, interval: intervals.Interval, bounds: Collection[str]
) -> bool | None:
  """Tells whether the paper's value, to its digits, is inside an interval."""
  if not math.isfinite(paper_value + interval.low) or len(bounds) > 1:
    return None
  _, _, decimals = str(paper_value).partition('.')
  digit = 0.5 * 10.0 ** -len(decimals)
  low = -math.inf if 'upper' in bounds else interval.low - digit
  high = math.inf if 'lower' in bounds else interval.high + digit
  return low <= paper_value <= high


def _remarks(study: Study) -> list[str]:
  """Returns what to say of everything that is measured on these runs."""
  remarks = []
  if study.differing:
    names = ', '.join(study.differing)
    remarks.append(f"another recipe than the paper's ({names})")
  if 'test' in set(study.runs.early_stop_split):
    remarks.append('early stop by test loss: no validation set')
  return remarks


def _with_later_stops(runs: pd.DataFrame) -> Iterator[pd.DataFrame]:
  """Yields runs of which the censored early stops of one kind come later.

  One kind at one level at a time: together they would hide each other, where
  an early stop is divided by another.
  """
  kinds = ['recipe', 'experiment', 'level']
  for _, group in runs[runs.censored].groupby(kinds):
    factors = np.where(runs.index.isin(group.index), _LATER, 1)
    yield runs.assign(early_stop=runs.early_stop * factors)


def _without_stops(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns runs that do not know when they would best have been stopped."""
  return runs.assign(early_stop=np.nan)


def _with_other_accuracies(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns runs with other accuracies where the early stop is censored."""
  changes = np.linspace(0.1, 0.2, len(runs))  # No two alike.
  return runs.assign(accuracy=runs.accuracy + runs.censored * changes)


def counts(judged: pd.DataFrame) -> dict[str, int]:
  """Returns how many claims came to each verdict, {verdict: count}.

  Args:
    judged: As `judge` returns it.
  """
  return {name: int((judged.verdict == name).sum()) for name in VERDICTS}


def to_json(judged: pd.DataFrame, path: str) -> None:
  """Writes claims as JSON: {'claims': [...]}, null where there is no number.

  Args:
    judged: As `judge` returns it.
    path: The file.
  """
  rows = judged.astype({'paper_inside': object}).to_dict('records')
  for row in rows:
    if row['paper_inside'] is pd.NA:
      row['paper_inside'] = None
  save_restore.write_json(path, {'claims': rows})


def to_csv(judged: pd.DataFrame, path: str) -> None:
  """Writes claims as CSV, with empty fields where there is no number.

  Args:
    judged: As `judge` returns it.
    path: The file.
  """
  file = pathlib.Path(path)
  file.parent.mkdir(parents=True, exist_ok=True)
  aside = file.with_name(f'.{file.name}')
  judged.to_csv(aside, index=False, lineterminator='\n')
  os.replace(aside, file)

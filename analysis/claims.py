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
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import paper
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

Study = estimands.Study


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
    `margin` and `paper_value` are in `unit`; `n` is the number of trials;
    `paper_inside` whether the paper's value is inside the interval, missing
    where there is none.

  Raises:
    InputError: If there are no runs, or a claim is unknown.
  """
  judged = parts(runs, only, confidence=confidence, seed=seed)
  rows = [_deciding(rows) for _, rows in judged.groupby('claim', sort=False)]
  return _table(rows)


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
  if runs.empty:
    raise errors.InputError('runs: wanted at least one, got none')
  known = {claim.claim: claim for claim in paper.CLAIMS}
  for name in only or ():
    if name not in known:
      raise errors.InputError(
        f'only: wanted some of {list(known)}, got {name!r}'
      )
  judges = _Judge(runs, confidence, seed)
  chosen = [claim for name, claim in known.items() if name in (only or known)]
  return _table(
    [judges.row(claim, part) for claim in chosen for part in claim.parts]
  )


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
  if row.verdict == NOT_MEASURED:
    return f'{NOT_MEASURED} ({row.note})'
  numbers = _numbers(intervals.Interval(row.measured, row.low, row.high, row.n))
  return f'{numbers} {row.unit}: {row.verdict}'


def _numbers(interval: intervals.Interval) -> str:
  text = f'{interval.estimate:.3g}'
  if math.isfinite(interval.low):
    text += f' [{interval.low:.3g}, {interval.high:.3g}]'
  return text


class _Found(NamedTuple):
  """An estimate, and how far to trust it.

  Attributes:
    interval: With its interval.
    least: How many trials a verdict takes.
    notes: What to say about it.
    bound: 'a lower' or 'an upper', if the truth lies beyond, or ''.
  """

  interval: intervals.Interval
  least: int
  notes: list[str]
  bound: str = ''


class _Judge:
  """Judges parts of claims on the runs of a study."""

  def __init__(self, runs: pd.DataFrame, confidence: float, seed: int):
    self._study = Study(runs, paper.RECIPE)
    self._later = self._other = None
    if runs.censored.any():
      self._later = Study(_with_later_stops(runs), paper.RECIPE)
      self._other = Study(_with_other_accuracies(runs), paper.RECIPE)
    self._confidence = confidence
    self._seed = seed
    self._remarks = _remarks(self._study)
    self._measure = functools.cache(self._find)

  def row(self, claim: paper.Claim, part: paper.Part) -> dict[str, Any]:
    """Returns the row of one part."""
    found = self._measure(part.measure, self._study)
    interval = _bounded(found.interval, part.unit)
    judged = verdict(interval, part.null, part.side, part.margin, found.least)
    bounds = [*filter(None, [found.bound, self._bound_by_stops(part)])]
    for bound in bounds:
      judged = _of_bound(judged, part.side, bound)
    return {
      **claim._asdict(),
      **part._asdict(),
      **interval._asdict(),
      'measured': interval.estimate,
      'verdict': judged,
      'paper_inside': _is_inside(part.paper_value, interval, bounds),
      'note': '; '.join(self._notes(part, found, bounds)),
    }

  def _notes(
    self, part: paper.Part, found: _Found, bounds: list[str]
  ) -> Iterator[str]:
    n, least = found.interval.n, found.least
    if 0 < n < least:
      yield f'n = {n}, a verdict takes {least}'
    yield from found.notes
    if self._depends(part, self._other):
      yield 'some accuracies are of censored early stops'
    if self._depends(part, self._later):
      yield 'some early stops are censored'
    yield from (f'{bound} bound' for bound in bounds)
    yield from self._also(part)
    if n:
      yield from self._remarks

  def _find(self, measure: paper.Estimand, study: Study) -> _Found:
    try:
      measured = measure(study)
    except estimands.NotMeasuredError as error:
      nothing = intervals.Interval(math.nan, math.nan, math.nan, 0)
      return _Found(nothing, LEAST_TRIALS, [str(error)])
    if isinstance(measured, estimands.OverTrials):
      interval = intervals.bootstrap(
        measured.table, measured.statistic, self._confidence, seed=self._seed
      )
      notes = ['bootstrap interval', *filter(None, [measured.note])]
      return _Found(interval, LEAST_TRIALS_BOOTSTRAP, notes, measured.bound)
    interval = intervals.t_interval(measured, self._confidence)
    notes = [] if interval.n else ['wanted: a trial with all of these runs']
    return _Found(interval, LEAST_TRIALS, notes)

  def _estimate(self, part: paper.Part, study: Study) -> float:
    return self._measure(part.measure, study).interval.estimate

  def _depends(self, part: paper.Part, study: Study | None) -> bool:
    """Tells whether a part comes out otherwise on these runs."""
    if study is None:
      return False
    change = self._estimate(part, study) - self._estimate(part, self._study)
    return abs(change) > 0  # False for NaN.

  def _bound_by_stops(self, part: paper.Part) -> str:
    """Returns which bound censored early stops make of a part, or ''."""
    if self._later is None or not self._depends(part, self._later):
      return ''
    later = self._estimate(part, self._later)
    is_lower = later > self._estimate(part, self._study)
    return 'a lower' if is_lower else 'an upper'

  def _also(self, part: paper.Part) -> Iterator[str]:
    for name, measure in part.also.items():
      interval = self._measure(measure, self._study).interval
      if interval.n:
        yield f'{name}: {_numbers(interval)}, n = {interval.n}'


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
    bound: Which bound it is, 'a lower' or 'an upper'.
  """
  if judged == NOT_MEASURED:
    return judged
  helps = {'above': 'a lower', 'below': 'an upper'}.get(side) == bound
  safe = REPRODUCED if helps else NOT_REPRODUCED
  return judged if judged == safe and side != 'near' else INCONCLUSIVE


def _is_inside(
  paper_value: float, interval: intervals.Interval, bounds: list[str]
) -> bool | None:
  """Tells whether the paper's value, to its digits, is inside an interval."""
  if not math.isfinite(paper_value + interval.low) or len(bounds) > 1:
    return None
  _, _, decimals = str(paper_value).partition('.')
  digit = 0.5 * 10.0 ** -len(decimals)
  low = -math.inf if 'an upper' in bounds else interval.low - digit
  high = math.inf if 'a lower' in bounds else interval.high + digit
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


def _with_later_stops(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns runs whose censored early stops come much later."""
  factors = np.where(runs.censored, _LATER, 1)
  return runs.assign(early_stop=runs.early_stop * factors)


def _with_other_accuracies(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns runs with another accuracy where the early stop is censored."""
  return runs.assign(accuracy=runs.accuracy + np.where(runs.censored, 0.1, 0))


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

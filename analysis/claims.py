"""Judges which of a paper's claims the runs bear out.

The claims belong to a task (an experiment folder): its module `paper` says what
is measured of each. Here the measurements become intervals over trials, and
these verdicts. A claim of several parts holds if every part does. Each interval
is for itself: at 95%, one of 40 nulls that are true is excluded on the claimed
side by chance.
"""

import functools
import importlib
import importlib.util
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors

REPRODUCED = rules.REPRODUCED
NOT_REPRODUCED = rules.NOT_REPRODUCED
INCONCLUSIVE = 'inconclusive'
NOT_MEASURED = rules.NOT_MEASURED
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_MEASURED)

COLUMNS = (
  *('claim', 'statement', 'estimand', 'unit', 'paper', 'paper_value'),
  *('measured', 'bound', 'n', 'low', 'high', 'null', 'margin'),
  *('verdict', 'paper_inside', 'direction', 'size', 'p_value', 'p_holm'),
  'note',
)

LEAST_TRIALS = rules.LEAST_TRIALS
LEAST_TRIALS_BOOTSTRAP = 5
_WORST_FIRST = (NOT_REPRODUCED, INCONCLUSIVE, REPRODUCED)
_LIMITS = {'rho': (-1, 1), 'share': (0, 1)}  # By unit.

Estimand = Callable[[view.Study], estimands.Measured]


class Part(NamedTuple):
  """One number that a claim is about.

  Attributes:
    claim: Number of the claim, like 'C1'.
    statement: Claim of the paper, in words.
    paper: The paper's number, in words.
    estimand: Number that is measured, in words.
    measure: Function of a study that returns this number.
    unit: Unit of the estimand.
    null: Value of the estimand if the claim is wrong.
    side: Place of the estimand if the claim is right: 'above' or 'below' the
      null, or 'near' it: within the margin.
    margin: Half the width of what is as good as the null; NaN if not stated.
    paper_value: The paper's number, or NaN.
    stated: Numbers that the paper's statement lies between, or NaN.
    also: {name: what else to measure, for the note}.
  """

  claim: str
  statement: str
  paper: str
  estimand: str
  measure: Estimand
  unit: str
  null: float
  side: str
  margin: float
  paper_value: float
  stated: rules.Stated
  also: dict[str, Estimand]


class Claims:
  """The claims of a paper about one task.

  Attributes:
    recipe: {name: value} of the recipe that they are about, as runs record it.
    headlines: Numbers of the best known claims.
    parts: Parts of the claims, in the paper's order; the first of a claim is
      the one that the paper's number is about.
  """

  def __init__(self, recipe: dict[str, Any], headlines: Sequence[str] = ()):
    self.recipe = recipe
    self.headlines = headlines
    self.parts: list[Part] = []

  def part(
    self,
    claim: str,
    unit: str,
    *,
    paper: str = '',
    null: float = 0.0,
    side: str = 'above',
    margin: float = math.nan,
    value: float | tuple[float, float] = math.nan,
  ) -> Callable[[Estimand], Estimand]:
    """Makes a part of a claim of the function that measures it.

    The function's docstring says what is measured. That of a claim's first
    part, which has the `paper`'s words, begins with a line of what it claims.

    >>> claims = Claims({'optimizer': 'Adam'})
    >>> @claims.part('C1', 'percent', paper='38% fewer', value=38)
    ... def sooner(study):
    ...   '''Tickets stop early sooner than dense networks.
    ...
    ...   Percent fewer iterations to early stop.
    ...   '''
    ...   return percent_fewer(study.at('early_stop', percent=21.1), ...)
    >>> claims.parts[0].statement
    'Tickets stop early sooner than dense networks.'

    Args:
      claim: Number of the claim, like 'C1'.
      unit: Unit of the estimand.
      paper: The paper's number, in words; '' for further parts of a claim.
      null: Value of the estimand if the claim is wrong.
      side: Place of the estimand if the claim is right, as in `Part`.
      margin: Half the width of what is as good as the null.
      value: The paper's number, or two that it lies between.
    """

    def decorated(measure: Estimand) -> Estimand:
      statement, _, estimand = (measure.__doc__ or '').partition('\n')
      words, number = (
        paper,
        value if isinstance(value, float | int) else value[0],
      )
      if not paper:
        estimand = f'{statement} {estimand}'
        statement, words = self.parts[-1].statement, self.parts[-1].paper
      said = ' '.join(estimand.split()).rstrip('.')
      self.parts.append(
        Part._make(
          (
            *(claim, statement.strip(), words, said, measure),
            *(unit, null, side, margin, number, rules.stated(value), {}),
          )
        )
      )
      return measure

    return decorated

  def also(self, name: str) -> Callable[[Estimand], Estimand]:
    """Has the note of the last part say another estimand, by that name."""

    def decorated(measure: Estimand) -> Estimand:
      self.parts[-1].also[name] = measure
      return measure

    return decorated


def of_runs(runs: pd.DataFrame) -> Claims:
  """Returns the claims about the task of runs; none if it makes none.

  They are `CLAIMS` in the module `paper` of the task's folder in the library.
  """
  for task in runs.task.dropna().unique():
    package = f'lottery_ticket.{task}'
    if (
      task.isidentifier()
      and importlib.util.find_spec(package)
      and importlib.util.find_spec(f'{package}.paper')
    ):
      return importlib.import_module(f'{package}.paper').CLAIMS
  return Claims({})


def verdict(
  interval: intervals.Interval,
  null: float,
  side: str,
  margin: float = math.nan,
  least: int = LEAST_TRIALS,
) -> str:
  """Judges an interval.

  Args:
    interval: Interval of the estimand; an end may be infinite.
    null: Value if the claim is wrong; for 'near', the value it is said to be.
    side: 'above', 'below' or 'near'.
    margin: Half the width of what is as good as the null, or NaN.
    least: Number of trials below which there is no verdict.

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


def judge(
  runs: pd.DataFrame,
  claims: Claims | None = None,
  *,
  only: Sequence[str] | None = None,
  confidence: float = 0.95,
  seed: int = 0,
) -> pd.DataFrame:
  """Judges the claims of the paper.

  Args:
    runs: Table as in `results.Results`, of one experiment or of several.
    claims: Claims to judge; by default those of the runs' task.
    only: Numbers of the claims to judge, like ['C1', 'C7']; by default all.
    confidence: Confidence level of the intervals, in (0, 1).
    seed: Seed of the bootstrap.

  Returns:
    A row for each claim, with `COLUMNS`: of a claim of several parts, the one
    that decides; the note has the others. `measured`, `low`, `high`, `null`,
    `margin` and `paper_value` are in `unit`; `bound` is 'lower' or 'upper' if
    `measured` is such a bound, 'unknown' if the truth may lie on either side,
    else ''; `n` is the number of trials; `paper_inside` whether the paper's
    value is inside the interval, missing where there is none; `direction` and
    `size` as in `rules`; `p_value` that of the null by a t-test over trials,
    missing where there is none, and `p_holm` the same adjusted for the number
    of parts. There are no rows if the runs' task makes no claims.

  Raises:
    InputError: If there are no runs, or a claim is unknown.
  """
  judged = _judged(runs, claims, only, confidence, seed)
  rows = [_deciding(pd.DataFrame(rows)) for rows, _ in judged]
  return _table(rows, [remarks for _, remarks in judged])


def parts(
  runs: pd.DataFrame,
  claims: Claims | None = None,
  *,
  only: Sequence[str] | None = None,
  confidence: float = 0.95,
  seed: int = 0,
) -> pd.DataFrame:
  """Judges all parts of claims; like `judge`, but with a row for each part."""
  judged = _judged(runs, claims, only, confidence, seed)
  pairs = [(row, remarks) for rows, remarks in judged for row in rows]
  return _table([row for row, _ in pairs], [remarks for _, remarks in pairs])


def counts(judged: pd.DataFrame) -> dict[str, int]:
  """Returns how many claims came to each verdict, {verdict: count}.

  Args:
    judged: Table as `judge` returns it.
  """
  return {name: int((judged.verdict == name).sum()) for name in VERDICTS}


def _table(rows: list[dict[str, Any]], remarks: list[str]) -> pd.DataFrame:
  """Returns rows as a table; those that are measured with their remarks."""
  for row, remark in zip(rows, remarks, strict=True):
    notes = [row['note'], remark if row['n'] else '']
    row['note'] = '; '.join(filter(None, notes))
  table = pd.DataFrame(rows, columns=list(COLUMNS))
  return table.astype({'paper_inside': 'boolean'})


def _judged(
  runs: pd.DataFrame,
  claims: Claims | None,
  only: Sequence[str] | None,
  confidence: float,
  seed: int,
) -> list[tuple[list[dict[str, Any]], str]]:
  """Returns the rows of each claim's parts, and what is to be said of all."""
  if runs.empty:
    raise errors.InputError('runs: wanted at least one, got none')
  if claims is None:
    claims = of_runs(runs)
  known = list(dict.fromkeys(part.claim for part in claims.parts))
  for name in only or ():
    if name not in known:
      raise errors.InputError(f'only: wanted some of {known}, got {name!r}')
  networks = functools.lru_cache(maxsize=64)(results.networks)
  study = view.Study(runs.reset_index(drop=True), claims.recipe, networks)
  find = functools.partial(_find, study, confidence, seed)
  remarks = '; '.join(_remarks(study))
  rows = [
    _row(part, find) for part in claims.parts if part.claim in (only or known)
  ]
  adjusted = rules.holm([row['p_value'] for row in rows])
  for row, p_value in zip(rows, adjusted, strict=True):
    row['p_holm'] = p_value
  return [
    (list(group), remarks)
    for _, group in itertools.groupby(rows, key=lambda row: row['claim'])
  ]


def _remarks(study: view.Study) -> Iterator[str]:
  """Yields what to say of everything that is measured on these runs."""
  if study.differing:
    names = ', '.join(study.differing)
    yield f"another recipe than the paper's ({names})"
  if 'test' in set(study.runs.early_stop_split):
    yield 'early stop by test loss: no validation set'


class _Found(NamedTuple):
  """An estimate with its interval, and how far to trust it."""

  interval: intervals.Interval
  bound: str = ''
  least: int = LEAST_TRIALS
  notes: tuple[str, ...] = ()
  values: Sequence[float] = ()


def _row(part: Part, find: Callable[[Estimand], _Found]) -> dict[str, Any]:
  """Returns the row of a part of a claim."""
  found = find(part.measure)
  limits = _LIMITS.get(part.unit, (-math.inf, math.inf))
  low, high = np.clip(found.interval[1:3], *limits)
  interval = found.interval._replace(low=low, high=high)
  return {
    **part._asdict(),
    **interval._asdict(),
    'measured': interval.estimate,
    'bound': found.bound,
    'verdict': verdict(
      interval, part.null, part.side, part.margin, found.least
    ),
    'paper_inside': _is_inside(part.stated, interval, found.bound),
    'direction': rules.direction(interval, part.null, part.side, found.least),
    'size': rules.size(interval, part.null, part.stated, found.least),
    'p_value': math.nan
    if part.side == 'near'
    else rules.p_value(found.values, part.null),
    'note': '; '.join(_notes(part, found, find)),
  }


def _notes(
  part: Part, found: _Found, find: Callable[[Estimand], _Found]
) -> Iterator[str]:
  n, least = found.interval.n, found.least
  if 0 < n < least:
    yield f'n = {n}, a verdict takes {least}'
  yield from found.notes
  for name, measure in part.also.items():
    other = find(measure)
    if other.interval.n:
      about = '; '.join([f'n = {other.interval.n}', *other.notes])
      yield f'{name}: {numbers(other.interval, other.bound)} ({about})'


def _find(
  study: view.Study, confidence: float, seed: int, measure: Estimand
) -> _Found:
  """Returns what a study says of an estimand, with its interval."""
  try:
    measured = measure(study)
  except view.NotMeasuredError as error:
    nothing = intervals.Interval(math.nan, math.nan, math.nan, 0)
    return _Found(nothing, notes=(str(error),))
  if isinstance(measured, estimands.OverTrials):
    ends = measured.statistic(measured.table)
    interval = _bootstrap(measured, confidence, seed)
    is_open = (measured.table[:, 1] != measured.table[:, 2]).any()
    least, about, values = LEAST_TRIALS_BOOTSTRAP, 'bootstrap interval', ()
  else:
    ends = estimands.Ends(measured.seen, measured.low, measured.high)
    # The mean of the truths lies between those of their ends: so do, with the
    # wanted confidence, the outer ends of these two means' intervals.
    interval, low, high = (
      intervals.t_interval(end, confidence) for end in ends
    )
    interval = interval._replace(low=low.low, high=high.high)
    is_open = _bound(ends) != ''
    least, about, values = LEAST_TRIALS, '', () if is_open else measured.seen
    if interval.n > 1 and interval.low == interval.high:
      about = 'the same in each trial, so that the interval has no width'
  bound = _bound(ends)
  notes = (
    about if interval.n else 'wanted: a trial with all of these runs',
    measured.note,
    'some accuracies are of censored early stops' if measured.is_late else '',
    'some early stops are censored' if is_open else '',
    _BOUNDS[bound],
  )
  return _Found(interval, bound, least, tuple(filter(None, notes)), values)


_BOUNDS = {
  'lower': 'a lower bound',
  'upper': 'an upper bound',
  'unknown': 'a lower bound; an upper bound',
  '': '',
}


def _bound(ends: estimands.Ends) -> str:
  """Returns which bound the numbers that were seen are."""
  rises, falls = np.any(ends.high > ends.seen), np.any(ends.low < ends.seen)
  if rises and falls:
    return 'unknown'
  return 'lower' if rises else 'upper' if falls else ''


def _bootstrap(
  measured: estimands.OverTrials, confidence: float, seed: int
) -> intervals.Interval:
  """Returns the estimate, with the outer ends of its ends' intervals."""

  def interval(end: str) -> intervals.Interval:
    def statistic(table: np.ndarray) -> float:
      return getattr(measured.statistic(table), end)

    return intervals.bootstrap(measured.table, statistic, confidence, seed=seed)

  seen = measured.statistic(measured.table).seen
  low = interval('low')
  return intervals.Interval(seen, low.low, interval('high').high, low.n)


def _is_inside(
  paper: rules.Stated, interval: intervals.Interval, bound: str
) -> bool | None:
  """Tells whether the paper's number is inside an interval; None for none."""
  if math.isnan(paper.low + interval.low) or bound == 'unknown':
    return None
  return interval.low <= paper.high and paper.low <= interval.high


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
"""Signs before a number that is a bound."""


def numbers(interval: intervals.Interval, bound: str = '') -> str:
  """Returns an estimate and its interval as text, like '2.13 [1.48, 2.78]'."""
  text = f'{SIGNS[bound]}{interval.estimate:.3g}'
  if not math.isnan(interval.low):
    text += f' [{interval.low:.3g}, {interval.high:.3g}]'
  return text

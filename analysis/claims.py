"""Judges which of a paper's claims the runs bear out.

The claims belong to a task (an experiment folder): its module `paper` says what
is measured of each. Here the measurements become intervals over trials, and
these verdicts. A claim of several parts holds if every part does. Each interval
is for itself: at 95%, one of 40 nulls that are true is excluded on the claimed
side by chance.
"""

import dataclasses
import functools
import importlib
import importlib.util
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors

REPRODUCED, NOT_REPRODUCED = rules.REPRODUCED, rules.NOT_REPRODUCED
INCONCLUSIVE, NOT_MEASURED = rules.INCONCLUSIVE, rules.NOT_MEASURED
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE, NOT_MEASURED)

COLUMNS = (
  *('claim', 'statement', 'estimand', 'unit', 'paper', 'paper_value'),
  *('measured', 'bound', 'n', 'low', 'high', 'null', 'margin'),
  *('verdict', 'paper_inside', 'direction', 'size', 'p_value', 'p_holm'),
  'note',
)

_LEAST_TRIALS_BOOTSTRAP = 5
_WORST_FIRST = (NOT_REPRODUCED, INCONCLUSIVE, REPRODUCED, NOT_MEASURED)
_LIMITS = {'rho': (-1, 1), 'share': (0, 1)}  # By unit.
_ANYTHING = (-math.inf, math.inf)

Estimand = Callable[[view.Study], estimands.Measured]


@dataclasses.dataclass(frozen=True)
class Part:
  """One number that a claim is about.

  Attributes:
    claim: Number of the claim, like 'C1'.
    unit: Unit of the estimand.
    measure: Function of a study that returns this number.
    statement: Claim of the paper, in words.
    estimand: Number that is measured, in words.
    paper: The paper's number, in words.
    value: The paper's number, or two that its statement lies between; NaN if
      it gives none.
    null: Value of the estimand if the claim is wrong.
    side: Place of the estimand if the claim is right: 'above' or 'below' the
      null, or 'near' it: within the margin.
    margin: Half the width of what is as good as the null; NaN if not stated.
    also: {name: what else to measure, for the note}.
  """

  claim: str
  unit: str
  measure: Estimand
  statement: str
  estimand: str
  paper: str
  value: float | tuple[float, float] = math.nan
  null: float = 0.0
  side: str = 'above'
  margin: float = math.nan
  also: dict[str, Estimand] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Claims:
  """The claims of a paper about one task.

  Attributes:
    recipe: {name: value} of the recipe that they are about, as runs record it.
    headlines: Numbers of the best known claims.
    levels: Levels that the paper's figures show.
    parts: Parts of the claims, in the paper's order; the first of a claim is
      the one that the paper's number is about.
  """

  recipe: dict[str, Any]
  headlines: Sequence[str] = ()
  levels: Sequence[int] = ()
  parts: list[Part] = dataclasses.field(default_factory=list)

  def part(
    self,
    claim: str,
    unit: str,
    *,
    paper: str = '',
    said: str = '',
    **about: Any,
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
      said: What is measured, where the function has no docstring.
      **about: `value`, `null`, `side` and `margin` as in `Part`.
    """

    def decorated(measure: Estimand) -> Estimand:
      statement, words, estimand = '', paper, said or measure.__doc__ or ''
      if paper:
        statement, _, estimand = estimand.partition('\n')
      else:
        statement, words = self.parts[-1].statement, self.parts[-1].paper
      estimand = ' '.join(estimand.split()).rstrip('.')
      self.parts.append(
        Part(claim, unit, measure, statement, estimand, words, **about)
      )
      return measure

    return decorated

  def also(self, name: str) -> Callable[[Estimand], Estimand]:
    """Adds another estimand, by its name, to the note of the last part."""

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
  rows, remarks = _measure(runs, claims, only, confidence, seed)
  groups = rows.groupby('claim', sort=False)
  return _table([_deciding(group) for _, group in groups], remarks)


def parts(
  runs: pd.DataFrame, claims: Claims | None = None, **options: Any
) -> pd.DataFrame:
  """Judges all parts of claims; like `judge`, but with a row for each part."""
  rows, remarks = _measure(runs, claims, **options)
  return _table(rows.to_dict('records'), remarks)


def counts(judged: pd.DataFrame) -> dict[str, int]:
  """Returns how many rows of `judge` came to each verdict, {verdict: count}."""
  return {name: int((judged.verdict == name).sum()) for name in VERDICTS}


def _table(rows: list[dict[str, Any]], remarks: list[str]) -> pd.DataFrame:
  """Returns rows as a table, with remarks on all that was measured."""
  for row in rows:
    notes = [row['note'], *(remarks if row['n'] else [])]
    row['note'] = '; '.join(filter(None, notes))
  table = pd.DataFrame(rows, columns=list(COLUMNS))
  return table.astype({'paper_inside': 'boolean'})


def _measure(
  runs: pd.DataFrame,
  claims: Claims | None,
  only: Sequence[str] | None = None,
  confidence: float = 0.95,
  seed: int = 0,
) -> tuple[pd.DataFrame, list[str]]:
  """Returns a row for each part, and what is to be said of all of them."""
  if runs.empty:
    raise errors.InputError('runs: wanted at least one, got none')
  if claims is None:
    claims = of_runs(runs)
  known = list(dict.fromkeys(part.claim for part in claims.parts))
  for name in only or ():
    if name not in known:
      raise errors.InputError(f'only: wanted some of {known}, got {name!r}')
  study = view.Study(runs.reset_index(drop=True), claims.recipe)
  find = functools.partial(_find, study, confidence, seed)
  rows = pd.DataFrame(
    [
      _row(part, find) for part in claims.parts if part.claim in (only or known)
    ],
    columns=list(COLUMNS),
    dtype=object,
  )
  rows['p_holm'] = rules.holm(rows.p_value)
  remarks = []
  if study.differing:
    names = ', '.join(study.differing)
    remarks.append(f"another recipe than the paper's ({names})")
  if 'test' in set(study.runs.early_stop_split):
    remarks.append('early stop by test loss: no validation set')
  return rows, remarks


class _Found(NamedTuple):
  """An estimate with its interval, and how far to trust it."""

  interval: intervals.Interval
  bound: str = ''
  least: int = rules.LEAST_TRIALS
  notes: tuple[str, ...] = ()
  values: Sequence[float] = ()


def _row(part: Part, find: Callable[[Estimand], _Found]) -> dict[str, Any]:
  """Returns the row of a part of a claim."""
  found = find(part.measure)
  # Intervals by Student's t know nothing of where the estimand must lie.
  low, high = np.clip(found.interval[1:3], *_LIMITS.get(part.unit, _ANYTHING))
  interval = found.interval._replace(low=low, high=high)
  value, stated = part.value, rules.stated(part.value)
  null, side, least = part.null, part.side, found.least
  is_comparable = found.bound != 'unknown' and not math.isnan(
    stated.low + interval.low
  )
  # "As good as the null" is no hypothesis that a t-test could reject.
  tested = () if side == 'near' else found.values
  return {
    **vars(part),
    'paper_value': value[0] if isinstance(value, tuple) else value,
    **interval._asdict(),
    'measured': interval.estimate,
    'bound': found.bound,
    'verdict': rules.verdict(interval, null, side, part.margin, least),
    'paper_inside': stated.meets(interval) if is_comparable else None,
    'direction': rules.direction(interval, null, side, least),
    'size': rules.size(interval, null, stated, least),
    'p_value': rules.p_value(tested, null),
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
      yield f'{name}: {numbers(*other.interval[:3], other.bound)} ({about})'


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
    table, statistic = measured.table, measured.statistic
    ends = statistic(table)
    low = intervals.bootstrap(
      table, lambda drawn: statistic(drawn).low, confidence, seed=seed
    )
    high = intervals.bootstrap(
      table, lambda drawn: statistic(drawn).high, confidence, seed=seed
    )
    seen = low._replace(estimate=ends.seen)
    is_open = (table[:, 1] != table[:, 2]).any()
    least, about, values = _LEAST_TRIALS_BOOTSTRAP, 'bootstrap interval', ()
  else:
    ends = estimands.Ends(measured.seen, measured.low, measured.high)
    seen, low, high = (intervals.t_interval(end, confidence) for end in ends)
    is_open = _bound(ends) != ''
    least, values = rules.LEAST_TRIALS, () if is_open else measured.seen
    about = ''
    if seen.n > 1 and low.low == high.high:
      about = 'the same in each trial, so that the interval has no width'
  # The mean of the truths lies between those of their ends: so do, with the
  # wanted confidence, the outer ends of these two means' intervals.
  interval = seen._replace(low=low.low, high=high.high)
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


def _deciding(rows: pd.DataFrame) -> dict[str, Any]:
  """Returns the row of the part that decides, with the others in its note."""
  deciding = rows.loc[rows.verdict.map(_WORST_FIRST.index).idxmin()]
  judged = deciding.verdict
  if judged == NOT_MEASURED:
    return {**deciding, 'note': '; '.join(rows.note.unique())}
  if judged == REPRODUCED and (rows.verdict == NOT_MEASURED).any():
    judged = INCONCLUSIVE  # What is missing may be otherwise.
  others = [
    f'also: {part.estimand}: {_said(part)}'
    for _, part in rows.drop(index=deciding.name).iterrows()
  ]
  note = '; '.join(filter(None, [deciding.note, *others]))
  return {**deciding, 'verdict': judged, 'note': note}


def _said(row: pd.Series) -> str:
  said = row.verdict
  if row.verdict != NOT_MEASURED:
    found = numbers(row.measured, row.low, row.high, row.bound)
    said = f'{found} {row.unit}: {said}'
  return f'{said} ({row.note})' if row.note else said


SIGNS = {'lower': '>= ', 'upper': '<= ', 'unknown': '? ', '': ''}
"""Signs before a number that is a bound."""


def numbers(measured: float, low: float, high: float, bound: str) -> str:
  """Returns an estimate and its interval as text, like '2.13 [1.48, 2.78]'."""
  text = f'{SIGNS[bound]}{measured:.3g}'
  return text if math.isnan(low) else f'{text} [{low:.3g}, {high:.3g}]'

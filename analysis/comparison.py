"""A page that compares experiments: tickets and controls of several folders.

{experiment}/comparison/
  index.html               everything, in one file
  comparison.csv           its numbers
  figures/{name}.png  .svg
"""

import contextlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import claims as claims_lib
from lottery_ticket.analysis import figures
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import report
from lottery_ticket.analysis import results
from lottery_ticket.analysis import view
from lottery_ticket.analysis import words
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths

Measured = dict[str, bounded.Bounded]
"""{measure: one number a trial}."""
Curves = Mapping[str, tuple[view.Study, str]]
"""{name: experiment and kind of networks}, the first experiment first."""

_COLUMNS = {
  'accuracy': ('Test accuracy (%)', 100, '.2f'),
  'accuracy_gain': ('Gain over its dense network (points)', 100, '.2f'),
  'early_stop': ('Early stop', 1, ',.0f'),
}
"""{measure: (words, factor, number format)} of the table."""
_CAPTION = (
  'Means over trials, with bars from the minimum to the maximum; hollow: one'
  ' trial. An arrow: still improving at the last evaluation, a lower bound.'
)


def write(
  folder: str,
  found: Mapping[str, results.Results],
  controls: Sequence[str] = (),
) -> str:
  """Writes a page that compares experiments; an older one is replaced.

  Args:
    folder: Where to make the folder `comparison`.
    found: {name: runs}; others are compared with the first.
    controls: Names of controls to show beside tickets.

  Returns:
    The page.

  Raises:
    InputError: If one has no tickets, or none has a control.
  """
  studies, findings = {}, {}
  for name, (runs, _, _) in found.items():
    claims = claims_lib.of_runs(runs)[0]
    studies[name] = study = view.Study(runs, claims.recipe)
    levels = list(study.percents.index)
    wanted = f'runs of {view.TICKET} at level 0 and later ones'
    is_ladder = levels[:1] == [0] and levels[1:]
    errors.require(is_ladder, name, wanted, f'levels {levels}')
    said = words.findings(study.runs, claims.levels)
    findings[f'{name}, {len(runs)} runs'] = said
  known = {x for study in studies.values() for x in study.runs.experiment}
  for control in controls:
    errors.check_choice('controls', control, sorted(known - {view.TICKET}))
  curves = {name: (study, view.TICKET) for name, study in studies.items()} | {
    f'{name}: {plots.label(control)}': (study, control)
    for control in controls
    for name, study in studies.items()
  }
  target = pathlib.Path(paths.comparison(folder))
  table = list(_table(curves))
  page = report.render(
    'comparison.html',
    name=' and '.join(studies),
    names=list(studies),
    findings=findings,
    figures=report.save(_draw(curves), target / 'figures'),
    measures=[text for text, _, _ in _COLUMNS.values()],
    rows=[_cells(row) for row in table],
    recipes=_differing(studies),
  )
  numbers = pd.json_normalize(table).to_csv(index=False, lineterminator='\n')
  report.write_texts(target, {'index.html': page, 'comparison.csv': numbers})
  return str(target / 'index.html')


def _measured(study: view.Study, kind: str, percent: float) -> Measured:
  """Returns what was measured of networks near that P_m."""
  accuracy, stop, density = (
    study.at(x, kind, percent) for x in ('accuracy', 'early_stop', 'density')
  )
  return {
    'accuracy': accuracy,
    'accuracy_gain': accuracy - study.at('accuracy'),
    'early_stop': stop,
    'early_stop_ratio': stop / study.at('early_stop'),
    'density': density,
  }


def _draw(curves: Curves) -> list[figures.Figure]:
  """Draws measures over P_m: a colour for each experiment."""
  kinds = list(dict.fromkeys(kind for _, kind in curves.values()))
  styles, rows = {}, []
  for i, (name, (study, kind)) in enumerate(curves.items()):
    look = plots.LOOKS[i % (len(curves) // len(kinds))]
    line = plots.LOOKS[kinds.index(kind) % len(plots.LOOKS)]['linestyle']
    styles[name] = look | {'linestyle': line, 'label': name}
    for level, percent in study.percents.items():
      with contextlib.suppress(view.NotMeasuredError):
        row = {'curve': name, 'experiment': kind, 'level': level}
        rows.append(row | _summary(_measured(study, kind, percent)))
  drawn = []
  for name, title, *measures in (
    ('measured', 'As measured', 'early_stop', 'accuracy'),
    ('relative', 'Beside dense nets', 'early_stop_ratio', 'accuracy_gain'),
  ):
    figure = plots.tickets(pd.DataFrame(rows), measures, styles=styles)
    drawn.append(figures.Figure(name, title, figure, _CAPTION))
  return drawn


def _summary(measured: Measured) -> dict[str, Any]:
  """Returns what `plots.tickets` draws of a level."""
  return {
    'trials': measured['accuracy'].seen.count(),
    'censored': np.isinf(measured['early_stop'].high).sum(),
    'density': measured['density'].seen.mean(),
    **{
      f'{measure}_{end}': numbers.seen.agg(end)
      for measure, numbers in measured.items()
      for end in ('mean', 'min', 'max')
    },
  }


def _table(curves: Curves) -> Iterator[dict[str, Any]]:
  """Yields rows for each P_m of the first experiment that others are near."""
  first, _ = next(iter(curves.values()))
  for percent in first.percents:
    there: dict[str, Measured] = {}
    for name, (study, kind) in curves.items():
      with contextlib.suppress(view.NotMeasuredError):
        there[name] = _measured(study, kind, percent)
    own = {curves[x][1]: there[x] for x in there if curves[x][0] is first}
    for name, measured in there.items() if len(there) > len(own) else ():
      study, kind = curves[name]
      beside = None if study is first else own.get(kind)
      yield {'curve': name, **_intervals(measured, beside)}


def _intervals(measured: Measured, beside: Measured | None) -> dict[str, Any]:
  """Returns means of measures, and differences from others, with intervals."""
  row: dict[str, Any] = {
    'percent': 100 * float(measured['density'].seen.mean()),
    'trials': int(measured['accuracy'].seen.count()),
    'is_bound': bool(np.isinf(measured['early_stop'].high).any()),
  }
  for measure in _COLUMNS:
    ours = measured[measure].seen
    row[measure] = intervals.t_interval(ours)._asdict()
    if beside:
      between = intervals.difference(ours, beside[measure].seen)
      row[f'{measure}_difference'] = between._asdict()
  return row


def _cells(row: Mapping[str, Any]) -> list[str]:
  """Returns a row of the table as text."""
  cells = [f'{row["percent"]:.1f}', row['curve'], str(row['trials'])]
  for measure, (_, factor, form) in _COLUMNS.items():
    for name in (measure, f'{measure}_difference'):
      text = '\N{EN DASH}'
      if found := row.get(name):
        ends = [factor * found[end] for end in ('estimate', 'low', 'high')]
        # Without "-0.00".
        estimate, low, high = (format(round(x, 2) + 0.0, form) for x in ends)
        text = estimate if low == 'nan' else f'{estimate} [{low}, {high}]'
      if name == 'early_stop' and row['is_bound']:
        text = f'\N{GREATER-THAN OR EQUAL TO} {text}'
      cells.append(text.replace('-', '\N{MINUS SIGN}'))
  return cells


def _differing(studies: Mapping[str, view.Study]) -> list[list[str]]:
  """Returns the values in which recipes differ, one a row."""
  recipes = [
    study.recipe | {'source': ', '.join(study.runs.source.dropna().unique())}
    for study in studies.values()
  ]
  names = {name for x in recipes for name in view.differing(recipes[0], x)}
  return [
    [name, *(report.value_text(recipe.get(name)) for recipe in recipes)]
    for name in sorted(names)
  ]

"""A page that compares experiments: tickets and controls of several folders.

{experiment}/comparison/
  index.html               everything, in one file
  comparison.csv           its numbers
  figures/{name}.png  .svg
"""

import contextlib
import pathlib
from collections.abc import Mapping, Sequence
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
from lottery_ticket.foundations import save_restore

Measured = dict[str, bounded.Bounded]
"""{measure: one number a trial}."""

_COLUMNS = {
  'accuracy': ('Test accuracy (%)', 100, '.2f'),
  'accuracy_gain': ('Gain over its dense network (points)', 100, '.2f'),
  'early_stop': ('Early stop', 1, ',.0f'),
}
"""{measure: (words, factor, number format)} of the table."""
_FIGURES = {
  'measured': ('As measured', ('early_stop', 'accuracy')),
  'relative': (
    *('Beside dense networks', ('early_stop_ratio', 'accuracy_gain')),
  ),
}
"""{name: (title, measures)}."""
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
  claims = {name: claims_lib.of_runs(each.runs) for name, each in found.items()}
  studies = {
    name: view.Study(each.runs, claims[name].recipe)
    for name, each in found.items()
  }
  for name, study in studies.items():
    levels = list(study.percents.index)
    wanted = f'runs of {view.TICKET} at level 0 and later ones'
    is_ladder = levels[:1] == [0] and levels[1:]
    errors.require(is_ladder, name, wanted, f'levels {levels}')
  known = {x for study in studies.values() for x in study.runs.experiment}
  for control in controls:
    errors.check_choice('controls', control, sorted(known - {view.TICKET}))
  curves = [(x, kind) for kind in (view.TICKET, *controls) for x in studies]
  target = pathlib.Path(paths.comparison(folder))
  table = _table(studies, curves)
  page = report.render(
    'comparison.html',
    name=' and '.join(studies),
    findings={
      f'{name}, {len(found[name].runs)} runs': words.findings(
        study.runs, claims[name].levels
      )
      for name, study in studies.items()
    },
    figures=report.save(_draw(studies, curves), target / 'figures'),
    names=list(studies),
    measures=[text for text, _, _ in _COLUMNS.values()],
    rows=[_cells(row) for row in table],
    recipes=_differing(studies),
  )
  numbers = pd.json_normalize(table).to_csv(index=False, lineterminator='\n')
  for file, text in {'index.html': page, 'comparison.csv': numbers}.items():
    with save_restore.written_aside(target / file) as aside:
      aside.write_text(text, encoding='utf-8')
  return str(target / 'index.html')


def _measured(study: view.Study, kind: str, percent: float) -> Measured:
  """Returns what was measured of networks near that P_m."""
  accuracy = study.at('accuracy', kind, percent)
  stop = study.at('early_stop', kind, percent)
  return {
    'accuracy': accuracy,
    'accuracy_gain': accuracy - study.at('accuracy'),
    'early_stop': stop,
    'early_stop_ratio': stop / study.at('early_stop'),
  }


def _called(curve: tuple[str, str]) -> str:
  name, kind = curve
  return name if kind == view.TICKET else f'{name}: {plots.label(kind)}'


def _draw(
  studies: Mapping[str, view.Study], curves: Sequence[tuple[str, str]]
) -> list[figures.Figure]:
  """Draws measures over P_m: a colour for each experiment."""
  names, kinds = (list(dict.fromkeys(x)) for x in zip(*curves, strict=True))
  styles, rows = {}, []
  for curve in curves:
    name, kind = curve
    look, line = (
      plots.LOOKS[x % len(plots.LOOKS)]
      for x in (names.index(name), kinds.index(kind))
    )
    called = _called(curve)
    styles[called] = look | {'linestyle': line['linestyle'], 'label': called}
    for level, percent in studies[name].percents.items():
      with contextlib.suppress(view.NotMeasuredError):
        row = {'curve': called, 'experiment': kind, 'level': level}
        summary = _summary(_measured(studies[name], kind, percent))
        rows.append(row | {'density': percent / 100} | summary)
  table = pd.DataFrame(rows)
  return [
    figures.Figure(
      name, title, plots.tickets(table, measures, styles=styles), _CAPTION
    )
    for name, (title, measures) in _FIGURES.items()
  ]


def _summary(measured: Measured) -> dict[str, Any]:
  """Returns what `plots.tickets` draws of a level."""
  summary = {
    'trials': measured['accuracy'].seen.count(),
    'censored': np.isinf(measured['early_stop'].high).sum(),
  }
  for measure, numbers in measured.items():
    for end in ('mean', 'min', 'max'):
      summary[f'{measure}_{end}'] = numbers.seen.agg(end)
  return summary


def _table(
  studies: Mapping[str, view.Study], curves: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
  """Returns rows for each P_m of the first experiment that others are near."""
  first, rows = curves[0][0], []
  for percent in studies[first].percents:
    there = {}
    for name, kind in curves:
      with contextlib.suppress(view.NotMeasuredError):
        there[name, kind] = _measured(studies[name], kind, percent)
    for (name, kind), measured in there.items():
      beside = there.get((first, kind)) if name != first else None
      study = studies[name]
      row = {
        'percent': float(study.percents[study.level(percent)]),
        'curve': _called((name, kind)),
        'trials': int(measured['accuracy'].seen.count()),
      }
      if len({name for name, _ in there}) > 1:
        rows.append(row | _intervals(measured, beside))
  return rows


def _intervals(measured: Measured, beside: Measured | None) -> dict[str, Any]:
  """Returns means of measures, and differences from others, with intervals."""
  late = np.isinf(measured['early_stop'].high).any()
  found: dict[str, Any] = {'is_bound': bool(late)}
  for measure in _COLUMNS:
    ours = measured[measure].seen
    found[measure] = intervals.t_interval(ours)._asdict()
    if beside:
      between = intervals.difference(ours, beside[measure].seen)
      found[f'{measure}_difference'] = between._asdict()
  return found


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
    study.recipe
    | {'source': ', '.join(sorted(set(study.runs.source.dropna())))}
    for study in studies.values()
  ]
  names = {
    name for recipe in recipes for name in view.differing(recipes[0], recipe)
  }
  return [
    [name, *(report.value_text(recipe.get(name)) for recipe in recipes)]
    for name in sorted(names)
  ]

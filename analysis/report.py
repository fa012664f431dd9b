"""A page that says what an experiment found, with all that belongs to it.

{experiment}/report/
  index.html                  everything, in one file
  claims.json  claims.csv     the claims as judged
  results.csv                 every finished run
  figures/{name}.png  .svg
"""

import base64
import json
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jinja2
import markupsafe
import numpy as np
import pandas as pd

import lottery_ticket
from lottery_ticket.analysis import claims as claims_lib
from lottery_ticket.analysis import figures
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import tables
from lottery_ticket.analysis import view
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore

SIGNS = {
  rules.REPRODUCED: '✓',
  rules.OPEN: '?',
  rules.OPPOSITE: '✗',
  rules.TOO_FEW: '?',
}
NOTHING = '\N{EN DASH}'
_PIXELS_AN_INCH = 96  # In CSS.


class Report(NamedTuple):
  """Result of `write`.

  Attributes:
    page: The file to open in a browser.
    verdict: One sentence.
    judged: Table of the claims, as `claims.judge` returns it.
  """

  page: str
  verdict: str
  judged: pd.DataFrame


def write(
  experiment_path: str,
  found: results.Results,
  claims: claims_lib.Claims | None = None,
  commands: Sequence[str] = (),
) -> Report:
  """Writes the report of an experiment; an older one is replaced.

  Args:
    experiment_path: The folder of all trials.
    found: Its runs, as `results.read` returns them.
    claims: Claims to judge; by default those of the runs' task.
    commands: Commands that would make the same runs, one a line.
  """
  target = pathlib.Path(paths.report(experiment_path))
  claims = claims or claims_lib.of_runs(found.runs)
  judged = claims_lib.judge(found.runs, claims)
  # Paths are shown from the experiment's folder on.
  here = os.path.join(experiment_path, '')
  judged = judged.assign(note=judged.note.str.replace(here, '', regex=False))
  study = view.Study(found.runs, claims.recipe)
  compared = _compared(study, found.runs)
  verdict = sentence(judged, study.runs, claims)
  is_judged = judged.n > 0
  drawn = figures.draw(compared, judged, claims.levels)
  page = _render(
    name=pathlib.Path(experiment_path).resolve().name,
    verdict=verdict,
    adjustment=rules.ADJUSTMENT,
    headlines=_headlines(judged[judged.claim.isin(claims.headlines)]),
    run_count=len(found.runs),
    judged=list(judged[is_judged].itertuples()),
    unmeasured=list(judged[~is_judged].itertuples()),
    figures=[_save(figure, target / 'figures', here) for figure in drawn],
    **_made(study, compared),
    commands=list(commands),
    others=_other_recipes(study, found.runs.drop(index=compared.index)),
    problems=[
      [text.replace(here, '') for text in problem]
      for problem in found.problems.items()
    ],
    library=lottery_ticket.__version__,
  )
  save_restore.write_json(
    str(target / 'claims.json'), {'claims': judged.to_dict('records')}
  )
  runs = found.runs[list(results.COLUMNS)].assign(
    directory=[
      os.path.relpath(d, experiment_path) for d in found.runs.directory
    ]
  )
  for name, text in {
    'claims.csv': judged.to_csv(index=False, lineterminator='\n'),
    'claims.txt': f'{tables.claims(judged)}\n',
    'results.csv': runs.to_csv(index=False, lineterminator='\n'),
    'index.html': page,
  }.items():
    with save_restore.written_aside(target / name) as aside:
      aside.write_text(text, encoding='utf-8')
  return Report(str(target / 'index.html'), verdict, judged)


def sentence(
  judged: pd.DataFrame, runs: pd.DataFrame, claims: claims_lib.Claims
) -> str:
  """Returns the verdict on all claims in sentences.

  Args:
    judged: Table as `claims.judge` returns it.
    runs: Runs that are compared.
    claims: Claims that were judged.
  """
  if judged.empty:
    return 'The paper makes no claims about these networks and data.'
  directions, sizes = (
    ', '.join(
      f'{n} {word}' for word, n in claims_lib.counts(judged, name).items()
    )
    for name in ('direction', 'size')
  )
  trials = runs.trial.nunique()
  said = (
    f'{judged.claim.nunique()} claims of the paper in {len(judged)} parts, over'
    f' {trials} trial{"s" * (trials != 1)}. Direction: {directions}. Size:'
    f' {sizes}.'
  )
  departures = '; '.join(claims_lib.departures(runs, claims))
  return f'{said} The runs differ: {departures}.' if departures else said


def _compared(study: view.Study, runs: pd.DataFrame) -> pd.DataFrame:
  """Returns the runs that can be compared with a study's tickets.

  They are those of the main recipe, and controls that differ from it in what is
  a control's own: how it resets, and permuted labels.
  """
  places = study.runs.index
  for recipe, other in study.settings:
    differing = set(view.differing(recipe, study.recipe))
    if 'permute_labels' in differing:  # Then the data are others, too.
      differing -= {'permute_labels', 'test data'}
    if differing <= {'reset'}:
      controls = other.runs[other.runs.experiment != view.TICKET]
      places = places.union(controls.index)
  return runs.loc[places.sort_values()]


def _other_recipes(study: view.Study, runs: pd.DataFrame) -> list[list[str]]:
  """Returns which runs of a study are not compared with the others, and why."""
  rows = []
  for recipe, other in study.settings:
    differing = ', '.join(
      f'{name} {json.dumps(recipe.get(name))}'
      for name in view.differing(recipe, study.recipe)
    )
    those = runs.loc[runs.index.intersection(other.runs.index)]
    for experiment, group in those.groupby('experiment'):
      trials = ', '.join(group.trial.unique())
      levels = ', '.join(map(str, sorted(group.level.unique())))
      rows.append([experiment, trials, levels, str(len(group)), differing])
  return rows


def _made(study: view.Study, runs: pd.DataFrame) -> dict[str, list[list[str]]]:
  """Returns how the runs of a study were made, as tables of cells."""
  versions: dict[str, set[str]] = {}
  for text in runs.versions.dropna().unique():
    for name, version in json.loads(text).items():
      versions.setdefault(name, set()).add(str(version))
  known = runs.dropna(subset='seed').groupby('trial', sort=False).seed
  return {
    'experiments': [
      [
        *(name, str(group.trial.nunique()), str(group.level.nunique())),
        *(f'{len(group):,}', f'{group.iterations.sum():,.0f}'),
        f'{group.seconds.sum() / 3600:.1f}',
      ]
      for name, group in runs.groupby('experiment')
    ],
    'recipe': [
      [name, _value(value)]
      for name, value in study.recipe.items()
      if value is not None
    ],
    'seeds': [
      [trial, ', '.join(map(str, sorted(set(seeds))))] for trial, seeds in known
    ],
    'versions': [
      [name, ', '.join(sorted(found))] for name, found in versions.items()
    ],
  }


def _headlines(judged: pd.DataFrame) -> list[str]:
  """Returns the claims that were measured as sentences, with their numbers."""
  lines = []
  for row in judged[judged.n > 0].itertuples():
    interval = f'95% interval {_interval(row)}; ' if pd.notna(row.low) else ''
    lines.append(
      f'{row.claim}: {row.statement.rstrip(".")}. Measured: {_measured(row)}'
      f' ({interval}the paper: {row.paper}), {_said(row)}.'
    )
  return lines


def _said(row: Any) -> str:
  """Returns direction and size as words."""
  return ', '.join(filter(None, (row.direction, row.size)))


def _measured(row: Any) -> str:
  """Returns what was measured of a claim, with its unit."""
  value = claims_lib.SIGNS[row.bound] + _number(row.measured, row)
  equals = '' if row.bound else '= '
  forms = {
    'percent': f'{value}%',
    'P_m (%)': f'P_m {equals}{value}%',
    'points': f'{value} points',
    'points of P_m': f'{value} points of P_m',
  }
  return forms.get(row.unit, f'{row.unit} {value}')


def _interval(row: Any) -> str:
  if pd.isna(row.low) or pd.isna(row.high):
    return NOTHING
  return f'{_number(row.low, row)} to {_number(row.high, row)}'


def _number(value: float, row: Any) -> str:
  """Returns a number with as many digits as are worth reading in its row."""
  if pd.isna(value):
    return NOTHING
  known = [abs(x) for x in (row.measured, row.low, row.high) if np.isfinite(x)]
  text = f'{value:,.{1 if max(known, default=0) >= 10 else 2}f}'
  return text.replace('-', '\N{MINUS SIGN}').replace('inf', '\N{INFINITY}')


def _save(
  figure: figures.Figure, target: pathlib.Path, here: str
) -> dict[str, Any]:
  """Saves a figure, or removes an older report's; returns what to show of it.

  Args:
    figure: A figure, or why there is none.
    target: Folder of figures.
    here: Beginning of paths, not to be shown.
  """
  paths = {kind: target / f'{figure.name}.{kind}' for kind in ('png', 'svg')}
  drawing, shown = figure.drawing, {'title': figure.title}
  if drawing is None:
    for path in paths.values():
      path.unlink(missing_ok=True)
    return {**shown, 'image': '', 'missing': figure.missing.replace(here, '')}
  for path in paths.values():
    plots.save(drawing.figure, str(path))
  width, height = drawing.figure.get_size_inches() * _PIXELS_AN_INCH
  encoded = base64.b64encode(paths['svg'].read_bytes()).decode()
  return {
    **shown,
    **{'name': figure.name, 'caption': drawing.caption, 'alt': drawing.alt},
    **{'width': round(width), 'height': round(height)},
    'image': f'data:image/svg+xml;base64,{encoded}',
  }


def _value(value: Any) -> str:
  text = value if isinstance(value, str) else json.dumps(value)
  is_checksum = re.fullmatch('[0-9a-f]{64}', text)
  return f'SHA-256 {text[:16]}...' if is_checksum else text


def _render(**content: Any) -> str:
  """Returns the page; whatever is put into it is escaped."""
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader('lottery_ticket.analysis'),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
  )
  environment.filters.update(
    typeset=_typeset, measured=_measured, interval=_interval, sign=SIGNS.get
  )
  return environment.get_template('report.html').render(**content)


def _typeset(text: str) -> markupsafe.Markup:
  """Returns text with P_m and signs as they are printed in the paper."""
  text = text.replace('>=', '\N{GREATER-THAN OR EQUAL TO}')
  text = text.replace('<=', '\N{LESS-THAN OR EQUAL TO}')
  return markupsafe.escape(text).replace(
    'P_m', markupsafe.Markup('<em>P<sub>m</sub></em>')
  )

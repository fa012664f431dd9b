"""A page that says what an experiment found, with all that belongs to it.

{experiment}/report/
  index.html                  everything, in one file
  claims.json  claims.csv     the claims as judged
  results.csv                 every finished run
  figures/{name}.png  .svg
"""

import base64
import functools
import json
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jinja2
import markupsafe
import pandas as pd

import lottery_ticket
from lottery_ticket.analysis import claims
from lottery_ticket.analysis import figures
from lottery_ticket.analysis import paper
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import provenance
from lottery_ticket.analysis import results
from lottery_ticket.analysis import study as study_lib
from lottery_ticket.analysis import tables
from lottery_ticket.foundations import paths

FORMATS = ('png', 'svg')
SIGNS = {
  claims.REPRODUCED: '✓',
  claims.NOT_REPRODUCED: '✗',
  claims.INCONCLUSIVE: '?',
}
HEADLINES = ('C1', 'C3', 'C7', 'C8')
NOTHING = '\N{EN DASH}'
_PIXELS_AN_INCH = 96  # In CSS.


class Report(NamedTuple):
  """What `write` wrote.

  Attributes:
    page: The file to open in a browser.
    verdict: One sentence.
  """

  page: str
  verdict: str


def write(
  experiment_path: str,
  found: results.Results,
  judged: pd.DataFrame,
  commands: Sequence[str] = (),
) -> Report:
  """Writes the report of an experiment; an older one is replaced.

  Args:
    experiment_path: The folder of all trials.
    found: Its runs, as `results.read` returns them.
    judged: Of these, as `claims.judge` returns it.
    commands: Those that would make the same runs, one a line.
  """
  target = pathlib.Path(paths.report(experiment_path))
  target.mkdir(parents=True, exist_ok=True)
  shorten = functools.partial(_from_folder, experiment_path)
  judged = judged.assign(note=judged.note.fillna('').map(shorten))
  study = study_lib.Study(found.runs, paper.RECIPE)
  compared = provenance.compared(study, found.runs)
  others = provenance.other_recipes(found.runs, study, compared)
  verdict = sentence(judged, study.runs)
  page = _render(
    name=pathlib.Path(experiment_path).resolve().name,
    verdict=verdict,
    headlines=_headlines(judged),
    run_count=len(found.runs),
    **_claims(judged),
    figures=[
      _save(figure, target / 'figures') | {'missing': shorten(figure.missing)}
      for figure in figures.draw(compared, judged)
    ],
    **_made(provenance.read(study, compared)),
    commands=list(commands),
    others=others.to_numpy().tolist(),
    problems=[tuple(map(shorten, item)) for item in found.problems.items()],
    library=lottery_ticket.__version__,
  )
  claims.to_json(judged, str(target / 'claims.json'))
  claims.to_csv(judged, str(target / 'claims.csv'))
  _write(target / 'claims.txt', f'{tables.claims(judged)}\n')
  _write(target / 'results.csv', _table(found.runs, experiment_path))
  _write(target / 'index.html', page)
  return Report(str(target / 'index.html'), verdict)


def sentence(judged: pd.DataFrame, runs: pd.DataFrame) -> str:
  """Returns the verdict on all claims as one sentence.

  Args:
    judged: As `claims.judge` returns it.
    runs: Those that are compared.
  """
  counts = claims.counts(judged)
  parts = [f'{counts[verdict]} {verdict}' for verdict in claims.VERDICTS]
  trials = runs.trial.nunique()
  return (
    f'Of {len(judged)} claims of the paper, {", ".join(parts[:-1])} and'
    f' {parts[-1]}, over {trials} trial{"s" * (trials != 1)}.'
  )


def _headlines(judged: pd.DataFrame) -> list[str]:
  """Returns the best known claims that were measured, with their numbers."""
  rows = judged[judged.claim.isin(HEADLINES) & (judged.n > 0)]
  lines = []
  for row in rows.itertuples():
    interval = _interval(row)
    interval = '' if interval == NOTHING else f'95% interval {interval}; '
    lines.append(
      f'{row.claim}: {row.statement.rstrip(".")}. Measured: {_measured(row)}'
      f' ({interval}the paper: {row.paper}), {row.verdict}.'
    )
  return lines


def _claims(judged: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
  """Returns the claims with a verdict and those without, as cells."""
  rows = [
    {
      'claim': row.claim,
      'statement': row.statement,
      'estimand': row.estimand.rstrip('.'),
      'paper': row.paper,
      'measured': _measured(row),
      'interval': _interval(row),
      'n': int(row.n),
      'verdict': row.verdict,
      'note': row.note.rstrip('.'),
      'style': row.verdict.replace(' ', '-'),
      'sign': SIGNS.get(row.verdict),
    }
    for row in judged.itertuples()
  ]
  return {
    'judged': [row for row in rows if row['sign']],
    'unmeasured': [row for row in rows if not row['sign']],
  }


def _measured(row: Any) -> str:
  """Returns what was measured of a claim, with its unit."""
  value = claims.SIGNS[row.bound] + _number(row.measured, row)
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
  largest = max(abs(row.measured), abs(row.low), abs(row.high))
  digits = 1 if largest >= 10 else 2
  return f'{value:,.{digits}f}'.replace('-', '\N{MINUS SIGN}')


def _save(figure: figures.Figure, target: pathlib.Path) -> dict[str, Any]:
  """Saves a figure, or removes what an older report has of it.

  Returns:
    The figure as the page shows it.
  """
  paths = {kind: target / f'{figure.name}.{kind}' for kind in FORMATS}
  if figure.drawing is None:
    for path in paths.values():
      path.unlink(missing_ok=True)
    return {'title': figure.title, 'image': ''}
  for path in paths.values():
    plots.save(figure.drawing.figure, str(path))
  width, height = figure.drawing.figure.get_size_inches() * _PIXELS_AN_INCH
  encoded = base64.b64encode(paths['svg'].read_bytes()).decode()
  return {
    'name': figure.name,
    'title': figure.title,
    'caption': figure.drawing.caption,
    'alt': figure.drawing.alt,
    'width': round(width),
    'height': round(height),
    'image': f'data:image/svg+xml;base64,{encoded}',
  }


def _made(made: provenance.Provenance) -> dict[str, list[list[str]]]:
  """Returns how the runs were made, as tables of cells."""
  experiments = [
    [
      row.experiment,
      str(row.trials),
      str(row.levels),
      f'{row.runs:,}',
      f'{row.iterations:,.0f}',
      f'{row.hours:.1f}',
    ]
    for row in made.experiments.itertuples()
  ]
  return {
    'experiments': experiments,
    'recipe': [[name, _value(value)] for name, value in made.recipe.items()],
    'seeds': [
      [trial, ', '.join(map(str, seeds))] for trial, seeds in made.seeds.items()
    ],
    'versions': [
      [name, ', '.join(versions)] for name, versions in made.versions.items()
    ],
  }


def _value(value: Any) -> str:
  text = value if isinstance(value, str) else json.dumps(value)
  is_checksum = re.fullmatch('[0-9a-f]{64}', text)
  return f'SHA-256 {text[:16]}...' if is_checksum else text


def _from_folder(experiment_path: str, text: str) -> str:
  """Returns text with paths from the experiment's folder on."""
  return text.replace(os.path.join(experiment_path, ''), '')


def _table(runs: pd.DataFrame, experiment_path: str) -> str:
  """Returns the runs as CSV, with folders from the experiment's on."""
  folders = [os.path.relpath(path, experiment_path) for path in runs.directory]
  return runs.assign(directory=folders).to_csv(index=False, lineterminator='\n')


def _render(**content: Any) -> str:
  """Returns the page; whatever is put into it is escaped."""
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader('lottery_ticket.analysis'),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
  )
  environment.filters['typeset'] = _typeset
  return environment.get_template('report.html').render(**content)


def _typeset(text: str) -> markupsafe.Markup:
  """Returns text with P_m and signs as they are printed in the paper."""
  text = text.replace('>=', '\N{GREATER-THAN OR EQUAL TO}')
  text = text.replace('<=', '\N{LESS-THAN OR EQUAL TO}')
  return markupsafe.escape(text).replace(
    'P_m', markupsafe.Markup('<em>P<sub>m</sub></em>')
  )


def _write(path: pathlib.Path, text: str) -> None:
  """Writes a file aside, then puts it in its place."""
  aside = path.with_name(f'.{path.name}')
  aside.write_text(text, encoding='utf-8')
  aside.replace(path)

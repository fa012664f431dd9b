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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jinja2
import markupsafe
import pandas as pd

import lottery_ticket
from lottery_ticket.analysis import claims as claims_lib
from lottery_ticket.analysis import figures
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import tables
from lottery_ticket.analysis import view
from lottery_ticket.analysis import words
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore

SIGNS = {
  rules.REPRODUCED: '✓',
  rules.OPEN: '?',
  rules.OPPOSITE: '✗',
  rules.TOO_FEW: '?',
}
_PIXELS_AN_INCH = 96  # In CSS.


class Report(NamedTuple):
  """What a report says.

  Attributes:
    page: File of the page.
    findings: What was found, in sentences.
    verdict: The verdict on all claims, in a sentence.
    judged: Table as `claims.judge` returns it.
  """

  page: str
  findings: list[str]
  verdict: str
  judged: pd.DataFrame


def write(
  folder: str,
  found: results.Results,
  claims: claims_lib.Claims | None = None,
  commands: Sequence[str] = (),
) -> Report:
  """Writes the report of an experiment; an older one is replaced.

  It is made of rows alone, so that folders of runs are not looked at.

  Args:
    folder: Where to make the folder `report`.
    found: The experiment's runs, as `results.read` returns them.
    claims: Claims to judge; by default those of the runs' task.
    commands: Commands that would make the same runs, one a line.
  """
  target = pathlib.Path(paths.report(folder))
  judged = claims_lib.judge(found.runs, claims)
  papers = [claims] if claims else claims_lib.of_runs(found.runs)
  study = view.Study(found.runs, papers[0].recipe)
  compared = _compared(study, found.runs)
  sources = judged.groupby('source', sort=False)
  told = [
    sentence(sources.get_group(x.paper), study.runs, x)
    for x in papers
    if x.paper in sources.groups
  ]
  verdict = ' '.join(told) or sentence(judged, study.runs, papers[0])
  is_measured = judged.n > 0
  drawn = figures.draw(compared, judged, papers[0].levels)
  findings = words.findings(compared, papers[0].levels)
  page = render(
    'report.html',
    name=pathlib.Path(folder).resolve().name,
    papers=[x.paper for x in papers[1:] if x.paper in sources.groups],
    findings=findings,
    verdict=verdict,
    adjustment=rules.ADJUSTMENT,
    run_count=len(found.runs),
    measured=[
      list(rows.itertuples())
      for _, rows in judged[is_measured].groupby('claim', sort=False)
    ],
    notes=_notes(judged[is_measured]),
    unmeasured=list(_missing(judged[~is_measured])),
    figures=save(drawn, target / 'figures'),
    **_made(study, compared),
    commands=list(commands),
    others=_other_recipes(study, found.runs.drop(index=compared.index)),
    problems=[
      [os.path.join(*pathlib.PurePath(run).parts[-3:]), why]
      for run, why in found.problems.items()
    ],
  )
  save_restore.write_json(
    str(target / 'claims.json'), {'claims': judged.to_dict('records')}
  )
  runs = found.runs[list(results.COLUMNS)].assign(directory=list(found.rows))
  texts = {
    'claims.csv': judged.to_csv(index=False, lineterminator='\n'),
    'claims.txt': f'{tables.claims(judged)}\n',
    'results.csv': runs.to_csv(index=False, lineterminator='\n'),
    'index.html': page,
  }
  write_texts(target, texts)
  return Report(str(target / 'index.html'), findings, verdict, judged)


def write_texts(target: pathlib.Path, texts: Mapping[str, str]) -> None:
  """Writes files, {name: content}, into a folder."""
  for name, text in texts.items():
    with save_restore.written_aside(target / name) as aside:
      aside.write_text(text, encoding='utf-8')


def _notes(judged: pd.DataFrame) -> list[tuple[str, str]]:
  """Returns what is to be noted of claims; parts of one that share it, once."""
  groups = judged[judged.note != ''].groupby(['claim', 'note'], sort=False)
  return [(_numbered(x, rows), note) for (x, note), rows in groups]


def _missing(judged: pd.DataFrame) -> Iterator[tuple[str, str]]:
  """Yields what claims say, and what would measure them."""
  for claim, rows in judged.groupby('claim', sort=False):
    wanted = '; '.join(rows.note.str.removeprefix('wanted: ').unique())
    said = f'{rows.statement.iloc[0]} Wanted: {wanted}'
    yield _numbered(claim, rows), said


def _numbered(claim: str, rows: pd.DataFrame) -> str:
  return f'{claim} {",".join(rows.part)}'.strip()


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

  def count(number: int, what: str) -> str:
    return f'{number} {what}{"s" * (number != 1)}'

  said = (
    f'{count(judged.claim.nunique(), "claim")} of {claims.paper} in'
    f' {count(len(judged), "part")}, over'
    f' {count(runs.trial.nunique(), "trial")}.'
  )
  for name in ('direction', 'size'):
    counts = claims_lib.counts(judged, name).items()
    said += f' {name.capitalize()}: '
    said += f'{", ".join(f"{n} {word}" for word, n in counts)}.'
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
      controls = other.runs.experiment != view.TICKET
      places = places.union(other.runs.index[controls])
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


def _made(study: view.Study, runs: pd.DataFrame) -> dict[str, Any]:
  """Returns how the runs of a study were made, as tables of cells."""
  versions: dict[str, set[str]] = {}
  for text in runs.versions.dropna().unique():
    for name, version in json.loads(text).items():
      versions.setdefault(name, set()).add(str(version))
  made_with = [[k, ', '.join(sorted(x))] for k, x in versions.items()]
  seeds = runs.dropna(subset='seed').groupby('trial', sort=False).seed
  for trial, values in seeds:
    all_seeds = ', '.join(map(str, sorted(set(values))))
    made_with.append([f'seed of trial {trial}', all_seeds])
  return {
    'sources': sorted(runs.source.dropna().unique()),
    'experiments': [
      [
        *(name, str(group.trial.nunique()), str(group.level.nunique())),
        *(f'{len(group):,}', f'{group.iterations.sum():,.0f}'),
        f'{group.seconds.sum() / 3600:.1f}',
      ]
      for name, group in runs.groupby('experiment')
    ],
    'recipe': [
      [name, value_text(value)]
      for name, value in study.recipe.items()
      if value is not None
    ],
    'made_with': made_with,
  }


def save(drawn: list[figures.Figure], target: pathlib.Path) -> list[dict]:
  """Saves figures, and removes older ones; returns what to show of each."""
  for kind in ('png', 'svg'):
    for path in target.glob(f'*.{kind}'):
      path.unlink()
  shown = []
  for name, title, figure, caption in drawn:
    content: dict[str, Any] = {'name': name, 'title': title}
    content |= {'caption': caption, 'image': ''}
    if figure:
      for kind in ('png', 'svg'):
        plots.save(figure, str(target / f'{name}.{kind}'))
      content['curves'] = figure.curves()
      svg = base64.b64encode((target / f'{name}.svg').read_bytes()).decode()
      width, height = (figure.get_size_inches() * _PIXELS_AN_INCH).round()
      content |= {'width': int(width), 'height': int(height)}
      content['image'] = f'data:image/svg+xml;base64,{svg}'
    shown.append(content)
  return shown


def value_text(value: Any) -> str:
  """Returns a value of a recipe as it stands in a table."""
  text = value if isinstance(value, str) else json.dumps(value)
  is_checksum = re.fullmatch('[0-9a-f]{64}', text)
  return f'SHA-256 {text[:16]}...' if is_checksum else text


def render(template: str, **content: Any) -> str:
  """Returns a page; whatever is put into it is escaped."""
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader('lottery_ticket.analysis'),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
  )
  environment.filters.update(typeset=_typeset, sign=SIGNS.get)
  environment.globals.update(numbers=claims_lib.numbers)
  page = environment.get_template(template)
  return page.render(library=lottery_ticket.__version__, **content)


def _typeset(text: str) -> markupsafe.Markup:
  """Returns text with P_m and signs as they are printed in the paper."""
  text = text.replace('>=', '\N{GREATER-THAN OR EQUAL TO}')
  text = text.replace('<=', '\N{LESS-THAN OR EQUAL TO}')
  text = re.sub(r'(?<![\w.])-(?=\d|inf)', '\N{MINUS SIGN}', text)
  text = re.sub(r'\binf\b', '\N{INFINITY}', text)
  return markupsafe.escape(text).replace(
    'P_m', markupsafe.Markup('<em>P<sub>m</sub></em>')
  )

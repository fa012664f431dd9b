"""Tests of lottery_ticket.analysis.report."""

import base64
import collections
import html
import html.parser
import itertools
import json
import pathlib
import re
import shutil

import pandas as pd
import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import report
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rows as rows_lib
from lottery_ticket.analysis import rules
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import paper


class Page(html.parser.HTMLParser):
  """What there is on a page: tags with their attributes, and text by tag."""

  def __init__(self, path):
    super().__init__()
    self.tags, self.texts = [], collections.defaultdict(list)
    self.source = pathlib.Path(path).read_text(encoding='utf-8')
    self._open = []
    self.feed(self.source)

  def handle_starttag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))
    self._open.append(tag)
    self.texts[tag].append('')

  def handle_endtag(self, tag):
    while self._open and self._open.pop() != tag:
      pass

  def handle_data(self, data):
    for tag in set(self._open):
      self.texts[tag][-1] += data

  def attributes(self, tag, name):
    return [attributes.get(name) for one, attributes in self.tags if one == tag]


@pytest.fixture(scope='module')
def page(written):
  return Page(written.page)


@pytest.fixture
def small(study, tmp_path):
  """A copy of a few runs, of which no figure can be drawn."""
  folder = tmp_path / 'small'
  for place in ('1/reinit1', '2/reinit1'):
    shutil.copytree(study / 'trial1' / place, folder / 'trial1' / place)
  return folder


def write(folder):
  found = results.read(str(folder))
  return report.write(str(folder), found, paper.CLAIMS)


def test_verdict_counts_the_claims(study, written, page):
  judged = pd.DataFrame(
    json.loads((study / 'report' / 'claims.json').read_text())['claims']
  )
  assert judged.claim.nunique() == 28
  directions, sizes = (
    ', '.join(f'{(judged[name] == word).sum()} {word}' for word in words)
    for name, words in (('direction', rules.DIRECTIONS), ('size', rules.SIZES))
  )
  assert written.verdict.startswith(
    f'28 claims of the paper in {len(judged)} parts, over 3 trials. Direction:'
    f' {directions}. Size: {sizes}. The runs differ: '
  )
  said = 'training_len 1,000 iterations (the paper: 50,000 iterations)'
  assert said in written.verdict
  assert html.escape(written.verdict, quote=False) in html.unescape(page.source)
  badges = re.findall(r'class="badge ([a-z-]+)"', page.source)
  measured = judged[judged.n > 0].direction
  assert collections.Counter(badges) == collections.Counter(
    measured[measured != ''].str.replace(' ', '-')
  )
  assert rules.ADJUSTMENT in html.unescape(page.source)


def test_the_page_stands_alone(page):
  assert page.attributes('script', 'src') == [None]
  for source in page.attributes('img', 'src'):
    assert source.startswith('data:image/svg+xml;base64,')
    assert base64.b64decode(source.split(',')[1]).startswith(b'<?xml')
  for link in page.attributes('a', 'href'):
    assert re.fullmatch(r'(figures/)?[a-z_]+\.(png|svg|csv|json|txt)', link)
  assert 'http' not in re.sub(r'"data:[^"]*"', '', page.source)


def test_what_it_links_to_is_there(written, page):
  folder = pathlib.Path(written.page).parent
  links = page.attributes('a', 'href')
  assert len(links) == 4 + 2 * len(page.attributes('img', 'src'))
  for link in links:
    assert (folder / link).stat().st_size


def test_it_can_be_read_by_everyone(page):
  assert page.attributes('html', 'lang') == ['en']
  assert page.texts['title'] == ['Lottery tickets: study']
  headings = [
    int(tag[1]) for tag, _ in page.tags if re.fullmatch('h[1-6]', tag)
  ]
  assert headings.count(1) == 1
  assert headings[0] == 1
  for above, below in itertools.pairwise(headings):
    assert below <= above + 1
  assert all(len(alt) > 20 for alt in page.attributes('img', 'alt'))
  assert set(page.attributes('th', 'scope')) == {'row', 'col', 'rowgroup'}
  assert len(page.texts['caption']) == len(page.texts['table'])
  assert all(page.texts['caption'])
  ids = [attributes['id'] for _, attributes in page.tags if 'id' in attributes]
  assert len(ids) == len(set(ids))
  assert set(page.attributes('section', 'aria-labelledby')) <= set(ids)


def test_it_says_how_the_runs_were_made(page):
  text = re.sub(r'\s+', ' ', page.texts['main'][0])
  for words in (
    'learning_rate 0.0012',
    'same_init 3 4 12 12,000 0.1',
    'reinit 3 3 9 9,000 0.1',
    'tensorflow 2.21.0',
    'All finished runs have the same recipe.',
    'No run is unfinished, damaged or diverged.',
  ):
    cells = re.escape(words).replace(r'\ ', r'\s*')
    assert re.search(cells, text), words
  assert page.texts['pre'] == ['python <a> "&"']


def test_tables_hold_all_runs_and_no_absolute_path(study, written):
  folder = pathlib.Path(written.page).parent
  runs = pd.read_csv(folder / 'results.csv', dtype=str)
  assert list(runs.columns) == list(results.COLUMNS)
  assert len(runs) == 57
  assert runs.directory[0] == 'trial1/0/same_init'
  judged = pd.read_csv(folder / 'claims.csv')
  assert list(judged.columns) == list(claims.COLUMNS)
  for file in folder.glob('*.*'):
    assert str(study) not in file.read_text(encoding='utf-8')


def test_a_second_report_replaces_the_first(small):
  first = write(small)
  before = pathlib.Path(first.page).read_bytes()
  folder = pathlib.Path(first.page).parent
  stale = folder / 'figures' / 'curves.png'
  stale.parent.mkdir()
  stale.write_bytes(b'old')
  (folder / 'mine.txt').write_text('kept')
  pathlib.Path(first.page).write_text('old')
  again = write(small)
  assert again[:2] == first[:2]
  assert pathlib.Path(first.page).read_bytes() == before
  assert not stale.exists()
  assert sorted(path.name for path in folder.iterdir()) == (
    [
      'claims.csv',
      'claims.json',
      'claims.txt',
      'figures',
      'index.html',
      'mine.txt',
      'results.csv',
    ]
  )


def test_figures_without_data_are_left_out_and_explained(small):
  page = Page(write(small).page)
  assert not page.attributes('img', 'src')
  for title in ('How fast and how well tickets learn', 'Learning curves'):
    assert title in page.texts['dt']
  assert all(page.texts['dd'])
  assert len(page.texts['dd']) == len(page.texts['dt'])


def test_names_of_folders_are_no_html(small, tmp_path):
  evil = '<img src=x onerror=alert(1)>&quot;\'"'
  folder = tmp_path / f'{evil}$x^'
  shutil.move(small, folder)
  shutil.move(folder / 'trial1', folder / f'trial{evil}')
  run = folder / f'trial{evil}' / '1' / f'{evil}$_^1'
  shutil.copytree(folder / f'trial{evil}' / '1' / 'reinit1', run)
  record = save_restore.read_json(paths.record(str(run)))
  record['description']['recipe']['optimizer'] = evil
  record['versions'] = {evil: evil}
  save_restore.write_json(paths.record(str(run)), record)
  damaged = folder / f'trial{evil}' / '1' / f'{evil}2'
  damaged.mkdir()
  page = Page(write(folder).page)
  assert evil not in page.source
  assert not page.attributes('img', 'src')
  assert not [
    name
    for _, attributes in page.tags
    for name in attributes
    if name.startswith('on')
  ]
  assert page.texts['title'] == [f'Lottery tickets: {folder.name}']
  assert any(evil in cell for cell in page.texts['td'])
  assert any(evil in cell for cell in page.texts['th'])


def test_problems_and_other_recipes_are_named(small):
  (small / 'trial1' / '2' / 'reinit1' / 'run.json').unlink()
  other = small / 'trial1' / '3' / 'reinit1'
  shutil.copytree(small / 'trial1' / '1' / 'reinit1', other)
  record = save_restore.read_json(paths.record(str(other)))
  record['description']['recipe']['learning_rate'] = 0.5
  save_restore.write_json(paths.record(str(other)), record)
  page = Page(write(small).page)
  assert 'trial1/2/reinit1' in page.texts['th']
  assert 'run.json: no such file' in page.texts['td']
  assert 'learning_rate 0.5' in page.texts['td']


def test_it_begins_with_what_was_found(page):
  assert page.texts['h2'][0] == 'What was found'
  assert page.texts['li'] == [
    'Dense networks reach a test accuracy of 98.89% at early stop, after 600'
    ' iterations (means over 3 trials).',
    'Tickets of 50.0% of the weights are as accurate, and stop 17% sooner (in 3'
    ' of 3 trials).',
    'Tickets are as accurate as dense networks down to 12.4%, the smallest that'
    ' were trained.',
    'At 12.4% tickets do as well as their reinitializations, in at most 41% of'
    ' the iterations.',
    'Compared with such tickets, random sparsity is as accurate, and one-shot'
    ' pruning is as accurate.',
  ]


def test_folders_of_runs_are_not_looked_at(study, written, tmp_path):
  """The same page and claims when they are gone."""
  rows_lib.write(
    str(tmp_path / 'study'), results.read(str(study)).rows, str(study)
  )
  again = report.write(
    str(tmp_path / 'study'),
    results.read(str(tmp_path / 'study')),
    paper.CLAIMS,
    ['python <a> "&"'],
  )
  folder = pathlib.Path(written.page).parent
  files = [path.relative_to(folder) for path in folder.rglob('*.*')]
  assert len(files) > 15
  for file in files:
    new = pathlib.Path(again.page).parent / file
    assert new.read_bytes() == (folder / file).read_bytes(), file


def test_more_than_one_source_is_told(small):
  folders = sorted(small.glob('*/*/*'))
  for folder, commit in zip(folders, ('1' * 40, '2' * 40), strict=True):
    path = str(folder / 'run.json')
    record = save_restore.read_json(path)
    record['commit'] = {'hash': commit, 'changed': commit[0] == '2'}
    save_restore.write_json(path, record)
  text = ' '.join(Page(write(small).page).texts['main'][0].split())
  said = f'{"1" * 12}, {"2" * 12} and changes'
  assert f'these runs were made by 2 states of the code: {said}.' in text
  assert f'Source: commit {said}.' in text


def test_controls_may_differ_in_what_is_their_own(study, tmp_path):
  found = results.read(str(study))
  runs = found.runs
  runs['task'] = None
  names = ('one_shot', 'noise_0.5x', 'no_reset', 'random')
  one_shot, noise, no_reset, random = (
    runs.experiment == name for name in names
  )
  runs.loc[no_reset, 'reset'] = 'final'
  permuted = '"permute_labels": true', '"test data": "others"'
  for rows, changes in (
    (noise, permuted),
    (one_shot, ['"batch_size": 64']),
    (random, permuted[1:]),
  ):
    recipes = runs.recipe[rows]
    for change in changes:
      name = change.split(':')[0]
      recipes = recipes.str.replace(rf'{name}: [^,}}]+', change, regex=True)
    runs.loc[rows, 'recipe'] = recipes
  page = Page(report.write(str(tmp_path), found).page)
  text = re.sub(r'\s+', ' ', page.texts['main'][0])
  for name in ('reinit', 'noise_0.5x', 'no_reset'):
    assert re.search(rf'{name}\s*3\s*3\s*9\s*9,000', text)
  for words in (
    'one_shot 1, 2, 3 1, 2, 3 9 batch_size 64',
    'random 1, 2, 3 1, 2, 3 9 test data "others"',
  ):
    assert re.search(re.escape(words).replace(r'\ ', r'\s*'), text), words
  assert 'The paper makes no claims about these networks and data.' in text

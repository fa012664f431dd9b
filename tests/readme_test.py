"""Runs the Python of README and docs, and checks what else they say."""

import importlib
import json
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import report
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import words
from lottery_ticket.cli import flags
from lottery_ticket.foundations import controls
from lottery_ticket.mnist_fc import paper
from lottery_ticket.study import program
from lottery_ticket.study import scripts


@pytest.fixture(scope='module')
def readme(root):
  return (root / 'README.md').read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def pages(root):
  """The README and the pages that it leads to, {path: text}."""
  paths = [root / 'README.md', *sorted((root / 'docs').glob('*.md'))]
  return {path: path.read_text(encoding='utf-8') for path in paths}


def blocks(text, language):
  return re.findall(rf'```{language}\n(.*?)```', text, re.DOTALL)


def test_five_lines_find_a_ticket(readme, mnist):
  found = blocks(readme, 'python')[0]
  names = {}
  short = "('iterations', 10), validation_size=100, layers=(20, 10)"
  given = f'mnist_location={mnist!r}, training_len={short}'
  exec(found.replace("training_len=('iterations', 5000)", given), names)
  assert names['ticket'].level == 7 and 0.2 < names['ticket'].density < 0.25


def test_own_model_and_data_take_thirty_lines(readme):
  own = blocks(readme, 'python')[1]
  body = re.search(
    r'^class Rings.*?(?=^tickets)', own, re.DOTALL | re.MULTILINE
  )
  assert 10 < len([line for line in body[0].splitlines() if line]) <= 30


def test_python_runs_and_finds_tickets(pages, root):
  names = {}
  for path in pages:
    for block in blocks(pages[path], 'python'):
      if 'mnist_fc' in block:  # Tested by itself, with less data.
        continue
      exec(compile(block, path.name, 'exec'), names)
  tickets = names['tickets']
  assert [ticket.level for ticket in tickets] == [0, 1, 2, 3]
  assert tickets[3].density == pytest.approx(0.7**3, abs=0.001)
  ticket, pruned = tickets[3], names['pruned']
  assert np.all(ticket.initial['hidden'][pruned] == 0)


def test_named_files_and_headings_are_there(pages, root):
  for page, text in pages.items():
    for path, heading in re.findall(r'\]\((?!http)([^)#]*)#?([^)]*)\)', text):
      file = page.parent / path if path else page
      assert file.is_file(), path
      titles = re.findall(
        r'^#+ (.+)$', file.read_text() if heading else '', re.M
      )
      anchors = [re.sub(r'[^\w -]', '', t).replace(' ', '-') for t in titles]
      assert not heading or heading in map(str.lower, anchors), heading
    for script in re.findall(r'python ([\w/]+\.py)', text):
      assert (root / script).is_file(), script


def test_tables_have_as_many_cells_as_their_headers(pages, root):
  others = [
    'CONTRIBUTING.md',
    'docs/study/README.md',
    'docs/stability/README.md',
  ]
  texts = [(root / path).read_text(encoding='utf-8') for path in others]
  for text in [*pages.values(), *texts]:
    tables = re.findall(r'^(.*)\n(\|[-:|]+\|)$', text, re.MULTILINE)
    for header, rule in tables:
      assert header.startswith('|') and header.count('|') == rule.count('|')


def test_make_targets_are_there(pages, root):
  makefile = (root / 'Makefile').read_text(encoding='utf-8')
  for text in pages.values():
    for target in re.findall(r'`make\s+([a-z]+)', text):
      assert re.search(rf'^{target}:', makefile, re.MULTILINE), target


def test_argfile_commands_run_dry(pages, root):
  commands = [
    shlex.split(line)
    for text in pages.values()
    for block in blocks(text, 'shell')
    for line in block.splitlines()
    if line.startswith('python argfile_runner.py')
  ]
  assert len(commands) >= 8
  for command in commands:
    shown = subprocess.run(
      [sys.executable, *command[1:], '--dry_run'],
      cwd=root,
      capture_output=True,
      text=True,
      check=True,
    )
    for line in shown.stdout.splitlines()[:1]:
      assert pathlib.Path(shlex.split(line)[1]).is_file()


def test_words_of_the_program_are_understood(pages, root):
  page = (root / 'docs/stability/README.md').read_text(encoding='utf-8')
  said = '\n'.join([*pages.values(), page])
  lines = re.findall(r'^ *lottery-ticket [a-z].*', said, re.MULTILINE)
  lines += re.findall(r'`(lottery-ticket [a-z][^`]*)`', said)
  assert len(lines) >= 18
  for line in lines:
    _, word, *argv = shlex.split(line, comments=True)
    folder, argv = program.take_task(argv)
    package, script = f'lottery_ticket.{folder}', program.COMMANDS[word].script
    if not script:
      module = importlib.import_module(f'{package}.download_data')
      function, values = module.download, None
    else:
      task = importlib.import_module(f'{package}.constants').TASK
      function, values = (
        program.bind_many(task, script)
        if script in scripts.ARGFILES
        else scripts.bind(task, scripts.RUNNERS[script])
      )
    flags.read(function, argv, values)


def test_every_control_is_told(root):
  page = (root / 'docs' / 'controls.md').read_text(encoding='utf-8')
  table = page.partition('| control |')[2].partition('\n\n')[0]
  named = re.findall(r'`(\w[\w.]*|_\dx)`', table)
  told = {f'noise{name}' if name[0] == '_' else name for name in named}
  assert told == set(controls.CONTROLS)


NETWORKS = ('same_init', 'reinit', 'random', 'one_shot')


def test_the_numbers_are_those_of_the_study(pages, root):
  runs = pd.read_csv(root / 'docs/study/report/results.csv')
  runs = runs[runs.experiment.isin(NETWORKS)]
  means = runs.groupby(['experiment', 'level'])[
    ['early_stop', 'accuracy']
  ].mean()
  density = runs[runs.experiment == 'same_init'].groupby('level').density.mean()
  numbers, _, _ = pages[root / 'docs/numbers.md'].partition('\n## ')
  rows = re.findall(r'^\| (\d+\.\d) \|(.+)\|$', numbers, re.MULTILINE)
  assert len(rows) >= 8
  for percent, cells in rows:
    level = (100 * density - float(percent)).abs().idxmin()
    assert f'{100 * density[level]:.1f}' == percent
    for name, cell in zip(NETWORKS, cells.split('|'), strict=True):
      shown = ''
      if (name, level) in means.index:
        mean = means.loc[name, level]
        shown = f'{mean.early_stop:,.0f} / {100 * mean.accuracy:.2f}'
      assert cell.strip() == shown


def test_the_study_is_of_the_papers_recipe(root):
  runs = pd.read_csv(root / 'docs/study/report/results.csv')
  tickets = runs[runs.experiment == 'same_init']
  keys = ['recipe', 'prune_percents', 'pruner', 'reset']
  assert len(tickets[keys].drop_duplicates()) == 1
  row = tickets.iloc[0]
  found = json.loads(row.recipe) | {
    'prune_percents': json.loads(row.prune_percents),
    'pruner': row.pruner,
    'reset': row.reset,
  }
  # A value that there was none of yet is the one that changes nothing.
  recipe = paper.CLAIMS.recipe
  assert {name: found.get(name, recipe[name]) for name in recipe} == recipe


def test_the_verdict_is_that_of_the_study(pages, root):
  runs = results.read(str(root / 'docs/study')).runs
  judged = claims.judge(runs)
  wanted = report.sentence(judged, runs, paper.CLAIMS)
  for page in ('README.md', 'docs/numbers.md', 'docs/study/README.md'):
    text = ' '.join((root / page).read_text(encoding='utf-8').split())
    assert wanted in text, (page, wanted)
    assert page == 'README.md' or rules.ADJUSTMENT in text, page
  for sentence in words.findings(runs, paper.CLAIMS.levels):
    assert sentence in text
  claimed = (root / 'docs/study/report/claims.txt').read_text(encoding='utf-8')
  assert ' '.join(claimed.split()) in text
  for claim, statement in judged[['claim', 'statement']].to_numpy():
    assert f'| {claim} | {statement} |' in text


def test_what_is_said_of_stability_was_measured(root):
  runs = results.read(str(root / 'docs/stability')).runs
  table = next(x for x in paper.TABLES if x.paper == claims.STABILITY)
  judged = claims.judge(runs, table)
  said = (root / 'docs/stability/README.md').read_text(encoding='utf-8')
  assert report.sentence(judged, runs, table) in ' '.join(said.split())
  rows = re.findall(r'^\| (?:dense|tickets|random).*$', said, re.MULTILINE)
  cells = re.findall(r'(\d\.\d+) \(', '\n'.join(rows))
  barriers = judged[judged.claim.isin(['S1', 'S2', 'S3'])].measured
  assert cells == [f'{x:.2f}' for x in barriers]

"""Runs the README's Python, and checks that what it names is there."""

import json
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.mnist_fc import paper


@pytest.fixture(scope='module')
def readme(root):
  return (root / 'README.md').read_text(encoding='utf-8')


def blocks(readme, language):
  return re.findall(rf'```{language}\n(.*?)```', readme, re.DOTALL)


def test_own_model_and_data_take_thirty_lines(readme):
  own = blocks(readme, 'python')[0]
  body = re.search(
    r'^class Rings.*?(?=^tickets)', own, re.DOTALL | re.MULTILINE
  )
  assert 10 < len([line for line in body[0].splitlines() if line]) <= 30


def test_python_runs_and_finds_tickets(readme):
  names = {}
  for block in blocks(readme, 'python'):
    exec(compile(block, 'README.md', 'exec'), names)
  tickets = names['tickets']
  assert [ticket.level for ticket in tickets] == [0, 1, 2, 3]
  assert tickets[3].density == pytest.approx(0.7**3, abs=0.001)
  ticket, pruned = tickets[3], names['pruned']
  assert np.all(ticket.initial['hidden'][pruned] == 0)


def test_no_number_is_left_open(readme):
  assert '@@' not in readme


def test_named_files_are_there(readme, root):
  links = re.findall(r'\]\((?!http)([^)#]+)\)', readme)
  scripts = re.findall(r'python ([\w/]+\.py)', readme)
  for path in links + scripts:
    assert (root / path).is_file(), path


def test_make_targets_are_there(readme, root):
  makefile = (root / 'Makefile').read_text(encoding='utf-8')
  for target in re.findall(r'make\s+([a-z]+)', readme):
    assert re.search(rf'^{target}:', makefile, re.MULTILINE), target


def test_argfile_commands_run_dry(readme, root):
  commands = [
    shlex.split(line)
    for block in blocks(readme, 'shell')
    for line in block.splitlines()
    if line.startswith('python argfile_runner.py')
  ]
  assert len(commands) >= 4
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


NETWORKS = ('same_init', 'reinit', 'random', 'one_shot')


def test_the_numbers_are_those_of_the_study(readme, root):
  runs = pd.read_csv(root / 'docs/study/report/results.csv')
  runs = runs[runs.experiment.isin(NETWORKS)]
  means = runs.groupby(['experiment', 'level'])[
    ['early_stop', 'accuracy']
  ].mean()
  density = runs[runs.experiment == 'same_init'].groupby('level').density.mean()
  rows = re.findall(r'^\| (\d+\.\d) \|(.+)\|$', readme, re.MULTILINE)
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
  assert {name: found[name] for name in paper.CLAIMS.recipe} == (
    paper.CLAIMS.recipe
  )


def test_the_verdict_is_that_of_the_study(readme, root):
  verdict = re.search(
    r'Of \d+ claims of the paper, .*? trials\.', readme, re.DOTALL
  )
  page = (root / 'docs/study/report/index.html').read_text(encoding='utf-8')
  assert ' '.join(verdict[0].split()) in page

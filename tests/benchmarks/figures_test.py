"""Tests what benchmarks make of their figures."""

import json
import pathlib

import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore


@pytest.fixture
def figures(load):
  return load('figures')


def test_aligns_columns(figures):
  rows = [('', 'bare'), ('whole run', '1.0')]
  assert figures.align(rows) == ['           bare', 'whole run   1.0']


def test_a_table_says_what_is_wanted_and_whether_it_is_so(figures):
  row = figures.Figure('two, one', 3.0, 1.5, 's', 2.0)
  heading, *lines = figures.table(
    [
      row,
      row._replace(bar='>= 1.7', met=True),
      row._replace(bar='>= 2.1', met=False),
    ]
  )
  assert heading.split() == ['this', 'that', 'ratio', 'bar']
  assert [line.split() for line in lines] == [
    ['two,', 'one', '3.00', '1.50', 's', '2.00'],
    ['two,', 'one', '3.00', '1.50', 's', '2.00', '>=', '1.7', 'pass'],
    ['two,', 'one', '3.00', '1.50', 's', '2.00', '>=', '2.1', 'miss'],
  ]


def test_a_section_takes_the_place_of_its_own_kind_alone(figures, tmp_path):
  path = tmp_path / 'new' / 'bench.json'
  figures.save(str(path), 'speed', {'a': 1})
  figures.save(str(path), 'many', {'b': 1})
  figures.save(str(path), 'speed', {'c': 2})
  assert json.loads(path.read_text()) == {'speed': {'c': 2}, 'many': {'b': 1}}


def test_a_damaged_file_is_not_replaced(figures, tmp_path):
  path = tmp_path / 'bench.json'
  path.write_text('[1')
  with pytest.raises(errors.InputError, match='wanted a JSON object'):
    figures.save(str(path), 'speed', {})
  assert path.read_text() == '[1'


def test_the_machine_is_that_of_a_run(figures, tmp_path):
  record = {'versions': {'numpy': '2.0'}, 'threads': {'intra_op': 1}}
  save_restore.write_json(str(tmp_path / 'run.json'), record)
  machine = figures.machine(str(tmp_path))
  assert machine.pop('cores') >= 1
  assert machine == {'numpy': '2.0', 'threads': {'intra_op': 1}}


def test_the_file_is_in_the_checkout(figures, root):
  assert pathlib.Path(figures.FILE) == root / 'build' / 'bench.json'

"""Tests of the benchmark of many runs: what it refuses, what it leaves."""

import json
import multiprocessing
import pathlib
import subprocess
import sys
from importlib import util

import pytest

from lottery_ticket.foundations import errors


@pytest.fixture
def many(load):
  return load('many')


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    ({'only': ['scale']}, r"^only: wanted some of .*, got 'scale'$"),
    ({'only': []}, r'^only: wanted a list of names, got \[\]$'),
    ({'jobs': 0}, r'^jobs: wanted at least 1, got 0$'),
    ({'rounds': 0}, r'^rounds: wanted at least 1, got 0$'),
    ({'lines': 0}, r'^lines: wanted at least 1, got 0$'),
    ({'iterations': 1100}, r'^iterations: .* 100 from 1200, got 1100$'),
    ({'short': 950}, r'^short: .* 100 from 200 to 900, got 950$'),
    ({'short': 1000}, r'^short: .* 100 from 200 to 900, got 1000$'),
  ],
)
def test_refuses_what_is_of_no_use(many, flags, message):
  with pytest.raises(errors.InputError, match=message):
    many.main(**flags)


def test_refuses_a_damaged_file_before_any_work(many, tmp_path):
  (tmp_path / 'bench.json').write_text('?')
  with pytest.raises(errors.InputError, match='wanted a JSON object'):
    many.main(json=str(tmp_path / 'bench.json'))


def test_all_that_is_measured_is_made_something_of(many, load):
  ratios = load('ratios')
  assert all(callable(getattr(ratios, name)) for name in many.MEASUREMENTS)


@pytest.mark.slow
def test_measures_everything_and_says_so(root: pathlib.Path, tmp_path):
  """Two jobs, tiny runs, on images of its own making."""
  path = tmp_path / 'bench.json'
  path.write_text('{"speed": {"a": 1}}')
  sizes = {
    'jobs': 2,
    'rounds': 1,
    'iterations': 1_200,
    'short': 200,
    'lines': 3,
  }
  printed = subprocess.run(
    [
      sys.executable,
      str(root / 'benchmarks' / 'many.py'),
      f'--json={path}',
      *(f'--{name}={value}' for name, value in sizes.items()),
    ],
    stdout=subprocess.PIPE,
    text=True,
    check=True,
  ).stdout
  assert printed.startswith("Data: random, in MNIST's shapes")
  sections = json.loads(path.read_text())
  assert sections['speed'] == {'a': 1}
  many = sections['many']
  assert many['sizes'] == sizes
  assert many['machine'].keys() > {'cores', 'processor', 'tensorflow', 'load'}
  ray = util.find_spec('ray') is not None
  assert len(many['figures']) == 2 + 2 + 1 + ray + 1 + 1
  for figure in many['figures']:
    assert figure['what'] in printed
    assert figure['this'] > 0 and figure['that'] > 0 and figure['ratio'] > 0
  measured = many['measured']
  assert sum(map(len, measured['memory']['workers'])) == sizes['lines']
  assert len(measured['overhead']['process']) == 3
  assert len(measured['overhead']['worker']) == 3
  assert len(measured['level']['levels']) == 3


@pytest.mark.slow
def test_bare_loops_run_at_once_and_alone(load, tmp_path):
  location = tmp_path / 'mnist'
  location.mkdir()
  load('measure').save_random_mnist(str(location))
  with load('loops').processes(2, 'paper', str(location)) as loops:
    assert len(multiprocessing.active_children()) == 2
    assert loops.one(100) > 0
    assert loops.all(100) > 0
  assert not multiprocessing.active_children()

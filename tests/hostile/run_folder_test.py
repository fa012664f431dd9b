"""Hostile input of lottery_ticket.foundations.run_folder."""

import copy
import json
import os
import pathlib

import hypothesis
import pytest
from hypothesis import strategies as st

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import run_folder
from lottery_ticket.mnist_fc import common

CONFIGURATION = {
  'training_len': ['iterations', 10],
  'data': {'train': 'abc', 'test': 'def'},
  'model': {'class': 'ModelFc'},
  'optimizer': {'class': 'Adam', 'learning_rate': 0.001},
  'experiment': {'seed': 1, 'level': 0, 'recipe': {'name': 'paper'}},
}
RECORD = {
  'configuration': CONFIGURATION,
  'results': {'train': {'loss': 0.5}},
  'outputs': {'test.json': 'abc'},
  'seconds': 3,
  'versions': {'python': '3'},
}
ODD = [None, 3, -1, 1e999, True, '', 'x' * 50_000, [], [[]], {}, {'': None}]
ODD.append(json.loads('[' * 500 + ']' * 500))
ODD.append(dict.fromkeys(['a\0b', '\ud800', '../x', 'x' * 5000], 1))


def places(value, found=()):
  """Yields where something is in a record: tuples of keys."""
  yield found
  for key, inner in value.items() if isinstance(value, dict) else ():
    yield from places(inner, (*found, key))


def replaced(record, place, value):
  if not place:
    return value
  record = copy.deepcopy(record)
  inner = record
  for key in place[:-1]:
    inner = inner[key]
  inner[place[-1]] = value
  return record


def use(tame):
  """Does all that is done with a record that may be anybody's."""
  tame(run_folder.read_record, 'run')
  tame(run_folder.is_finished, 'run', CONFIGURATION, overwrite=False)
  assert tame(common.choose_seed, None, 'run') != -1
  record = tame(run_folder.read_finished, 'run')
  if record is not None:
    for name in ('data', 'model', 'optimizer', 'experiment'):
      assert isinstance(record.get('configuration', {}).get(name, {}), dict)
  overwritten = run_folder.is_finished('run', CONFIGURATION, overwrite=True)
  assert isinstance(overwritten, bool)


@pytest.mark.parametrize('place', list(places(RECORD)), ids='.'.join)
def test_wrong_types_at_every_place(tame, place):
  pathlib.Path('run').mkdir()
  for odd in ODD:
    text = json.dumps(replaced(RECORD, place, odd)).replace('Infinity', '1e999')
    pathlib.Path(paths.record('run')).write_text(text)
    use(tame)


@hypothesis.given(st.data())
def test_damaged_text(tame, data):
  content = bytearray(json.dumps(RECORD).encode())
  for _ in range(data.draw(st.integers(1, 5))):
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
  content = content[: data.draw(st.integers(0, len(content)))] or content
  pathlib.Path('run').mkdir(exist_ok=True)
  pathlib.Path(paths.record('run')).write_bytes(content)
  use(tame)


@pytest.mark.parametrize(
  'make', [os.mkfifo, os.mkdir, lambda path: os.symlink('/dev/zero', path)]
)
@pytest.mark.parametrize('name', ['run.json', 'unfinished.json'])
def test_a_record_that_is_no_file_is_refused(make, name):
  pathlib.Path('run').mkdir()
  make(f'run/{name}')
  with pytest.raises(errors.InputError, match=f'^run/{name}: cannot be read'):
    run_folder.read_record('run')


@pytest.mark.parametrize('make', [os.mkfifo, os.mkdir])
def test_a_lock_that_is_no_file_is_refused(make):
  pathlib.Path('run').mkdir()
  make('run/run.lock')
  with (
    pytest.raises(errors.InputError, match='wanted a file of our own'),
    run_folder.locked('run'),
  ):
    pytest.fail('got the lock')


@hypothesis.given(st.text('ab./\0 -\n\u2028ü\ud800', max_size=6))
def test_a_folder_of_any_name(tame, tmp_path, tree, name):
  before = tree()

  def hold():
    with run_folder.locked(f'{tmp_path}/runs/{name.replace("..", "")}'):
      pass

  tame(hold)
  assert all(path.startswith('runs') for path in tree().keys() - before.keys())

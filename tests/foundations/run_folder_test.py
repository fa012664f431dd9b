"""Tests of lottery_ticket.foundations.run_folder."""

import pathlib
import subprocess
import sys

import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import run_folder
from lottery_ticket.foundations import save_restore

HOLD = """
from lottery_ticket.foundations import run_folder
with run_folder.locked('run'):
  print('held', flush=True)
  input()
"""
OUTPUTS = [
  'initial',
  'final',
  'masks',
  'summaries',
  'checkpoint20',
  'train.json',
  'test.json',
  'validate.json',
]
CONFIGURATION = {'seed': 1, 'optimizer': {'class': 'SGD', 'rate': 0.1}}


def put(name):
  """Leaves an output of a run in the folder `run`."""
  path = pathlib.Path('run', name)
  path.parent.mkdir(exist_ok=True)
  if path.suffix:
    path.write_text('{}')
  else:
    path.mkdir()


def files():
  return {path.name for path in pathlib.Path('run').iterdir()}


def test_a_second_process_is_refused_until_the_first_is_gone(refused):
  with subprocess.Popen(
    [sys.executable, '-c', HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
  ) as other:
    try:
      assert other.stdout.readline() == b'held\n'
      with (
        refused('run: another process is working on this run'),
        run_folder.locked('run'),
      ):
        pytest.fail('got the lock')
    finally:
      other.kill()  # The lock ends with the process, however that ends.
      other.wait()
  with run_folder.locked('run'):
    pass


def test_locks_exclude_each_other_within_a_process(refused):
  with (
    run_folder.locked('a/run'),
    run_folder.locked('a/other'),
    refused('a/run: another process is working on this run'),
    run_folder.locked('a/run'),
  ):
    pytest.fail('got the lock')
  with run_folder.locked('a/run'):
    pass


def test_the_lock_is_given_back_after_an_error():
  with pytest.raises(KeyError), run_folder.locked('run'):
    raise KeyError
  with run_folder.locked('run'):
    pass


@pytest.mark.parametrize('directory', ['file', 'file/run'])
def test_a_folder_that_cannot_be_is_refused(directory):
  pathlib.Path('file').write_text('kept')
  with (
    pytest.raises(
      errors.InputError, match=f'^{directory}: cannot be written: '
    ),
    run_folder.locked(directory),
  ):
    pytest.fail('got the lock')
  assert pathlib.Path('file').read_text() == 'kept'


def test_a_run_from_start_to_finish():
  with run_folder.locked('run'):
    assert run_folder.read_record('run') is None
    assert not run_folder.is_finished('run', CONFIGURATION, overwrite=False)
    run_folder.start('run', CONFIGURATION)
    assert files() == {'run.lock', 'unfinished.json'}
    assert run_folder.read_record('run') == {'configuration': CONFIGURATION}
    assert not run_folder.is_finished('run', CONFIGURATION, overwrite=False)
    record = {'configuration': CONFIGURATION, 'seconds': 3}
    run_folder.finish('run', record)
    assert files() == {'run.lock', 'run.json'}
    assert run_folder.read_record('run') == record
    for overwrite in (False, True):
      assert run_folder.is_finished('run', CONFIGURATION, overwrite)


def test_only_the_configuration_is_compared():
  record = {'configuration': CONFIGURATION, 'seconds': 3, 'versions': 'old'}
  save_restore.write_json(paths.record('run'), record)
  assert run_folder.is_finished('run', CONFIGURATION, overwrite=False)


@pytest.mark.parametrize(
  ('configuration', 'difference'),
  [
    (CONFIGURATION | {'seed': 2}, 'seed: 1 there, 2 now'),
    (
      CONFIGURATION | {'optimizer': {'class': 'SGD', 'rate': 0.2}},
      'optimizer.rate: 0.1 there, 0.2 now',
    ),
    (CONFIGURATION | {'more': 'x'}, "more: None there, 'x' now"),
    ({'optimizer': CONFIGURATION['optimizer']}, 'seed: 1 there, None now'),
  ],
)
def test_another_configuration_is_refused(configuration, difference, refused):
  run_folder.finish('run', {'configuration': CONFIGURATION})
  with refused(
    'run: holds a finished run of another configuration'
    f' ({difference}); choose another folder, or overwrite'
  ):
    run_folder.is_finished('run', configuration, overwrite=False)
  assert not run_folder.is_finished('run', configuration, overwrite=True)


@pytest.mark.parametrize('name', OUTPUTS)
def test_results_of_somebody_else_are_refused(name, refused):
  put(name)
  with refused(
    f'run/{name}: not of a run of this library;'
    ' choose another folder, or overwrite'
  ):
    run_folder.is_finished('run', CONFIGURATION, overwrite=False)
  assert files() == {name}
  assert not run_folder.is_finished('run', CONFIGURATION, overwrite=True)


@pytest.mark.parametrize('content', ['', '{', '[]', '\0'])
def test_a_damaged_record_is_refused(content, refused):
  pathlib.Path('run').mkdir()
  pathlib.Path('run/run.json').write_text(content)
  with refused('run/run.json: wanted a JSON object'):
    run_folder.is_finished('run', CONFIGURATION, overwrite=False)
  with refused('run/run.json: wanted a JSON object'):
    run_folder.read_record('run')
  assert not run_folder.is_finished('run', CONFIGURATION, overwrite=True)


def test_a_start_clears_an_earlier_run_and_nothing_else():
  for name in (*OUTPUTS, 'notes.txt', 'plots', 'checkpoints.json'):
    put(name)
  run_folder.finish('run', {'configuration': {'seed': 9}})
  run_folder.start('run', CONFIGURATION)
  assert files() == {
    'unfinished.json',
    'notes.txt',
    'plots',
    'checkpoints.json',
  }
  assert run_folder.read_record('run') == {'configuration': CONFIGURATION}

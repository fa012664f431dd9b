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


def test_a_run_that_lost_an_output_is_not_finished():
  record = {'configuration': CONFIGURATION}
  record['outputs'] = dict.fromkeys(OUTPUTS, 'a checksum')
  for name in OUTPUTS:
    put(name)
  run_folder.finish('run', record)
  for overwrite in (False, True):
    assert run_folder.is_finished('run', CONFIGURATION, overwrite)
  pathlib.Path('run', OUTPUTS[-1]).unlink()
  for overwrite in (False, True):
    assert not run_folder.is_finished('run', CONFIGURATION, overwrite)


def test_only_the_configuration_is_compared():
  record = {
    'configuration': CONFIGURATION,
    'seconds': 3,
    'versions': {'python': '2'},
  }
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
    (
      CONFIGURATION | {'data': 'a' * 64, 'experiment': {'seed': 3}},
      "experiment: None there, {'seed': 3} now",
    ),
    (
      CONFIGURATION | {'data': 12 * '0' + 52 * 'a'},
      'data: None there, 000000000000 now',
    ),
  ],
)
def test_another_configuration_is_refused(configuration, difference, refused):
  run_folder.finish('run', {'configuration': CONFIGURATION})
  with refused(
    'run: holds a finished run of another configuration'
    f' ({difference}); choose another folder, or'
    ' pass --overwrite (in Python overwrite=True)'
  ):
    run_folder.is_finished('run', configuration, overwrite=False)
  assert not run_folder.is_finished('run', configuration, overwrite=True)


@pytest.mark.parametrize('name', OUTPUTS)
def test_results_of_somebody_else_are_refused(name, refused):
  put(name)
  with refused(
    f'run/{name}: not of a run of this library;'
    ' choose another folder, or'
    ' pass --overwrite (in Python overwrite=True)'
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


@pytest.mark.parametrize(
  ('record', 'complaint'),
  [
    ({'configuration': 3}, 'configuration: wanted an object, got 3'),
    (
      {'configuration': {'experiment': ['seed'] * 99}},
      "configuration.experiment: wanted an object, got ['seed', 'seed',"
      " 'seed', 'seed', 'seed', 'seed', ...]",
    ),
    (
      {'configuration': {'experiment': None}},
      'configuration.experiment: wanted an object, got None',
    ),
    ({'results': 'good'}, "results: wanted an object, got 'good'"),
  ],
)
def test_a_record_of_other_types_is_refused(record, complaint, refused):
  run_folder.finish('run', record)
  with refused(f'run/run.json: {complaint}'):
    run_folder.read_finished('run')


def test_only_a_finished_run_has_a_record_to_read(refused):
  run_folder.start('run', CONFIGURATION)
  with refused('run/run.json: no such file'):
    run_folder.read_finished('run')
  run_folder.finish('run', {'seconds': 3})
  assert run_folder.read_finished('run') == {'seconds': 3}


def test_a_difference_is_told_briefly(refused):
  run_folder.finish('run', {'configuration': {'seed': 'x' * 10_000}})
  with pytest.raises(errors.InputError) as caught:
    run_folder.is_finished('run', {'seed': 1}, overwrite=False)
  assert len(str(caught.value)) < 300
  run_folder.finish('run', {})
  with refused(
    'run: holds a finished run of another configuration (configuration: None'
    " there, {'seed': 1} now); choose another folder, or pass"
    ' --overwrite (in Python overwrite=True)'
  ):
    run_folder.is_finished('run', {'seed': 1}, overwrite=False)


def test_what_links_lead_to_is_neither_removed_nor_emptied(refused):
  pathlib.Path('run').mkdir()
  pathlib.Path('theirs').mkdir()
  pathlib.Path('theirs/file').write_text('kept')
  pathlib.Path('run/masks').symlink_to('../theirs')
  pathlib.Path('run/final').symlink_to('nowhere')
  pathlib.Path('run/train.json').symlink_to('../theirs/file')
  run_folder.start('run', CONFIGURATION)
  assert files() == {'unfinished.json'}
  pathlib.Path('run/run.lock').symlink_to('../theirs/file')
  with (
    refused('run/run.lock: wanted a file of our own'),
    run_folder.locked('run'),
  ):
    pytest.fail('got the lock')
  assert pathlib.Path('theirs/file').read_text() == 'kept'


@pytest.mark.parametrize('directory', ['', 'a\0b', '\ud800'])
def test_a_folder_that_can_have_no_name_is_refused(directory, refused):
  with (
    refused(f'output_dir: wanted a path, got {directory!r}'),
    run_folder.locked(directory),
  ):
    pytest.fail('got the lock')


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

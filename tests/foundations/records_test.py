"""Tests of lottery_ticket.foundations.records."""

import functools
import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore

HOLD = """
from lottery_ticket.foundations import records
with records.begin('run', {'description': {}}):
  print('held', flush=True)
  input()
"""
RECORD = {
  'description': {'seed': 1, 'recipe': {'learning_rate': 0.1}},
  'inputs': {'train': 'a' * 64},
  'callbacks': [],
  'sources': {'data': 'here'},
  'code': {},
}
OTHER = RECORD | {'description': {'seed': 2}}
NETWORK = {'a': np.arange(3, dtype=np.float32)}


def train(directory='run', record=RECORD, overwrite=False, value=1.0):
  """Does what a training does; returns whether there was anything to do."""
  with records.begin(directory, record, overwrite=overwrite) as run:
    if run.finished is not None:
      return False
    for path in (paths.initial, paths.final, paths.masks):
      network = {'a': np.full(3, value, np.float32)}
      save_restore.save_network(path(run.part), network)
    log = {'iteration': [0], 'loss': [value], 'accuracy': [0.5]}
    save_restore.write_log(paths.log(run.part, 'test'), log)
    pathlib.Path(paths.summaries(run.part)).mkdir()
    pathlib.Path(paths.summaries(run.part), 'events').write_text('x')
    run.commit(results={'test': {'loss': value}}, seconds=3)
  return True


def interrupt(directory='run', record=RECORD, overwrite=False):
  with (
    pytest.raises(KeyboardInterrupt),
    records.begin(directory, record, overwrite=overwrite) as run,
  ):
    save_restore.save_network(paths.initial(run.part), NETWORK)
    raise KeyboardInterrupt


def contents(folder='.'):
  """Everything in a folder: {path: (bytes, time of the last change)}."""
  return {
    str(path): (path.read_bytes(), path.stat().st_mtime_ns)
    for path in pathlib.Path(folder).rglob('*')
    if path.is_file() and 'home' not in path.parts
  }


def names():
  return {path.name for path in pathlib.Path().iterdir()} - {'home'}


def test_a_run_is_written_aside_and_renamed():
  with records.begin('trial/run', RECORD) as run:
    assert run.finished is None
    assert run.part == 'trial/run.part'
    assert save_restore.read_json(paths.record(run.part)) == RECORD
    assert not pathlib.Path('trial/run').exists()
    save_restore.save_network(paths.final(run.part), NETWORK)
    run.commit(seconds=3)
  assert {path.name for path in pathlib.Path('trial').iterdir()} == {
    'run',
    'run.lock',
  }
  outputs = {'final': save_restore.checksum(NETWORK)}
  assert records.read('trial/run') == RECORD | {
    'seconds': 3,
    'outputs': outputs,
  }


def test_outputs_are_recorded_by_their_checksums():
  train()
  recorded = records.read('run')['outputs']
  assert set(recorded) == {'initial', 'final', 'masks', 'test.json'}
  for name, checksum in recorded.items():
    assert records.checksum('run', name) == checksum


def test_a_finished_run_is_found_and_stays_as_it_is():
  assert train()
  before = contents()
  for overwrite in (False, True):
    assert not train(overwrite=overwrite)
    assert not train('run/', overwrite=overwrite)
    assert not train('./run', overwrite=overwrite)
  assert contents() == before


def test_what_does_not_identify_a_run_is_not_compared():
  train()
  assert not train(
    record=RECORD
    | {'sources': {}, 'versions': {'python': '4'}, 'commit': {'hash': 'x'}}
  )


@pytest.mark.parametrize(
  ('change', 'difference'),
  [
    ({'description': RECORD['description'] | {'seed': 2}}, 'seed: 1 there, 2'),
    (
      {'description': {'seed': 1, 'recipe': {'learning_rate': 0.2}}},
      'recipe.learning_rate: 0.1 there, 0.2',
    ),
    (
      {'description': RECORD['description'] | {'more': 'x'}},
      "more: None there, 'x'",
    ),
    ({'inputs': {'train': 'b' * 64}}, f'train: {"a" * 12} there, {"b" * 12}'),
    (
      {'callbacks': [{'name': 'f', 'source': None}]},
      "callbacks: [] there, [{'name': 'f', 'source': None}]",
    ),
    (
      {'description': {'seed': 'x' * 9999}, 'inputs': {}},
      "recipe: {'learning_rate': 0.1} there, None",
    ),
  ],
)
def test_another_run_is_refused_and_overwritten(change, difference, refused):
  train()
  before = contents()
  with refused(
    f'run: holds another finished run ({difference} now);'
    ' choose another folder, or pass --overwrite (in Python overwrite=True)'
  ):
    train(record=RECORD | change)
  assert contents() == before
  assert train(record=RECORD | change, overwrite=True, value=2.0)
  assert names() == {'run', 'run.lock'}
  assert records.read('run')['results'] == {'test': {'loss': 2.0}}


def test_a_long_difference_is_told_briefly():
  train(record={'description': {'seed': 'x' * 10_000}})
  with pytest.raises(errors.InputError) as caught:
    train()
  assert len(str(caught.value)) < 300


def test_an_interrupted_run_starts_over():
  interrupt()
  assert names() == {'run.part', 'run.lock'}
  assert records.seed('run') == 1
  pathlib.Path('run.part', 'half').write_text('x')
  assert train()
  assert names() == {'run', 'run.lock'}
  assert not pathlib.Path('run/half').exists()


def test_an_interrupted_replacement_leaves_the_run_that_was_there():
  train()
  before = contents('run')
  interrupt(record=OTHER, overwrite=True)
  assert contents('run') == before
  assert not train()
  assert names() == {'run', 'run.lock'}  # It was given up.


@pytest.mark.parametrize('marked', [False, True])
def test_an_interrupted_swap_is_finished(marked):
  train()
  train('other', OTHER, value=2.0)
  pathlib.Path('run').rename('run.old')
  pathlib.Path('other').rename('run.part')
  if marked:
    pathlib.Path('run.old/run.json').rename('run.old/replaced.json')
  assert records.seed('run') == 2
  assert not train(record=OTHER)
  assert names() == {'run', 'run.lock', 'other.lock'}


def test_a_replaced_run_that_is_half_removed_is_removed():
  train()
  pathlib.Path('run.old').mkdir()
  pathlib.Path('run.old/replaced.json').write_text('{}')
  assert not train()
  assert names() == {'run', 'run.lock'}


@pytest.mark.parametrize('name', ['run.old', 'run.part'])
@pytest.mark.parametrize('make', ['folder', 'file', 'link', 'copy'])
def test_what_others_left_beside_is_kept(name, make, refused):
  theirs = pathlib.Path(name)
  if make == 'file':
    theirs.write_text('kept')
  elif make == 'link':
    pathlib.Path('theirs').mkdir()
    theirs.symlink_to('theirs')
  else:
    theirs.mkdir()
    (theirs / 'file').write_text('kept')
  if make == 'copy' and name == 'run.old':  # Somebody's backup.
    train('again')
    (theirs / 'run.json').write_bytes(
      pathlib.Path('again/run.json').read_bytes()
    )
  before = contents()
  with refused(f'{name}: not of a run of this library; move it away'):
    train()
  assert contents().keys() - {'run.lock'} == before.keys() - {'run.lock'}


def test_an_empty_folder_is_taken_over():
  pathlib.Path('run').mkdir()
  assert train()
  assert names() == {'run', 'run.lock'}


def test_a_folder_of_something_else_is_refused(refused):
  pathlib.Path('run').mkdir()
  pathlib.Path('run/thesis.txt').write_text('years of work')
  before = contents()
  message = (
    "run: holds 'thesis.txt' and no run of this library; choose another folder"
  )
  for overwrite in (False, True):
    with refused(message):
      train(overwrite=overwrite)
    with refused(message):
      records.check('run', {}, overwrite)
  assert contents() | {'run.lock': None} == before | {'run.lock': None}


def test_what_somebody_added_to_a_run_is_not_lost(refused):
  train()
  pathlib.Path('run/notes.txt').write_text('mine')
  assert not train()
  with refused(
    'run/notes.txt: is not of the run that would be replaced; move it away'
  ):
    train(record=OTHER, overwrite=True)
  assert pathlib.Path('run/notes.txt').read_text() == 'mine'


def test_what_a_mac_leaves_is_passed_over():
  with records.begin('run', RECORD) as run:
    pathlib.Path(run.part, '.DS_Store').write_text('x')
    run.commit()
  assert records.read('run')['outputs'] == {}
  assert train(overwrite=True)
  pathlib.Path('run/.DS_Store').write_text('x')
  assert not train()
  assert train(record=OTHER, overwrite=True)


@pytest.mark.parametrize(
  'directory', ['', '.', '..', '/', 'a/..', 'run.part', 'run.old', 'a/x.lock']
)
def test_names_that_no_run_can_have_are_refused(directory):
  for overwrite in (False, True):
    with pytest.raises(errors.InputError, match='output_dir: wanted the name'):
      train(directory, overwrite=overwrite)
  assert not names()


def test_what_cannot_be_renamed_onto_is_refused(refused, monkeypatch):
  message = 'wanted a folder, got a file, a link or a mounted disk'
  pathlib.Path('file').write_text('kept')
  pathlib.Path('theirs').mkdir()
  pathlib.Path('link').symlink_to('theirs')
  for name in ('file', 'link'):
    with refused(f'{name}: {message}'):
      train(name)
  monkeypatch.setattr('os.path.ismount', lambda path: path == 'theirs')
  with refused(f'theirs: {message}'):
    train('theirs')
  assert names() == {'file', 'theirs', 'link'}


def test_a_folder_that_cannot_be_is_refused():
  pathlib.Path('file').write_text('kept')
  with pytest.raises(errors.InputError, match=r'^file/run: cannot be written'):
    train('file/run')


@pytest.mark.parametrize('content', ['', '{', '[]', '\0'])
def test_a_damaged_record_is_refused_unless_it_may_be_lost(content, refused):
  train()
  pathlib.Path('run/run.json').write_text(content)
  for action in (train, functools.partial(records.seed, 'run')):
    with refused('run/run.json: wanted a JSON object'):
      action()
  assert train(overwrite=True)
  assert not train()


def test_a_run_that_lost_a_log_starts_over():
  train()
  pathlib.Path('run/test.json').unlink()
  assert train()
  assert names() == {'run', 'run.lock'}


@pytest.mark.parametrize('name', ['initial', 'final'])
def test_other_weights_than_the_run_left_are_refused(name, refused):
  train()
  save_restore.save_network(f'run/{name}', NETWORK)
  with refused(f'run/{name}: other than what the run left'):
    train()
  assert train(overwrite=True)


def test_a_run_without_its_networks_cannot_be_loaded(refused):
  with records.begin('run', RECORD) as run:
    run.commit()
  with refused(
    'run: holds this run, finished, without its networks; choose another'
    ' folder, or pass --overwrite (in Python overwrite=True)'
  ):
    train()
  assert train(overwrite=True)


def test_a_second_process_is_refused_until_the_first_is_gone(refused):
  with subprocess.Popen(
    [sys.executable, '-c', HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
  ) as other:
    try:
      assert other.stdout.readline() == b'held\n'
      with refused('run: another process is working on this run'):
        train(overwrite=True)
    finally:
      other.kill()  # The lock ends with the process, however that ends.
      other.wait()
  assert train()


def test_locks_exclude_each_other_within_a_process(refused):
  with (
    records.begin('a/run', RECORD),
    records.begin('a/other', RECORD),
    refused('a/run: another process is working on this run'),
  ):
    train('a/run')
  assert train('a/run')


def test_a_lock_that_is_not_ours_is_kept(refused):
  lock = pathlib.Path('run.lock')
  lock.write_text('kept')  # Like that of poetry.
  with refused('run.lock: wanted an empty file of our own'):
    train()
  assert lock.read_text() == 'kept'


@pytest.mark.parametrize('name', ['run.part', 'run.lock'])
def test_a_run_that_was_removed_meanwhile_is_not_committed(name):
  with (
    pytest.raises(FileNotFoundError, match='Removed while its run was'),
    records.begin('run', RECORD) as run,
  ):
    save_restore.remove(pathlib.Path(name))
    save_restore.save_network(paths.final(run.part), NETWORK)
    run.commit()
  assert not pathlib.Path('run').exists()


def test_a_description_is_checked_before_there_is_a_run(refused):
  for check in (records.check, lambda *args: train()):
    check('run', RECORD['description'], False)
  records.check('run', RECORD['description'], False)
  with pytest.raises(errors.InputError, match='seed: 1 there, 2 now'):
    records.check('run', RECORD['description'] | {'seed': 2}, False)
  records.check('run', RECORD['description'] | {'seed': 2}, True)
  with refused('description: Out of range float values are not JSON compliant'):
    records.check('new', {'x': float('inf')}, False)


@pytest.mark.parametrize(
  ('record', 'complaint'),
  [
    ({'description': 3}, 'description: wanted an object, got 3'),
    (
      {'inputs': ['seed'] * 99},
      "inputs: wanted an object, got ['seed', 'seed', 'seed', 'seed', 'seed',"
      " 'seed', ...]",
    ),
    ({'outputs': None}, 'outputs: wanted an object, got None'),
  ],
)
def test_a_record_of_other_types_is_refused(record, complaint, refused):
  save_restore.write_json('run/run.json', record)
  with refused(f'run/run.json: {complaint}'):
    records.read('run')


def test_only_a_finished_run_has_a_record_to_read():
  interrupt()
  with pytest.raises(errors.MissingInputError, match='no such file'):
    records.read('run')
  train()
  assert records.read('run')['seconds'] == 3


def test_the_seed_is_that_of_the_run_that_is_there():
  assert records.seed('run') is None
  interrupt()
  assert records.seed('run') == 1
  train(record={'description': {}})
  assert records.seed('run') is None


def own(value):
  return value + 1


class Own:
  def __call__(self):
    return own


def test_code_is_the_users_own():
  found = records.code(Own, [own, {'x': max}], functools.partial(own, np.sum))
  assert set(found) == {'Own', 'own'}
  assert all(re.fullmatch('[0-9a-f]{16}', digest) for digest in found.values())
  assert records.code(Own()) == {'Own': found['Own']}
  # What the digest of the library has is not recorded twice.
  assert not records.code(pruner.prune_by_percent)
  assert records.code(constants.make_dataset)['make_dataset']
  assert records.code(eval('lambda: 1')) == {'<lambda>': None}


def test_code_that_has_changed_is_a_line(caplog):
  train(record=RECORD | {'code': {'Own': 'a'}})
  assert not train(record=RECORD | {'code': {'Own': 'b'}})
  assert [record.getMessage() for record in caplog.records] == [
    'run: the code of its model has changed since'
  ]


def test_versions_and_threads_are_recorded():
  assert records.versions()['numpy'] == np.__version__
  assert set(records.threads()) == {'intra_op', 'inter_op'}


def test_the_commit_is_that_of_the_checkout(monkeypatch, root):
  records.commit.cache_clear()
  found = records.commit()
  if (root / '.git').exists():
    assert re.fullmatch('[0-9a-f]{40}', found['hash'])
    assert found['changed'] in (True, False)
  else:
    assert found is None
  records.commit.cache_clear()
  monkeypatch.setenv('PATH', '')
  assert records.commit() is None
  records.commit.cache_clear()


def test_a_record_is_json():
  train()
  assert json.loads(pathlib.Path('run/run.json').read_text())['sources'] == {
    'data': 'here'
  }


def test_what_macos_leaves_does_not_keep_a_run_from_being_replaced():
  assert train()
  for folder in ('run', 'run/final'):
    for name in ('.DS_Store', '._a.npy'):
      pathlib.Path(folder, name).touch()
  assert not train()
  assert train(record=OTHER, overwrite=True)

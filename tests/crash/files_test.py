"""Tests of a run's files when its process dies, or the disk is full."""

import errno
import os
import pathlib
import shutil

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import run_folder
from lottery_ticket.foundations import save_restore

RUN = 'experiments/trial1/2/same_init'
NETWORKS = (paths.initial, paths.final, paths.masks)


def network(number):
  return {
    f'layer{i}': np.full((3, 4), number + i, np.float32) for i in range(2)
  }


def run(number=1, directory=RUN, overwrite=True):
  """Leaves what the trainer does, in its order; `number` makes runs differ."""
  configuration = {'experiment': {'seed': number}}
  with run_folder.locked(directory) as check:
    if run_folder.is_finished(directory, configuration, overwrite):
      return 'loaded'
    run_folder.start(directory, configuration)
    with measurements.collect(paths.summaries(directory)) as measured:
      for split in ('train', 'test', 'validate'):
        measured.add(split, 9, measurements.Measurement(number / 7, 0.5))
      save_restore.save_network(
        paths.checkpoint(directory, 5), network(number), check=check
      )
    measured.save(directory, check=check)
    for path in NETWORKS:
      save_restore.save_network(path(directory), network(number), check=check)
    run_folder.finish(directory, {'configuration': configuration}, check=check)
  return 'ran'


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch):
  monkeypatch.setattr(os, 'fsync', lambda descriptor: None)


def assert_whole(directory=RUN):
  """Checks that whatever can be read is all of one run; returns which."""
  seen = set()
  for path in (*NETWORKS, lambda run: paths.checkpoint(run, 5)):
    try:
      read = save_restore.standardize(path(directory))
    except errors.InputError:
      continue
    seen.add(number := int(read['layer0'][0, 0]))
    assert save_restore.checksum(read) == save_restore.checksum(network(number))
  for split in ('train', 'test', 'validate'):
    if os.path.exists(paths.log(directory, split)):
      save_restore.read_log(paths.log(directory, split))
  record = run_folder.read_record(directory)
  if os.path.exists(paths.record(directory)):
    assert seen == {record['configuration']['experiment']['seed']}
  else:
    assert not seen
  return seen


@pytest.fixture
def undisturbed(state, results):
  """What a run leaves that nothing disturbs."""
  run(1, 'undisturbed')
  return results(state('undisturbed'))


def test_a_run_that_is_killed_at_any_moment_starts_over_or_is_finished(
  states_of, state, restore, results, undisturbed
):
  states = states_of(RUN, run)
  assert len(states) > 40
  finished = 0
  for its_state in states:
    restore(RUN, its_state)
    is_finished = 'run.json' in its_state
    assert assert_whole() == ({1} if is_finished else set())
    assert run() == ('loaded' if is_finished else 'ran')
    assert results(state(RUN)) == undisturbed
    finished += is_finished
  assert 0 < finished < 5  # The record comes last.


def test_a_run_that_is_killed_as_it_overwrites_another_leaves_one_of_them(
  states_of, state, restore, results, undisturbed
):
  run(2)
  before = results(state(RUN))
  states = states_of(RUN, run)
  seen = []
  for its_state in states:
    restore(RUN, its_state)
    seen.append(assert_whole())
    if seen[-1] == {2}:
      assert run(2) == 'loaded'
      assert results(state(RUN)) == before
      restore(RUN, its_state)
    run()
    assert results(state(RUN)) == undisturbed
  assert seen[0] == {2} and seen[-1] == {1}
  assert sorted(seen, key=[{2}, set(), {1}].index) == seen


def test_a_network_that_replaces_another_is_never_half_of_both(
  states_of, restore
):
  save_restore.save_network('pool/weights', network(2))
  states = states_of(
    'pool', lambda: save_restore.save_network('pool/weights', network(1))
  )
  seen = set()
  for its_state in states:
    restore('pool', its_state)
    try:
      read = save_restore.standardize('pool/weights')
    except errors.InputError:
      seen.add('none')
      continue
    number = int(read['layer0'][0, 0])
    assert save_restore.checksum(read) == save_restore.checksum(network(number))
    seen.add(number)
  assert seen == {1, 2, 'none'}


def test_what_killed_processes_left_is_removed_and_nothing_else(state):
  run()
  before = state(RUN)
  for name in ('.masks.0123abcd.part', '.train.json.89abcdef.part'):
    pathlib.Path(RUN, name).mkdir()
  mine = {'.notes.part': b'', '.masks.0123abcd': b'', 'masks.part': b''}
  for name in mine:
    pathlib.Path(RUN, name).touch()
  pathlib.Path(paths.unfinished(RUN)).write_text('{}')
  assert run() == 'loaded'
  assert state(RUN) == before | mine


def test_a_full_disk_ends_a_run_with_the_files_name_and_harms_nothing(
  full_from, before_each_change, state, results, undisturbed
):
  run(2, 'experiments/finished')
  finished = state('experiments/finished')
  moment, ended = 0, False
  while not ended:
    shutil.rmtree(RUN, ignore_errors=True)
    refuse, counted = full_from(moment, 'experiments')
    with before_each_change(refuse):
      try:
        ended = run() == 'ran'
      except OSError as error:
        assert error.errno == errno.ENOSPC
        assert RUN in error.filename and '.part' not in error.filename
    assert ended or len(counted) > moment
    assert not list(pathlib.Path('experiments').rglob('.*'))
    if os.path.isdir(RUN):
      assert_whole()
    run()
    assert results(state(RUN)) == undisturbed
    moment += 1
  assert moment > 30
  assert state('experiments/finished') == finished


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='wants /dev/full')
@pytest.mark.parametrize(
  ('name', 'write'),
  [
    (
      'weights',
      lambda: save_restore.save_network(
        'weights', {'layer0': np.zeros((300, 100))}
      ),
    ),
    ('small', lambda: save_restore.save_network('small', network(1))),
    ('log.json', lambda: save_restore.write_json('log.json', {'a': 1})),
  ],
)
def test_a_device_that_takes_no_byte_is_named(name, write, monkeypatch):
  opened = pathlib.Path.open

  def full(path, mode):
    """Opens a device that has no space in place of a file to write."""
    opened(path, mode).close()
    return opened(pathlib.Path('/dev/full'), mode)

  monkeypatch.setattr(
    pathlib.Path, 'open', lambda path, mode, **_: full(path, mode)
  )
  with pytest.raises(OSError) as caught:
    write()
  assert str(caught.value) == f"[Errno 28] No space left on device: '{name}'"
  assert {path.name for path in pathlib.Path().iterdir()} == {'home'}


@pytest.mark.parametrize('recreated', [False, True])
def test_a_folder_that_is_removed_meanwhile_gets_no_half_a_run(
  recreated, before_each_change, state, results, undisturbed
):
  moment, ended = 0, False
  while not ended:
    shutil.rmtree(RUN, ignore_errors=True)
    changes = []

    def remove(event, path, moment=moment, changes=changes):
      changes.append(path)
      if len(changes) == moment + 1:
        shutil.rmtree(RUN, ignore_errors=True)
        if recreated:  # As by another process, which holds it by now.
          pathlib.Path(RUN).mkdir(parents=True)
          pathlib.Path(paths.lock(RUN)).touch()

    with before_each_change(remove):
      try:
        ended = run() == 'ran' and len(changes) <= moment
      except (OSError, errors.InputError) as error:
        assert RUN in str(error)
        assert not os.path.exists(paths.record(RUN))
    if not os.path.exists(paths.record(RUN)):
      assert run() == 'ran'
    assert results(state(RUN)) == undisturbed
    moment += 1
  assert moment > 40

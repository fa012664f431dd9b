"""Tests of lottery_ticket.study.initialization."""

import functools
import shutil

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import initialization

POOL = functools.partial(initialization.pool, constants.TASK)
MAKES = '; runners/lottery_experiment.py makes tickets'


@pytest.fixture
def folder(experiment_path, tmp_path):
  """A copy of the two trials; without what is not needed."""
  ignored = shutil.ignore_patterns('final', 'summaries', '*.lock')
  return shutil.copytree(experiment_path, tmp_path / 'results', ignore=ignored)


def survivors(folder, trial, level):
  run = folder / f'trial{trial}' / str(level) / 'same_init'
  masks = save_restore.restore_network(str(run / 'masks'))
  initial = save_restore.restore_network(str(run / 'initial'))
  return {name: initial[name][mask == 1] for name, mask in masks.items()}


def check_pooled(pooled, *parts):
  assert sorted(pooled) == ['layer0', 'layer1']
  for name, values in pooled.items():
    wanted = np.concatenate([part[name] for part in parts])
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, wanted)


def refusal(*args, **kwargs):
  with pytest.raises(errors.InputError) as caught:
    POOL(*args, **kwargs)
  return str(caught.value)


@pytest.mark.parametrize('level', [0, 1])
def test_pools_what_survived_in_each_trial(folder, level):
  pooled = POOL(level, str(folder))
  check_pooled(pooled, survivors(folder, 1, level), survivors(folder, 2, level))
  place = folder / 'weights' / str(level) / 'initialization'
  check_pooled(save_restore.restore_network(str(place)), pooled)
  counts = {0: (31360, 400), 1: (25088, 360)}
  assert tuple(map(len, pooled.values())) == counts[level]


def test_pools_the_trials_that_are_asked_for(folder):
  pooled = POOL(1, str(folder), trials=[2])
  check_pooled(pooled, survivors(folder, 2, 1))


def test_trials_come_in_the_order_of_their_numbers(folder):
  shutil.copytree(folder / 'trial1', folder / 'trial10')
  parts = [survivors(folder, trial, 1) for trial in (1, 2, 10)]
  check_pooled(POOL(1, str(folder)), *parts)


def test_takes_runs_of_another_name(folder):
  for trial in (1, 2):
    run = folder / f'trial{trial}' / '0' / 'same_init'
    run.rename(run.with_name('other'))
  assert refusal(0, str(folder)).endswith(
    f'same_init: wanted a finished run{MAKES}'
  )
  assert len(POOL(0, str(folder), 'other')['layer1']) == 400


def test_names_a_trial_that_has_not_finished(folder):
  run = folder / 'trial2' / '1' / 'same_init'
  run.rename(f'{run}.part')
  assert refusal(1, str(folder)) == f'{run}: wanted a finished run{MAKES}'
  assert refusal(2, str(folder)) == (
    f'{folder}/trial1/2/same_init: wanted a finished run{MAKES}'
  )
  assert refusal(1, str(folder), trials=[1, 3]) == (
    f'{folder}/trial3/1/same_init: wanted a finished run{MAKES}'
  )
  assert not (folder / 'weights').exists()


def test_wants_trials(folder, tmp_path):
  assert (
    refusal(0, str(tmp_path / 'no')) == f'{tmp_path}/no: wanted folders trial*'
  )
  assert (
    refusal(0, str(folder), trials=[]) == f'{folder}: wanted folders trial*'
  )


def test_wants_the_name_of_a_folder(folder):
  assert refusal(0, str(folder), 'x/../same_init') == (
    'experiment_name: wanted letters, digits, "_", "-" and ".",'
    " got 'x/../same_init'"
  )
  assert not (folder / 'weights').exists()


def test_the_same_again_writes_nothing_and_another_is_refused(folder):
  def stamps():
    files = (folder / 'weights').rglob('*.npy')
    return {
      file: (file.stat().st_mtime_ns, file.stat().st_ino) for file in files
    }

  both = POOL(1, str(folder))
  before = stamps()
  assert len(before) == 2
  check_pooled(POOL(1, str(folder)), both)
  assert stamps() == before
  place = folder / 'weights' / '1' / 'initialization'
  assert refusal(1, str(folder), trials=[1]) == (
    f'{place}: holds another network; move it away, or'
    ' pass --overwrite (in Python overwrite=True)'
  )
  assert stamps() == before
  POOL(1, str(folder), trials=[1], overwrite=True)
  stored = save_restore.restore_network(str(place))
  check_pooled(stored, survivors(folder, 1, 1))

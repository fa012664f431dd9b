"""Tests of an experiment that dies, then is started again."""

import errno
import os
import pathlib
import random
import shutil

import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.mnist_fc import initialization
from lottery_ticket.mnist_fc import lottery_experiment
from lottery_ticket.mnist_fc import reinitialize
from lottery_ticket.mnist_fc import train

TRIAL = 'experiments/trial1'
LEVELS = 2


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch):
  monkeypatch.setattr(os, 'fsync', lambda descriptor: None)


@pytest.fixture(scope='module')
def small(mnist):
  """Arguments of an experiment whose training does not matter."""
  return {
    'mnist_location': mnist,
    'layers': (20, 10),
    'validation_size': 100,
    'evaluation_interval': 1,
    'optimizer': 'SGD',
    'batch_size': 1000,  # One short batch an epoch is not compiled: quicker.
    'training_len': ('iterations', 2),
    'seed': 1,
  }


@pytest.fixture(scope='module')
def ladder(small):
  """Returns a function that climbs; it returns the levels it trained at."""

  def climb(folder=TRIAL):
    said = []
    with progress.send_to(lambda *message: said.append(message)):
      lottery_experiment.train(folder, iterations=LEVELS - 1, **small)
    return {int(name.split('/')[-2]) for name, _, total in said if total}

  return climb


@pytest.fixture(scope='module')
def states(states_of, ladder, tmp_path_factory):
  """The states in which an experiment may die, of which the last is whole."""
  trial = str(tmp_path_factory.mktemp('experiments') / 'trial1')
  return states_of(trial, lambda: ladder(trial))


@pytest.fixture
def die_and_go_on(states, state, restore, results, ladder):
  """Returns a function that checks what comes after a death at a moment."""
  whole = results(states[-1])

  def check(its_state):
    restore(TRIAL, its_state)
    finished = {
      level
      for level in range(LEVELS)
      if f'{level}/same_init/run.json' in its_state
    }
    assert ladder() == set(range(LEVELS)) - finished
    after = state(TRIAL)
    assert results(after) == whole
    for level in finished:  # Its time is still there: it was not repeated.
      record = f'{level}/same_init/run.json'
      assert after[record] == its_state[record]
    return len(finished)

  return check


def test_goes_on_after_a_death_at_some_moments(states, die_and_go_on):
  assert len(states) > 70
  chosen = [states[len(states) * i // 4] for i in (1, 2, 3)]
  assert len({die_and_go_on(its_state) for its_state in chosen}) > 1


@pytest.mark.slow
def test_goes_on_after_a_death_at_many_moments(states, die_and_go_on):
  for its_state in random.Random(1).sample(states, 30):
    die_and_go_on(its_state)


def test_goes_on_after_the_disk_was_full(
  states, state, results, ladder, full_from, before_each_change
):
  whole = results(states[-1])
  for moment in (20, 31):
    shutil.rmtree(TRIAL, ignore_errors=True)
    refuse, _ = full_from(moment, TRIAL)
    with before_each_change(refuse), pytest.raises(OSError) as caught:
      ladder()
    assert caught.value.errno == errno.ENOSPC
    assert TRIAL in caught.value.filename
    ladder()
    assert results(state(TRIAL)) == whole


@pytest.fixture
def unfinished(states, restore):
  """The run of a level that died with its masks there already."""
  restore(TRIAL, states[-1])
  run = paths.run(TRIAL, 1)
  pathlib.Path(paths.record(run)).replace(paths.unfinished(run))
  assert os.path.isdir(paths.masks(run))
  return run


def test_nothing_is_made_of_a_run_that_is_not_finished(unfinished, small):
  common = {'output_dir': 'control', **small}
  masks, initial = paths.masks(unfinished), paths.initial(unfinished)
  whole = paths.run(TRIAL, 0)
  for make in (
    lambda: reinitialize.train(masks=masks, **common),
    lambda: reinitialize.train(masks=[paths.masks(whole), masks], **common),
    lambda: reinitialize.train(
      masks=paths.masks(whole),
      initialization_distribution=paths.initial(whole),
      same_sign=initial,
      **common,
    ),
    lambda: train.train(masks=masks, **common),
    lambda: train.train(presets=initial, **common),
    lambda: initialization.pool(1, 'experiments'),
  ):
    with pytest.raises(
      errors.InputError, match=f'(^|: ){unfinished}: wanted a finished run(;|$)'
    ):
      make()
  assert not os.path.exists('control')

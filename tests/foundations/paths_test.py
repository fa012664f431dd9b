"""Tests of lottery_ticket.foundations.paths: the layout of 2018."""

import os

from lottery_ticket.foundations import paths


def test_runs_lie_where_they_lay_in_2018():
  trial = paths.trial('mnist', 3)
  assert trial == 'mnist/trial3'
  assert paths.trial('mnist', '3') == trial
  assert paths.run(trial, 12) == 'mnist/trial3/12/same_init'
  assert paths.run(trial, 0, 'reinit', 7) == 'mnist/trial3/0/reinit7'
  assert paths.run(trial, 0, 'reinit', '') == 'mnist/trial3/0/reinit'
  assert paths.initialization('mnist', 4) == 'mnist/weights/4/initialization'


def test_a_runs_files():
  assert paths.initial('run') == 'run/initial'
  assert paths.final('run') == 'run/final'
  assert paths.masks('run') == 'run/masks'
  assert paths.checkpoint('run', 500) == 'run/checkpoint500'
  assert paths.log('run', 'test') == 'run/test.json'
  assert paths.summaries('run') == 'run/summaries'
  assert paths.record('run') == 'run/run.json'
  assert paths.part('a/run') == 'a/run.part'
  assert paths.old('a/run') == 'a/run.old'
  assert paths.lock('a/run') == 'a/run.lock'


def test_what_lies_beside_a_run_is_no_run(tmp_path):
  for name in ('same_init', 'same_init.part', 'same_init.old', 'x.part'):
    (tmp_path / 'trial1' / '0' / name).mkdir(parents=True)
  (tmp_path / 'trial1' / '0' / 'same_init.lock').touch()
  [run] = paths.find_runs(str(tmp_path))
  assert run.directory == str(tmp_path / 'trial1' / '0' / 'same_init')


def test_hidden_folders_are_no_runs():
  for name in ('.ipynb_checkpoints', 'same_init'):
    os.makedirs(f'mnist/trial1/0/{name}')
  (run,) = paths.find_runs('mnist')
  assert run.experiment_name == 'same_init'

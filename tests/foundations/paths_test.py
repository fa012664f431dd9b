"""Tests of lottery_ticket.foundations.paths: the layout of 2018."""

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
  assert paths.unfinished('run') == 'run/unfinished.json'
  assert paths.lock('run') == 'run/run.lock'

"""Tests of lottery_ticket.study.replicate."""

import collections
import os
import subprocess
import sys

import pytest

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import replicate

TABLE = controls.CONTROLS
MAIN = [name for name, row in TABLE.items() if row.is_main]


def runs_of(*sizes):
  *sizes, experiment_path = sizes
  jobs = replicate.plan(constants.TASK, *sizes, experiment_path=experiment_path)
  return [run for _, flags in jobs for run in replicate.runs_of(flags)]


def test_what_the_whole_study_is(tmp_path):
  runs = runs_of(5, 20, replicate.LABELS, 1, [7, 15], 1, str(tmp_path))
  assert len(set(runs)) == len(runs)
  for run in runs:
    os.makedirs(run)
  found = paths.find_runs(str(tmp_path))
  assert len(found) == len(runs)
  counts = collections.Counter(run.experiment_name for run in found)
  assert counts.pop('same_init') == 5 * 21
  assert [counts.pop(name) for name in MAIN] == [40] * 3
  assert counts.pop('no_reset') == 16
  assert set(counts.values()) == {2}
  assert set(counts) == set(TABLE) - set(MAIN)


@pytest.mark.parametrize(
  ('lines', 'jobs', 'wanted'),
  [
    ([21, 21, 1, 1, 1], 2, 22.5),
    ([21, 21, 1, 1, 1], 4, 22),  # A ladder, and then a control.
    ([0, 0, 1, 1, 1], 2, 1.5),
    ([0, 0, 1, 1, 1], 8, 1),
    ([3], 8, 3),
  ],
)
def test_levels_that_follow_each_other_take_their_time(lines, jobs, wanted):
  assert replicate.rounds(lines, jobs) == wanted


def test_no_levels_no_controls(tmp_path):
  runs = runs_of(2, 1, [], 0, [], 1, 'exp')
  assert runs == [
    f'exp/trial{trial}/{level}/same_init'
    for trial in (1, 2)
    for level in (0, 1)
  ]


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'trials': 0}, 'trials: wanted an integer of at least 1, got 0'),
    ({'iterations': -1}, 'iterations: wanted an integer of at least 0, got -1'),
    (
      {'control_trials': 6},
      'control_trials: wanted 0 to 5, as many as there are trials, got 6',
    ),
    (
      {'levels': 'x'},
      "levels: wanted a list of integers, like [3,15], got 'x'",
    ),
    ({'learning_rate': 0}, 'learning_rate: wanted a finite number above 0'),
    ({'recipe': 'x'}, "recipe: wanted one of ['google', 'paper'], got 'x'"),
    ({'jobs': 0}, 'jobs: wanted an integer of at least 1, got 0'),
  ],
)
def test_bad_input(tmp_path, values, message):
  with pytest.raises(errors.InputError) as caught:
    replicate.replicate(constants.TASK, str(tmp_path / 'exp'), **values)
  assert message in str(caught.value)
  assert not (tmp_path / 'exp').exists()


@pytest.mark.slow
def test_a_small_study_to_its_report_and_again(root, tmp_path, mnist):
  command = [
    sys.executable,
    str(root / 'mnist_fc' / 'runners' / 'replicate.py'),
    f'--experiment_path={tmp_path}/exp',
    '--trials=2',
    '--iterations=1',
    '--levels=[1]',
    '--control_levels=[1]',
    f'--mnist_location={mnist}',
    '--training_len=iterations,20',
    '--evaluation_interval=10',
    '--validation_size=100',
    '--layers=[20,10]',
    '--jobs=2',
  ]

  def run():
    result = subprocess.run(
      command, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr

  out, err = run()
  assert out.startswith('28 runs of 20 iterations, 0 of them finished before\n')
  assert 'About 0 h ' in out
  assert ' jobs: 25 done, 0 finished before, 0 failed; ' in f' {err}'
  page = tmp_path / 'exp' / 'report' / 'index.html'
  assert f'report: {page}' in out and page.exists()
  times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('run.json')}
  assert len(times) == 28
  out, err = run()
  assert out.startswith(
    '28 runs of 20 iterations, 28 of them finished before\n'
  )
  assert 'jobs: 0 done, 25 finished before, 0 failed; ' in err
  assert {p: p.stat().st_mtime_ns for p in times} == times

"""Tests of lottery_ticket.study.replicate."""

import collections
import dataclasses
import os
import subprocess
import sys

import pytest

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import argfiles
from lottery_ticket.study import replicate

PARTS = {
  'tickets': 5 * 25,
  'labels': 5 * 8 * 5,
  'initial_weights': 3 * 2 * 6,
  'no_reset': 3 * (16 + 2),
  'sgd': 3 * 2 * 22,
  'percents': 3 * (33 + 8 + 5),
  'adam': 3 * 2 * 16,
  'sizes': 3 * (13 + 20),
  'others': 2 * 9,
}


def runs_of(path, parts=None, task=constants.TASK, **sizes):
  """Returns {part: the folders of its runs}."""
  sizes = replicate.Sizes(**sizes)
  planned = replicate.plan(task, sizes, parts, experiment_path=path)
  return {
    part: [run for _, flags in jobs for run in replicate.runs_of(flags)]
    for part, jobs in planned.items()
  }


def test_what_the_whole_study_is(tmp_path):
  parts = runs_of(str(tmp_path))
  assert {part: len(runs) for part, runs in parts.items()} == PARTS
  runs = [run for those in parts.values() for run in those]
  assert len(set(runs)) == len(runs)
  for run in runs:
    os.makedirs(run)
  found = paths.find_runs(str(tmp_path))
  assert len(found) == len(runs)
  counts = collections.Counter(run.experiment_name for run in found)
  assert set(controls.CONTROLS) < set(counts)
  assert counts['reinit'] == 120 and counts['one_shot'] == 40


def test_parts_are_what_argfiles_print():
  common = {'experiment_path': 'exp', 'trials': 5}
  labels = [3, 7, 9, 12, 15, 16, 18, 20]
  task = constants.TASK
  jobs = [
    *argfiles.lottery_experiment(task, iterations=24, **common),
    *argfiles.control(
      task, controls=['reinit'], levels=labels, repetitions=3, **common
    ),
    *argfiles.control(
      task, controls=['random', 'one_shot'], levels=labels, **common
    ),
  ]
  planned = replicate.plan(
    task, replicate.Sizes(), ['tickets', 'labels'], experiment_path='exp'
  )
  assert [job for part in planned.values() for _, job in part] == jobs


def test_sweeps_change_one_value_each():
  planned = replicate.plan(constants.TASK, replicate.Sizes())
  changed = {
    flags['experiment_name']: {
      name: flags[name]
      for name in constants.RECIPES['paper'].configuration()
      if name in flags
    }
    for jobs in planned.values()
    for _, flags in jobs
    if 'experiment_name' in flags
  }
  assert changed == {
    'no_reset': {},
    'sgd_0.4lr': {'optimizer': 'SGD', 'learning_rate': 0.4},
    'sgd_0.8lr': {'optimizer': 'SGD', 'learning_rate': 0.8},
    **{
      f'pruned_{n}pct': {
        'prune_percents': {
          'layer0': n / 100,
          'layer1': n / 100,
          'layer2': n / 200,
        }
      }
      for n in (10, 40, 60)
    },
    'adam_0.0002lr': {'learning_rate': 0.0002},
    'adam_0.002lr': {'learning_rate': 0.002},
    'half_size': {'layers': [(150, 'relu'), (50, 'relu'), (10, None)]},
    'double_size': {'layers': [(600, 'relu'), (200, 'relu'), (10, None)]},
  }


def test_no_levels_no_controls():
  runs = runs_of('exp', trials=2, iterations=1, control_trials=0)
  assert runs.pop('tickets') == [
    f'exp/trial{trial}/{level}/same_init'
    for trial in (1, 2)
    for level in (0, 1)
  ]
  assert not any(runs.values())


def test_with_few_trials_all_else_is_run_for_all_of_them():
  runs = runs_of('exp', trials=2, iterations=7, parts=['initial_weights'])
  of_trials = {run.split('/')[1] for run in runs['initial_weights']}
  assert of_trials == {'trial1', 'trial2'}


def test_a_task_without_parts_of_its_own_has_tickets_and_controls():
  task = dataclasses.replace(constants.TASK, parts=None)
  runs = runs_of('exp', task=task, trials=2, iterations=7, control_trials=1)
  kinds = len(controls.CONTROLS) - 1  # One needs a ladder without resets.
  assert {k: len(those) for k, those in runs.items()} == {
    'tickets': 16,
    'controls': kinds,
  }


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'trials': 0}, 'trials: wanted an integer of at least 1, got 0'),
    ({'iterations': -1}, 'iterations: wanted an integer of at least 0, got -1'),
    (
      {'control_trials': 6},
      'control_trials: wanted 0 to 5, as many as there are trials, got 6',
    ),
    ({'parts': ['x']}, f"parts: wanted one of {list(PARTS)}, got 'x'"),
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
    '--parts=[tickets,labels,no_reset]',
    '--trials=2',
    '--iterations=1',
    '--levels=[1]',
    '--control_trials=1',
    '--control_levels=[1]',
    '--repetitions=1',
    f'--mnist_location={mnist}',
    '--training_len=iterations,20',
    '--evaluation_interval=10',
    '--validation_size=100',
    '--layers=[20,10]',
    '--jobs=2',
  ]

  def run(*flags):
    result = subprocess.run(
      [*command, *flags], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr

  def told(finished):
    return [
      f'{name:16}{runs:5} runs {20 * runs:12} iterations,'
      f' {runs if finished else 0} finished before'
      for name, runs in (('tickets', 4), ('labels', 6), ('no_reset', 3))
    ]

  out, _ = run('--dry_run')
  assert out.splitlines()[:3] == told(finished=False)
  assert 'At most 0 h ' in out
  assert not (tmp_path / 'exp').exists()
  out, err = run()
  assert ' jobs: 10 done, 0 finished before, 0 failed; ' in f' {err}'
  page = tmp_path / 'exp' / 'report' / 'index.html'
  assert f'report: {page}' in out and page.exists()
  times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('run.json')}
  assert len(times) == 13
  out, err = run()
  assert out.splitlines()[:3] == told(finished=True)
  assert 'jobs: 0 done, 10 finished before, 0 failed; ' in err
  assert {p: p.stat().st_mtime_ns for p in times} == times

"""Tests of lottery_ticket.study.program: one program for the common jobs."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import paths
from lottery_ticket.study import program


@pytest.fixture
def run(monkeypatch):
  def run_it(*words):
    monkeypatch.setattr(sys, 'argv', ['lottery-ticket', *words])
    program.main()

  return run_it


def flags(small):
  return shlex.split(argfiles.short_line(**small))


@pytest.mark.slow
def test_trains_levels_and_reports_them(run, small, tmp_path, capsys):
  common = [*flags(small), '--experiment_path=experiments']
  run('ladder', *common, '--trials=2', '--iterations=1', '--jobs=2')
  run('control', *common, '--controls=[random]', '--trials=2', '--levels=[1]')
  said = capsys.readouterr()
  assert '2 jobs: 2 done' in said.err
  assert 'lottery-ticket board --experiment_path=experiments\n' in said.out
  for trial in (1, 2):
    trial_dir = paths.trial(str(tmp_path / 'experiments'), trial)
    for name in ('same_init', 'random1'):
      assert os.path.isfile(paths.record(paths.run(trial_dir, 1, name)))
  run('summarize', '--experiment_path=experiments')
  assert '100.0' in capsys.readouterr().out


def test_one_run_has_an_output_dir(run, small, tmp_path):
  run('train', *flags(small), '--output_dir=run', '--seed=1')
  assert (tmp_path / 'run' / 'run.json').is_file()


def test_dry_run_says_it_with_an_argfile(run, root, capsys):
  run('ladder', '--trials=2', '--jobs=3', '--learning_rate=.1', '--dry_run')
  said = capsys.readouterr().out
  assert said == (
    'python argfile_runner.py mnist_fc/runners/lottery_experiment.py'
    ' "mnist_fc/argfiles/lottery_experiment_argfile.py --trials=2'
    ' --learning_rate=0.1"'
    ' --jobs=3\n'
  )
  words = shlex.split(said)[1:]
  jobs = subprocess.run(
    [sys.executable, *words, '--dry_run'],
    cwd=root,
    capture_output=True,
    text=True,
    check=True,
  ).stdout.splitlines()
  assert len(jobs) == 2 and all('--learning_rate=0.1' in job for job in jobs)


def test_runs_an_argfile_as_before(run, capsys):
  argfile = 'argfiles/train_argfile.py --trials=1'
  run('runners/train.py', argfile, '--dry_run')
  assert '/0/dense --seed=1' in capsys.readouterr().out


def test_help_lists_the_commands(run, capsys):
  run('--help')
  said = capsys.readouterr().out
  assert all(re.search(rf'^  {name} ', said, re.M) for name in program.COMMANDS)


@pytest.mark.parametrize('name', program.COMMANDS)
def test_help_of_each_command(name, run, capsys):
  run(name, '--help')
  said = capsys.readouterr().out
  examples = said.partition('Examples:')[2]
  assert not re.search(r'(?<!")--\w+=[\[{]', examples)  # Shells read them.
  assert 'Examples:\n  lottery-ticket' in said and '\n  --' in said
  assert said.endswith(f'Time on two cores: {program.COMMANDS[name].takes}.\n')


def test_help_of_another_task_keeps_its_name(run, capsys):
  run('ladder', '--task=cifar10_conv', '--help')
  said = capsys.readouterr().out
  assert 'Examples:\n  lottery-ticket ladder --task=cifar10_conv --' in said
  assert said.endswith('Time on two cores: as its networks need.\n')


@pytest.mark.parametrize(
  ('words', 'complaint'),
  [
    (['lader'], "command: wanted one of .*, got 'lader'"),
    (['report', '--task=foo'], "task: wanted an experiment folder .* 'foo'"),
    (['report', '--task', 'study'], "task: wanted an experiment .* 'study'"),
    (['ladder', '--trails=3'], '--trails: .* did you mean --trials'),
    (['ladder', '--jobs=0'], 'jobs: wanted'),
    (['train', '--output_dir=x', '--trials=2'], '--trials: no such flag'),
  ],
)
def test_bad_input_is_one_line(words, complaint, run, capsys):
  with pytest.raises(SystemExit) as ended:
    run(*words)
  said = capsys.readouterr().err
  assert ended.value.code == 2
  assert (
    re.match(f'lottery-ticket.*: {complaint}', said) and said.count('\n') == 1
  )

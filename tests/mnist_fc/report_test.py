"""Tests of lottery_ticket.mnist_fc.report, on runs that were really trained."""

import json
import pathlib
import runpy
import shlex
import shutil
import subprocess
import sys
from ast import literal_eval

import pandas as pd
import pytest

from lottery_ticket.analysis import results
from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import report


@pytest.fixture(scope='module')
def folder(experiment_path, tmp_path_factory):
  """Trials 1 and 2; each has a "reinitialization", a copy of the ticket."""
  copy = tmp_path_factory.mktemp('reports') / 'experiments'
  shutil.copytree(experiment_path, copy)
  for trial in (1, 2):
    place = paths.trial(str(copy), trial)
    reinit = paths.run(place, 1, 'reinit', 1)
    shutil.copytree(paths.run(place, 1), reinit)
    record = save_restore.read_json(paths.record(reinit))
    record['description']['script'] = 'control'
    save_restore.write_json(paths.record(reinit), record)
  return copy


@pytest.fixture
def run(root, monkeypatch):
  """Returns a function that runs the runner in this process."""

  def run_it(experiment_path):
    script = str(root / 'mnist_fc/runners/report.py')
    flags = [f'--experiment_path={experiment_path}']
    monkeypatch.setattr(sys, 'argv', [script, *flags])
    runpy.run_path(script, run_name='__main__')

  return run_it


@pytest.mark.slow
def test_a_report_with_all_figures(folder, run, capsys):
  run(folder)
  heading, *_, verdict, where = capsys.readouterr().out.splitlines()
  page = folder / 'report' / 'index.html'
  assert where == f'report: {page}'
  assert heading.split()[:2] == ['claim', 'verdict']
  assert verdict.startswith('Of 28 claims of the paper, ')
  assert verdict.endswith(', over 2 trials.')
  assert verdict in page.read_text()
  figures = {path.name for path in (folder / 'report' / 'figures').iterdir()}
  assert {'early_stop.png', 'curves.svg', 'initial_weights.svg'} <= figures
  results_csv = (folder / 'report' / 'results.csv').read_text()
  assert len(results_csv.splitlines()) == 1 + 6


def test_a_folder_without_runs_is_one_line(tmp_path, run, capsys):
  with pytest.raises(SystemExit) as raised:
    run(tmp_path)
  assert raised.value.code == 2
  shown = capsys.readouterr()
  assert shown.err.startswith(f'report.py: {tmp_path}: no finished run there; ')
  assert shown.err.count('\n') == 1
  assert not list(tmp_path.glob('report*'))


def test_the_commands_make_the_same_runs(folder):
  runs = results.read(str(folder)).runs
  ladder, reinit = report.commands(runs)
  for command, script in (
    (ladder, 'lottery_experiment'),
    (reinit, 'control'),
  ):
    python, runner, target, argfile = shlex.split(command)
    assert (python, runner) == ('python', 'argfile_runner.py')
    assert target == f'runners/{script}.py'
    lines = argfiles.read(argfile, 'mnist_fc')
    assert len(lines) == 2
    flags = dict(flag.removeprefix('--').split('=', 1) for flag in lines[1])
    assert flags['seed'] == '2'
    assert flags['optimizer'] == 'SGD'
    assert flags['learning_rate'] == '0.1'
    assert json.loads(flags['validation_size']) == 100
    assert flags['output_dir'].endswith(
      '/trial2' if script == 'lottery_experiment' else '/trial2/1/reinit1'
    )
  assert "'--layers=[[20,relu],[10,None]]'" in ladder
  assert '--controls=[reinit]' in reinit


@pytest.mark.parametrize(
  ('script', 'experiment', 'expected'),
  [
    (
      'lottery_experiment',
      'same_init',
      [
        'python mnist_fc/runners/lottery_experiment.py'
        ' --output_dir=experiments/trial1 --seed=7 --iterations=1',
        'python mnist_fc/runners/lottery_experiment.py'
        ' --output_dir=experiments/trial2 --seed=8 --iterations=1',
      ],
    ),
    ('other', 'noise_1x', ['# noise_1x: 4 runs, made by other']),
  ],
)
def test_commands_of_other_seeds_and_scripts(
  folder, script, experiment, expected
):
  runs = results.read(str(folder)).runs
  runs = runs[runs.experiment == 'same_init'].assign(
    script=script, experiment=experiment
  )
  runs['seed'] += 6
  found = list(report.commands(runs))
  assert len(found) == len(expected)
  for line, start in zip(found, expected, strict=True):
    assert line.startswith(start)


def test_controls_of_equal_flags_share_a_command(folder):
  runs = results.read(str(folder)).runs
  reinit = runs[runs.experiment == 'reinit']
  names = ('random', 'noise_0.5x')
  others = [reinit.assign(experiment=name) for name in names]
  comment, command = report.commands(
    pd.concat([*others, reinit.assign(experiment='mine')])
  )
  assert comment == '# mine: 2 runs, made by control'
  lines = argfiles.read(shlex.split(command)[-1], 'mnist_fc')
  assert ' --trials=2 ' in command
  assert len(lines) == 4
  assert '--control=noise' in lines[0]
  assert '--optimizer=SGD' in lines[0]


def test_records_that_do_not_say_whose_ticket_it_was(folder):
  runs = results.read(str(folder)).runs
  early = runs.assign(
    ticket_name=[None, 'same_init', *runs.ticket_name.iloc[2:]]
  )
  assert list(report.commands(early)) == list(report.commands(runs))


def test_controls_of_some_trials_and_of_other_tickets(folder):
  runs = results.read(str(folder)).runs
  second = runs[(runs.experiment == 'reinit') & (runs.trial == '2')]
  union = second.assign(experiment='union', ticket_name='mine')
  *_, command = report.commands(pd.concat([runs, union]))
  [line] = argfiles.read(shlex.split(command)[-1], 'mnist_fc')
  flags = dict(flag.removeprefix('--').split('=', 1) for flag in line)
  assert flags['output_dir'].endswith('/trial2/1/union1')
  assert len(literal_eval(flags['trials'])) == 2
  assert flags['ticket_name'] == 'mine'


def test_the_report_needs_no_tensorflow():
  code = (
    'import sys\n'
    'from lottery_ticket.mnist_fc import report\n'
    'assert "tensorflow" not in sys.modules'
  )
  subprocess.run([sys.executable, '-c', code], check=True)


def test_a_report_from_the_command_line(folder, run, tmp_path, capsys):
  copy = tmp_path / 'copy'
  shutil.copytree(folder / 'trial1', copy / 'trial1')
  unfinished = pathlib.Path(paths.run(str(copy / 'trial1'), 1))
  (unfinished / 'run.json').unlink()
  run(copy)
  shown = capsys.readouterr()
  assert shown.err == (f'left out: {unfinished}: run.json: no such file\n')
  heading, *_, verdict, where = shown.out.splitlines()
  page = copy / 'report' / 'index.html'
  assert where == f'report: {page}'
  assert heading.split()[:2] == ['claim', 'verdict']
  assert verdict.startswith('Of 28 claims of the paper, ')
  assert verdict.endswith(', over 1 trial.')
  assert verdict in page.read_text()
  assert '<th scope="row">trial1/1/same_init</th>' in page.read_text()

"""Tests of lottery_ticket.study.report, on runs that were really trained."""

import json
import pathlib
import runpy
import shlex
import shutil
import subprocess
import sys
from ast import literal_eval

import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import results
from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import paper
from lottery_ticket.study import commands


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

  def run_it(experiment_path, *more):
    script = str(root / 'mnist_fc/runners/report.py')
    flags = [f'--experiment_path={experiment_path}', *more]
    monkeypatch.setattr(sys, 'argv', [script, *flags])
    runpy.run_path(script, run_name='__main__')

  return run_it


OTHER_NETWORKS = 'The paper makes no claims about these networks and data.'


@pytest.mark.slow
def test_a_report_with_all_figures(folder, run, capsys):
  run(folder)
  *found, verdict, where = capsys.readouterr().out.splitlines()
  assert found[0].startswith('Dense networks reach a test accuracy of ')
  assert found[1].startswith('Tickets of ')
  page = folder / 'report' / 'index.html'
  assert where == f'report: {page}'
  # These are other networks than the paper's, and few data.
  assert verdict == OTHER_NETWORKS
  assert verdict in page.read_text()
  assert 'nan' not in page.read_text().split('<style>')[0]
  figures = {path.name for path in (folder / 'report' / 'figures').iterdir()}
  assert {'tickets.png', 'curves.svg', 'weights.svg'} <= figures
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


def test_folders_are_compared_on_one_page(folder, run, tmp_path, capsys):
  """Both are called experiments, so that their names say more."""
  other = tmp_path / 'other' / 'experiments'
  shutil.copytree(folder / 'trial1', other / 'trial1')
  output_dir = tmp_path / 'pages'
  run(
    folder,
    f'--compare={other}',
    '--controls=[reinit]',
    f'--output_dir={output_dir}',
  )
  page = output_dir / 'comparison' / 'index.html'
  assert capsys.readouterr().out == f'comparison: {page}\n'
  names = f'{folder.parent.name}/experiments and other/experiments'
  assert f'<h1>Lottery tickets: {names}</h1>' in page.read_text()
  table = (output_dir / 'comparison' / 'comparison.csv').read_text()
  assert f'{folder.parent.name}/experiments: reinitialized,' in table
  assert not (output_dir / 'report').exists()


def test_a_comparison_with_nothing_is_one_line(folder, run, tmp_path, capsys):
  for flags, message in (
    ([f'--compare={tmp_path}'], f'{tmp_path}: no finished run there; wanted '),
    ([f'--compare={folder}'], 'compare: wanted other folders, at most 4, got '),
    (['--controls=[reinit]'], 'controls: wanted them with --compare alone, '),
  ):
    with pytest.raises(SystemExit) as raised:
      run(folder, f'--output_dir={tmp_path / "pages"}', *flags)
    assert raised.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f'report.py: {message}')
    assert error.count('\n') == 1
  assert not (tmp_path / 'pages').exists()


def test_the_commands_make_the_same_runs(folder):
  runs = results.read(str(folder)).runs
  ladder, reinit = commands.of_runs(constants.TASK, runs)
  for command, script in (
    (ladder, 'lottery_experiment'),
    (reinit, 'control'),
  ):
    python, runner, target, argfile = shlex.split(command)
    assert (python, runner) == ('python', 'argfile_runner.py')
    assert target == f'mnist_fc/runners/{script}.py'
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


@pytest.fixture
def changed(folder, tmp_path):
  """Returns a function that adds to a copy of trials, and gives its runs."""
  top = shutil.copytree(folder, tmp_path / 'changed')

  def copy(old, name, trial=2, level=1, **changes):
    place = paths.trial(str(top), trial)
    run = shutil.copytree(
      paths.run(place, level, old), paths.run(place, level, name)
    )
    change(run, **changes)
    return results.read(str(top)).runs

  copy.top = top
  return copy


def change(run, ticket_name=None, **changes):
  record = save_restore.read_json(paths.record(run))
  record['description'].update(changes)
  if ticket_name:
    record['sources']['ticket_name'] = ticket_name
  save_restore.write_json(paths.record(run), record)


def test_ladders_of_other_seeds_are_runs_of_the_runner(changed):
  for record in changed.top.glob('*/*/same_init/run.json'):
    trial = int(record.parts[-4].removeprefix('trial'))
    order = seeds.integer(trial + 6, 'order', int(record.parts[-3]))
    change(str(record.parent), seed=trial + 6, train_order_seed=order)
  found = list(commands.of_runs(constants.TASK, results.read(changed.top).runs))
  for trial, line in zip((1, 2), found, strict=False):
    assert line.startswith(
      'python mnist_fc/runners/lottery_experiment.py'
      f' --output_dir=experiments/trial{trial} --iterations=1'
      f' --seed={trial + 6} '
    )
  assert found[2:] == ['# reinit: 2 runs, made by control']


def test_runs_of_other_scripts_are_told(changed):
  changed('same_init', 'noise_1x1', script='other')
  runs = changed('same_init', 'noise_1x2', task='another')
  *_, first, second = commands.of_runs(constants.TASK, runs)
  assert first == '# noise_1x: 1 run, made by lottery_experiment'
  assert second == '# noise_1x: 1 run, made by other'


def test_controls_of_equal_flags_share_a_command(changed):
  for trial in (1, 2):
    for name in ('random', 'noise_0.5x', 'mine'):
      runs = changed('reinit1', f'{name}1', trial)
  _, command, comment = commands.of_runs(constants.TASK, runs)
  assert comment == '# mine: 2 runs, made by control'
  lines = argfiles.read(shlex.split(command)[-1], 'mnist_fc')
  assert ' --trials=2 ' in command
  assert len(lines) == 6
  assert any('--control=noise' in line for line in lines)
  assert '--optimizer=SGD' in lines[0]


def test_controls_of_some_trials_and_of_other_tickets(changed):
  runs = changed('reinit1', 'union1', ticket_name='mine')
  *_, command = commands.of_runs(constants.TASK, runs)
  [line] = argfiles.read(shlex.split(command)[-1], 'mnist_fc')
  flags = dict(flag.removeprefix('--').split('=', 1) for flag in line)
  assert flags['output_dir'].endswith('/trial2/1/union1')
  assert len(literal_eval(flags['trials'])) == 2
  assert flags['ticket_name'] == 'mine'


def test_the_report_needs_no_tensorflow():
  code = (
    'import sys\n'
    'from lottery_ticket.study import report\n'
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
  page = copy / 'report' / 'index.html'
  assert shown.out.splitlines() == [OTHER_NETWORKS, f'report: {page}']
  assert OTHER_NETWORKS in page.read_text()
  assert '<th scope="row">trial1/1/same_init</th>' in page.read_text()


@pytest.mark.parametrize('levels', [0, 1])
def test_claims_are_printed_if_any_is_measured(
  folder, run, tmp_path, monkeypatch, capsys, levels
):
  """A ladder's level 1 is the first that a claim may be about."""
  own = estimands.better(estimands.Net(percent=80.1))
  part = claims.Part(own, above=0)
  one = claims.Claim('C', 'Tickets are better.', 'yes', [part])
  own = claims.Claims({}, claims=[one])
  monkeypatch.setattr(paper, 'TABLES', (own,))
  copy = tmp_path / 'copy'
  for level in range(levels + 1):
    run_folder = paths.run('trial1', level)
    shutil.copytree(folder / run_folder, copy / run_folder)
  run(copy)
  *table, verdict, _ = capsys.readouterr().out.splitlines()
  assert verdict.startswith('1 claim of the paper in 1 part, over 1 trial.')
  found = [line.split()[:5] for line in table]
  if levels:
    found = found[found.index([]) + 1 :]  # Behind what was found.
    assert found[0][:2] == ['claim', 'direction']
    assert found[2] == ['C', 'too', 'few', 'trials', 'yes']
  else:
    assert not found

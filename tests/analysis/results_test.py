"""Tests of results, tables and plots, on small folders of made-up runs."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import results
from lottery_ticket.analysis import tables
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import report


def write_run(directory, losses, remaining, splits=('validate', 'test')):
  """Writes what results read of a run that measured `losses` every 10."""
  log = {
    'iteration': [10 * i for i in range(len(losses))],
    'loss': losses,
    'accuracy': [1 - loss / 10 for loss in losses],
  }
  for split in splits:
    save_restore.write_log(paths.log(directory, split), log)
  mask = np.zeros((4, 5), np.float32)
  mask.ravel()[:remaining] = 1
  save_restore.save_network(paths.masks(directory), {'layer0': mask})
  iterations = log['iteration'][-1]
  save_restore.write_json(paths.record(directory), {'iterations': iterations})


@pytest.fixture
def experiment(tmp_path):
  """Two trials of two levels with a reinitialization of level 1."""
  for trial in (1, 2):
    folder = paths.trial(str(tmp_path / 'exp'), trial)
    write_run(paths.run(folder, 0), [3.0, 1.0, 0.2 * trial, 0.9], 20)
    write_run(paths.run(folder, 1), [3.0, 0.1 * trial, 0.5, 0.9], 16)
    last = 0.4 if trial == 2 else 0.9
    reinit = paths.run(folder, 1, 'reinit', 1)
    write_run(reinit, [3.0, 1.0, 0.8, last], 16)
  return tmp_path / 'exp'


def test_a_row_for_each_run(experiment):
  found = results.read(str(experiment))
  assert not found.problems
  columns = list(results.COLUMNS)
  assert list(found.runs.columns[: len(columns)]) == columns
  assert len(found.runs) == 6
  first = found.runs.iloc[0][columns]
  assert {**first, 'loss_stop': None, 'seed': None} == {
    'trial': '1',
    'level': 0,
    'experiment': 'same_init',
    'run_id': '',
    'density': 1.0,
    'iterations': 30,
    'early_stop': 20,
    'censored': False,
    'early_stop_split': 'validate',
    'accuracy': pytest.approx(0.98),
    'final_accuracy': pytest.approx(0.91),
    'recipe': '{"permute_labels": false, "test data": null}',
    'remaining': 20,
    'final_train_accuracy': pytest.approx(float('nan'), nan_ok=True),
    'final_train_loss': pytest.approx(float('nan'), nan_ok=True),
    'loss_stop': None,
    'loss_stop_censored': True,
    'seed': None,
    'control': None,
    'script': None,
    'reset': None,
    'ticket_name': None,
    'prune_percents': 'null',
    'pruner': None,
    'task': None,
    'checksum': None,
    'seconds': pytest.approx(float('nan'), nan_ok=True),
    'versions': '{}',
    'source': None,
    'directory': paths.run(paths.trial(str(experiment), 1), 0),
  }
  assert first[['loss_stop', 'seed']].isna().all()


def test_runs_of_different_recipes_are_noticed(experiment):
  for trial, rate in ((1, 0.1), (2, 0.2)):
    record = experiment / f'trial{trial}' / '1' / 'reinit1' / 'run.json'
    recipe = {'learning_rate': rate, 'batch_size': 60}
    save_restore.write_json(str(record), {'description': {'recipe': recipe}})
  runs = results.read(str(experiment)).runs
  assert results.differences(runs) == ['batch_size', 'learning_rate']
  reinitialized = runs[runs.experiment == 'reinit']
  assert results.differences(reinitialized) == ['learning_rate']
  assert results.differences(runs[runs.experiment == 'same_init']) == []


def test_what_a_training_of_ones_own_says(experiment):
  own = {'batch_size': 8, 'optimizer': {'name': 'sgd'}, 'model': {'seed': 3}}
  own['experiment'] = {'seed': 3, 'task': 'moons'}
  record = experiment / 'trial1' / '0' / 'same_init' / 'run.json'
  save_restore.write_json(str(record), {'description': own})
  row = results.read(str(experiment)).runs.iloc[0]
  assert (row.seed, row.task) == (3, 'moons')
  recipe = json.loads(row.recipe)
  assert (recipe['batch_size'], recipe['optimizer']) == (8, {'name': 'sgd'})
  assert 'model' not in recipe


def test_without_a_validation_set_the_test_set_says_when_to_stop(tmp_path):
  run = paths.run(paths.trial(str(tmp_path), 1), 0)
  write_run(run, [3.0, 1.0, 2.0], 20, splits=('test',))
  row = results.read(str(tmp_path)).runs.iloc[0]
  assert (row.early_stop, row.early_stop_split) == (10, 'test')


def test_unfinished_and_damaged_runs_are_named(experiment):
  unfinished = experiment / 'trial1' / '0' / 'same_init'
  (unfinished / 'run.json').unlink()
  damaged = experiment / 'trial2' / '1' / 'reinit1'
  (damaged / 'test.json').write_text('{"iteration": [0')
  found = results.read(str(experiment))
  assert len(found.runs) == 4
  assert found.problems == {
    str(unfinished): 'run.json: no such file',
    str(damaged): 'test.json: wanted a JSON object',
  }


@pytest.mark.parametrize(
  ('record', 'problem'),
  [
    ({'description': 3}, 'run.json: description: wanted an object, got 3'),
    ({'description': {'recipe': [1]}}, 'run.json: recipe: wanted an object'),
    ({'results': {'train': 'x'}}, 'run.json: train: wanted an object'),
  ],
)
def test_damaged_records_are_named(experiment, record, problem):
  damaged = experiment / 'trial1' / '0' / 'same_init'
  save_restore.write_json(str(damaged / 'run.json'), record)
  found = results.read(str(experiment))
  assert found.problems == {str(damaged): problem}
  assert len(found.runs) == 5


@pytest.mark.parametrize('value', ['x', [1], {'a': 1}, None, True])
def test_odd_values_of_a_record_are_none(experiment, value):
  run = experiment / 'trial1' / '1' / 'reinit1'
  names = ('seed', 'control', 'script', 'reset', 'recipe')
  odd = dict.fromkeys(names[:-1], value) | {'recipe': {'pruner': value}}
  record = {
    'iterations': value,
    'seconds': value,
    'versions': value if isinstance(value, dict) else {},
    'description': odd,
    'sources': {'call': {'arguments': {'ticket_name': value}}},
  }
  save_restore.write_json(str(run / 'run.json'), record)
  runs = results.read(str(experiment)).runs
  assert len(runs) == 6
  names = ['script', 'reset', 'pruner', 'ticket_name']
  assert runs.groupby(names, dropna=False).size().sum() == 6
  claims.judge(runs)


def with_outputs(run):
  """Records what a run left."""
  for name in ('initial', 'final'):
    weights = {'layer0': np.ones((4, 5), np.float32)}
    save_restore.save_network(f'{run}/{name}', weights)
  outputs = {
    name: records.checksum(str(run), name)
    for name in os.listdir(run)
    if name != 'run.json'
  }
  record = {'iterations': 30, 'outputs': outputs}
  save_restore.write_json(str(run / 'run.json'), record)


@pytest.mark.parametrize('name', ['validate.json', 'test.json', 'masks'])
def test_what_is_lost_of_a_run_is_named(experiment, name):
  run = experiment / 'trial1' / '1' / 'same_init'
  with_outputs(run)
  whole = results.read(str(experiment))
  assert len(whole.runs) == 6 and not whole.problems
  for folder in ('initial', 'final'):  # They take space.
    shutil.rmtree(run / folder)
  assert not results.read(str(experiment)).problems
  (run / name).rename(experiment / 'elsewhere')
  [(folder, why)] = results.read(str(experiment)).problems.items()
  assert folder == str(run) and why.startswith(f'{name}: ')


@pytest.mark.parametrize('name', ['validate.json', 'test.json', 'masks'])
def test_what_is_not_a_runs_own_is_named(experiment, name):
  run = experiment / 'trial1' / '1' / 'same_init'
  with_outputs(run)
  other = experiment / 'trial1' / '0' / 'same_init' / name
  shutil.rmtree(run / name) if other.is_dir() else (run / name).unlink()
  other.rename(run / name)
  problems = results.read(str(experiment)).problems
  assert problems[str(run)] == f'{name}: other than what the run left'


def test_a_run_without_a_validation_set_is_whole(tmp_path):
  run = paths.run(paths.trial(str(tmp_path), 1), 0)
  write_run(run, [3.0, 1.0, 2.0], 20, splits=('test',))
  with_outputs(pathlib.Path(run))
  found = results.read(str(tmp_path))
  assert not found.problems
  assert found.runs.early_stop_split.item() == 'test'


def test_damaged_logs_are_named(experiment):
  diverged = experiment / 'trial1' / '0' / 'same_init'
  short = experiment / 'trial1' / '1' / 'same_init'
  log = {'iteration': [0, 10], 'loss': [1.0, None], 'accuracy': [0.1, 0.2]}
  save_restore.write_log(str(diverged / 'validate.json'), log)
  save_restore.write_log(str(short / 'test.json'), {key: [0] for key in log})
  assert results.read(str(experiment)).problems == {
    str(diverged): 'validate.json: log: wanted a finite loss after iteration 0',
    str(short): 'test.json: log: no measurement at iteration 10',
  }


def test_what_a_record_says(experiment):
  run = experiment / 'trial2' / '1' / 'reinit1'
  percents = {'layer0': 0.2}
  record = {
    'iterations': 30,
    'description': {
      'seed': 2**63,
      'control': 'reinit',
      'script': 'reinitialize',
      'recipe': {'pruner': 'magnitude', 'prune_percents': percents},
    },
    'results': {'train': {'accuracy': 0.875, 'loss': None}},
  }
  save_restore.write_json(str(run / 'run.json'), record)
  row = results.read(str(experiment)).runs.set_index('directory').loc[str(run)]
  assert row.final_train_accuracy == 0.875
  assert np.isnan(row.final_train_loss)
  assert (row.seed, row.control, row.script) == (
    2**63,
    'reinit',
    'reinitialize',
  )
  assert json.loads(row.prune_percents) == percents
  assert row.pruner == 'magnitude'
  assert 'prune' not in row.recipe


def test_iterations_to_a_loss(experiment):
  runs = results.read(str(experiment), target_loss=0.2).runs
  found = runs.set_index(['trial', 'experiment', 'level'])
  assert found.loss_stop['1', 'same_init', 0] == 20
  assert not found.loss_stop_censored['1', 'same_init', 0]
  assert found.loss_stop.isna()['2', 'same_init', 0]
  assert found.loss_stop_censored['2', 'same_init', 0]
  assert found.loss_stop['2', 'same_init', 1] == 10


def test_curves(experiment):
  runs = results.read(str(experiment)).runs
  table = results.curves(runs[runs.level == 1])
  assert len(table) == 4 * 4
  one = table[(table.trial == '2') & (table.experiment == 'reinit')]
  assert list(one.iteration) == [0, 10, 20, 30]
  assert list(one.loss) == [3.0, 1.0, 0.8, 0.4]
  assert list(one.accuracy) == pytest.approx([0.7, 0.9, 0.92, 0.96])
  assert set(one.run_id) == {'1'}
  assert set(one.density) == {0.8}


def test_a_thinned_curve_has_all_that_early_stop_needs(tmp_path):
  """Within any number of iterations, too."""
  losses = [3.0, *np.random.default_rng(0).uniform(0.1, 1, 500)]
  losses[1:200] = np.linspace(1, 0.5, 199)
  run = paths.run(paths.trial(str(tmp_path), 1), 0)
  write_run(run, losses, 20)
  table = results.curves(results.read(str(tmp_path)).runs)
  assert len(table) < 260
  assert list(table.iteration.iloc[[0, -1]]) == [0, 5000]
  for last in (200, 1500, 2500, 5000):
    within = table[(table.iteration > 0) & (table.iteration <= last)]
    wanted = 10 * (1 + np.argmin(losses[1 : last // 10 + 1]))
    assert within.iteration[within.loss.idxmin()] == wanted


def test_a_run_under_way_is_named(experiment):
  part = experiment / 'trial1' / '2' / 'same_init.part'
  part.mkdir(parents=True)
  assert results.read(str(experiment)).problems == {
    str(part): 'under way, or interrupted'
  }


WANTED = 'wanted the folder that holds trial1, trial2, ...'


@pytest.mark.parametrize(
  ('made', 'asked', 'wanted'),
  [
    ('', '', f': no finished run there; {WANTED}'),
    ('', 'nowhere', '/nowhere: no such folder'),
    (
      'study/trial1/0/same_init/run.json',
      '',
      f': no finished run there; {WANTED}; did you mean {{folder}}/study?',
    ),
    (
      'trial1/0/same_init/test.json',
      '',
      ': no finished run there; 1 unfinished, damaged or diverged, like'
      ' {folder}/trial1/0/same_init: run.json: no such file',
    ),
    (
      'trial1/0/same_init/run.json',
      'trial1',
      f'/trial1: this is a trial; {WANTED}',
    ),
    (
      'trial1/0/same_init/run.json',
      'trial1/0/same_init',
      f'/trial1/0/same_init: this is a run; {WANTED}',
    ),
  ],
)
def test_a_folder_without_runs(tmp_path, made, asked, wanted):
  if made:
    (tmp_path / made).parent.mkdir(parents=True)
    (tmp_path / made).touch()
  with pytest.raises(errors.InputError) as raised:
    results.read(str(tmp_path / asked))
  assert str(raised.value) == f'{tmp_path}' + wanted.format(folder=tmp_path)


def test_weights_of_each_layer(experiment):
  for trial in (1, 2):
    run = paths.run(paths.trial(str(experiment), trial), 1)
    masks = {'layer0': np.eye(4, 5), 'wide': np.ones((1_000, 2))}
    masks['wide'][: 100 * trial] = 0
    save_restore.save_network(paths.masks(run), masks)
  found = results.layers(results.read(str(experiment)).runs)
  last = found[(found.trial == '2') & (found.experiment == 'same_init')]
  assert last[['level', 'layer', 'weights', 'left']].to_numpy().tolist() == [
    [0, 'layer0', 20, 20],
    [1, 'layer0', 20, 4],
    [1, 'wide', 2_000, 1_600],
  ]
  assert tables.layers(found).splitlines() == [
    '   P_m %  layer   weights left        %          of',
    '   100.0  layer0            20   100.00          20',
    '    84.4  layer0             4    20.00          20',
    '    84.4  wide           1,700    85.00       2,000',
  ]


def test_summary(experiment):
  summary = results.summarize(results.read(str(experiment)).runs)
  rows = summary.set_index(['experiment', 'level'])
  dense = rows.loc[('same_init', 0)]
  assert dense.runs == 2
  assert dense.accuracy_mean == pytest.approx(0.97)
  assert dense.accuracy_min == pytest.approx(0.96)
  assert dense.accuracy_max == pytest.approx(0.98)
  reinit = rows.loc[('reinit', 1)]
  assert (reinit.runs, reinit.trials, reinit.censored) == (2, 2, 1)
  assert reinit.density == pytest.approx(0.8)
  assert reinit.early_stop_mean == 25


def test_a_summary_averages_a_trials_runs_first(experiment):
  runs = results.read(str(experiment)).runs
  reinit = runs[(runs.experiment == 'reinit') & (runs.trial == '1')]
  more = [reinit.assign(run_id=str(i), early_stop=20) for i in (2, 3)]
  summary = results.summarize(pd.concat([runs, *more]))
  row = summary.set_index('experiment').loc['reinit']
  assert (row.runs, row.trials) == (4, 2)
  assert row.early_stop_mean == (20 + 30) / 2


def test_table(experiment):
  summary = results.summarize(results.read(str(experiment)).runs)
  lines = tables.tickets(summary).splitlines()
  assert lines[-2].split() == (
    ['100.0', '|', '20', '97.00', '2', '|', '-', '-', '0']
  )
  assert lines[-1].split() == (
    ['80.0', '|', '10', '98.50', '2', '|', '>=', '25', '94.00', '2']
  )


def test_a_table_wants_tickets(experiment):
  summary = results.summarize(results.read(str(experiment)).runs)
  with pytest.raises(errors.InputError) as raised:
    tables.tickets(summary[summary.experiment == 'reinit'])
  assert str(raised.value) == "runs: wanted some of 'same_init', found none"


def test_figure_draws_what_the_summary_says(experiment):
  summary = results.summarize(results.read(str(experiment)).runs)
  figure = plots.tickets(summary)
  early, accuracy = figure.axes
  ticket, reinit = accuracy.containers
  assert list(ticket.lines[0].get_xdata()) == pytest.approx([100, 80])
  assert list(ticket.lines[0].get_ydata()) == pytest.approx([97, 98.5])
  assert list(reinit.lines[0].get_ydata()) == pytest.approx([94])
  assert early.xaxis_inverted()
  arrows = [line for line in early.lines if line.get_marker() == r'$\uparrow$']
  assert [list(line.get_ydata()) for line in arrows] == [[], [33]]


@pytest.mark.parametrize(
  ('name', 'start'), [('a.png', b'\x89PNG'), ('a.svg', b'<?xml')]
)
def test_a_figure_is_saved(experiment, tmp_path, name, start):
  summary = results.summarize(results.read(str(experiment)).runs)
  path = tmp_path / 'new' / name
  plots.save(plots.tickets(summary), str(path))
  assert path.read_bytes().startswith(start)
  assert [file.name for file in path.parent.iterdir()] == [name]


def test_results_need_no_tensorflow():
  code = (
    'import sys\n'
    'from lottery_ticket.analysis import results, tables\n'
    'assert "tensorflow" not in sys.modules'
  )
  subprocess.run([sys.executable, '-c', code], check=True)


def test_foundations_work_without_the_analysis_extra():
  code = (
    'import sys\n'
    'for name in ("pandas", "matplotlib", "scipy"):\n'
    '  sys.modules[name] = None  # Importing it fails.\n'
    'from lottery_ticket.foundations import paths, save_restore, trainer\n'
  )
  subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)


def test_summarize_from_the_command_line(experiment, root):
  command = [sys.executable, root / 'mnist_fc/runners/summarize.py']
  command += [f'--experiment_path={experiment}']
  shown = subprocess.run(command, check=True, capture_output=True, text=True)
  figure = experiment / 'graphs' / 'tickets' / 'early_stop.png'
  assert 'winning ticket' in shown.stdout
  assert shown.stdout.splitlines()[-1] == f'figure: {figure}'
  assert figure.read_bytes().startswith(b'\x89PNG')


@pytest.mark.parametrize('name', ['reinit1', 'permuted_labels1'])
def test_what_is_drawn_and_differs_is_said(experiment, capsys, tmp_path, name):
  run = experiment / 'trial1' / '1' / 'reinit1'
  record = {'description': {'permute_labels': True}}
  save_restore.write_json(str(run / 'run.json'), record)
  run.rename(run.with_name(name))
  report.summarize(
    constants.TASK, str(experiment), figure=str(tmp_path / 'a.png')
  )
  said = capsys.readouterr().err
  if name == 'reinit1':
    assert said == 'take care: the runs differ in permute_labels\n'
  else:
    assert said == ''


def test_a_figure_of_an_unknown_kind_is_refused(experiment, root):
  command = [sys.executable, root / 'mnist_fc/runners/summarize.py']
  command += [f'--experiment_path={experiment}', '--figure=a.doc']
  shown = subprocess.run(command, capture_output=True, text=True)
  assert shown.returncode == 2
  assert shown.stderr == (
    'summarize.py: figure: wanted a name ending in .png, .svg or .pdf,'
    " got 'a.doc'\n"
  )
  assert not pathlib.Path('a.doc').exists()


def test_find_runs_in_the_order_of_numbers(tmp_path):
  for trial, level, name in (
    (10, 0, 'same_init'),
    (2, 10, 'same_init'),
    (2, 9, 'reinit10'),
    (2, 9, 'reinit2'),
  ):
    (tmp_path / f'trial{trial}' / str(level) / name).mkdir(parents=True)
  (tmp_path / 'trial2' / 'notes' / 'x').mkdir(parents=True)
  (tmp_path / 'graphs').mkdir()
  runs = [tuple(run)[1:] for run in paths.find_runs(str(tmp_path))]
  assert runs == [
    ('2', 9, 'reinit', '2'),
    ('2', 9, 'reinit', '10'),
    ('2', 10, 'same_init', ''),
    ('10', 0, 'same_init', ''),
  ]

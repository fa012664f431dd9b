"""Tests of lottery_ticket.study.stability, on ladders of two levels."""

import functools
import json
import shutil

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import figures
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rows
from lottery_ticket.cifar10_conv import constants as cifar10_constants
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import line
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import lottery_experiment
from lottery_ticket.mnist_fc import paper
from lottery_ticket.study import control
from lottery_ticket.study import lottery_experiment as ladder_lib
from lottery_ticket.study import repeat
from lottery_ticket.study import report
from lottery_ticket.study import stability as stability_lib

STABILITY = functools.partial(stability_lib.stability, constants.TASK)


@pytest.fixture(scope='module')
def rewound(tmp_path_factory, small):
  """The folder of a trial whose ladder was rewound to iteration 2."""
  folder = tmp_path_factory.mktemp('rewound')
  trial = str(folder / 'trial1')
  lottery_experiment.train(trial, iterations=1, seed=1, reset=2, **small)
  return folder


@pytest.fixture(scope='module')
def measured(rewound):
  """The same folder once all that there is was measured."""
  STABILITY(str(rewound), rewind_to=[0, 2], points=5)
  STABILITY(str(rewound), levels=[1], points=5)
  STABILITY(str(rewound), successive=True, points=5)
  return rewound


def read(path):
  return json.loads(path.read_text())


def network(folder, name):
  return save_restore.restore_network(str(folder / name))


@pytest.mark.parametrize(('level', 'k'), [(0, 0), (0, 2), (1, 2)])
def test_copies_start_from_iteration_k_and_differ_in_order(measured, level, k):
  folder = measured / 'trial1' / str(level)
  ladder = folder / 'same_init'
  start = network(ladder, 'initial')
  if k and not level:
    start = network(ladder, f'checkpoint{k}')
  runs = [folder / f'stability{k}_{copy}' for copy in (1, 2)]
  records = [read(run / 'run.json') for run in runs]
  for run, record in zip(runs, records, strict=True):
    np.testing.assert_equal(network(run, 'initial'), start)
    np.testing.assert_equal(network(run, 'masks'), network(ladder, 'masks'))
    assert record['iterations'] == 6 - k
  said = [record['description'] for record in records]
  differing = {name for name in said[0] if said[0][name] != said[1][name]}
  assert differing == {'train_order_seed', 'copy'}
  ends = [network(run, 'final') for run in runs]
  assert not np.array_equal(ends[0]['layer0'], ends[1]['layer0'])


@pytest.mark.parametrize(
  ('level', 'name', 'about'),
  [
    (0, 'stability0', {'rewind_to': 0}),
    (1, 'stability2', {'rewind_to': 2}),
    (1, 'same_init_from0', {'from_level': 0}),
  ],
)
def test_writes_the_errors_along_the_line(measured, level, name, about):
  found = read(measured / 'trial1' / str(level) / f'{name}.json')
  assert found.items() >= {'trial': '1', 'level': level, **about}.items()
  assert found['alpha'] == [0, 0.25, 0.5, 0.75, 1] and not found['averaged']
  assert len(found['loss']) == 5
  assert found['barrier'] == line.barrier(found['error'])
  assert found['density'] == pytest.approx(1 if not level else 0.8, abs=0.01)
  ends = [f'{name}_1', f'{name}_2']
  if about.keys() == {'from_level'}:
    ends = ['../0/same_init', 'same_init']
  results = [
    read(measured / 'trial1' / str(level) / end / 'run.json')['results']
    for end in ends
  ]
  wanted = [1 - result['test']['accuracy'] for result in results]
  assert [found['error'][i] for i in (0, -1)] == pytest.approx(wanted)


def test_shows_all_lines_and_repeats_nothing(measured, capsys):
  runs = [*measured.glob('trial1/*/stability*_*/run.json')]
  files = [*runs, *measured.glob('trial1/*/*.json')]
  assert len(runs) == 6 and len(files) == 6 + 4
  before = [file.stat().st_mtime_ns for file in files]
  STABILITY(str(measured), points=5)  # Level 0, of its ladder's k = 2.
  assert [file.stat().st_mtime_ns for file in files] == before
  table = [
    x for x in capsys.readouterr().out.splitlines() if 'trial1/' not in x
  ]
  assert [row.split()[:4] for row in table[1:4]] == [
    ['1', '0', '0', '100.00'],
    ['1', '0', '2', '100.00'],
    ['1', '1', '2', '80.13'],
  ]
  assert sorted(x.name for x in measured.glob('graphs/*/*')) == [
    *('barrier.png', 'barrier.png', 'line.png', 'line.png')
  ]


def test_a_copy_can_be_repeated(measured):
  run = measured / 'trial1' / '0' / 'stability2_2'
  found = repeat.make_again(constants.TASK, str(run))
  assert found.agrees
  assert 'runners/stability.py' in found.command
  assert '--rewind_to=[2]' in found.command and '--copy' not in found.command


def test_batch_norm_is_averaged_anew(cifar10, tmp_path, capsys):
  values = {
    'recipe': 'resnet20',
    'data_location': cifar10,
    'training_len': ('iterations', 1),
    'batch_size': 1000,  # A short batch, which is not compiled.
    'validation_size': 20,
    'width': 4,
  }
  task = cifar10_constants.TASK
  trial = str(tmp_path / 'trial1')
  ladder_lib.train(task, trial, iterations=0, seed=1, **values)
  stability_lib.stability(task, str(tmp_path), points=2)
  found = read(tmp_path / 'trial1' / '0' / 'stability0.json')
  assert found['averaged'] > 0
  said = f"batch norm's averages are of {found['averaged']} training images"
  assert said in capsys.readouterr().out


@pytest.mark.parametrize(
  ('arguments', 'complaint'),
  [
    ({'rewind_to': [6]}, 'rewind_to: wanted .* from 1 to 5, got 6'),
    ({'rewind_to': [-1]}, 'rewind_to: wanted .* from 1 to 5, got -1'),
    ({'rewind_to': [3]}, '.*checkpoint3: no such checkpoint; .*--reset=3'),
    ({'levels': [2]}, '.*/2/same_init: wanted a finished run'),
    ({'levels': [-1]}, 'levels: wanted an integer of at least 0, got -1'),
    ({'levels': [1], 'rewind_to': [0]}, 'rewind_to: wanted 2, the reset of'),
    ({'levels': [1], 'successive': True}, 'levels: wanted two or more'),
    ({'points': 1}, 'points: wanted an integer of at least 2, got 1'),
    ({'ticket_name': '../x'}, 'ticket_name: wanted letters'),
    ({'trials': [7]}, '.*trial7/0/same_init: wanted a finished run'),
  ],
)
def test_bad_input_is_one_line_before_any_work(rewound, arguments, complaint):
  before = sorted(rewound.rglob('*'))
  with pytest.raises(errors.InputError, match=f'^{complaint}') as caught:
    STABILITY(str(rewound), **arguments)
  assert '\n' not in str(caught.value)
  assert sorted(rewound.rglob('*')) == before


def test_a_folder_without_trials(tmp_path):
  with pytest.raises(errors.InputError, match=r'wanted folders trial\*$'):
    STABILITY(str(tmp_path))


def test_other_ends_are_measured_anew(measured, tmp_path):
  again = tmp_path / 'again'
  shutil.copytree(measured, again)
  path = again / 'trial1' / '0' / 'stability0.json'
  path.write_text('damaged')
  STABILITY(str(again), rewind_to=[0], points=3)
  assert read(path)['alpha'] == [0, 0.5, 1]


@pytest.fixture(scope='module')
def own_claims():
  """Claims about any network: one that is right, and one that is not."""
  barriers = [estimands.barrier(k) for k in (0, 2)]
  table = [
    claims.Claim(name, f'Barriers are {name}.', 'yes', parts)
    for name, parts in {
      'low': [claims.Part(x, below=101) for x in barriers],
      'high': [claims.Part(estimands.matching(2, 80.1), above=101)],
    }.items()
  ]
  return claims.Claims({}, paper=claims.STABILITY, claims=table)


def test_copies_of_controls_are_told_apart_from_those_of_the_ladder(
  measured, tmp_path
):
  folder = tmp_path / 'again'
  shutil.copytree(measured, folder)
  trial, run = folder / 'trial1', folder / 'trial1' / '1' / 'random1'
  control.train(
    constants.TASK, str(run), control='random', trial_dir=str(trial), level=1
  )
  STABILITY(str(folder), levels=[1], ticket_name='random1', points=3)
  level = folder / 'trial1' / '1'
  start = network(level / 'random1', 'initial')
  for copy in ('random1_stability0_1', 'random1_stability0_2'):
    np.testing.assert_equal(network(level / copy, 'initial'), start)
  found = results.read(str(folder)).runs
  lines = results.lines(found, 'rewind_to').set_index('kind')
  assert lines.rewind_to['random1_stability0_'] == 0
  assert lines.rewind_to['stability2_'].tolist() == [2, 2]
  between = results.lines(found, 'from_level')
  assert between.loc[0, ['kind', 'from_level']].tolist() == ['same_init', 0]
  graphs = {x.parent.name for x in folder.glob('graphs/*/*.png')}
  assert graphs == {'stability', 'successive', 'random1_stability'}


def test_judges_claims_that_outlive_the_folders(
  measured, own_claims, tmp_path, monkeypatch, capsys
):
  monkeypatch.setattr(paper, 'TABLES', (own_claims,))
  folder = tmp_path / 'again'
  shutil.copytree(measured, folder)
  report.report(constants.TASK, str(folder))  # Rows, before there are lines.
  STABILITY(str(folder), levels=[1], points=5)
  said = capsys.readouterr().out
  assert 'high  Barriers are high.' in said and 'too few trials' in said
  found = results.read(str(folder))
  rows.write(str(tmp_path), found.rows, str(folder))
  shutil.rmtree(folder)
  again = results.read(str(tmp_path)).runs
  pd.testing.assert_series_equal(again.barrier, found.runs.barrier)
  pd.testing.assert_frame_equal(
    *(results.lines(runs, 'rewind_to') for runs in (again, found.runs))
  )
  judged = claims.judge(again)
  assert list(judged.n) == [1, 1, 1]
  drawn = {x.name: x for x in figures.draw(again, judged)}
  assert all(drawn[x].figure for x in ('line', 'barrier', 'successive'))

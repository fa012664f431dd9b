"""Tests of lottery_ticket.study.repeat."""

import functools
import json
import pathlib
import runpy
import shutil
import sys

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import lottery_experiment
from lottery_ticket.mnist_fc import reinitialize
from lottery_ticket.mnist_fc import train
from lottery_ticket.study import control
from lottery_ticket.study import initialization
from lottery_ticket.study import repeat

OUTPUTS = [
  'initial',
  'final',
  'masks',
  'train.json',
  'test.json',
  'validate.json',
]


MAKE_AGAIN = functools.partial(repeat.make_again, constants.TASK)


@pytest.fixture(scope='module')
def cheap(cheap):
  """Arguments of a run that is long enough to be rewound."""
  return cheap | {'training_len': ('iterations', 3)}


@pytest.fixture(scope='module')
def experiment_path(cheap, make_trials):
  """The folder of trials 1 and 2 of the controls' recipe; not to be changed."""
  return make_trials(**cheap)


@pytest.fixture(scope='module')
def study(tmp_path_factory, experiment_path, cheap):
  """A run of each kind: {name: folder}; not to be changed."""
  folder = tmp_path_factory.mktemp('study')
  ticket = experiment_path / 'trial1' / '1' / 'same_init'
  given = {'masks': str(ticket / 'masks'), 'seed': 1, 'level': 1}
  pooled = tmp_path_factory.mktemp('pooled')
  for trial in ('trial1', 'trial2'):
    (pooled / trial).symlink_to(experiment_path / trial)
  initialization.pool(constants.TASK, 1, str(pooled))
  values = pooled / 'weights' / '1' / 'initialization'
  train.train(
    str(folder / 'train'), presets=str(ticket / 'final'), **given, **cheap
  )
  reinitialize.train(str(folder / 'reinit'), **given, **cheap)
  reinitialize.train(
    str(folder / 'reuse_sign'),
    initialization_distribution=str(values),
    same_sign=str(ticket / 'initial'),
    **given,
    **cheap,
  )
  for name, settings in {
    'random': {'run_id': 2},
    'permuted_labels': {},
    'rewind': {'rewind_to': 2},
  }.items():
    control.train(
      constants.TASK,
      str(folder / name),
      control=name,
      trial_dir=str(experiment_path / 'trial1'),
      level=1,
      seed=1,
      **settings,
      **cheap,
    )
  runs = {path.name: path for path in folder.iterdir() if path.is_dir()}
  for name, settings in {
    'final': {
      'reset': 'final',
      'permute_labels': True,
      'train_order_seed': 7,
      'presets': str(ticket / 'final'),
    },
    'rewound': {'reset': 1, 'pruner': 'random'},
    'fine_tuned': {
      'reset': 'fine_tune',
      'fine_tuning_len': ('iterations', 2),
      'learning_rate': {
        'ExponentialDecay': {
          'initial_learning_rate': 0.1,
          'decay_steps': 1,
          'decay_rate': 0.5,
        }
      },
    },
  }.items():
    trial = str(folder / 'ladders' / name)
    arguments = {'iterations': 1, 'seed': 3, **cheap, **settings}
    lottery_experiment.train(trial, experiment_name='x', **arguments)
    runs[f'ladder_{name}'] = pathlib.Path(paths.run(trial, 1, 'x'))
  runs['dense'] = pathlib.Path(
    paths.run(str(folder / 'ladders/rewound'), 0, 'x')
  )
  return runs


@pytest.fixture
def copy(study, tmp_path):
  """A copy of a run's folder, to be changed."""
  return pathlib.Path(shutil.copytree(study['train'], tmp_path / 'copy'))


def change(run, function):
  """Changes the record of a run, given it or its folder."""
  path = pathlib.Path(run)
  if path.is_dir():
    path /= 'run.json'
  record = json.loads(path.read_text())
  function(record)
  path.write_text(json.dumps(record))


def refused(*args, **kwargs):
  """Returns how repeating is refused, before anything is trained."""
  with pytest.raises(errors.InputError) as caught:
    MAKE_AGAIN(*args, **kwargs)
  return str(caught.value)


def contents(folder):
  return {
    path: (path.read_bytes(), path.stat().st_mtime_ns)
    for path in pathlib.Path(folder).rglob('*')
    if path.is_file()
  }


@pytest.mark.parametrize(
  'kind',
  [
    'reuse_sign',
    'random',
    'permuted_labels',
    'rewind',
    'ladder_final',
    'ladder_rewound',
    'ladder_fine_tuned',
    'dense',
  ],
)
def test_a_run_is_repeated_from_its_folder(study, kind, tmp_path):
  moved = shutil.copytree(study[kind], tmp_path / 'moved')
  change(moved, lambda record: record.pop('sources'))  # It needs none.
  before = contents(moved)
  found = MAKE_AGAIN(str(moved), mnist_location=location(study[kind]))
  names = OUTPUTS + ['checkpoint1'] * (kind == 'dense')
  assert found.repeated == dict.fromkeys(names, repeat.SAME)
  assert found.stored == dict.fromkeys(names, repeat.RECORDED)
  assert (found.agrees, found.environment) == (True, {})
  assert contents(moved) == before


def location(run):
  """Returns the folder of a run's data."""
  record = save_restore.read_json(str(run / 'run.json'))
  return record['sources']['mnist_location']


@pytest.mark.parametrize('kind', ['train', 'dense', 'reinit'])
def test_a_run_is_repeated_from_its_record_and_sources(study, kind, tmp_path):
  shutil.copy(study[kind] / 'run.json', tmp_path / 'record')
  found = MAKE_AGAIN('record')
  names = OUTPUTS + ['checkpoint1'] * (kind == 'dense')
  assert found.repeated == dict.fromkeys(names, repeat.SAME)
  assert found.stored == dict.fromkeys(names, repeat.MISSING)
  assert found.agrees


def test_relative_paths_start_where_the_call_was_made(
  tmp_path, cheap, study, monkeypatch
):
  made = tmp_path / 'made'
  shutil.copytree(study['train'] / 'masks', made / 'masks')
  monkeypatch.chdir(made)
  train.train('run', masks='masks', seed=1, **cheap)
  monkeypatch.chdir(tmp_path)
  shutil.move(made / 'run' / 'run.json', 'run.json')
  assert MAKE_AGAIN('run.json', output_dir='kept').agrees
  assert pathlib.Path.cwd() == tmp_path
  assert (tmp_path / 'kept' / 'final').is_dir()


def test_a_repetition_that_is_kept_is_a_run_like_the_first(study, tmp_path):
  run = study['ladder_final']
  MAKE_AGAIN(str(run), output_dir='kept')
  for name in ('train.json', 'final/layer0.npy', 'masks/layer1.npy'):
    assert (tmp_path / 'kept' / name).read_bytes() == (run / name).read_bytes()
  records = [
    save_restore.read_json(str(folder / 'run.json'))
    for folder in (run, tmp_path / 'kept')
  ]
  for key in ('outputs', 'results'):
    assert records[0][key] == records[1][key]
  assert MAKE_AGAIN('kept').agrees


def test_another_learning_rate_gives_other_bytes(copy):
  def change_rate(record):
    recipe = record['description']['recipe']
    recipe['learning_rate'] /= 2

  change(copy, change_rate)
  found = MAKE_AGAIN(str(copy))
  same = {name for name, is_ in found.repeated.items() if is_ == repeat.SAME}
  assert same == {'initial', 'masks'}
  assert not found.agrees


def test_what_auto_chose_then_executes_the_repetition(
  tmp_path, cheap, monkeypatch
):
  generator = np.random.default_rng(0)
  kept = generator.random((784, 20)) < 0.05
  save_restore.save_network('masks', {'layer0': kept.astype(np.float32)})
  with monkeypatch.context() as patch:
    patch.setattr('importlib.util.find_spec', lambda _: None)  # No numba.
    train.train('run', masks='masks', seed=1, **cheap)
  train.train('other', masks='masks', seed=1, **cheap)
  chosen = {}
  for run in ('run', 'other'):
    record = save_restore.read_json(f'{run}/run.json')
    chosen[run] = record['execution']
    assert record['description']['recipe']['execution'] == 'auto'
    assert MAKE_AGAIN(run).agrees
  assert chosen == {'run': 'dense', 'other': 'sparse'}


def test_what_has_changed_since_the_run_is_said(copy):
  log = copy / 'test.json'
  log.write_bytes(log.read_bytes() + b' ')
  array = copy / 'final' / 'layer0.npy'
  array.write_bytes(array.read_bytes()[:-1] + b'?')
  (copy / 'train.json').unlink()
  found = MAKE_AGAIN(str(copy))
  assert found.stored == dict.fromkeys(OUTPUTS, repeat.RECORDED) | {
    'test.json': repeat.CHANGED,
    'final': repeat.CHANGED,
    'train.json': repeat.MISSING,
  }
  assert set(found.repeated.values()) == {repeat.SAME}
  assert not found.agrees


def test_networks_that_have_changed_are_not_used(copy):
  np.save(copy / 'initial' / 'layer0.npy', np.ones((784, 20), np.float32))
  found = MAKE_AGAIN(str(copy))
  assert found.stored['initial'] == repeat.CHANGED
  assert set(found.repeated.values()) == {repeat.SAME}


def test_what_is_missing_is_named(copy, study):
  shutil.rmtree(copy / 'masks')
  change(copy, lambda record: record['sources'].update(masks='nowhere'))
  assert refused(str(copy)) == (
    f'{copy}/run.json: cannot be repeated: nowhere: wanted a folder of .npy'
    ' files'
  )
  change(copy, lambda record: record['sources'].pop('masks'))
  assert refused(str(copy)) == (
    f'{copy}/run.json: cannot be repeated: the masks that are there are not'
    ' those of the run'
  )
  shutil.copy(study['random'] / 'run.json', 'record')
  assert 'record: cannot be repeated: the masks that are' in refused('record')


def test_masks_that_have_changed_where_they_were_are_refused(
  tmp_path, study, cheap
):
  shutil.copytree(study['train'] / 'masks', 'masks')
  train.train('run', masks='masks', seed=1, **cheap)
  shutil.move('run/run.json', 'run.json')
  layer = np.load('masks/layer1.npy')
  np.save('masks/layer1.npy', 1 - layer)
  assert refused('run.json').endswith(
    'run.json: cannot be repeated: the masks that are there are not those of'
    ' the run'
  )


def test_data_may_move_but_not_change(copy, mnist, sample, tmp_path):
  def elsewhere(record):
    record['sources']['mnist_location'] = 'gone'

  change(copy, elsewhere)
  usual = pathlib.Path(constants.MNIST_LOCATION) / 'x_train.npy'
  if not usual.exists():
    assert 'x_train.npy: not there' in refused(str(copy))
  assert MAKE_AGAIN(str(copy), mnist_location=mnist).agrees
  shutil.copytree(mnist, 'data')
  np.save('data/y_test.npy', sample['y_test'][::-1])
  assert refused(str(copy), mnist_location='data') == (
    f'{copy}/run.json: cannot be repeated: the test data that are there are'
    ' not those of the run; --mnist_location says where these are'
  )


def test_other_versions_are_named(copy):
  def age(record):
    record['versions']['numpy'] = '1.0'
    record['threads']['intra_op'] = 64

  change(copy, age)
  environment = MAKE_AGAIN(str(copy)).environment
  assert environment == {
    'intra_op threads': (64, 1),
    'numpy': ('1.0', np.__version__),
  }


def test_only_finished_runs_of_the_scripts_can_be_repeated(copy, mnist):
  recipe = constants.recipe('google', layers=(10,), prune_percents={})
  trainer.train(
    constants.make_dataset(recipe, mnist, 1),
    constants.make_model(recipe, seed=1),
    recipe.optimizer_fn,
    ('iterations', 1),
    'notebook',
    save_network=True,
    description={'level': 0},
  )
  assert refused('notebook') == (
    'notebook/run.json: cannot be repeated: not made by a script of mnist_fc'
  )
  assert refused('nowhere') == 'nowhere/run.json: no such file'
  pathlib.Path('empty').mkdir()
  assert refused('empty') == 'empty/run.json: no such file'
  pathlib.Path('text').write_text('{')
  assert refused('text') == 'text: wanted a JSON object'
  change(copy, lambda record: record.pop('outputs'))
  assert refused(str(copy)) == (
    f'{copy}/run.json: cannot be repeated: no checksums of its outputs are'
    ' recorded'
  )


def test_an_output_dir_that_holds_something_is_refused(copy):
  before = contents(copy)
  message = f'output_dir: {copy}: wanted a new folder'
  assert refused(str(copy), output_dir=str(copy)) == message
  assert contents(copy) == before


def test_the_script_says_it_all_and_ends_with_a_code(
  root, copy, monkeypatch, capsys
):
  script = str(root / 'mnist_fc' / 'runners' / 'repeat.py')
  monkeypatch.setattr(sys, 'argv', [script, str(copy)])
  runpy.run_path(script, run_name='__main__')
  lines = capsys.readouterr().out.splitlines()
  assert lines[0].startswith(
    'made by: python mnist_fc/runners/train.py --output_dir='
  )
  assert lines[1:-1] == [
    f'{name:13}  stored: as recorded  now: the same bytes'
    for name in sorted(OUTPUTS)
  ]
  assert lines[-1] == 'repeated: all 6 outputs have the same bytes'

  change(copy, lambda record: record['outputs'].update({'test.json': '0'}))
  change(copy, lambda record: record['versions'].update(keras='2'))
  with pytest.raises(SystemExit) as caught:
    runpy.run_path(script, run_name='__main__')
  assert caught.value.code == 1
  lines = capsys.readouterr().out.splitlines()
  assert lines[-3] == 'validate.json  stored: as recorded  now: the same bytes'
  assert lines[-2].startswith('keras: 2 then, ')
  assert lines[-1] == (
    'not repeated: other bytes in test.json; changed since the run: test.json'
  )

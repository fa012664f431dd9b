"""Calls what the library promises to other people's scripts and notebooks.

Everything here is called as a script of 2018, a notebook or a shell would call
it, and only what is promised is looked at: these tests stay as they are when
the inside changes. Numbers are written down only where NumPy alone decides
them, since those of trainings depend on the type of processor.
"""

import functools
import json
import os
import pathlib
import runpy
import shlex
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import metrics
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import results
from lottery_ticket.datasets import dataset_mnist
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import experiment
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import model_fc
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import ticket as ticket_lib
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import locations
from lottery_ticket.mnist_fc import lottery_experiment
from lottery_ticket.mnist_fc import reinitialize
from lottery_ticket.mnist_fc import train

LENGTH = ('iterations', 6)
SMALL = {
  'layers': (20, 10),
  'prune_percents': {'layer0': 0.2, 'layer1': 0.1},
  'validation_size': 100,
  'evaluation_interval': 3,
}
"""Values of a recipe that make a run small."""
FLAGS = (
  '--layers=[20,10]',
  "--prune_percents={'layer0':0.2,'layer1':0.1}",
  '--validation_size=100',
  '--evaluation_interval=3',
  '--training_len=iterations,6',
)
"""The same as flags, with the length."""
OUTPUTS = ('initial', 'final', 'masks', 'train.json', 'test.json', 'run.json')


def same(network, other):
  """Returns whether two networks have the same bytes."""
  return set(network) == set(other) and all(
    network[name].tobytes() == other[name].tobytes() for name in network
  )


def assert_whole(run, split='validate'):
  """Checks what every finished run of the scripts leaves."""
  for name in (*OUTPUTS, f'{split}.json', 'summaries'):
    assert os.path.exists(os.path.join(run, name)), name


@pytest.fixture(scope='module')
def experiment_path(root, mnist, tmp_path_factory):
  """Two trials and their controls, made by one command as in the README."""
  folder = tmp_path_factory.mktemp('contract') / 'experiments'
  given = f'--experiment_path={folder} --trials=2'
  recipe = f'--mnist_location={mnist} {shlex.join(FLAGS)}'
  pairs = {
    'lottery_experiment': f'{given} --iterations=2 {recipe}',
    'initialization': f'--experiment_path={folder} --iterations=2',
    'reinitialize': f'--experiment=reuse_sign {given} --levels=[2]'
    f' --reinitializations=1 {recipe}',
    'control': f"{given} --controls=['random','noise_1x'] --levels=[2]"
    f' {recipe}',
  }
  command = [sys.executable, str(root / 'argfile_runner.py')]
  for name, flags in pairs.items():
    command += [f'runners/{name}.py', f'argfiles/{name}_argfile.py {flags}']
  done = subprocess.run(
    [*command, '--jobs=2'], cwd=folder.parent, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  return str(folder)


@pytest.fixture
def runner(root, monkeypatch, capsys):
  """Returns a function that runs a script: its exit code, stdout, stderr.

  It does so in this process, which has TensorFlow already.
  """

  def run(script, *flags):
    path = str(root / 'mnist_fc' / script)
    monkeypatch.setattr(sys, 'argv', [path, *flags])
    capsys.readouterr()
    code = 0
    try:
      runpy.run_path(path, run_name='__main__')
    except SystemExit as stop:
      code = stop.code or 0
    return code, *capsys.readouterr()

  return run


def succeed(result):
  """Returns what a script printed that ended well."""
  code, out, err = result
  assert code == 0, err
  return out


# Scripts of 2018, and notebooks.


def test_an_experiment_as_scripts_of_2018_write_it(mnist):
  make_dataset = functools.partial(
    dataset_mnist.DatasetMnist, mnist, True, False, 7, validation_size=100
  )
  make_model = functools.partial(
    model_fc.ModelFc, constants.HYPERPARAMETERS, seed=1
  )
  prune_masks = functools.partial(
    pruner.prune_by_percent, constants.PRUNE_PERCENTS
  )

  def train_model(level, dataset, model):
    return trainer.train(
      dataset,
      model,
      constants.OPTIMIZER_FN,
      ('iterations', 3),
      paths.run(paths.trial('results', 1), level, 'same_init', ''),
      test_interval=('iterations', 2),
      validate_interval=('epochs', 1),
      train_interval=('iterations', 1),
      save_summaries=True,
      save_network=True,
      checkpoints=(1,),
    )

  presets = make_model()
  presets(make_dataset().train.inputs[:1])
  presets = save_restore.standardize(presets.get_current_weights())
  levels = experiment.experiment(
    make_dataset, make_model, train_model, prune_masks, 2, presets
  )

  assert [level.level for level in levels] == [0, 1, 2]
  kept = [235_200, 188_160, 150_528]
  assert [int(level.masks['layer0'].sum()) for level in levels] == kept
  for level in levels:
    run = paths.run(paths.trial('results', 1), level.level)
    assert_whole(run)
    assert same(save_restore.restore_network(paths.initial(run)), level.initial)
    assert same(save_restore.standardize(paths.final(run)), level.final)
    assert same(save_restore.standardize(paths.masks(run)), level.masks)
    for name, mask in level.masks.items():
      start = np.where(mask, levels[0].initial[name], 0)
      assert level.initial[name].tobytes() == start.tobytes()
      assert not np.any(level.final[name][mask == 0])
    log = save_restore.read_log(paths.log(run, 'test'))
    assert list(log['iteration']) == [0, 2, 3]
    assert list(save_restore.read_log(run, 'train')['iteration']) == [1, 2, 3]
    model = make_model(presets=level.final, masks=level.masks)
    measured = trainer.evaluate(model, make_dataset().test)
    assert measured.accuracy == log['accuracy'][-1]


def test_resets_of_ones_own(mnist):
  dataset = dataset_mnist.DatasetMnist(
    mnist_location=mnist, seed=1, train_order_seed=1, validation_size=0
  )
  seen = []

  def reset(level, initial, final):
    seen.append((level, sorted(initial)))
    return final

  levels = experiment.experiment(
    lambda: dataset,
    functools.partial(model_fc.ModelFc, {'layers': [(10, None)]}, seed=2),
    lambda level, dataset, model: trainer.train(
      dataset, model, keras.optimizers.SGD, ('iterations', 2), None
    ),
    lambda masks, final: pruner.prune_by_percent({'layer0': 0.5}, masks, final),
    1,
    reset=reset,
  )
  assert [names for _, names in seen] == [['layer0', 'layer0_bias']]
  mask = levels[1].masks['layer0']
  kept = np.where(mask, levels[0].final['layer0'], 0)
  assert levels[1].initial['layer0'].tobytes() == kept.tobytes()
  bias = levels[0].final['layer0_bias']
  assert levels[1].initial['layer0_bias'].tobytes() == bias.tobytes()


def test_train_as_in_2018(mnist):
  masks = {'layer0': np.arange(15_680).reshape(784, 20) % 2}
  initial, final = train.train(
    'run', mnist, LENGTH, masks, None, 3, seed=1, **SMALL
  )
  assert_whole('run')
  assert sorted(final) == ['layer0', 'layer0_bias', 'layer1', 'layer1_bias']
  assert not np.any(final['layer0'][masks['layer0'] == 0])
  record = pathlib.Path('run/run.json').read_bytes()
  json.loads(record)

  loaded = train.train('run', mnist, LENGTH, masks, None, 3, seed=1, **SMALL)
  assert same(loaded[0], initial) and same(loaded[1], final)
  assert pathlib.Path('run/run.json').read_bytes() == record
  again = train.train('again', mnist, LENGTH, masks, None, 3, seed=1, **SMALL)
  assert same(again[0], initial) and same(again[1], final)

  with pytest.raises(errors.InputError):
    train.train('run', mnist, LENGTH, masks, None, 3, seed=2, **SMALL)
  assert pathlib.Path('run/run.json').read_bytes() == record
  other = train.train(
    'run', mnist, LENGTH, masks, None, 3, seed=2, overwrite=True, **SMALL
  )
  assert not same(other[0], initial)
  union = [paths.masks('run'), paths.masks('again')]
  started, _ = train.train(
    'presets',
    mnist,
    LENGTH,
    union,
    paths.final('again'),
    recipe='google',
    **SMALL,
  )
  assert same(started, final)


def test_lottery_experiment_as_in_2018(mnist):
  levels = lottery_experiment.train(
    'trial', mnist, LENGTH, 1, 'same_init', None, True, 5, seed=1, **SMALL
  )
  assert [level.level for level in levels] == [0, 1]
  assert 0.79 < levels[1].density < 0.81
  for level in (0, 1):
    assert_whole(paths.run('trial', level))
  rewound = lottery_experiment.train(
    'trial',
    mnist,
    LENGTH,
    iterations=1,
    experiment_name='rewound',
    presets=paths.initial(paths.run('trial', 0)),
    permute_labels=True,
    train_order_seed=5,
    seed=1,
    reset=2,
    **SMALL,
  )
  assert same(rewound[0].final, levels[0].final)
  assert not same(rewound[1].initial, levels[1].initial)
  assert same(rewound[1].masks, levels[1].masks)


def test_reinitialize_as_in_2018(mnist):
  masks = {
    'layer0': np.eye(784, 20, dtype=np.float32),
    'layer1': np.ones((20, 10), np.float32),
  }
  values = {'layer0': np.array([-0.1, 0.2]), 'layer1': np.array([0.3])}
  signs = {name: -np.ones_like(mask) for name, mask in masks.items()}
  reinit, _ = reinitialize.train(
    'reinit', mnist, LENGTH, masks, seed=1, level=2, run_id=1, **SMALL
  )
  reuse, _ = reinitialize.train(
    'reuse', mnist, LENGTH, [masks, masks], values, seed=1, **SMALL
  )
  sign, _ = reinitialize.train(
    'sign', mnist, LENGTH, masks, values, signs, seed=1, **SMALL
  )
  assert_whole('reinit')
  kept = masks['layer0'] == 1
  assert len(np.unique(reinit['layer0'][kept])) == 20
  assert np.isin(reuse['layer0'][kept], np.float32([-0.1, 0.2])).all()
  assert np.isin(sign['layer0'][kept], np.float32([-0.1, -0.2])).all()
  assert np.all(sign['layer1'] == np.float32(-0.3))
  assert not np.any(sign['layer0'][~kept])


def test_constants_and_folders_of_2018():
  hyperparameters = constants.HYPERPARAMETERS
  assert [units for units, _ in hyperparameters['layers']] == [300, 100, 10]
  assert constants.PRUNE_PERCENTS == {
    'layer0': 0.2,
    'layer1': 0.2,
    'layer2': 0.1,
  }
  assert tuple(constants.TRAINING_LEN) == ('iterations', 50_000)
  optimizer = constants.OPTIMIZER_FN()
  assert isinstance(optimizer, keras.optimizers.Adam)
  assert float(optimizer.learning_rate) == np.float32(1.2e-3)

  base = constants.EXPERIMENT_PATH
  assert constants.trial(3) == f'{base}/trial3'
  assert constants.run(3, 7) == f'{base}/trial3/7/same_init'
  assert constants.run('x', 7, 'reinit', 2) == f'{base}/trialx/7/reinit2'
  assert constants.initialization(4) == f'{base}/weights/4/initialization'
  assert constants.graph('tickets', 'a.png') == f'{base}/graphs/tickets/a.png'
  assert constants.MNIST_LOCATION == locations.MNIST_LOCATION
  assert constants.FASHIONMNIST_LOCATION == locations.FASHIONMNIST_LOCATION
  assert paths.trial('exp', 3) == 'exp/trial3'
  assert paths.run('exp/trial3', 7, 'reuse', 1) == 'exp/trial3/7/reuse1'
  for name in ('initial', 'final', 'masks', 'summaries'):
    assert getattr(paths, name)('run') == f'run/{name}'
  assert paths.log('run', 'test') == 'run/test.json'


def test_locations_follow_the_environment(monkeypatch):
  names = {
    'LOTTERY_TICKET_MNIST': 'MNIST_LOCATION',
    'LOTTERY_TICKET_FASHION_MNIST': 'FASHIONMNIST_LOCATION',
    'LOTTERY_TICKET_EXPERIMENTS': 'EXPERIMENT_PATH',
  }
  for variable in names:
    monkeypatch.setenv(variable, f'/there/{variable}')
  found = runpy.run_path(locations.__file__)
  for variable, name in names.items():
    assert found[name] == f'/there/{variable}'


class TwoLayers(model_base.ModelBase):
  """A model of a user's own, with all arguments of a layer in their order."""

  def __call__(self, inputs):
    """Returns the logits, shape [batch, 3]."""
    hidden = self.dense('hidden', inputs, 8, 'relu', True, 'he_normal')
    return self.dense('logits', hidden, 3, use_bias=False)


class Points(dataset_base.DatasetBase):
  """A data set of a user's own: 100 points of three classes."""

  def __init__(self):
    points = np.random.default_rng(0).normal(size=(100, 5))
    labels = np.argmax(points[:, :3], axis=1)
    train = points[:70], labels[:70]
    test = points[70:85], labels[70:85]
    super().__init__(train, 30, test, (points[85:], labels[85:]), 4)


@pytest.mark.parametrize(
  'make_optimizer',
  [
    functools.partial(keras.optimizers.SGD, 0.1, momentum=0.9),
    functools.partial(keras.optimizers.Adam, 0.01),
    functools.partial(keras.optimizers.AdamW, 0.01, weight_decay=0.1),
  ],
)
def test_masks_hold_in_a_loop_of_ones_own(make_optimizer):
  dataset = Points()
  mask = np.arange(40).reshape(5, 8) % 2
  model = TwoLayers({'hidden': np.full((5, 8), 0.5)}, {'hidden': mask}, 1)
  optimizer = make_optimizer()
  for _ in range(3):
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean(
        model.loss(dataset.train.labels, model(dataset.train.inputs))
      )
    variables = list(model.weights.values())
    optimizer.apply(tape.gradient(loss, variables), variables)
  final = model.get_current_weights()
  assert not np.any(final['hidden'][mask == 0])
  assert np.all(final['hidden'][mask == 1] != 0.5)
  assert list(model.weights) == ['hidden', 'hidden_bias', 'logits']
  assert np.all(model.masks['hidden'] == mask)
  assert np.all(model.masks['logits'] == 1)
  assert np.all(model.presets['hidden'] == 0.5)
  logits = model(dataset.test.inputs)
  right = model.accuracy(dataset.test.labels, logits).numpy()
  assert right.mean() == pytest.approx(
    trainer.evaluate(model, dataset.test).accuracy
  )


def test_data_sets_of_ones_own():
  dataset = Points()
  splits = dataset.train, dataset.test, dataset.validate
  assert [split.size for split in splits] == [70, 15, 15]
  assert dataset.train.inputs.shape == [70, 5]
  assert dataset.train_batch_size == 30
  split = dataset_base.DatasetSplit(np.zeros((2, 3)), np.array([0, 1]))
  assert split.labels.shape == [2]
  initial, final = trainer.train(
    dataset, TwoLayers(seed=1), keras.optimizers.Adam, ('epochs', 2), 'run'
  )
  assert not same(initial, final)
  log = save_restore.read_log(paths.log('run', 'validate'))
  assert log['iteration'][-1] == 6  # The last batch of an epoch is short.


def test_what_is_of_no_use_is_refused_before_any_work():
  dataset, adam = Points(), keras.optimizers.Adam
  with pytest.raises(errors.InputError):
    TwoLayers(presets={'hidden': np.full((5, 8), np.nan)})
  with pytest.raises(errors.InputError):
    TwoLayers(masks={'hidden': np.full((5, 8), 0.5)})
  with pytest.raises(errors.InputError):
    TwoLayers(masks={'hidden': np.ones((8, 5))})(dataset.test.inputs)
  with pytest.raises(errors.InputError):
    TwoLayers(presets={'other': np.ones((5, 8))})(dataset.test.inputs)
  with pytest.raises(errors.InputError):
    trainer.train(dataset, TwoLayers(), adam, ('steps', 2), 'run')
  with pytest.raises(errors.InputError, match='Muon'):
    muon = functools.partial(keras.optimizers.Muon, 0.01)
    trainer.train(dataset, TwoLayers(), muon, ('epochs', 1), 'run')
  with pytest.raises(errors.InputError):
    pruner.prune_by_percent(
      {'other': 0.1}, {'a': np.ones(3)}, {'a': np.ones(3)}
    )
  assert not os.path.exists('run')


def test_networks_logs_and_tickets_on_disk():
  network = {'layer0': np.eye(2, dtype=np.float32), 'layer0_bias': np.ones(2)}
  save_restore.save_network('network', network)
  assert sorted(os.listdir('network')) == ['layer0.npy', 'layer0_bias.npy']
  assert same(save_restore.restore_network('network'), network)
  assert same(save_restore.standardize('network'), network)
  assert save_restore.standardize(None) is None
  both = save_restore.standardize(
    [{'layer0': np.array([1, 0])}, {'layer0': np.array([0, 0])}],
    masks_lib.union,
  )
  assert both['layer0'].tolist() == [1, 0]
  log = {'iteration': [0, 5], 'loss': [2.5, 0.5], 'accuracy': [0.1, 0.75]}
  save_restore.write_log('test.json', log)
  assert json.loads(pathlib.Path('test.json').read_text()) == log
  assert save_restore.read_log('test.json')['accuracy'].tolist() == [0.1, 0.75]
  masks = {'layer0': np.eye(2, dtype=np.float32)}
  ticket = ticket_lib.Ticket(masks, network, {'seed': 1})
  ticket_lib.save_ticket('ticket.npz', ticket)
  read = ticket_lib.read_ticket('ticket.npz')
  assert same(read.masks, masks) and read.density == 0.5
  assert 'masks/layer0' in np.load('ticket.npz')


def test_masks_are_combined():
  first, second = {'a': np.array([0, 0, 1])}, {'a': np.array([0, 1, 1])}
  assert masks_lib.union(first, second)['a'].tolist() == [0, 1, 1]
  assert masks_lib.union([first, second])['a'].tolist() == [0, 1, 1]
  assert masks_lib.intersect(first, second)['a'].tolist() == [0, 0, 1]
  assert masks_lib.intersect([first, second])['a'].tolist() == [0, 0, 1]
  assert first['a'].tolist() == [0, 0, 1]


def test_analysis_of_an_experiment(experiment_path):
  runs = results.read(experiment_path).runs
  assert len(runs) == 2 * (3 + 1 + 2)
  assert set(runs.experiment) == {
    'same_init',
    'reuse_sign',
    'random',
    'noise_1x',
  }
  judged = claims.judge(runs)
  assert list(judged.columns) == list(claims.COLUMNS)
  run = paths.run(paths.trial(experiment_path, 1), 2)
  stop = metrics.early_stop(save_restore.read_log(run, 'validate'))
  assert stop.iteration in (3, 6)
  interval = intervals.t_interval([1.0, 2.0, 3.0])
  assert interval.low < 2 < interval.high
  plots.save(plots.tickets(results.summarize(runs)), 'figure.png')
  assert os.path.getsize('figure.png') > 1000


# Commands.


def test_an_experiment_by_its_commands(experiment_path):
  for trial in (1, 2):
    directory = paths.trial(experiment_path, trial)
    for level in range(3):
      assert_whole(paths.run(directory, level))
    for name in ('reuse_sign', 'random', 'noise_1x'):
      assert_whole(paths.run(directory, 2, name, 1))
    ticket = save_restore.restore_network(paths.masks(paths.run(directory, 2)))
    random = paths.masks(paths.run(directory, 2, 'random', 1))
    for name, mask in save_restore.restore_network(random).items():
      assert mask.sum() == ticket[name].sum()
      assert np.any(mask != ticket[name])
  pooled = save_restore.restore_network(
    paths.initialization(experiment_path, 2)
  )
  assert {name: array.size for name, array in pooled.items()} == {
    'layer0': 2 * 10_035,
    'layer1': 2 * 162,
  }


def test_runners_of_single_runs(runner, mnist, experiment_path):
  data = f'--mnist_location={mnist}'
  trial = paths.trial(experiment_path, 1)
  run = paths.run(trial, 2)
  masks, initial = paths.masks(run), paths.initial(run)
  pooled = paths.initialization(experiment_path, 2)
  train_run = ('runners/train.py', '--output_dir=2018', data, '--seed=1')
  succeed(runner(*train_run, f'--masks={masks}', *FLAGS))
  assert_whole('2018')
  for name, flags in {
    'reinit': (f'--masks={masks}', '--seed=1', '--level=2', '--run_id=1'),
    'a#b': (
      f'--masks={masks}',
      f'--initialization_distribution={pooled}',
      f'--same_sign={initial}',
    ),
  }.items():
    reinitialized = ('runners/reinitialize.py', f'--output_dir={name}', data)
    succeed(runner(*reinitialized, *flags, *FLAGS))
    assert_whole(name)
  own = ('--output_dir=own', f'--trial_dir={trial}', '--level=2')
  noise = ('--control=noise', '--scale=1')
  succeed(runner('runners/control.py', *own, *noise, data, *FLAGS))
  assert_whole('own')
  ladder = ('--output_dir=sgd', '--iterations=0', '--optimizer=SGD')
  ladder += ('--learning_rate=0.4', '--reset=final', '--recipe=google', data)
  google = [flag for flag in FLAGS if 'validation' not in flag]
  succeed(runner('runners/lottery_experiment.py', *ladder, *google))
  assert_whole(paths.run('sgd', 0), 'test')
  assert not os.path.exists(paths.log(paths.run('sgd', 0), 'validate'))
  unpruned = ('--pruner=global_magnitude', '--experiment_name=global')
  ladder = ('--output_dir=global', '--iterations=0', data)
  succeed(runner('runners/lottery_experiment.py', *ladder, *unpruned, *FLAGS))
  assert_whole(paths.run('global', 0, 'global'))


def test_runners_that_look_at_runs(runner, mnist, experiment_path):
  given = f'--experiment_path={experiment_path}'
  shown = succeed(runner('runners/summarize.py', given, '--figure=a.svg'))
  assert '100.0' in shown and os.path.isfile('a.svg')
  shown = succeed(runner('runners/report.py', given))
  page = os.path.join(experiment_path, 'report', 'index.html')
  assert page in shown and os.path.isfile(page)
  pool = ('runners/initialization.py', given, '--level=1')
  succeed(runner(*pool, '--trials=[1,2]'))  # As it was made.
  assert runner(*pool, '--trials=[1]')[0] == 2
  study = ('--trials=2', '--iterations=2', '--levels=[9]', '--control_trials=0')
  study += (f'--mnist_location={mnist}', '--jobs=1')  # All of it is there.
  os.remove(page)
  succeed(runner('runners/replicate.py', given, *study, *FLAGS))
  assert os.path.isfile(page)


def test_runs_are_repeated_and_tickets_exported(runner, experiment_path):
  run = paths.run(paths.trial(experiment_path, 1), 2)
  succeed(runner('runners/repeat.py', run))
  succeed(runner('runners/export_ticket.py', f'--run={run}', '--ticket=t.npz'))
  ticket = ticket_lib.read_ticket('t.npz')
  assert same(ticket.masks, save_restore.restore_network(paths.masks(run)))
  imported = ('runners/import_ticket.py', '--ticket=t.npz', '--output_dir=own')
  succeed(runner(*imported))
  assert same(save_restore.restore_network('own/initial'), ticket.initial)
  assert same(save_restore.restore_network('own/masks'), ticket.masks)


def test_data_that_are_there_are_not_fetched(runner, mnist):
  shutil.copytree(mnist, 'data')
  code, out, err = runner(
    'download_data.py',
    '--datasets=mnist',
    '--mnist_location=data',
    '--source=nowhere',
  )
  assert code == 2 and out == '' and err.count('\n') == 1
  assert sorted(os.listdir('data')) == sorted(os.listdir(mnist))


@pytest.mark.parametrize(
  'flags',
  [
    ('--output_dir=out', '--iteration=3'),
    ('--output_dir=out', '-i=3'),
    ('--output_dir=out', '--iterations=three'),
    ('--output_dir=out', '--mnist_location=nowhere'),
    ('--output_dir=out', '--recipe=mine'),
    (),
  ],
)
def test_bad_flags_end_in_one_line_before_any_work(runner, flags):
  code, out, err = runner('runners/lottery_experiment.py', *flags)
  assert (code, out) == (2, '')
  assert err.count('\n') == 1 and 'Traceback' not in err
  assert not os.path.exists('out')


@pytest.mark.parametrize(
  ('script', 'flag'),
  [
    ('lottery_experiment', 'experiment_name'),
    ('train', 'learning_rate'),
    ('reinitialize', 'initialization_distribution'),
    ('control', 'rewind_to'),
    ('initialization', 'level'),
    ('summarize', 'figure'),
    ('report', 'experiment_path'),
    ('replicate', 'control_levels'),
    ('repeat', 'output_dir'),
    ('export_ticket', 'ticket'),
    ('import_ticket', 'output_dir'),
  ],
)
def test_help_lists_flags(runner, script, flag):
  code, out, err = runner(f'runners/{script}.py', '--help')
  assert code == 0 and flag in out + err  # Fire writes help to stderr.


@pytest.mark.parametrize(
  ('name', 'flags', 'count', 'first'),
  [
    ('lottery_experiment', (), 20, {'--output_dir', '--seed'}),
    (
      'lottery_experiment',
      (
        '--trials=3',
        '--iterations=24',
        '--experiment_name=sgd',
        '--optimizer=SGD',
        '--learning_rate=0.8',
      ),
      3,
      {'--experiment_name', '--optimizer', '--learning_rate', '--iterations'},
    ),
    (
      'lottery_experiment',
      ('--trials=3', '--reset=final', '--experiment_name=no_reset'),
      3,
      {'--reset', '--experiment_name'},
    ),
    ('reinitialize', (), 20 * 31 * 10, {'--output_dir', '--masks'}),
    (
      'reinitialize',
      ('--experiment=reuse', '--trials=2', '--iterations=1'),
      2 * 2 * 10,
      {'--masks', '--initialization_distribution'},
    ),
    (
      'reinitialize',
      ('--experiment=reuse_sign', '--levels=[3,15]', '--reinitializations=1'),
      20 * 2,
      {'--masks', '--initialization_distribution', '--same_sign'},
    ),
    ('initialization', ('--iterations=15',), 16, {'--level'}),
    (
      'control',
      ("--controls=['random','one_shot']", '--levels=[7,15]', '--trials=3'),
      12,
      {'--output_dir', '--trial_dir', '--level', '--control'},
    ),
    ('control', (), 5 * 2 * 18, {'--output_dir', '--trial_dir'}),
    ('train', ('--trials=4', '--training_len=iterations,9'), 4, {'--seed'}),
  ],
)
def test_argfiles_print_lines_of_flags(runner, name, flags, count, first):
  shown = succeed(runner(f'argfiles/{name}_argfile.py', *flags))
  lines = [shlex.split(line) for line in shown.splitlines()]
  assert len(lines) == count == len(set(map(tuple, lines)))
  assert first <= {flag.partition('=')[0] for flag in lines[0]}


def test_controls_by_all_their_names(runner):
  names = (
    'reinit',
    'random',
    'one_shot',
    'init_magnitude',
    'own',
    'own_sign',
    'reuse',
    'reuse_sign',
    'noise_0.5x',
    'noise_1x',
    'noise_2x',
    'noise_3x',
    'continued',
    'no_reset_ticket',
    'rewind_500its',
    'permuted_labels',
    'other_order',
    'union',
    'intersection',
  )
  shown = succeed(
    runner(
      'argfiles/control_argfile.py',
      f'--controls={list(names)}',
      '--experiment_path=exp',
      '--trials=1',
      '--levels=[7]',
    )
  )
  folders = [
    shlex.split(line)[0].partition('=')[2] for line in shown.splitlines()
  ]
  assert folders == [f'exp/trial1/7/{name}1' for name in names]


def test_dry_runs_print_commands(root):
  command = [
    sys.executable,
    'argfile_runner.py',
    'runners/lottery_experiment.py',
    "argfiles/lottery_experiment_argfile.py --trials=2 '--experiment_path=a b'",
    'runners/train.py',
    'argfiles/train_argfile.py --trials=1',
    '--dry_run',
  ]
  shown = subprocess.run(
    command, cwd=root, capture_output=True, text=True, check=True
  )
  lines = [shlex.split(line) for line in shown.stdout.splitlines()]
  assert len(lines) == 3
  assert lines[1][1] == str(root / 'mnist_fc/runners/lottery_experiment.py')
  assert '--output_dir=a b/trial2' in lines[1]
  assert '--seed=2' in lines[1]


def test_scripts_are_modules_and_a_command(tmp_path):
  module = 'lottery_ticket.mnist_fc.runners.summarize'
  command = str(pathlib.Path(sys.executable).with_name('lottery-ticket'))
  failing = ['runners/train.py', 'argfiles/none.py']
  for line in ([sys.executable, '-m', module], [command, *failing]):
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count('\n') == 1


# Numbers that never change: recorded results depend on them.


def test_seeds_never_change():
  assert seeds.integer(1, 'model') == 2653978379
  assert seeds.integer(1, 'order', 3) == 724131097
  assert seeds.integer(7, 'control', 'random', 2, 1) == 3580299554


def test_orders_never_change():
  dataset = Points()
  assert dataset.train_order(0)[:6].tolist() == [19, 6, 15, 69, 5, 1]
  assert dataset.train_order(3)[:6].tolist() == [54, 14, 46, 12, 4, 63]
  assert sorted(dataset.train_order(3)) == list(range(70))


def test_the_validation_split_never_changes(mnist, sample):
  dataset = dataset_mnist.DatasetMnist(
    mnist, permute_labels=True, seed=1, validation_size=100
  )
  assert (dataset.train.size, dataset.validate.size) == (500, 100)
  images = np.round(dataset.validate.inputs.numpy() * 255).astype(np.uint8)
  flat = sample['x_train'].reshape(600, -1)
  places = [
    int(np.flatnonzero((flat == image).all(axis=1))[0]) for image in images
  ]
  assert places[:8] == [23, 29, 30, 33, 36, 38, 39, 40]
  classes = dict(
    zip(sample['y_train'][places], dataset.validate.labels.numpy(), strict=True)
  )
  assert [int(classes[i]) for i in range(10)] == [6, 0, 8, 5, 3, 4, 9, 1, 7, 2]


def test_the_ladder_never_changes():
  generator = np.random.default_rng(0)
  shapes = {'layer0': (784, 300), 'layer1': (300, 100), 'layer2': (100, 10)}
  weights = {name: generator.normal(size=s) for name, s in shapes.items()}
  masks = {name: np.ones(shape) for name, shape in shapes.items()}
  percent = {}
  for level in range(1, 31):
    smaller = pruner.prune_by_percent(constants.PRUNE_PERCENTS, masks, weights)
    for name, mask in smaller.items():
      gone = np.abs(weights[name])[(masks[name] == 1) & (mask == 0)]
      assert not np.any(mask > masks[name])
      assert gone.max() <= np.abs(weights[name])[mask == 1].min()
    masks = smaller
    kept = sum(np.count_nonzero(mask) for mask in masks.values())
    percent[level] = f'{100 * kept / 266_200:.2f}'
  first = '80.04 64.06 51.28 41.05 32.87 26.32 21.07 16.88 13.52 10.83'
  assert ' '.join(percent[level] for level in range(1, 11)) == first
  later = {12: '6.95', 15: '3.58', 16: '2.87', 18: '1.85', 20: '1.19'}
  later |= {24: '0.50', 30: '0.14'}
  assert {level: percent[level] for level in later} == later
  kept = [np.count_nonzero(mask) for mask in masks.values()]
  assert kept == [291, 37, 42]


def test_draws_of_controls_never_change():
  mask = np.array([[1, 0, 1, 0], [0, 1, 1, 0]], np.float32)
  initial = {'layer0': np.arange(1, 9, dtype=np.float32).reshape(2, 4) * mask}
  ticket = ticket_lib.Ticket({'layer0': mask}, initial)
  random = controls.random(ticket, seed=5)
  assert random.masks['layer0'].tolist() == [[1, 0, 0, 1], [0, 1, 0, 1]]
  own = controls.own_sign(ticket, seed=5)
  assert own.initial['layer0'].tolist() == [[6, 0, 1, 0], [0, 1, 1, 0]]
  noise = controls.noise(ticket, {'layer0': 0.25}, 2, seed=5)
  expected = [[0.39623171, 0, 2.59939957, 0], [0, 6.07785034, 7.04831362, 0]]
  np.testing.assert_allclose(noise.initial['layer0'], expected, rtol=1e-6)

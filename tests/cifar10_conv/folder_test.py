"""Tests of lottery_ticket.cifar10_conv: its recipes, and all its scripts."""

import json
import pathlib
import shlex
import subprocess
import sys

import numpy as np
import pytest

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.cifar10_conv import download_data
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.models import networks
from lottery_ticket.study import lottery_experiment
from lottery_ticket.study import scripts

MOST_LINES = 350
SMALL = {
  'width': 4,
  'training_len': ('iterations', 1),
  'batch_size': 1000,  # A short batch, which is not compiled.
  'validation_size': 20,
}


def test_it_is_a_small_folder_with_every_script(root):
  folder = root / 'cifar10_conv'
  # Claims are facts, not code.
  files = [x for x in folder.rglob('*.py') if x.name != 'paper.py']
  assert sum(path.read_text().count('\n') for path in files) <= MOST_LINES
  for kind, table, end in (
    ('runners', scripts.RUNNERS, ''),
    ('argfiles', scripts.ARGFILES, '_argfile'),
  ):
    names = {path.stem for path in (folder / kind).glob('[a-z]*.py')}
    assert names == {f'{name}{end}' for name in table}


@pytest.mark.parametrize(
  ('name', 'values'),
  [
    ('conv2', ['conv2', 'Adam', 2e-4, 60, 20_000, 0.1, 0.0]),
    ('conv4', ['conv4', 'Adam', 3e-4, 60, 25_000, 0.1, 0.0]),
    ('conv6', ['conv6', 'Adam', 3e-4, 60, 30_000, 0.15, 0.0]),
    ('conv2_dropout', ['conv2', 'Adam', 3e-4, 60, 60_000, 0.1, 0.5]),
    ('conv4_dropout', ['conv4', 'Adam', 2e-4, 60, 75_000, 0.1, 0.5]),
    ('conv6_dropout', ['conv6', 'Adam', 2e-4, 60, 90_000, 0.15, 0.5]),
    ('lenet5', ['lenet5', 'Adam', 1.2e-3, 60, 50_000, 0.1, 0.0]),
  ],
)
def test_recipes_are_those_of_section_3(name, values):
  recipe = constants.RECIPES[name]
  assert [
    recipe.network,
    recipe.optimizer,
    recipe.learning_rate,
    recipe.batch_size,
    recipe.training_len[1],
    recipe.prune_percents['conv*'],
    recipe.dropout,
  ] == values
  assert recipe.prune_percents['dense*'] == 0.2
  assert recipe.prune_percents['output'] == 0.1


@pytest.mark.parametrize(
  ('name', 'rates'),
  [
    ('resnet20', [0.1, 0.1, 0.01, 0.001]),
    ('resnet20_low', [0.01, 0.01, 0.001, 0.0001]),
    ('resnet20_warmup', [0.0, 0.03, 0.003, 0.0003]),
  ],
)
def test_rates_of_resnets_are_those_of_section_4(name, rates):
  recipe = constants.RECIPES[name]
  assert recipe.augment
  assert (recipe.l2, recipe.batch_size) == (1e-4, 128)
  optimizer = recipe.optimizer_fn()
  found = []
  for iteration in (0, 20_000, 25_000, 29_999):
    optimizer.iterations.assign(iteration)
    found.append(float(optimizer.learning_rate))
  np.testing.assert_allclose(found, rates, rtol=1e-6)


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'network': 'conv3'}, 'network: wanted one of'),
    ({'network': 'lenet5', 'width': 4}, 'width: lenet5 has none'),
    ({'network': 'resnet20', 'dropout': 0.5}, 'dropout: resnet20 has none'),
    ({'scaling': 'l2'}, 'scaling: wanted one of'),
    ({'warmup': -1}, 'warmup: wanted an integer of at least 0'),
    ({'l2': -1}, 'l2: wanted a finite number of at least 0'),
  ],
)
def test_a_recipe_of_no_use_is_refused(values, message):
  with pytest.raises(errors.InputError, match=f'^{message}'):
    constants.RECIPES['conv2'].replace(**values)


def test_layers_that_are_not_there_are_refused_before_any_training(cifar10):
  with pytest.raises(errors.InputError, match='no such layer; masks are of'):
    lottery_experiment.train(
      constants.TASK,
      'trial1',
      data_location=cifar10,
      prune_percents={'convolution*': 0.2},
      **SMALL,
    )
  assert not list(pathlib.Path().rglob('run.json'))


@pytest.mark.parametrize('data', ['cifar10', 'mnist'])
@pytest.mark.parametrize('network', networks.NAMES)
def test_all_networks_take_all_data(request, data, network):
  recipe = constants.RECIPES['conv2'].replace(
    network=network,
    width=None if network.startswith('lenet5') else 2,
    validation_size=20,
    augment=network == 'resnet20',
  )
  location = request.getfixturevalue(data)
  dataset = constants.make_dataset(recipe, location, 1, False)
  model = constants.make_model(recipe, seed=1)
  assert model.build(dataset.train.values(slice(1))) == 10
  is_augmented = dataset.train.augment is not None
  assert is_augmented == (network == 'resnet20')


def test_a_ladder_by_kind_of_layer_with_all_that_papers_add(cifar10):
  lottery_experiment.train(
    constants.TASK,
    'trial1',
    data_location=cifar10,
    iterations=1,
    seed=1,
    recipe='resnet20',
    **SMALL,
  )
  record = records.read('trial1/1/same_init')
  assert record['description']['recipe']['l2'] == 1e-4
  masks = save_restore.restore_network('trial1/1/same_init/masks')
  kept = {name for name, mask in masks.items() if mask.all()}
  assert {'output', 'stage1_block0_shortcut'} <= kept
  pruned = sum(int((mask == 0).sum()) for mask in masks.values())
  sizes = [mask.size for name, mask in masks.items() if 'conv' in name]
  assert pruned == round(0.2 * sum(sizes))


def test_data_come_from_a_folder(cifar10, capsys):
  download_data.download('data', cifar10)
  assert 'copied as they are' in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize('place', ['.', 'cifar10_conv'])
def test_scripts_run_from_the_root_and_from_the_folder(
  root, cifar10, tmp_path, place
):
  above, here = ('', 'cifar10_conv/') if place == '.' else ('../', '')

  def run(*command):
    done = subprocess.run(
      [sys.executable, *command],
      cwd=root / place,
      capture_output=True,
      text=True,
      check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

  where = f'--experiment_path={tmp_path}/conv'
  flags = [where, f'--data_location={cifar10}', '--trials=1']
  flags += ['--width=4', '--batch_size=1000', '--training_len=iterations,1']
  flags += ['--validation_size=20']
  for script, *more in (
    ('lottery_experiment', '--iterations=1'),
    ('reinitialize', '--levels=[1]', '--reinitializations=1'),
    ('control', '--levels=[1]', '--controls=[noise_1x]'),
  )[: 1 if place == '.' else 3]:
    argfile = f'{here}argfiles/{script}_argfile.py'
    run(
      f'{above}argfile_runner.py',
      f'{here}runners/{script}.py',
      shlex.join([argfile, *flags, *more]),
    )
  if place == '.':
    return
  folder = f'{tmp_path}/conv/trial1/1/noise_1x1'
  noisy, first = (
    save_restore.restore_network(f'{tmp_path}/conv/trial1/1/{name}/initial')
    for name in ('noise_1x1', 'same_init')
  )
  noise = (noisy['conv1'] - first['conv1'])[first['conv1'] != 0]
  assert noise.size == 130  # A tenth of 3 x 3 x 4 x 4 is pruned.
  wanted = np.sqrt(2 / (3 * 3 * (4 + 4)))  # GlorotNormal's.
  assert noise.std() == pytest.approx(wanted, rel=0.31)  # Five errors.
  shown = run(f'{here}runners/repeat.py', folder)
  assert shown.splitlines()[-1].startswith('repeated: all 6 outputs')
  assert 'winning ticket' in run(f'{here}runners/summarize.py', where)
  page = run(f'{here}runners/report.py', where).split()[-1]
  assert 'no claims' in pathlib.Path(page).read_text()
  described = records.read(folder)['description']
  assert described['task'] == 'cifar10_conv'
  assert json.dumps(described['recipe']['prune_percents']) == json.dumps(
    {'conv*': 0.1, 'dense*': 0.2, 'output': 0.1}
  )

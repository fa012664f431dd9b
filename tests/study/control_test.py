"""Tests of lottery_ticket.study.control, on two trials' tickets."""

import functools
import json
import math
import re
import shutil

import numpy as np
import pytest

from lottery_ticket.analysis import results
from lottery_ticket.analysis import rows as rows_lib
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import lottery_experiment
from lottery_ticket.mnist_fc import reinitialize
from lottery_ticket.study import control as control_lib
from lottery_ticket.study import reinitialize as reinitialize_lib

LAYERS = ('layer0', 'layer1')
TRAIN = functools.partial(control_lib.train, constants.TASK)


def network(folder, name):
  return save_restore.restore_network(str(folder / name))


@pytest.fixture(scope='module')
def cheap(cheap):
  """Arguments of a run that still changes which weights are large."""
  return cheap | {'training_len': ('iterations', 3), 'learning_rate': 1.0}


@pytest.fixture(scope='module')
def experiment_path(cheap, make_trials):
  """The folder of trials 1 and 2 of the controls' recipe; not to be changed."""
  return make_trials(**cheap)


@pytest.fixture(scope='module')
def run(tmp_path_factory, experiment_path, cheap):
  """Returns a function that trains a control; it returns the run's folder."""
  parent = tmp_path_factory.mktemp('controls')
  count = iter(range(1000))

  def train(control, **changes):
    folder = parent / str(next(count))
    arguments = {'trial_dir': str(experiment_path / 'trial1'), 'level': 1}
    if control in ('reuse', 'reuse_sign', 'union', 'intersection'):
      arguments['trials'] = [str(experiment_path / f'trial{i}') for i in (1, 2)]
    arguments |= {'seed': 1} | changes
    TRAIN(str(folder), control=control, **arguments, **cheap)
    return folder

  return train


@pytest.fixture(scope='module')
def ticket(experiment_path):
  return experiment_path / 'trial1' / '1' / 'same_init'


@pytest.fixture(scope='module')
def dense(experiment_path):
  return experiment_path / 'trial1' / '0' / 'same_init'


def test_a_reinitialization_is_that_of_reinitialize(
  run, ticket, cheap, tmp_path
):
  folder = run('reinit', run_id=2)
  other = tmp_path / 'other'
  reinitialize.train(
    str(other), masks=str(ticket / 'masks'), seed=1, level=1, run_id=2, **cheap
  )
  for name in ('initial', 'final', 'masks'):
    np.testing.assert_equal(network(folder, name), network(other, name))


@pytest.mark.parametrize('control', ['reinit', 'reuse', 'reuse_sign'])
def test_what_reinitialize_made_is_loaded(
  run, ticket, experiment_path, cheap, control
):
  sources = {}
  if control != 'reinit':
    places = [experiment_path / f'trial{i}/1/same_init' for i in (1, 2)]
    tickets = [
      controls.Ticket(network(place, 'masks'), network(place, 'initial'))
      for place in places
    ]
    sources['initialization_distribution'] = controls.pool_weights(tickets)
  if control == 'reuse_sign':
    sources['same_sign'] = str(ticket / 'initial')

  def train(folder):
    masks = str(ticket / 'masks')
    reinitialize.train(
      str(folder),
      masks=masks,
      seed=1,
      level=1,
      run_id=1,
      **sources,
      **cheap,
    )

  folder = run(control)
  record = (folder / 'run.json').read_bytes()
  train(folder)
  assert (folder / 'run.json').read_bytes() == record


@pytest.mark.parametrize('control', ['random', 'one_shot', 'init_magnitude'])
def test_other_masks_of_the_same_layers_densities(run, ticket, dense, control):
  folder = run(control)
  masks, old = network(folder, 'masks'), network(ticket, 'masks')
  for name in LAYERS:
    assert masks[name].sum() == old[name].sum()
    assert not np.array_equal(masks[name], old[name]) or control == 'one_shot'
  initial, first = network(folder, 'initial'), network(dense, 'initial')
  for name in LAYERS:
    kept = np.where(masks[name], first[name], 0)
    assert np.array_equal(initial[name], kept) == (control != 'random')


def test_one_round_of_pruning_is_one_shot(run, ticket):
  np.testing.assert_equal(
    network(run('one_shot'), 'masks'), network(ticket, 'masks')
  )


def test_noise_is_in_units_of_the_initializer(run, ticket):
  noisy = network(run('noise', scale=2), 'initial')
  initial, masks = network(ticket, 'initial'), network(ticket, 'masks')
  kept = masks['layer0'] == 1
  noise = (noisy['layer0'] - initial['layer0'])[kept]
  wanted = 2 * math.sqrt(2 / (784 + 20))  # GlorotNormal's.
  # Five standard errors of 12,544 survivors.
  assert noise.std() == pytest.approx(wanted, rel=0.032)
  assert not noisy['layer0'][~kept].any()


def test_goes_on_from_the_trained_weights(run, ticket, dense):
  masks, final = network(ticket, 'masks'), network(dense, 'final')
  initial = network(run('continued'), 'initial')
  for name, array in final.items():
    np.testing.assert_array_equal(
      initial[name], np.where(masks.get(name, 1), array, 0)
    )


def test_rewinding_is_what_a_ladder_that_rewinds_does(
  run, ticket, cheap, tmp_path
):
  levels = lottery_experiment.train(
    str(tmp_path), iterations=1, seed=1, reset=2, **cheap
  )
  folder = run('rewind', rewind_to=2)
  np.testing.assert_equal(network(ticket, 'masks'), levels[1].masks)
  np.testing.assert_equal(network(folder, 'initial'), levels[1].initial)
  np.testing.assert_equal(network(folder, 'final'), levels[1].final)
  log = save_restore.read_log(str(folder), 'test')
  assert log['iteration'].tolist() == [2, 3]


def test_all_trials_masks_are_combined(run, experiment_path):
  masks = [
    network(experiment_path / f'trial{i}' / '1' / 'same_init', 'masks')
    for i in (1, 2)
  ]
  for control, combine in (('union', np.maximum), ('intersection', np.minimum)):
    got = network(run(control), 'masks')
    for name in LAYERS:
      np.testing.assert_array_equal(
        got[name], combine(masks[0][name], masks[1][name])
      )


def record(folder):
  return json.loads((folder / 'run.json').read_text())


def test_only_the_data_change(run, ticket):
  same, labels, order = (
    run(control) for control in ('continued', 'permuted_labels', 'other_order')
  )
  for folder in (labels, order):
    for name in ('initial', 'masks'):
      np.testing.assert_equal(network(folder, name), network(ticket, name))
  base = record(same)
  key = 'train_order_seed'
  assert record(labels)['description'][key] == base['description'][key]
  for name in ('train', 'test', 'validate'):
    assert record(labels)['inputs'][name] != base['inputs'][name]
    assert record(order)['inputs'][name] == base['inputs'][name]
  assert record(order)['description'][key] != base['description'][key]


def test_what_was_found_without_resets_is_reset_once(
  run, experiment_path, cheap, tmp_path, dense
):
  trial = tmp_path / 'trial1'
  shutil.copytree(experiment_path / 'trial1', trial)
  lottery_experiment.train(
    str(trial),
    iterations=1,
    seed=1,
    reset='final',
    experiment_name='no_reset',
    **cheap,
  )
  folder = run('no_reset_ticket', trial_dir=str(trial))
  masks = network(trial / '1' / 'no_reset', 'masks')
  np.testing.assert_equal(network(folder, 'masks'), masks)
  first = network(dense, 'initial')
  for name, array in network(folder, 'initial').items():
    np.testing.assert_array_equal(
      array, np.where(masks.get(name, 1), first[name], 0)
    )


def test_the_record_says_what_was_changed(run):
  experiment = record(run('noise', scale=0.5, run_id=3))['description']
  wanted = {'script': 'control', 'control': 'noise', 'scale': 0.5}
  wanted |= {'run_id': 3, 'level': 1, 'seed': 1}
  assert wanted.items() <= experiment.items()


@pytest.fixture
def recorded(experiment_path, tmp_path):
  """Returns a function that copies trial 1 and changes what it recorded."""

  def copy(**changes):
    trial = tmp_path / 'trial'
    shutil.copytree(experiment_path / 'trial1', trial)
    for path in trial.glob('*/*/run.json'):
      record = json.loads(path.read_text())
      experiment = record['description']
      for name, value in changes.items():
        part = experiment['recipe'] if name in experiment['recipe'] else {}
        (part or experiment)[name] = value
      path.write_text(json.dumps(record))
    return str(trial)

  return copy


@pytest.mark.parametrize(
  ('recorded_changes', 'changes', 'message'),
  [
    ({}, {'optimizer': 'Adam'}, "optimizer: wanted 'SGD', that of {}, got"),
    (
      {'scaling': 'l2'},
      {'scaling': 'unit'},
      "scaling: wanted 'l2', that of {}, got 'unit'",
    ),
    ({}, {'permute_labels': True}, 'permute_labels: wanted False, that of {},'),
    (
      {'permute_labels': True},
      {'control': 'permuted_labels'},
      'control: permuted_labels wants a trial whose labels are not, got {}',
    ),
    (
      {'kernel_initializer': 'random_normal'},
      {
        'kernel_initializer': 'random_normal',
        'control': 'noise',
        'scale': 1,
      },
      'kernel_initializer: noise wants one that scales with the size',
    ),
  ],
)
def test_all_else_is_as_it_was_for_the_ticket(
  recorded, cheap, tmp_path, recorded_changes, changes, message
):
  trial = recorded(**recorded_changes)
  run = f'{trial}/1/same_init'
  arguments = cheap | {'control': 'reinit', 'trial_dir': trial, 'level': 1}
  with pytest.raises(errors.InputError) as caught:
    TRAIN(str(tmp_path / 'run'), **(arguments | changes))
  assert str(caught.value).startswith(message.format(run))
  assert not (tmp_path / 'run').exists()


def test_a_control_has_its_tickets_recipe_and_data(
  experiment_path, ticket, tmp_path
):
  wanted = record(ticket)
  TRAIN('run', trial_dir=str(experiment_path / 'trial1'), level=1)
  reinitialize_lib.train(
    constants.TASK, 'other', masks=str(ticket / 'masks'), level=1
  )
  for folder in (tmp_path / 'run', tmp_path / 'other'):
    made = record(folder)
    assert made['description']['recipe'] == wanted['description']['recipe']
    assert (
      made['sources']['mnist_location'] == (wanted['sources']['mnist_location'])
    )
  with pytest.raises(
    errors.InputError, match=r"wanted 'SGD', that of .* 'Adam'"
  ):
    TRAIN(
      'named',
      trial_dir=str(experiment_path / 'trial1'),
      level=1,
      recipe='paper',
      layers=[20, 10],
    )


def test_a_control_has_its_tickets_labels_and_order(cheap, tmp_path):
  lottery_experiment.train(
    'trial',
    iterations=1,
    seed=1,
    permute_labels=True,
    train_order_seed=5,
    **cheap,
  )
  run = paths.run('trial', 1)
  TRAIN('own', control='own', trial_dir='trial', level=1)
  reinitialize_lib.train(
    constants.TASK, 'reinit', masks=paths.masks(run), level=1
  )
  TRAIN('other', control='other_order', trial_dir='trial', level=1)
  wanted, own, reinit, other = (
    record(tmp_path / folder) for folder in (run, 'own', 'reinit', 'other')
  )
  for made in (own, reinit):
    assert made['description']['permute_labels'] is True
    assert made['description']['train_order_seed'] == 5
    assert made['inputs']['train'] == wanted['inputs']['train']
  assert other['description']['train_order_seed'] != 5


def test_how_the_ticket_was_pruned_does_not_matter(recorded, cheap, tmp_path):
  trial = recorded(pruner='random', prune_percents={'layer0': 0.5})
  TRAIN(str(tmp_path / 'run'), trial_dir=trial, level=1, **cheap)


@pytest.fixture(scope='module')
def unseeded(experiment_path, tmp_path_factory):
  """A copy of trial 1 that does not say what its seed was."""
  trial = tmp_path_factory.mktemp('unseeded') / 'trial'
  shutil.copytree(experiment_path / 'trial1', trial)
  for path in trial.glob('*/*/run.json'):
    record = json.loads(path.read_text())
    del record['description']['seed']
    path.write_text(json.dumps(record))
  return str(trial)


def test_draws_depend_on_the_run_id_the_level_and_the_seed(run, unseeded):
  other = {'seed': 2, 'trial_dir': unseeded}
  runs = [run('own', **change) for change in ({}, {'run_id': 2}, other)]
  weights = [network(folder, 'initial')['layer0'] for folder in runs]
  for i in range(3):
    assert not np.array_equal(weights[i], weights[i - 1])
  np.testing.assert_equal(
    network(run('own'), 'final'), network(runs[0], 'final')
  )


def test_a_seed_that_is_not_given_is_the_trials(
  run, experiment_path, cheap, tmp_path
):
  folder = run('rewind', rewind_to=1, seed=None)
  given = run('rewind', rewind_to=1)
  assert record(folder)['description'] == record(given)['description']
  np.testing.assert_equal(network(folder, 'initial'), network(given, 'initial'))
  # Without a ticket of that name the dense network tells.
  trial = tmp_path / 'trial'
  shutil.copytree(experiment_path / 'trial2', trial)
  (trial / '1' / 'same_init').rename(trial / '1' / 'no_reset')
  other = run('no_reset_ticket', trial_dir=str(trial), seed=None)
  assert record(other)['description']['seed'] == 2
  again = str(folder)  # It is loaded.
  TRAIN(
    again,
    control='rewind',
    rewind_to=1,
    trial_dir=str(experiment_path / 'trial1'),
    level=1,
    **cheap,
  )


def test_a_seed_that_no_run_recorded_is_drawn_and_kept(
  unseeded, cheap, tmp_path
):
  arguments = cheap | {'control': 'reinit', 'trial_dir': unseeded, 'level': 1}
  folder = tmp_path / 'run'
  TRAIN(str(folder), **arguments)
  before = record(folder)
  TRAIN(str(folder), **arguments)
  assert record(folder) == before


def test_another_seed_than_the_trials_is_refused(
  experiment_path, cheap, tmp_path
):
  trial = experiment_path / 'trial1'
  with pytest.raises(errors.InputError) as caught:
    TRAIN(
      str(tmp_path / 'run'),
      control='reinit',
      trial_dir=str(trial),
      level=1,
      seed=2,
      **cheap,
    )
  assert str(caught.value) == (
    f'seed: wanted 1, that of {trial}/1/same_init, got 2'
  )
  assert not (tmp_path / 'run').exists()


def test_no_folder_is_refused_before_anything_is_made(
  experiment_path, cheap, tmp_path
):
  with pytest.raises(errors.InputError, match=r'^output_dir: wanted '):
    TRAIN(
      '',
      control='rewind',
      rewind_to=1,
      trial_dir=str(experiment_path / 'trial1'),
      level=1,
      **cheap,
    )
  assert not (tmp_path / 'rewound').exists()


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'control': 'reinitialize'}, 'control: wanted one of '),
    (
      {'control': 'noise_0.5x', 'scale': 1},
      'scale: the control noise_0.5x takes none',
    ),
    (
      {'control': 'noise'},
      'scale: wanted for the control noise, like --scale=1',
    ),
    ({'scale': 1}, 'scale: the control reinit takes none'),
    (
      {'control': 'rewind'},
      'rewind_to: wanted for the control rewind, like --rewind_to=500',
    ),
    (
      {'control': 'union'},
      'trials: wanted for the control union, like --trials=[',
    ),
    (
      {'control': 'noise', 'scale': -1},
      'scale: wanted a finite number of at least 0, got -1',
    ),
    (
      {'control': 'noise', 'scale': math.inf},
      'scale: wanted a finite number of at least 0, got inf',
    ),
    ({'control': 'rewind', 'rewind_to': 0}, 'rewind_to: '),
    (
      {'control': 'rewind', 'rewind_to': 3},
      'rewind_to: wanted an iteration from 1 to 2, got 3',
    ),
    (
      {'level': 7},
      '7/same_init: wanted a finished run;'
      ' runners/lottery_experiment.py makes tickets',
    ),
    ({'level': -1}, 'level: wanted an integer of at least 0, got -1'),
    (
      {'control': 'continued', 'level': 0},
      'level: wanted an integer of at least 1, got 0',
    ),
    (
      {'ticket_name': '../same_init'},
      'ticket_name: wanted letters, digits, "_", "-" and ".", got ',
    ),
    ({'no_reset_name': ''}, 'no_reset_name: wanted letters, digits, '),
    (
      {'trial_dir': 'nowhere'},
      'nowhere/1/same_init: wanted a finished run;'
      ' runners/lottery_experiment.py makes tickets',
    ),
    (
      {'control': 'no_reset_ticket'},
      '1/no_reset: wanted a finished run;'
      ' runners/lottery_experiment.py makes tickets',
    ),
  ],
)
def test_bad_input(experiment_path, cheap, tmp_path, changes, message):
  arguments = {'trial_dir': str(experiment_path / 'trial1'), 'level': 1}
  with pytest.raises(errors.InputError, match=re.escape(message)):
    TRAIN(str(tmp_path / 'run'), **(arguments | cheap | changes))
  assert not (tmp_path / 'run').exists()


@pytest.fixture(scope='module')
def rows_alone(experiment_path, tmp_path_factory):
  """A folder with the rows and tickets of the experiment, and no runs."""
  folder = tmp_path_factory.mktemp('rows')
  found = results.read(str(experiment_path))
  rows_lib.write(str(folder), found.rows, str(experiment_path))
  return folder


@pytest.mark.parametrize(
  'control', ['reinit', 'random', 'own', 'noise_1x', 'init_magnitude']
)
def test_a_control_of_a_ticket_whose_folder_is_gone(
  run, cheap, rows_alone, tmp_path, control
):
  """Recipe and seed are the ticket's, and so is each byte."""
  place = {'mnist_location': cheap['mnist_location']}
  trial = str(rows_alone / 'trial1')
  TRAIN(
    str(tmp_path / 'again'), control=control, trial_dir=trial, level=1, **place
  )
  wanted = run(control)
  for name in ('masks', 'initial', 'final'):
    np.testing.assert_equal(
      network(tmp_path / 'again', name), network(wanted, name)
    )


def test_a_control_of_another_ticket_than_the_rows_is_refused(
  cheap, rows_alone, tmp_path
):
  rows = rows_lib.read(rows_alone)
  row = rows['trial1/1/same_init']
  row['record']['inputs']['initial'] = '0' * 64
  rows_lib.write(str(tmp_path), rows, str(tmp_path))
  shutil.copy(rows_alone / 'tickets.npz', tmp_path)
  ticket = tmp_path / 'trial1' / '1' / 'same_init'
  with pytest.raises(errors.InputError) as raised:
    TRAIN(
      str(tmp_path / 'new'),
      trial_dir=str(tmp_path / 'trial1'),
      level=1,
      mnist_location=cheap['mnist_location'],
    )
  assert str(raised.value) == (
    f'{ticket}: initial: wanted those of the row, got others from the seed;'
    ' train the ticket again'
  )

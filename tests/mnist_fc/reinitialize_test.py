"""Tests of lottery_ticket.mnist_fc.reinitialize."""

import inspect
import json
import pathlib
import shutil

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import reinitialize
from lottery_ticket.study import initialization

LAYERS = ('layer0', 'layer1')


def network(*parts):
  return save_restore.restore_network(str(pathlib.Path(*map(str, parts))))


def record(run):
  return json.loads((pathlib.Path(run) / 'run.json').read_text())


def differ(network_a, network_b):
  """Tells whether all layers differ; those that are pruned, too."""
  same = {np.array_equal(network_a[name], network_b[name]) for name in LAYERS}
  assert len(same) == 1
  return not same.pop()


@pytest.fixture(scope='module')
def ticket(experiment_path):
  """The folder of the ticket whose weights are replaced."""
  return experiment_path / 'trial1' / '1' / 'same_init'


@pytest.fixture(scope='module')
def pooled(experiment_path, tmp_path_factory):
  """The folder of the values that both trials' tickets started from."""
  folder = tmp_path_factory.mktemp('pooled')
  for trial in ('trial1', 'trial2'):
    (folder / trial).symlink_to(experiment_path / trial)
  initialization.pool(constants.TASK, 1, str(folder))
  return folder / 'weights' / '1' / 'initialization'


@pytest.fixture(scope='module')
def run(tmp_path_factory, ticket, pooled, cheap):
  """Returns a function that returns a control's folder, made only once."""
  parent = tmp_path_factory.mktemp('controls')
  made = {}

  def reinitialized(control, **changes):
    key = (control, *sorted(changes.items()))
    if key not in made:
      made[key] = parent / str(len(made))
      arguments = {'seed': 1, 'level': 1, 'run_id': 1} | changes
      if control != 'reinit':
        arguments['initialization_distribution'] = str(pooled)
      if control == 'reuse_sign':
        arguments['same_sign'] = str(ticket / 'initial')
      reinitialize.train(
        str(made[key]), masks=str(ticket / 'masks'), **arguments, **cheap
      )
    return made[key]

  return reinitialized


CONTROLS = pytest.mark.parametrize('control', ['reinit', 'reuse', 'reuse_sign'])


def test_keeps_the_signature_of_2018():
  parameters = list(inspect.signature(reinitialize.train).parameters.values())
  assert [(p.name, p.default) for p in parameters[:6]] == [
    ('output_dir', inspect.Parameter.empty),
    ('mnist_location', constants.MNIST_LOCATION),
    ('training_len', None),
    ('masks', None),
    ('initialization_distribution', None),
    ('same_sign', None),
  ]
  for parameter in parameters[6:]:
    assert parameter.kind is parameter.VAR_KEYWORD


@CONTROLS
def test_keeps_masks_data_and_order_and_changes_the_weights(
  run, ticket, control
):
  folder = run(control)
  initial, final = network(folder, 'initial'), network(folder, 'final')
  for name, mask in network(ticket, 'masks').items():
    np.testing.assert_array_equal(network(folder, 'masks')[name], mask)
    for weights in (initial, final):
      assert not weights[name][mask == 0].any()
    assert np.all(initial[name][mask == 1] != 0)
    assert not initial[f'{name}_bias'].any()
  assert differ(initial, network(ticket, 'initial'))
  for split in ('train', 'test', 'validate'):
    assert record(folder)['inputs'][split] == record(ticket)['inputs'][split]
  experiment = record(folder)['description']
  assert (experiment['script'], experiment['control']) == (
    'control',
    control,
  )
  assert [experiment[key] for key in ('seed', 'level', 'run_id')] == [1, 1, 1]


@pytest.mark.parametrize('change', ['seed', 'level', 'run_id'])
@pytest.mark.parametrize('control', ['reinit', 'reuse'])
def test_draws_depend_on_seed_level_and_run(run, control, change):
  initial = network(run(control), 'initial')
  other = network(run(control, **{change: 2}), 'initial')
  assert differ(initial, other)


def test_the_same_seeds_draw_the_same(run, ticket, tmp_path, cheap):
  reinitialize.train(
    'run',
    masks=str(ticket / 'masks'),
    seed=1,
    level=1,
    run_id=1,
    **cheap,
  )
  for kind in ('initial', 'final'):
    assert not differ(network('run', kind), network(run('reinit'), kind))


def test_a_seed_that_is_not_given_is_that_of_the_masks_run(
  experiment_path, tmp_path, cheap, monkeypatch
):
  ticket = experiment_path / 'trial2' / '1' / 'same_init'
  monkeypatch.chdir(ticket)
  for i, masks in enumerate((f'{ticket}/masks/', 'masks', ticket / 'masks')):
    reinitialize.train(str(tmp_path / str(i)), masks=masks, level=1, **cheap)
    recorded = record(tmp_path / str(i))
    assert recorded['description']['seed'] == 2
    assert recorded['inputs']['test'] == record(ticket)['inputs']['test']


def test_a_seed_is_drawn_where_no_run_lies_beside_the_masks(
  ticket, tmp_path, cheap
):
  masks = shutil.copytree(ticket / 'masks', tmp_path / 'alone' / 'masks')
  for source in (str(masks), network(masks), [str(ticket / 'masks')]):
    folder = tmp_path / str(type(source).__name__)
    reinitialize.train(str(folder), masks=source, level=1, **cheap)
    assert record(folder)['description']['seed'] > 2


def test_reinit_draws_from_the_initializer(run):
  kernel = network(run('reinit'), 'initial')['layer0']
  deviation = kernel[kernel != 0].std()
  assert deviation == pytest.approx(np.sqrt(2 / (784 + 20)), rel=0.03)


def test_reuse_draws_only_from_the_pool(run, pooled):
  values, initial = network(pooled), network(run('reuse'), 'initial')
  for name in LAYERS:
    drawn = initial[name][initial[name] != 0]
    assert np.isin(drawn, values[name]).all()
    # With replacement: of n draws from 2n values about 0.79 n are distinct.
    assert np.unique(drawn).size < 0.9 * drawn.size
  assert not np.isin(initial['layer1'], values['layer0'])[
    initial['layer1'] != 0
  ].any()


def test_reuse_sign_keeps_each_weights_sign(run, pooled, ticket):
  values, initial = network(pooled), network(run('reuse_sign'), 'initial')
  signs = network(ticket, 'initial')
  for name in LAYERS:
    np.testing.assert_array_equal(np.sign(initial[name]), np.sign(signs[name]))
    drawn = np.abs(initial[name][initial[name] != 0])
    assert np.isin(drawn, np.abs(values[name])).all()
  plain = network(run('reuse'), 'initial')
  assert np.any(np.sign(plain['layer0']) != np.sign(signs['layer0']))
  assert differ(
    {name: np.abs(initial[name]) for name in LAYERS},
    {name: np.abs(plain[name]) for name in LAYERS},
  )


def test_masks_that_are_a_list_are_united(experiment_path, pooled, cheap):
  tickets = [
    experiment_path / f'trial{trial}' / '1' / 'same_init' / 'masks'
    for trial in (1, 2)
  ]
  reinitialize.train(
    'run',
    masks=list(map(str, tickets)),
    initialization_distribution=str(pooled),
    seed=1,
    **cheap,
  )
  first, second = map(network, tickets)
  for name, mask in network('run', 'masks').items():
    np.testing.assert_array_equal(mask, np.maximum(first[name], second[name]))
    drawn = network('run', 'initial')[name]
    np.testing.assert_array_equal(drawn != 0, mask != 0)


def test_without_masks_nothing_is_pruned(cheap):
  reinitialize.train('run', seed=1, **cheap)
  assert all(mask.all() for mask in network('run', 'masks').values())


def test_pooled_weights_that_are_not_there(cheap, experiment_path):
  with pytest.raises(errors.InputError) as caught:
    reinitialize.train(
      'run',
      masks=str(experiment_path / 'trial1' / '1' / 'same_init' / 'masks'),
      initialization_distribution='weights/1/initialization',
      **cheap,
    )
  assert str(caught.value) == (
    'weights/1/initialization: no such folder;'
    ' runners/initialization.py makes it'
  )

"""Tests of lottery_ticket.mnist_fc.train."""

import inspect
import json
import pathlib

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import train


def network(*parts):
  return save_restore.restore_network(str(pathlib.Path(*map(str, parts))))


def record(run):
  return json.loads((pathlib.Path(run) / 'run.json').read_text())


def check_equal(network_a, network_b):
  assert set(network_a) == set(network_b)
  for name, array in network_a.items():
    np.testing.assert_array_equal(array, network_b[name])


def test_keeps_the_signature_of_2018():
  parameters = list(inspect.signature(train.train).parameters.values())
  assert [(p.name, p.default) for p in parameters[:6]] == [
    ('output_dir', inspect.Parameter.empty),
    ('mnist_location', constants.MNIST_LOCATION),
    ('training_len', None),
    ('masks', None),
    ('presets', None),
    ('train_order_seed', None),
  ]
  for parameter in parameters[6:]:
    assert parameter.kind is parameter.VAR_KEYWORD


def test_masks_that_are_a_list_are_united_and_presets_are_kept(
  tmp_path, cheap, experiment_path
):
  tickets = [
    experiment_path / f'trial{trial}' / '1' / 'same_init' / 'masks'
    for trial in (1, 2)
  ]
  presets = experiment_path / 'trial1' / '0' / 'same_init' / 'final'
  initial, final = train.train(
    str(tmp_path / 'run'),
    masks=list(map(str, tickets)),
    presets=str(presets),
    seed=1,
    **cheap,
  )
  first, second = map(network, tickets)
  united = {name: np.maximum(first[name], second[name]) for name in first}
  assert np.any(united['layer0'] != first['layer0'])
  assert np.any(united['layer0'] != second['layer0'])
  check_equal(network(tmp_path, 'run/masks'), united)
  check_equal(initial, masks_lib.apply(united, network(presets)))
  assert np.any(initial['layer0_bias'])
  check_equal(network(tmp_path, 'run/initial'), initial)
  check_equal(network(tmp_path, 'run/final'), final)
  pruned = united['layer0'] == 0
  assert pruned.any() and not final['layer0'][pruned].any()


OVERRIDES = {
  'layers': [[15, 'tanh'], [10, None]],
  'kernel_initializer': 'he_normal',
  'optimizer': 'RMSprop',
  'learning_rate': 0.25,
  'optimizer_settings': {'momentum': 0.9},
  'warmup': 3,
  'l2': 0.01,
  'batch_size': 1000,
  'training_len': ['epochs', 2],
  'scaling': 'standard',
  'validation_size': 50,
  'evaluation_interval': 7,
  'prune_percents': {'layer0': 0.5},
  'pruner': 'random',
  'execution': 'dense',
}


def test_each_value_that_replaces_a_recipes_is_used_and_recorded(
  tmp_path, mnist
):
  train.train('run', mnist, recipe='google', seed=4, level=2, **OVERRIDES)
  recorded = record('run')
  assert recorded['description'] == {
    'task': 'mnist_fc',
    'script': 'train',
    'recipe': OVERRIDES,
    'seed': 4,
    'level': 2,
    'permute_labels': False,
    'train_order_seed': seeds.integer(4, 'order', 2),
  }
  assert recorded['iterations'] == 2
  assert {name: a.shape for name, a in network('run', 'final').items()} == {
    'layer0': (784, 15),
    'layer0_bias': (15,),
    'layer1': (15, 10),
    'layer1_bias': (10,),
  }
  log = save_restore.read_log('run')
  assert log['iteration'].tolist() == [0, 2]
  assert pathlib.Path('run/validate.json').exists()
  deviation = network('run', 'initial')['layer0'].std()
  assert deviation == pytest.approx(np.sqrt(2 / 784), rel=0.05)


def test_the_recipe_of_2018_has_no_validation_set(mnist):
  train.train(
    'run',
    mnist,
    ('iterations', 1),
    recipe='google',
    batch_size=1000,
    layers=(10,),
    prune_percents={},
    seed=1,
  )
  recorded = record('run')
  assert 'validate' not in recorded['inputs']
  assert recorded['description']['recipe']['scaling'] == 'l2'
  assert not pathlib.Path('run/validate.json').exists()


def test_a_seed_is_drawn_once_and_another_run_needs_overwrite(tmp_path, cheap):
  first = train.train(str(tmp_path / 'a'), **cheap)
  again = train.train(str(tmp_path / 'a'), **cheap)
  for before, after in zip(first, again, strict=True):
    check_equal(before, after)
  other = train.train(str(tmp_path / 'b'), **cheap)
  assert np.any(other[0]['layer0'] != first[0]['layer0'])
  seeds = [record(tmp_path / run)['description']['seed'] for run in ('a', 'b')]
  assert seeds[0] != seeds[1]
  with pytest.raises(errors.InputError, match=r'a: holds another finished run'):
    train.train(str(tmp_path / 'a'), seed=seeds[1], **cheap)
  check_equal(network(tmp_path, 'a/final'), first[1])
  train.train(str(tmp_path / 'a'), seed=seeds[1], overwrite=True, **cheap)
  for i, kind in enumerate(('initial', 'final')):
    check_equal(network(tmp_path, 'a', kind), other[i])


def test_seed_level_and_order_seed_give_the_order(tmp_path, cheap):
  def final_of(name, **arguments):
    return train.train(str(tmp_path / name), seed=1, **arguments, **cheap)[1]

  first, second, third = (
    final_of('a'),
    final_of('b', level=1),
    final_of('c', level=1, train_order_seed=7),
  )
  assert np.any(first['layer0'] != second['layer0'])
  assert np.any(second['layer0'] != third['layer0'])
  a, b, c = (network(tmp_path, name, 'initial') for name in 'abc')
  check_equal(a, b)
  check_equal(a, c)


def test_numbers_of_numpy_make_the_same_run(tmp_path, cheap):
  run = str(tmp_path / 'a')
  first = train.train(run, seed=1, level=2, **cheap)
  other = {
    name: np.array(cheap[name])
    for name in ('layers', 'validation_size', 'evaluation_interval')
  }
  other['layers'] = list(other['layers'])
  other['batch_size'] = np.int64(cheap['batch_size'])
  other['training_len'] = ('iterations', np.uint8(1))
  same = train.train(run, seed=np.int64(1), level=np.int32(2), **cheap | other)
  for before, after in zip(first, same, strict=True):
    check_equal(before, after)


def test_fashion_mnist_is_another_location(tmp_path, cheap, sample):
  fashion = tmp_path / 'fashion'
  fashion.mkdir()
  for name, array in sample.items():
    if name.startswith('x'):
      array = array.transpose(0, 2, 1)
    np.save(fashion / f'{name}.npy', array)
  train.train(str(tmp_path / 'mnist'), seed=1, **cheap)
  train.train(
    str(tmp_path / 'run'), seed=1, **cheap | {'mnist_location': str(fashion)}
  )
  data, other = (record(tmp_path / name)['inputs'] for name in ('mnist', 'run'))
  for split in ('train', 'test', 'validate'):
    assert data[split] != other[split]
  final, turned = (network(tmp_path, n, 'final') for n in ('mnist', 'run'))
  assert np.any(final['layer0'] != turned['layer0'])


def test_data_that_change_in_place_are_read_again(tmp_path, cheap, sample):
  location = tmp_path / 'data'
  location.mkdir()
  for name, array in sample.items():
    np.save(location / f'{name}.npy', array)
  arguments = cheap | {'mnist_location': str(location)}
  train.train(str(tmp_path / 'a'), seed=1, **arguments)
  np.save(location / 'y_test.npy', sample['y_test'][::-1])
  with pytest.raises(errors.InputError, match=r'\(test: '):
    train.train(str(tmp_path / 'a'), seed=1, **arguments)


@pytest.mark.parametrize(
  'there', [{}, {'description': []}, {'description': {'recipe': {}}}]
)
def test_a_record_without_a_seed_is_of_another_run(tmp_path, cheap, there):
  (tmp_path / 'run').mkdir()
  path = tmp_path / 'run' / 'run.json'
  path.write_text(json.dumps(there))
  with pytest.raises(
    errors.InputError, match=r'another finished run|wanted an object'
  ):
    train.train('run', **cheap)
  assert json.loads(path.read_text()) == there


def test_a_run_trained_or_loaded_is_a_line(tmp_path, cheap, capsys):
  run = str(tmp_path / 'run')
  for _ in range(2):
    train.train(run, seed=1, **cheap)
    record = json.loads((tmp_path / 'run' / 'run.json').read_text())
    accuracy = 100 * record['results']['test']['accuracy']
    assert capsys.readouterr().out == (
      f'{run}: 100.0% of the weights, test accuracy {accuracy:.2f}% after'
      f' {record["iterations"]:,} iterations\n'
    )

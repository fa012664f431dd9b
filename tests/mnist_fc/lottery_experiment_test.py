"""Tests of lottery_ticket.mnist_fc.lottery_experiment."""

import contextlib
import inspect
import json
import pathlib
import shutil

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import lottery_experiment

RUN = {
  'initial',
  'final',
  'masks',
  'train.json',
  'test.json',
  'validate.json',
  'summaries',
  'run.json',
}
PARAMETERS = ['layer0', 'layer0_bias', 'layer1', 'layer1_bias']


class InterruptionError(Exception):
  pass


@contextlib.contextmanager
def interrupted(run):
  """Interrupts a run half-way; checks that it came to that."""

  def listen(name, done, total):
    if name.endswith(run) and 0 < done < total:
      raise InterruptionError

  with pytest.raises(InterruptionError), progress.send_to(listen):
    yield


def network(*parts):
  return save_restore.restore_network(str(pathlib.Path(*map(str, parts))))


def configuration(run, name='run.json'):
  return json.loads((pathlib.Path(run) / name).read_text())['configuration']


def contents(folder):
  """Returns the bytes of all networks and logs in a folder."""
  files = [*folder.rglob('*.npy'), *folder.rglob('t*.json')]
  files += folder.rglob('validate.json')
  return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def stamps(folder):
  """Returns when each file was last written; the lock's says nothing."""
  return {
    path: (path.stat().st_mtime_ns, path.stat().st_ino)
    for path in folder.rglob('*')
    if path.is_file() and path.name != 'run.lock'
  }


def test_keeps_the_signature_of_2018():
  parameters = list(
    inspect.signature(lottery_experiment.train).parameters.values()
  )
  assert [(p.name, p.default) for p in parameters[:8]] == [
    ('output_dir', inspect.Parameter.empty),
    ('mnist_location', constants.MNIST_LOCATION),
    ('training_len', None),
    ('iterations', 30),
    ('experiment_name', 'same_init'),
    ('presets', None),
    ('permute_labels', False),
    ('train_order_seed', None),
  ]
  for parameter in parameters[:8]:
    assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
  for parameter in parameters[8:]:
    assert parameter.kind is parameter.KEYWORD_ONLY


def test_each_level_leaves_a_whole_run(experiment_path):
  for level in (0, 1):
    run = experiment_path / 'trial1' / str(level) / 'same_init'
    assert {path.name for path in run.iterdir()} - {'run.lock'} == RUN
    assert list((run / 'summaries').iterdir())
    for kind in ('initial', 'final'):
      assert list(network(run, kind)) == PARAMETERS
    assert list(network(run, 'masks')) == ['layer0', 'layer1']
    for name, iterations in [
      ('train', [3, 6]),
      ('test', [0, 3, 6]),
      ('validate', [0, 3, 6]),
    ]:
      log = save_restore.read_log(paths.log(str(run), name))
      assert log['iteration'].tolist() == iterations
  assert {path.name for path in (experiment_path / 'trial1').iterdir()} == {
    '0',
    '1',
  }


def test_a_ticket_is_level_0_pruned_by_magnitude_and_reset(experiment_path):
  trial = experiment_path / 'trial1'
  dense = network(trial, 0, 'same_init/initial')
  final = network(trial, 0, 'same_init/final')
  masks = network(trial, 1, 'same_init/masks')
  ticket = network(trial, 1, 'same_init/initial')
  for layer, pruned in (('layer0', 3136), ('layer1', 20)):
    assert np.count_nonzero(masks[layer] == 0) == pruned
    magnitudes = np.abs(final[layer])
    gone, kept = (magnitudes[masks[layer] == value] for value in (0, 1))
    assert gone.max() <= kept.min()
    wanted = np.where(masks[layer] != 0, dense[layer], np.float32(0))
    assert ticket[layer].tobytes() == wanted.tobytes()
  ended = network(trial, 1, 'same_init/final')
  assert not np.any(ended['layer0'][masks['layer0'] == 0])
  assert np.any(ended['layer0'] != ticket['layer0'])


def test_records_where_its_randomness_came_from(experiment_path):
  records = [
    configuration(experiment_path / f'trial{trial}' / str(level) / 'same_init')
    for trial in (1, 2)
    for level in (0, 1)
  ]
  described = [record['experiment'] for record in records]
  assert [(e['seed'], e['level']) for e in described] == [
    (1, 0),
    (1, 1),
    (2, 0),
    (2, 1),
  ]
  assert {e['script'] for e in described} == {'lottery_experiment'}
  assert len({record['train_order_seed'] for record in records}) == 4
  data = [record['data'] for record in records]
  assert data[0] == data[1] != data[2] == data[3]
  assert data[0]['test'] == data[2]['test']
  first, second = (
    network(experiment_path, f'trial{trial}/0/same_init/initial')
    for trial in (1, 2)
  )
  assert not np.array_equal(first['layer0'], second['layer0'])


def test_goes_on_after_an_interruption_as_if_there_had_been_none(
  experiment_path, tmp_path, small
):
  trial = tmp_path / 'trial'
  shutil.copytree(experiment_path / 'trial1' / '0', trial / '0')
  before = stamps(trial)
  run = trial / '1' / 'same_init'
  # No seed is given: it is in the record of level 0.
  with interrupted('1/same_init'):
    lottery_experiment.train(str(trial), iterations=1, **small)
  assert {path.name for path in run.iterdir()} - {'run.lock'} == {
    'unfinished.json',
    'summaries',
  }
  levels = lottery_experiment.train(str(trial), iterations=1, **small)
  assert {path.name for path in run.iterdir()} - {'run.lock'} == RUN
  assert stamps(trial / '0') == before
  undisturbed = experiment_path / 'trial1'
  assert contents(trial) == contents(undisturbed)
  assert configuration(run) == configuration(undisturbed / '1' / 'same_init')
  assert [level.level for level in levels] == [0, 1]
  assert levels[1].density == pytest.approx(
    1 - (3136 + 20) / (784 * 20 + 20 * 10)
  )


def test_a_seed_that_was_drawn_is_recorded_before_training(tmp_path, cheap):
  run = tmp_path / 'trial' / '0' / 'same_init'
  arguments = cheap | {
    'training_len': ('iterations', 6),
    'evaluation_interval': 2,
  }
  with interrupted('0/same_init'):
    lottery_experiment.train(str(tmp_path / 'trial'), iterations=0, **arguments)
  drawn = configuration(run, 'unfinished.json')['experiment']['seed']
  lottery_experiment.train(str(tmp_path / 'trial'), iterations=0, **arguments)
  assert configuration(run)['experiment']['seed'] == drawn
  lottery_experiment.train(
    str(tmp_path / 'other'), iterations=0, seed=drawn, **arguments
  )
  assert contents(tmp_path / 'trial') == contents(tmp_path / 'other')


def test_the_same_again_loads_and_writes_nothing(experiment_path, small):
  trial = experiment_path / 'trial1'
  before = stamps(trial)
  heard = []
  with progress.send_to(lambda *args: heard.append(args)):
    levels = lottery_experiment.train(str(trial), iterations=1, seed=1, **small)
  assert heard == [] and stamps(trial) == before
  for level in levels:
    run = trial / str(level.level) / 'same_init'
    for kind in ('initial', 'final', 'masks'):
      stored = network(run, kind)
      loaded = getattr(level, kind)
      assert set(stored) == set(loaded)
      for name, array in stored.items():
        np.testing.assert_array_equal(loaded[name], array)


@pytest.mark.parametrize(
  ('change', 'difference'),
  [
    ({'learning_rate': 0.2}, 'experiment.recipe.learning_rate: 0.1 there'),
    ({'seed': 3}, 'data.train: '),
    ({'batch_size': 50}, 'batch_size: 60 there, 50 now'),
    ({'permute_labels': True}, 'data.test: '),
    ({'train_order_seed': 3}, 'train_order_seed: '),
    ({'training_len': ('epochs', 6)}, 'experiment.recipe.training_len: '),
  ],
)
def test_refuses_the_folder_of_another_experiment(
  experiment_path, small, change, difference
):
  trial = experiment_path / 'trial1'
  before = stamps(trial)
  with pytest.raises(errors.InputError) as caught:
    lottery_experiment.train(str(trial), iterations=1, **small | change)
  assert str(caught.value).startswith(
    f'{trial}/0/same_init: holds a finished run of another configuration ('
  )
  assert difference in str(caught.value)
  assert str(caught.value).endswith('; choose another folder, or overwrite')
  assert stamps(trial) == before


def test_labels_and_an_order_of_its_own_are_the_same_at_all_levels(
  experiment_path, tmp_path, cheap
):
  lottery_experiment.train(
    str(tmp_path / 'trial'),
    iterations=1,
    experiment_name='permuted',
    permute_labels=True,
    train_order_seed=5,
    seed=1,
    **cheap,
  )
  runs = [tmp_path / 'trial' / str(i) / 'permuted' for i in (0, 1)]
  first, second = map(configuration, runs)
  assert first['data'] == second['data']
  assert first['train_order_seed'] == second['train_order_seed'] == 5
  assert first['experiment']['permute_labels'] is True
  plain = configuration(experiment_path / 'trial1' / '0' / 'same_init')
  assert plain['experiment']['permute_labels'] is False
  assert all(
    first['data'][name] != plain['data'][name] for name in plain['data']
  )
  dense, same = (
    network(folder, 'initial')
    for folder in (runs[0], experiment_path / 'trial1/0/same_init')
  )
  np.testing.assert_array_equal(dense['layer0'], same['layer0'])


def test_presets_are_where_level_0_starts(experiment_path, tmp_path, cheap):
  presets = experiment_path / 'trial2' / '0' / 'same_init' / 'final'
  lottery_experiment.train(
    str(tmp_path), iterations=0, presets=str(presets), seed=1, **cheap
  )
  initial = network(tmp_path, '0/same_init/initial')
  for name, array in network(presets).items():
    np.testing.assert_array_equal(initial[name], array)
  assert np.any(initial['layer0_bias'])

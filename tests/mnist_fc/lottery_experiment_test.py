"""Tests of lottery_ticket.mnist_fc.lottery_experiment."""

import contextlib
import inspect
import itertools
import json
import pathlib
import shutil

import numpy as np
import pytest

from lottery_ticket.analysis import results
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import lottery_experiment
from lottery_ticket.study import repeat
from lottery_ticket.study import report

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


def record(run):
  return json.loads((pathlib.Path(run) / 'run.json').read_text())


def description(run):
  return record(run)['description']


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
    if path.is_file()
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
    assert parameter.kind is parameter.VAR_KEYWORD


def test_each_level_leaves_a_whole_run(experiment_path):
  for level in (0, 1):
    run = experiment_path / 'trial1' / str(level) / 'same_init'
    assert {path.name for path in run.iterdir()} == RUN
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
  beside = {path.name for path in run.parent.iterdir()}
  assert beside == {'same_init', 'same_init.lock'}


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
    record(experiment_path / f'trial{trial}' / str(level) / 'same_init')
    for trial in (1, 2)
    for level in (0, 1)
  ]
  described = [each['description'] for each in records]
  assert [(e['seed'], e['level']) for e in described] == [
    (1, 0),
    (1, 1),
    (2, 0),
    (2, 1),
  ]
  assert {e['script'] for e in described} == {'lottery_experiment'}
  inputs = [each['inputs'] for each in records]
  data = [each['train'] for each in inputs]
  assert data[0] == data[1] != data[2] == data[3]
  assert inputs[0]['test'] == inputs[2]['test']
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
  assert not run.exists()
  part = pathlib.Path(f'{run}.part')
  assert {path.name for path in part.iterdir()} == {'run.json', 'summaries'}
  levels = lottery_experiment.train(str(trial), iterations=1, **small)
  assert {path.name for path in run.iterdir()} == RUN
  assert stamps(trial / '0') == before
  undisturbed = experiment_path / 'trial1'
  assert contents(trial) == contents(undisturbed)
  assert description(run) == description(undisturbed / '1' / 'same_init')
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
  drawn = description(f'{run}.part')['seed']
  lottery_experiment.train(str(tmp_path / 'trial'), iterations=0, **arguments)
  assert description(run)['seed'] == drawn
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
  assert not any(done for _, done, _ in heard)
  assert stamps(trial) == before
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
    ({'learning_rate': 0.2}, 'recipe.learning_rate: 0.1 there'),
    ({'seed': 3}, 'seed: 1 there, 3 now'),
    ({'batch_size': 50}, 'batch_size: 60 there, 50 now'),
    ({'permute_labels': True}, 'permute_labels: False there'),
    ({'reset': 'final'}, "reset: 'initial' there, 'final' now"),
    ({'pruner': 'random'}, "recipe.pruner: 'magnitude' there"),
    ({'train_order_seed': 3}, 'train_order_seed: '),
    ({'training_len': ('epochs', 6)}, 'recipe.training_len: '),
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
    f'{trial}/0/same_init: holds another finished run ('
  )
  assert difference in str(caught.value)
  assert str(caught.value).endswith(
    '; choose another folder, or pass --overwrite (in Python overwrite=True)'
  )
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
  usual = experiment_path / 'trial1' / '0' / 'same_init'
  for split in ('train', 'test', 'validate'):
    assert len({record(run)['inputs'][split] for run in runs}) == 1
    assert len({record(run)['inputs'][split] for run in (runs[0], usual)}) == 2
  first, second = map(description, runs)
  assert first['train_order_seed'] == second['train_order_seed'] == 5
  assert first['permute_labels'] is True
  assert description(usual)['permute_labels'] is False
  dense, same = (network(folder, 'initial') for folder in (runs[0], usual))
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


LONGER = {'training_len': ('iterations', 6), 'evaluation_interval': 2}


def check_equal(first, second):
  assert list(first) == list(second)
  for name, array in first.items():
    assert array.tobytes() == second[name].tobytes(), name


@pytest.mark.parametrize('name', ['movement', 'global_magnitude', 'random'])
def test_a_ladder_is_pruned_as_the_recipe_says(tmp_path, cheap, name):
  percents = {'layer0': 0.3, 'layer1': 0.2}
  levels = lottery_experiment.train(
    str(tmp_path),
    iterations=2,
    seed=3,
    **cheap | {'pruner': name, 'prune_percents': percents},
  )
  for i, (old, new) in enumerate(itertools.pairwise(levels), 1):
    wanted = pruner.get(name)(
      percents,
      old.masks,
      old.final,
      initial_weights=old.initial,
      seed=seeds.integer(3, 'prune', i),
    )
    check_equal(new.masks, wanted)
    run = tmp_path / str(i) / 'same_init'
    check_equal(network(run, 'masks'), wanted)
    check_equal(new.initial, masks_lib.apply(wanted, levels[0].initial))
    assert description(run)['recipe']['pruner'] == name
  counts = [
    sum(np.count_nonzero(mask) for mask in level.masks.values())
    for level in levels
  ]
  assert counts[:2] == [15_880, 15_880 - 4_704 - 40]
  if name != 'global_magnitude':
    assert counts[2] == counts[1] - round(0.3 * 10_976) - round(0.2 * 160)


@pytest.fixture(scope='module')
def ladder(cheap, tmp_path_factory):
  """Returns a function that trains levels 0 to 2 with a reset, once."""
  done = {}

  def train(reset):
    if reset not in done:
      trial = tmp_path_factory.mktemp('trial')
      arguments = cheap | LONGER | {'reset': reset}
      if reset == 'fine_tune':
        arguments['fine_tuning_len'] = ('iterations', 3)
      levels = lottery_experiment.train(
        str(trial), iterations=2, seed=1, **arguments
      )
      done[reset] = trial, levels
    return done[reset]

  return train


def test_a_reset_is_to_the_initial_weights_by_default(ladder, experiment_path):
  trial, levels = ladder('initial')
  for level in levels:
    check_equal(level.initial, masks_lib.apply(level.masks, levels[0].initial))
    recorded = description(trial / str(level.level) / 'same_init')
    assert recorded['reset'] == 'initial'
    assert not list(trial.glob('*/*/checkpoint*'))
  default = description(experiment_path / 'trial1' / '1' / 'same_init')
  assert default['reset'] == 'initial'
  assert default['recipe']['pruner'] == 'magnitude'


def test_a_reset_to_the_final_weights_goes_on_from_the_level_before(ladder):
  trial, levels = ladder('final')
  for old, new in itertools.pairwise(levels):
    check_equal(new.initial, masks_lib.apply(new.masks, old.final))
    run = trial / str(new.level) / 'same_init'
    check_equal(network(run, 'initial'), new.initial)
  assert np.any(levels[1].initial['layer0_bias'])
  for level in range(3):
    recorded = description(trial / str(level) / 'same_init')
    assert recorded['reset'] == 'final'


def test_a_reset_to_an_iteration_is_to_the_dense_networks_weights_then(
  ladder, tmp_path, cheap
):
  trial, levels = ladder(3)
  # The dense network, trained for that long and no longer.
  arguments = cheap | LONGER | {'training_len': ('iterations', 3)}
  (short,) = lottery_experiment.train(
    str(tmp_path), iterations=0, seed=1, **arguments
  )
  dense = trial / '0' / 'same_init'
  check_equal(network(dense, 'checkpoint3'), short.final)
  for new in levels[1:]:
    check_equal(new.initial, masks_lib.apply(new.masks, short.final))
    assert np.any(new.final['layer0'] != new.initial['layer0'])
    run = str(trial / str(new.level) / 'same_init')
    assert save_restore.read_log(run, 'test')['iteration'].tolist() == [3, 4, 6]
  check_equal(levels[0].final, ladder('initial')[1][0].final)
  check_equal(levels[1].masks, ladder('initial')[1][1].masks)
  for level in range(3):
    run = trial / str(level) / 'same_init'
    recorded = description(run)
    assert recorded['reset'] == 3
    assert len(list(run.glob('checkpoint*'))) == (level == 0)


def test_learning_rate_rewinding_is_never_to_reset(ladder):
  assert contents(ladder('lr_rewind')[0]) == contents(ladder('final')[0])


def test_fine_tuning_goes_on_from_the_level_before(ladder):
  trial, levels = ladder('fine_tune')
  for old, new in itertools.pairwise(levels):
    check_equal(new.initial, masks_lib.apply(new.masks, old.final))
  for level, wanted in enumerate(([0, 2, 4, 6], [6, 8, 9], [6, 8, 9])):
    run = trial / str(level) / 'same_init'
    assert (
      save_restore.read_log(str(run), 'test')['iteration'].tolist() == wanted
    )
    assert description(run)['fine_tuning_len'] == ['iterations', 3]
  check_equal(levels[0].final, ladder('initial')[1][0].final)


def test_goes_on_with_its_reset_after_an_interruption(ladder, tmp_path, cheap):
  undisturbed, _ = ladder(3)
  trial = tmp_path / 'trial'
  for level in '01':
    shutil.copytree(undisturbed / level, trial / level)
  before = stamps(trial)
  arguments = cheap | LONGER | {'reset': '3'}  # As a flag has it.
  with interrupted('2/same_init'):
    lottery_experiment.train(str(trial), iterations=2, **arguments)
  lottery_experiment.train(str(trial), iterations=2, **arguments)
  assert before.items() <= stamps(trial).items()
  assert contents(trial) == contents(undisturbed)


def test_a_rewound_ladder_makes_its_lost_checkpoint_again(
  ladder, tmp_path, cheap
):
  undisturbed, _ = ladder(3)
  trial = tmp_path / 'trial'
  shutil.copytree(undisturbed, trial)
  shutil.rmtree(trial / '0' / 'same_init' / 'checkpoint3')
  before = stamps(trial / '1')
  lottery_experiment.train(str(trial), iterations=2, **cheap | LONGER, reset=3)
  assert contents(trial) == contents(undisturbed)
  assert stamps(trial / '1') == before


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (
      {'reset': 6},
      "reset: wanted one of ['initial', 'lr_rewind', 'final', 'fine_tune'], or"
      ' an iteration from 1 to 5, got 6',
    ),
    (
      {'reset': 3, 'training_len': ('epochs', 2)},
      'checkpoints: wanted iterations from 1 to 2, got 3',
    ),
    (
      {'pruner': 'smallest'},
      f"pruner: wanted one of {sorted(pruner.PRUNERS)}, got 'smallest'",
    ),
    (
      {'experiment_name': '../../esc'},
      'experiment_name: wanted letters, digits, "_", "-" and ".",'
      " got '../../esc'",
    ),
    (
      {'experiment_name': ''},
      'experiment_name: wanted letters, digits, "_", "-" and ".", got \'\'',
    ),
    (
      {'experiment_name': 'lr1'},
      "experiment_name: wanted a name that does not end in a digit, got 'lr1'",
    ),
    ({'output_dir': ''}, "output_dir: wanted a folder, got ''"),
    ({'iterations': -1}, 'iterations: wanted an integer of at least 0, got -1'),
  ],
)
def test_refuses_what_is_of_no_use_before_any_training(
  tmp_path, cheap, change, message
):
  arguments = cheap | LONGER | {'output_dir': 'trial', 'iterations': 1}
  before = set(tmp_path.rglob('*'))
  with pytest.raises(errors.InputError) as caught:
    lottery_experiment.train(**arguments | change)
  assert str(caught.value) == message
  assert set(tmp_path.rglob('*')) == before


@pytest.mark.parametrize('change', [{'seed': 2}, {'learning_rate': 0.3}])
def test_another_experiment_at_a_later_level_is_noticed_before_any_training(
  ladder, tmp_path, cheap, change
):
  undisturbed, _ = ladder('initial')
  later = tmp_path / 'trial' / '2' / 'same_init'
  shutil.copytree(undisturbed / '2' / 'same_init', later)
  arguments = cheap | LONGER | {'seed': 1} | change
  with pytest.raises(errors.InputError) as caught:
    lottery_experiment.train(str(tmp_path / 'trial'), iterations=2, **arguments)
  assert str(caught.value).startswith(f'{later}: holds another finished run (')
  assert {path.name for path in (tmp_path / 'trial').iterdir()} == {'2'}


def test_what_others_left_at_a_later_level_is_noticed(tmp_path, cheap):
  left = tmp_path / 'trial' / '1' / 'same_init' / 'test.json'
  left.parent.mkdir(parents=True)
  left.write_text('{}')
  arguments = cheap | {'iterations': 1, 'seed': 1}
  for overwrite in (False, True):
    with pytest.raises(errors.InputError, match='no run of this library'):
      lottery_experiment.train(
        str(tmp_path / 'trial'), overwrite=overwrite, **arguments
      )
  assert not (tmp_path / 'trial' / '0').exists()
  assert left.exists()


def test_a_damaged_record_may_be_lost_as_well(tmp_path, cheap):
  record = tmp_path / '0' / 'same_init' / 'run.json'
  record.parent.mkdir(parents=True)
  record.write_text('[')
  arguments = cheap | {'iterations': 0}
  with pytest.raises(errors.InputError, match='wanted a JSON object'):
    lottery_experiment.train(str(tmp_path), **arguments)
  lottery_experiment.train(str(tmp_path), overwrite=True, **arguments)
  drawn = description(record.parent)['seed']
  lottery_experiment.train(str(tmp_path), overwrite=True, **arguments)
  assert description(record.parent)['seed'] == drawn


def test_a_ladder_ends_where_it_diverges(cheap, tmp_path, capsys):
  good = tmp_path / 'trial1'
  lottery_experiment.train(str(good), iterations=0, seed=1, **cheap)
  wild = cheap | {'learning_rate': 1e30, 'training_len': ('iterations', 4)}
  run = tmp_path / 'trial2' / '0' / 'same_init'
  for _ in range(2):  # Trained, and loaded.
    with pytest.raises(errors.DivergedError, match=f'{run}: diverged by '):
      lottery_experiment.train(
        str(tmp_path / 'trial2'), iterations=2, seed=2, **wild
      )
  assert not (tmp_path / 'trial2' / '1').exists()
  assert repeat.make_again(constants.TASK, str(run)).agrees
  capsys.readouterr()
  report.summarize(constants.TASK, str(tmp_path))
  said = f'left out: {run}: diverged by iteration {record(run)["diverged"]}'
  assert said in capsys.readouterr().err
  assert len(results.read(str(tmp_path)).runs) == 1

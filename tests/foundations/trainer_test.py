"""Tests of lottery_ticket.foundations.trainer."""

import hashlib
import json
import pathlib
import shutil

import filelock
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import trainer

# Two epochs and a half: batches of 16, 16, 16, 2, and again, and 16, 16.
ITERATIONS = 10
RATE = 0.5
ARGUMENTS = {
  'test_interval': ('iterations', 3),
  'validate_interval': ('epochs', 1),
  'save_summaries': True,
  'save_network': True,
  'checkpoints': (5,),
  'description': {'level': 2, 'mine': True},
  'sources': {'data': 'mine'},
  'jit_compile': False,
}


def sgd():
  return keras.optimizers.SGD(RATE)


def contents(folder):
  """Everything in a folder: {path: (bytes, time of the last change)}."""
  return {
    str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
    for path in pathlib.Path(folder).rglob('*')
    if path.is_file()
  }


def outputs(folder):
  """What the same run always leaves: {path: bytes}."""
  return {
    path: content
    for path, (content, _) in contents(folder).items()
    if path != 'run.json' and not path.startswith('summaries')
  }


# What training is, written out in NumPy.


def forward(weights, inputs):
  """Returns hidden values and the probabilities of the classes."""
  hidden = inputs @ weights['layer0'] + weights['layer0_bias']
  hidden = np.maximum(hidden, 0)
  logits = hidden @ weights['layer1'] + weights['layer1_bias']
  exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
  return hidden, exponents / exponents.sum(axis=1, keepdims=True)


def measure(weights, inputs, labels):
  """Returns each example's loss, and whether it is classified right."""
  _, probabilities = forward(weights, inputs)
  losses = -np.log(probabilities[np.arange(len(labels)), labels])
  return losses, probabilities.argmax(axis=1) == labels


def step(weights, masks, inputs, labels):
  """Returns the weights after one update by gradient descent."""
  hidden, wrong = forward(weights, inputs)
  wrong[np.arange(len(labels)), labels] -= 1
  wrong /= len(labels)
  back = wrong @ weights['layer1'].T * (hidden > 0)
  gradients = {
    'layer0': inputs.T @ back * masks['layer0'],
    'layer0_bias': back.sum(axis=0),
    'layer1': hidden.T @ wrong * masks['layer1'],
    'layer1_bias': wrong.sum(axis=0),
  }
  return {
    name: array - RATE * gradients[name] for name, array in weights.items()
  }


@pytest.fixture(scope='module')
def by_hand(make_dataset, make_model, some_masks):
  """Returns the weights after each iteration, and each batch's measures."""
  dataset, model = make_dataset(), make_model(masks=some_masks)
  inputs = dataset.train.inputs.numpy().astype(np.float64)
  labels = dataset.train.labels.numpy()
  model.build(dataset.train.inputs)
  weights = [
    {k: v.astype(np.float64) for k, v in model.get_current_weights().items()}
  ]
  measures = []
  for iteration in range(ITERATIONS + 1):
    epoch, batch = divmod(iteration, 4)
    chosen = dataset.train_order(epoch)[16 * batch : 16 * (batch + 1)]
    batch = inputs[chosen], labels[chosen]
    measures.append(measure(weights[-1], *batch))
    weights.append(step(weights[-1], some_masks, *batch))
  return weights, measures


def assert_close(network, by_hand):
  assert list(network) == list(by_hand)
  for name, array in network.items():
    np.testing.assert_allclose(array, by_hand[name], rtol=1e-4, atol=1e-5)


# One run, which most tests look at.


@pytest.fixture(scope='module')
def train(make_dataset, make_model, some_masks):
  """Trains as the one run does, but for what is said otherwise."""

  def call(output_dir, optimizer_fn=sgd, length=None, order=1, **kwargs):
    model = kwargs.pop('model', None) or make_model(masks=some_masks)
    weights = trainer.train(
      kwargs.pop('dataset', None) or make_dataset(order),
      model,
      optimizer_fn,
      length or ('iterations', ITERATIONS),
      output_dir,
      **(ARGUMENTS | kwargs),
    )
    return *weights, model

  return call


@pytest.fixture(scope='module')
def run(train, tmp_path_factory):
  """Returns the run's folder, its weights and its model."""
  folder = str(tmp_path_factory.mktemp('run') / 'trial1/2/same_init')
  return folder, *train(folder)


@pytest.fixture
def copy(run):
  """A copy of the run's folder, to be changed."""
  shutil.copytree(run[0], 'copy')
  return 'copy'


def test_trains_exactly_so_many_iterations_over_short_batches(run, by_hand):
  _, initial, final, _ = run
  weights, _ = by_hand
  assert_close(initial, weights[0])
  assert_close(final, weights[ITERATIONS])
  # So close that no other number of iterations would do.
  for other in (weights[ITERATIONS - 1], weights[ITERATIONS + 1]):
    assert np.abs(other['layer1'] - final['layer1']).max() > 1e-3


def test_leaves_the_files_that_a_run_should(run):
  names = {path.name for path in pathlib.Path(run[0]).iterdir()}
  assert names == {
    'initial',
    'final',
    'masks',
    'checkpoint5',
    'train.json',
    'test.json',
    'validate.json',
    'summaries',
    'run.json',
  }


def test_saves_what_it_returns(run, some_masks, assert_same):
  folder, initial, final, model = run
  restore = save_restore.restore_network
  assert_same(restore(paths.initial(folder)), initial)
  assert_same(restore(paths.final(folder)), final)
  assert_same(restore(paths.masks(folder)), some_masks)
  assert_same(model.get_current_weights(), final)


def test_checkpoints_are_the_weights_after_so_many_iterations(run, by_hand):
  saved = save_restore.restore_network(paths.checkpoint(run[0], 5))
  assert_close(saved, by_hand[0][5])


def test_measures_at_the_start_at_intervals_and_at_the_end(run):
  iterations = {
    name: save_restore.read_log(paths.log(run[0], name))['iteration'].tolist()
    for name in ('train', 'test', 'validate')
  }
  assert iterations == {
    'train': [3, 6, 9, 10],
    'test': [0, 3, 6, 9, 10],
    'validate': [0, 4, 8, 10],
  }


@pytest.mark.parametrize('name', ['test', 'validate'])
def test_a_measurement_is_made_after_so_many_updates(
  name, run, by_hand, make_dataset
):
  split = make_dataset().splits[name]
  log = save_restore.read_log(paths.log(run[0], name))
  for i, iteration in enumerate(log['iteration']):
    losses, right = measure(
      by_hand[0][iteration], split.inputs.numpy(), split.labels.numpy()
    )
    assert log['loss'][i] == pytest.approx(losses.mean(), rel=1e-4)
    assert log['accuracy'][i] == right.sum() / split.size


def test_train_log_holds_means_over_the_examples_of_an_interval(run, by_hand):
  log = save_restore.read_log(paths.log(run[0], 'train'))
  start = 0
  for i, stop in enumerate(log['iteration']):
    batches = by_hand[1][start:stop]
    losses = np.concatenate([losses for losses, _ in batches])
    right = np.concatenate([right for _, right in batches])
    assert log['loss'][i] == pytest.approx(losses.mean(), rel=1e-4)
    assert log['accuracy'][i] == right.mean()
    start = stop


def test_summaries_say_what_the_logs_say(run):
  events = event_accumulator.EventAccumulator(
    paths.summaries(run[0]), {'scalars': 0}
  )
  events.Reload()
  assert len(events.Tags()['scalars']) == 6
  for name in ('train', 'test', 'validate'):
    log = save_restore.read_log(paths.log(run[0], name))
    for kind in ('loss', 'accuracy'):
      found = events.Scalars(f'{name}/{kind}')
      assert [event.step for event in found] == log['iteration'].tolist()
      values = [event.value for event in found]
      np.testing.assert_allclose(values, log[kind], rtol=1e-6)


def test_a_restored_network_has_exactly_the_logged_accuracy(
  run, make_dataset, make_model
):
  dataset = make_dataset()
  model = make_model(paths.final(run[0]), paths.masks(run[0]))
  for name in ('test', 'validate'):
    # As batches of 16 are trained; rows of 64 images would round otherwise.
    found = trainer.evaluate(model, dataset.splits[name], execution='dense')
    log = save_restore.read_log(paths.log(run[0], name))
    assert found.accuracy == log['accuracy'][-1]
    assert found.loss == log['loss'][-1]


def test_evaluation_of_many_examples_is_right_divided_by_all(make_model):
  generator = np.random.default_rng(0)
  inputs = generator.normal(size=(10_007, 20))  # More than go at once.
  labels = generator.integers(0, 10, 10_007)
  model = make_model()
  found = trainer.evaluate(model, dataset_base.DatasetSplit(inputs, labels))
  losses, right = measure(model.get_current_weights(), inputs, labels)
  assert found.loss == pytest.approx(losses.mean(), rel=1e-5)
  assert found.accuracy == right.sum() / 10_007


def test_classes_that_a_network_does_not_know_are_refused(make_model, refused):
  split = dataset_base.DatasetSplit(np.zeros((3, 20)), [0, 10, 3])
  with refused('split labels: go up to 10, the model has 10 outputs'):
    trainer.evaluate(make_model(), split)


@pytest.mark.parametrize('l2', [-1, float('nan'), 'a'])
def test_a_penalty_is_a_number(l2, train, make_model, refused, tmp_path):
  model = make_model()
  model.l2 = l2
  with refused(f'model.l2: wanted a finite number of at least 0, got {l2!r}'):
    train(str(tmp_path / 'run'), model=model)
  assert not (tmp_path / 'run').exists()


def test_the_record_says_how_the_run_was_made(run, make_dataset, some_masks):
  record = json.loads(pathlib.Path(paths.record(run[0])).read_text())
  description = record['description']
  optimizer = description.pop('optimizer')
  assert optimizer['class'] == 'SGD'
  assert optimizer['learning_rate'] == RATE
  assert description == {
    'training_len': ['iterations', 10],
    'intervals': {'train': 3, 'test': 3, 'validate': 4},
    'checkpoints': [5],
    'batch_size': 16,
    'train_order_seed': 1,
    'model': {
      'class': 'ModelFc',
      'seed': 5,
      'l2': 0.0,
      'hyperparameters': {'layers': [[10, 'relu'], [10, None]]},
    },
    'augment': None,
    'jit_compile': False,
    'execution': 'auto',
    'save_summaries': True,
    'save_network': True,
    'experiment': {'level': 2, 'mine': True},
  }
  assert record['inputs'] == {
    **{name: split.checksum for name, split in make_dataset().splits.items()},
    'masks': save_restore.checksum(some_masks),
    'initial': save_restore.checksum(run[1]),
  }
  assert record['sources'] == {'data': 'mine'}
  assert record['callbacks'] == []
  assert record['code'] == {}
  assert record['iterations'] == ITERATIONS
  assert record['iterations_per_second'] == ITERATIONS / record['seconds']
  assert record['versions']['tensorflow'] == tf.__version__
  assert record['versions']['keras'] == keras.__version__
  assert record['versions']['numpy'] == np.__version__
  assert set(record['threads']) == {'intra_op', 'inter_op'}


def test_the_record_has_a_checksum_of_each_output(run, some_masks):
  folder = pathlib.Path(run[0])
  recorded = save_restore.read_json(paths.record(run[0]))['outputs']
  checkpoint = save_restore.restore_network(paths.checkpoint(run[0], 5))
  networks = {
    'initial': run[1],
    'final': run[2],
    'masks': some_masks,
    'checkpoint5': checkpoint,
  }
  assert recorded == {
    name: save_restore.checksum(network) for name, network in networks.items()
  } | {
    name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
    for name in ('train.json', 'test.json', 'validate.json')
  }


def test_a_description_with_a_recipe_stands_for_all(train):
  description = {'seed': 1, 'recipe': {'learning_rate': RATE}}
  train('run', description=description)
  record = save_restore.read_json(paths.record('run'))
  assert record['description'] == description


def test_inputs_from_elsewhere_are_the_same_run(copy, train):
  before = contents(copy)
  train(copy, sources={'data': 'elsewhere'})
  assert contents(copy) == before


def test_the_record_ends_with_the_results_on_whole_splits(
  run, by_hand, make_dataset
):
  results = save_restore.read_json(paths.record(run[0]))['results']
  assert list(results) == ['train', 'test', 'validate']
  for name, split in make_dataset().splits.items():
    losses, right = measure(
      by_hand[0][ITERATIONS], split.inputs.numpy(), split.labels.numpy()
    )
    assert results[name]['loss'] == pytest.approx(losses.mean(), rel=1e-4)
    assert results[name]['accuracy'] == right.sum() / split.size


# Again.


def test_a_finished_run_is_loaded_and_not_repeated(run, train, assert_same):
  folder, initial, final, _ = run
  before = contents(folder)
  reports = []
  with progress.send_to(lambda *message: reports.append(message)):
    again = [train(folder), train(folder, overwrite=True)]
  for its_initial, its_final, model in again:
    assert_same(its_initial, initial)
    assert_same(its_final, final)
    assert_same(model.get_current_weights(), final)
  assert contents(folder) == before
  # Of no iteration: nothing was trained.
  assert reports == [('trial1/2/same_init', 0, 0)] * 2


@pytest.mark.parametrize(
  ('changes', 'difference'),
  [
    ({'order': 2}, 'train_order_seed: 1 there, 2 now'),
    (
      {'length': ('iterations', 11)},
      "training_len: ['iterations', 10] there, ['iterations', 11] now",
    ),
    (
      {'description': {'level': 3, 'mine': True}},
      'experiment.level: 2 there, 3 now',
    ),
    (
      {'optimizer_fn': lambda: keras.optimizers.SGD(0.25)},
      'optimizer.learning_rate: 0.5 there, 0.25 now',
    ),
  ],
)
def test_a_run_of_another_configuration_is_refused(
  changes, difference, run, train, refused
):
  folder = run[0]
  before = contents(folder)
  with refused(
    f'{folder}: holds another finished run ({difference});'
    ' choose another folder, or'
    ' pass --overwrite (in Python overwrite=True)'
  ):
    train(folder, **changes)
  assert contents(folder) == before


def test_other_weights_and_masks_are_another_configuration(
  run, train, make_model, some_masks
):
  before = contents(run[0])
  for model in (
    make_model(masks=some_masks, seed=6),
    make_model(),
    make_model({'layer0_bias': np.ones(10)}, some_masks),
    run[3],  # It is trained already.
  ):
    with pytest.raises(errors.InputError, match='holds another finished run'):
      train(run[0], model=model)
  assert contents(run[0]) == before


def test_overwriting_replaces_a_run_by_another(copy, train, by_hand):
  initial, final, _ = train(
    copy,
    length=('epochs', 2),
    overwrite=True,
    test_interval=None,
    validate_interval=None,
    save_summaries=False,
    save_network=False,
    checkpoints=(),
  )
  assert_close(initial, by_hand[0][0])
  assert_close(final, by_hand[0][8])  # Of four batches each.
  names = {path.name for path in pathlib.Path(copy).iterdir()}
  logs = {'train.json', 'test.json', 'validate.json'}
  assert names == logs | {'run.json'}
  beside = {path.name for path in pathlib.Path(copy).parent.iterdir()}
  assert beside == {'copy', 'copy.lock', 'home'}
  iterations = {
    name: save_restore.read_log(paths.log(copy, name))['iteration'].tolist()
    for name in ('train', 'test', 'validate')
  }
  assert iterations == {'train': [4, 8], 'test': [0, 8], 'validate': [0, 8]}
  record = save_restore.read_json(paths.record(copy))
  assert set(record['outputs']) == logs
  assert record['description']['training_len'] == ['epochs', 2]
  assert record['iterations'] == 8


class Interruption(BaseException):
  """Like somebody's Ctrl-C."""


def test_an_interrupted_run_starts_over_and_ends_with_the_same_bytes(
  run, train, assert_same
):
  def interrupt(name, done, total):
    assert (name, total) == ('trial1/2/same_init', ITERATIONS)
    if done >= 6:
      raise Interruption

  folder = 'elsewhere/trial1/2/same_init'
  with pytest.raises(Interruption), progress.send_to(interrupt):
    train(folder)
  part = paths.part(folder)
  assert not pathlib.Path(folder).exists()
  assert pathlib.Path(paths.record(part)).exists()
  assert pathlib.Path(paths.checkpoint(part, 5)).exists()
  pathlib.Path(paths.log(part, 'test')).write_text('{"half": ')

  initial, final, _ = train(folder)
  assert_same(initial, run[1])
  assert_same(final, run[2])
  assert outputs(folder) == outputs(run[0])
  assert len(list(pathlib.Path(paths.summaries(folder)).iterdir())) == 1
  records = [
    save_restore.read_json(paths.record(each)) for each in (folder, run[0])
  ]
  for key in (
    'description',
    'inputs',
    'results',
    'outputs',
    'sources',
    'versions',
  ):
    assert records[0][key] == records[1][key]


def test_no_measurement_changes_what_is_trained(train, by_hand, assert_same):
  quiet = {
    'test_interval': None,
    'validate_interval': None,
    'save_summaries': False,
    'save_network': False,
    'checkpoints': (),
  }
  often = {
    'test_interval': ('iterations', 1),
    'validate_interval': ('iterations', 4),
    'train_interval': ('iterations', 7),
    'save_summaries': True,
    'checkpoints': (2, 9),
  }
  # Compiled, as by default.
  first = train(None, jit_compile=True, **quiet)
  assert {path.name for path in pathlib.Path().iterdir()} == {'home'}
  second = train('run', jit_compile=True, **often)
  assert_same(first[0], second[0])
  assert_same(first[1], second[1])
  assert_close(first[1], by_hand[0][ITERATIONS])
  log = save_restore.read_log(paths.log('run', 'train'))
  assert log['iteration'].tolist() == [7, 10]


def test_diverging_training_ends_there_and_is_loaded_as_such(train, some_masks):
  for output_dir in ('run', 'run', None):  # Trained, loaded, not written.
    before = contents('run')
    changes = {'checkpoints': ()} if output_dir is None else {}
    with pytest.raises(errors.DivergedError) as caught:
      train(output_dir, lambda: keras.optimizers.SGD(1e30), **changes)
    assert str(caught.value) == (
      f'{output_dir or "training"}: diverged by iteration 3: loss or weights'
      ' are no longer finite'
    )
    assert before in ({}, contents('run'))
  record = save_restore.read_json('run/run.json')
  assert record['diverged'] == record['iterations'] == 3
  assert 'results' not in record
  assert save_restore.read_log('run/test.json')['iteration'].tolist() == [0]
  final = save_restore.restore_network('run/final')
  for name, mask in some_masks.items():
    np.testing.assert_array_equal(final[name][mask == 0], 0)


def test_weights_that_only_the_last_update_spoils_are_told(train):
  def fail_at_the_end(iteration, model):
    model.weights['layer1_bias'].assign(np.full(10, np.nan))

  with pytest.raises(errors.DivergedError, match='diverged by iteration 10'):
    train('run', callbacks=[callbacks.at([ITERATIONS], fail_at_the_end)])
  assert 'results' not in save_restore.read_json('run/run.json')


# What is refused, before anything is written.


@pytest.mark.parametrize(
  ('length', 'complaint'),
  [
    (
      ('steps', 10),
      "wanted ('iterations', n) or ('epochs', n), got ('steps', 10)",
    ),
    (10, "wanted ('iterations', n) or ('epochs', n), got 10"),
    (('iterations', 0), 'wanted an integer of at least 1 iterations, got 0'),
    (('iterations', -1), 'wanted an integer of at least 1 iterations, got -1'),
    (('epochs', 1.5), 'wanted an integer of at least 1 epochs, got 1.5'),
    (('epochs', True), 'wanted an integer of at least 1 epochs, got True'),
    (('epochs', '5'), "wanted an integer of at least 1 epochs, got '5'"),
  ],
)
@pytest.mark.parametrize(
  'name',
  ['training_len', 'test_interval', 'validate_interval', 'train_interval'],
)
def test_other_lengths_are_refused(name, length, complaint, train, refused):
  arguments = {'length' if name == 'training_len' else name: length}
  if name == 'training_len' and length == 10:
    complaint += '; as a flag --training_len=iterations,10'
  with refused(f'{name}: {complaint}'):
    train('run', **arguments)
  assert not pathlib.Path('run').exists()


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      {'checkpoints': (0,)},
      r'checkpoints: wanted iterations from 1 to \d+, got 0',
    ),
    (
      {'optimizer_fn': lambda: None},
      'optimizer_fn: wanted a function that makes a Keras optimizer, got None',
    ),
    ({'description': {'x': object}}, 'description: .* JSON serializable'),
    ({'description': {'x': np.nan}}, 'description: .* JSON compliant'),
  ],
)
def test_other_arguments_are_refused(arguments, message, train):
  with pytest.raises(errors.InputError, match=message):
    train('run', **arguments)
  assert not pathlib.Path('run').exists()


def test_checkpoints_need_a_folder(train, refused):
  with refused('checkpoints: wanted an output_dir to save them in'):
    train(None)


def test_a_model_that_does_not_fit_is_refused(train, make_model, refused):
  with refused(
    "presets: the model has no 'layer2'; it has"
    " ['layer0', 'layer0_bias', 'layer1', 'layer1_bias']"
  ):
    train('run', model=make_model({'layer2': np.ones((10, 10))}))
  assert not pathlib.Path('run').exists()


def test_labels_that_the_model_does_not_know_are_refused(train, refused):
  inputs = np.ones((4, 20))
  dataset = dataset_base.DatasetBase(
    (inputs, np.arange(4)), 2, (inputs, np.full(4, 10))
  )
  with refused('test labels: go up to 10, the model has 10 outputs'):
    train('run', dataset=dataset)
  assert not pathlib.Path('run').exists()


def test_results_of_somebody_else_are_refused(train, refused):
  save_restore.save_network('run/final', {'a': np.ones(2)})
  before = contents('run')
  for overwrite in (False, True):
    with refused(
      "run: holds 'final' and no run of this library; choose another folder"
    ):
      train('run', overwrite=overwrite)
  assert contents('run') == before


def test_a_damaged_record_is_refused(copy, train, refused):
  pathlib.Path(copy, 'run.json').write_text('{')
  before = contents(copy)
  with refused('copy/run.json: wanted a JSON object'):
    train(copy)
  assert contents(copy) == before


@pytest.mark.parametrize(
  ('name', 'overwrite'),
  [
    ('initial', False),
    ('final', False),
    ('final', True),
    ('masks', False),
    ('checkpoint5', False),
    ('test.json', False),
  ],
)
def test_a_run_that_lost_an_output_starts_over(
  name, overwrite, copy, run, train, assert_same
):
  pathlib.Path(copy, name).rename('lost')
  initial, final, _ = train(copy, overwrite=overwrite)
  assert_same(initial, run[1])
  assert_same(final, run[2])
  assert outputs(copy) == outputs(run[0])


def test_a_network_that_lost_its_files_is_refused(copy, train, refused):
  shutil.rmtree(paths.final(copy))
  pathlib.Path(paths.final(copy)).mkdir()
  with refused('copy/final: wanted .npy files, found none'):
    train(copy)


def test_a_finished_run_without_networks_is_kept_and_cannot_be_loaded(
  train, refused
):
  quick = {'save_network': False, 'save_summaries': False, 'checkpoints': ()}
  train('run', **quick)
  before = contents('run')
  with refused(
    'run: holds this run, finished, without its networks;'
    ' choose another folder, or'
    ' pass --overwrite (in Python overwrite=True)'
  ):
    train('run', **quick)
  assert contents('run') == before
  train('run', **quick, overwrite=True)
  after = contents('run')
  assert after.keys() == before.keys()
  assert after['test.json'][0] == before['test.json'][0]
  assert after['test.json'][1] > before['test.json'][1]


def test_a_folder_in_use_is_refused(copy, train, refused):
  before = contents(copy)
  with (
    filelock.FileLock(paths.lock(copy)),
    refused('copy: another process is working on this run'),
  ):
    train(copy, overwrite=True)
  assert contents(copy) == before


def test_a_folder_that_cannot_be_is_refused(train):
  pathlib.Path('file').write_text('kept')
  with pytest.raises(errors.InputError, match=r'^file: wanted a folder'):
    train('file')
  assert pathlib.Path('file').read_text() == 'kept'


def test_other_final_weights_than_the_run_left_are_refused(
  copy, train, refused
):
  final = save_restore.restore_network(paths.final(copy))
  save_restore.save_network(
    paths.final(copy), {**final, 'layer0_bias': final['layer0_bias'] + 1}
  )
  with refused('copy/final: other than what the run left'):
    train(copy)


def test_a_model_with_revived_weights_is_refused(
  train, make_model, some_masks, refused
):
  model = make_model(masks=some_masks)
  model.build(tf.zeros([1, 20]))
  name = next(iter(some_masks))
  model.weights[name].assign(tf.ones_like(model.weights[name]))
  with refused(f'model: wanted 0 for pruned weights, got others in {name!r}'):
    train('run', model=model)
  assert not pathlib.Path('run').exists()

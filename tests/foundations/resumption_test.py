"""Tests of lottery_ticket.foundations.resumption, and of who uses it."""

import functools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from lottery_ticket.datasets import augmentations
from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import records
from lottery_ticket.foundations import resumption
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import trainer
from lottery_ticket.models import resnet

RUN, PART = 'trial1/2/same_init', 'trial1/2/same_init.part'
RECORD = {
  'description': {'seed': 1},
  'inputs': {},
  'callbacks': [],
  'code': {'Model': 'a'},
  'library': 'b',
  'versions': {'keras': '3'},
  'threads': {'intra_op': 1},
  'execution': 'dense',
  'sources': {'data': 'here'},
  'commit': None,
}
STATE = resumption.State(
  7,
  1.5,
  [0.1, 2, 3],
  [['test', 0, [float('inf'), 0.5], 2.0]],
  [np.arange(3, dtype=np.float32), np.array(7)],
)
NETWORK = {'a': np.arange(3, dtype=np.float32)}


class Normalized(model_base.ModelBase):
  """Two layers with batch norm and dropout between them."""

  def __call__(self, inputs, training):
    hidden = self.dense('hidden', inputs, 12, use_bias=False)
    hidden = self.batch_norm('norm', hidden, training, momentum=0.8)
    hidden = self.dropout(tf.nn.relu(hidden), 0.3, training)
    return self.dense('logits', hidden, 10)


class Halved(keras.optimizers.schedules.LearningRateSchedule):
  """A schedule of a user's own."""

  def __call__(self, step):
    return 0.5 / (1 + tf.cast(step, tf.float32))

  def get_config(self):
    return {}


def images():
  """Makes 50 + 30 + 20 images, which are flipped and cropped in training."""
  generator = np.random.default_rng(3)
  pairs = [
    (generator.normal(size=(n, 8, 8, 3)), generator.integers(0, 10, n))
    for n in (50, 30, 20)
  ]
  dataset = dataset_base.DatasetBase(
    pairs[0], 16, pairs[1], validate=pairs[2], train_order_seed=1
  )
  dataset.train.augment = augmentations.flip_and_crop
  return dataset


def adam():
  return keras.optimizers.Adam(0.01)


def momentum():
  schedules = keras.optimizers.schedules
  rate = schedules.PiecewiseConstantDecay([4, 8], [0.2, 0.1, 0.05])
  return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)


def averaged():
  return keras.optimizers.AdamW(0.01, use_ema=True, ema_momentum=0.5)


class Interruption(BaseException):
  """Like somebody's Ctrl-C."""


def interrupt(last, name, done, total):
  assert total == 13
  if done >= last:
    raise Interruption


def state(folder):
  """What a run leaves, but for times: {path: bytes}, {tag: [(step, value)]}."""
  files = {
    str(path.relative_to(folder)): path.read_bytes()
    for path in pathlib.Path(folder).rglob('*')
    if path.is_file()
    and path.name != 'run.json'
    and path.parent.name != 'summaries'
  }
  assert len(list(pathlib.Path(paths.summaries(folder)).iterdir())) == 1
  events = event_accumulator.EventAccumulator(
    paths.summaries(folder), {'scalars': 0}
  )
  events.Reload()
  times = [e.wall_time for e in events.Scalars('test/loss')]
  assert times == sorted(set(times))
  return files, {
    tag: [(event.step, event.value) for event in events.Scalars(tag)]
    for tag in events.Tags()['scalars']
  }


@pytest.fixture
def train(make_dataset, make_model, some_masks):
  """Trains 13 iterations from iteration 2, in epochs of 4."""

  def call(folder, model='fc', optimizer_fn=adam, **options):
    made = make_model(masks=some_masks)
    if model == 'normalized':
      made = Normalized(masks={'hidden': np.eye(20, 12)}, seed=1)
    dataset = make_dataset()
    if model == 'resnet':
      made, dataset = resnet.ResNet(seed=1, depth=8, width=2), images()
      made.l2 = 1e-3
    defaults = {
      'first_iteration': 2,
      'last_iteration': 15,
      'test_interval': ('iterations', 3),
      'validate_interval': ('epochs', 1),
      'train_interval': ('iterations', 7),
      'checkpoints': (5, 9),
      'save_network': True,
      'save_summaries': True,
      'jit_compile': False,
    }
    return trainer.train(
      dataset,
      made,
      optimizer_fn,
      ('iterations', 12),
      folder,
      **(defaults | options),
    )

  return call


@pytest.fixture
def always(monkeypatch):
  """Lets trainings save their state as often as they can."""
  monkeypatch.setattr(resumption, 'SECONDS', 0)


def said(caplog):
  """What was said of the run; a compiler may say more."""
  lines = [record.getMessage() for record in caplog.records]
  return [line for line in lines if line.startswith(RUN)]


@pytest.mark.parametrize(
  ('model', 'optimizer_fn', 'execution'),
  [
    ('normalized', adam, 'dense'),
    ('resnet', momentum, 'dense'),
    ('fc', momentum, 'dense'),
    ('fc', averaged, 'dense'),
    ('fc', adam, 'sparse'),
    ('fc', momentum, 'sparse'),
  ],
)
def test_an_interrupted_run_goes_on_to_the_same_bytes(
  train, always, caplog, assert_same, model, optimizer_fn, execution
):
  this = functools.partial(
    train, model=model, optimizer_fn=optimizer_fn, execution=execution
  )
  whole = this('whole')
  for last in (5, 6, 11):  # The states are those of the reports before.
    with (
      pytest.raises(Interruption),
      progress.send_to(functools.partial(interrupt, last)),
    ):
      this(RUN)
  assert 'state' in {path.name for path in pathlib.Path(PART).iterdir()}
  assert said(caplog) == [
    f'{RUN}: going on from iteration {iteration}' for iteration in (6, 7)
  ]
  again = this(RUN)
  assert said(caplog)[2:] == [f'{RUN}: going on from iteration 12']
  for network, other in zip(again, whole, strict=True):
    assert_same(network, other)
  assert state(RUN) == state('whole')
  first, second = (records.read(run) for run in (RUN, 'whole'))
  for record in (first, second):
    rate = record.pop('iterations') / record.pop('seconds')
    assert record.pop('iterations_per_second') == rate
  assert first == second


@pytest.mark.parametrize(
  'options',
  [
    {'callbacks': [callbacks.at([5], lambda iteration, model: None)]},
    {'optimizer_fn': lambda: keras.optimizers.SGD(Halved())},
  ],
)
def test_a_run_with_states_that_are_not_known_starts_over(
  train, always, caplog, options
):
  with (
    pytest.raises(Interruption),
    progress.send_to(functools.partial(interrupt, 9)),
  ):
    train(RUN, **options)
  assert 'state' not in {path.name for path in pathlib.Path(PART).iterdir()}
  train(RUN, **options)
  assert not said(caplog)


def test_a_short_run_saves_no_state(train, monkeypatch):
  def fail(*_):
    raise AssertionError

  monkeypatch.setattr(resumption, 'save', fail)
  train(RUN)


def test_changed_code_of_the_library_is_seen(
  train, always, caplog, monkeypatch
):
  with (
    pytest.raises(Interruption),
    progress.send_to(functools.partial(interrupt, 9)),
  ):
    train(RUN)
  now = records.library()
  monkeypatch.setattr(records, 'library', lambda: '0' * 16)
  train(RUN)
  assert said(caplog) == [
    f"{RUN}: starts over: library: '{now}' there, '{'0' * 16}' now"
  ]


def test_a_state_is_loaded_as_it_was_saved():
  resumption.save('state', STATE)
  found = resumption.load('state')
  assert found[:-1] == STATE[:-1]
  for array, other in zip(found.arrays, STATE.arrays, strict=True):
    assert array.dtype == other.dtype
    np.testing.assert_array_equal(array, other)


# What a run's folder is taken for.


def begin(record=RECORD, **options):
  """Begins or goes on, and returns the state and what is there."""
  with records.begin(RUN, record, **options) as run:
    return run.state, {path.name for path in pathlib.Path(PART).iterdir()}


@pytest.fixture
def interrupted():
  """A run that was interrupted as it was about to be finished."""
  begin()
  for path in (paths.initial(PART), paths.checkpoint(PART, 5)):
    save_restore.save_network(path, NETWORK)
  pathlib.Path(PART, '.state.1234.part').write_text('half')
  pathlib.Path(PART, 'summaries').mkdir()
  resumption.save(paths.state(PART), STATE)


def test_what_will_be_written_again_is_removed(interrupted, caplog):
  found, names = begin()
  assert found[:-1] == STATE[:-1]
  assert names == {'run.json', 'state', 'checkpoint5'}
  assert said(caplog) == [f'{RUN}: going on from iteration 7']


@pytest.mark.parametrize(
  ('change', 'difference'),
  [
    ({'description': {'seed': 2}}, 'description.seed: 1 there, 2 now'),
    ({'inputs': {'train': 'x'}}, "inputs.train: None there, 'x' now"),
    ({'code': {'Model': 'x'}}, "code.Model: 'a' there, 'x' now"),
    ({'library': 'x'}, "library: 'b' there, 'x' now"),
    ({'versions': {'keras': '4'}}, "versions.keras: '3' there, '4' now"),
    ({'threads': {'intra_op': 2}}, 'threads.intra_op: 1 there, 2 now'),
    ({'execution': 'sparse'}, "execution: 'dense' there, 'sparse' now"),
  ],
)
def test_a_run_that_would_differ_starts_over(
  interrupted, caplog, change, difference
):
  assert begin(RECORD | change) == (None, {'run.json'})
  assert said(caplog) == [f'{RUN}: starts over: {difference}']
  assert begin() == (None, {'run.json'})


def test_where_code_and_data_lie_does_not_matter(interrupted):
  changed = RECORD | {'sources': {'data': 'there'}, 'commit': {'hash': 'x'}}
  assert begin(changed)[0] is not None
  assert save_restore.read_json(paths.record(PART)) == changed


@pytest.mark.parametrize('damage', ['empty', 'short', 'changed', 'folder'])
def test_a_damaged_state_is_none(interrupted, caplog, damage):
  path = pathlib.Path(paths.state(PART))
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  damaged = {'empty': b'', 'short': content[:-9], 'changed': content}
  path.unlink()
  if damage == 'folder':
    path.mkdir()
  else:
    path.write_bytes(damaged[damage])
  assert begin() == (None, {'run.json'})
  [line] = said(caplog)
  assert line.startswith(f'{RUN}: starts over: {path}: ')


def test_a_damaged_record_starts_over(interrupted, caplog):
  pathlib.Path(paths.record(PART)).write_text('{')
  assert begin() == (None, {'run.json'})
  assert said(caplog) == [
    f'{RUN}: starts over: {PART}/run.json: wanted a JSON object'
  ]


def test_nothing_of_a_state_is_left_in_a_finished_run(interrupted):
  with records.begin(RUN, RECORD) as run:
    save_restore.save_network(paths.initial(PART), NETWORK)
    save_restore.save_network(paths.final(PART), NETWORK)
    run.commit()
  names = {path.name for path in pathlib.Path(RUN).iterdir()}
  assert names == {'run.json', 'initial', 'final', 'checkpoint5'}
  outputs = records.read(RUN)['outputs']
  assert set(outputs) == {'initial', 'final', 'checkpoint5'}


def test_a_run_that_replaces_another_goes_on_too(interrupted):
  pathlib.Path(PART).rename('aside')
  other = RECORD | {'description': {'seed': 2}}
  with records.begin(RUN, other) as run:
    run.commit()
  pathlib.Path('aside').rename(PART)
  assert begin(overwrite=True)[0] is not None

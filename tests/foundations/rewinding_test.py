"""Tests of trainings that start at a later iteration, and end at another."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import experiment
from lottery_ticket.foundations import layers
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import trainer

LENGTH = 10  # Two epochs and a half.
K = 5


class Dropping(model_base.ModelBase):
  """Two layers with batch norm and dropout between them."""

  def __call__(self, inputs, training):
    hidden = self.dense('hidden', inputs, 12, 'relu')
    hidden = self.batch_norm('norm', hidden, training, momentum=0.5)
    hidden = self.dropout(hidden, 0.3, training)
    return self.dense('logits', hidden, 10)

  def architecture(self):
    return 'of two layers'


class Plain(model_base.ModelBase):
  """Two layers that the sparse execution knows."""

  def __call__(self, inputs):
    hidden = self.dense('hidden', inputs, 12, 'relu')
    return self.dense('logits', hidden, 10)

  def architecture(self):
    return layers.Dense('hidden', 'relu'), layers.Dense('logits')


def cosine(rate=0.5):
  return keras.optimizers.schedules.CosineDecay(rate, LENGTH)


def train(
  dataset,
  model,
  folder=None,
  optimizer_fn=lambda: keras.optimizers.SGD(cosine()),
  **options,
):
  return trainer.train(
    dataset,
    model,
    optimizer_fn,
    ('iterations', LENGTH),
    folder,
    save_network=folder is not None,
    **options,
  )


KINDS = [
  (Dropping, {'jit_compile': True}),
  (Dropping, {'jit_compile': False}),
  (Plain, {'execution': 'dense'}),
  (Plain, {'execution': 'sparse'}),
]


@pytest.mark.parametrize(('kind', 'options'), KINDS)
def test_goes_on_with_schedule_order_and_noise(
  make_dataset, assert_same, kind, options
):
  then = {}
  look = callbacks.at([K], lambda _, m: then.update(m.get_current_weights()))
  _, final = train(make_dataset(), kind(seed=1), callbacks=[look], **options)
  initial, rewound = train(
    make_dataset(), kind(then, seed=1), first_iteration=K, **options
  )
  assert_same(initial, then)
  assert_same(rewound, final)  # Nothing in SGD has to start afresh.


@pytest.mark.parametrize(('kind', 'options'), KINDS[1:])
def test_beyond_the_training_the_rate_stays_its_last(
  make_dataset, assert_same, kind, options
):
  more = {'first_iteration': LENGTH, 'last_iteration': LENGTH + 7, **options}
  decay = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.9)
  last = float(decay(LENGTH - 1))
  tuned, steady = (
    train(
      make_dataset(),
      kind(seed=1),
      optimizer_fn=functools.partial(keras.optimizers.SGD, rate),
      **more,
    )[1]
    for rate in (decay, last)
  )
  for name, array in tuned.items():
    np.testing.assert_allclose(array, steady[name], rtol=1e-6, atol=1e-7)
  if options.get('execution') != 'sparse':
    assert_same(tuned, steady)


@pytest.mark.parametrize('execution', ['dense', 'sparse'])
def test_slots_and_their_correction_start_afresh(make_dataset, execution):
  initial, final = train(
    make_dataset(),
    Plain(seed=1),
    optimizer_fn=lambda: keras.optimizers.Adam(cosine(0.01), epsilon=1e-9),
    first_iteration=K,
    last_iteration=K + 1,
    execution=execution,
  )
  moved = np.abs(final['hidden'] - initial['hidden'])
  # The first update of a new Adam is its rate, whatever the gradient.
  rate = float(cosine(0.01)(K))
  np.testing.assert_allclose(moved[moved > 0], rate, rtol=1e-3)
  assert np.count_nonzero(moved) > moved.size / 2


def test_logs_checkpoints_and_callbacks_count_from_there(
  make_dataset, tmp_path
):
  called = []
  run = str(tmp_path / 'run')
  arguments = {
    'first_iteration': K,
    'test_interval': ('iterations', 2),
    'train_interval': ('iterations', 4),
    'checkpoints': [7],
  }
  interval = callbacks.every(
    ('iterations', 3), lambda iteration, _: called.append(iteration)
  )
  train(make_dataset(), Plain(seed=1), run, callbacks=[interval], **arguments)
  logs = {
    name: save_restore.read_log(run, name)['iteration'].tolist()
    for name in ('test', 'validate', 'train')
  }
  assert logs == {
    'test': [5, 6, 8, 10],
    'validate': [5, 10],
    'train': [8, 10],
  }
  assert called == [5, 6, 9, 10]
  assert (tmp_path / 'run' / 'checkpoint7').is_dir()
  record = save_restore.read_json(f'{run}/run.json')
  assert record['description']['iterations'] == [K, LENGTH]
  assert record['iterations'] == LENGTH - K


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      {'first_iteration': LENGTH},
      f'first_iteration: wanted iterations from 0 to {LENGTH - 1}, got 10',
    ),
    (
      {'first_iteration': -1},
      'first_iteration: wanted iterations from 0 to 9, got -1',
    ),
    (
      {'last_iteration': 0},
      'last_iteration: wanted an integer of at least 1, got 0',
    ),
    (
      {'first_iteration': K, 'checkpoints': [K]},
      'checkpoints: wanted iterations from 6 to 10, got 5',
    ),
  ],
)
def test_iterations_that_leave_nothing_to_do_are_refused(
  make_dataset, refused, arguments, message
):
  with refused(message):
    train(make_dataset(), Plain(seed=1), 'run', **arguments)


def ladder(make_dataset, reset, train_model):
  return experiment.experiment(
    make_dataset,
    functools.partial(Dropping, seed=1),
    train_model,
    functools.partial(pruner.prune_by_percent, {'hidden': 0.5}),
    2,
    reset=reset,
  )


def test_a_reset_says_where_training_starts(make_dataset, assert_same):
  then, told = {}, []

  def train_model(level, dataset, model, **where):
    told.append(where)
    look = callbacks.at([K], lambda _, m: then.update(m.get_current_weights()))
    looking = [] if level else [look]
    return train(dataset, model, callbacks=looking, **where)

  levels = ladder(
    make_dataset, lambda *_: experiment.Start(then, K), train_model
  )
  assert [list(where.values()) for where in told] == [
    *([0, None], [K, None], [K, None])
  ]
  again = Dropping(then, levels[2].masks, seed=1)
  again.build(tf.zeros([1, 20]))
  again.level.assign(2)
  _, final = train(make_dataset(), again, first_iteration=K)
  assert_same(levels[2].final, final)


def test_a_reset_may_say_what_training_does_not_take(make_dataset, refused):
  def train_model(level, dataset, model):
    model.build(dataset.train.values(slice(1)))
    return (model.get_current_weights(),) * 2

  with refused(
    'train_model: wanted one that takes first_iteration=... and'
    ' last_iteration=..., since reset says them, for trainer.train'
  ):
    ladder(make_dataset, lambda *_: experiment.Start({}, K), train_model)


def test_levels_have_other_noise_in_the_same_order(make_dataset):
  finals = []
  for level in (0, 1, 2, 1):
    model = Dropping(seed=1)
    model.level.assign(level)
    finals.append(train(make_dataset(), model)[1]['hidden'].tobytes())
  assert len(set(finals)) == 3 and finals[1] == finals[3]


def test_an_experiment_tells_its_models_their_level(make_dataset):
  def train_model(level, dataset, model):
    assert int(model.level) == level
    return train(dataset, model)

  ladder(make_dataset, None, train_model)

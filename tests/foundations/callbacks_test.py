"""Tests of lottery_ticket.foundations.callbacks."""

import functools
import pathlib

import keras
import numpy as np
import pytest

from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import model_fc
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import trainer

EVERY_3 = ('iterations', 3)


class Alone(model_fc.ModelFc):
  """Has graphs of its own."""

  def architecture(self):
    return None


@pytest.fixture(params=[model_fc.ModelFc, Alone])
def train(request, make_dataset, some_masks):
  """Trains ten iterations, in graphs that are shared and that are not."""

  def call(mine=(), output_dir=None, **kwargs):
    model = request.param(
      {'layers': [(10, 'relu'), (10, None)]}, None, some_masks, 5
    )
    return trainer.train(
      make_dataset(),
      model,
      lambda: keras.optimizers.Adam(0.1),
      ('iterations', 10),
      output_dir,
      callbacks=mine,
      test_interval=('iterations', 4),
      save_network=True,
      jit_compile=False,
      **kwargs,
    )

  return call


def nothing(iteration, model):
  pass


def test_are_called_when_they_are_due(train):
  called = []
  train(
    [
      callbacks.every(EVERY_3, lambda i, _: called.append(('every', i))),
      callbacks.every(('epochs', 1), lambda i, _: called.append(('epoch', i))),
      callbacks.at([7, 0, 10], lambda i, _: called.append(('at', i))),
    ]
  )
  for name, iterations in {
    'every': [0, 3, 6, 9, 10],
    'epoch': [0, 4, 8, 10],
    'at': [0, 7, 10],
  }.items():
    assert [i for kind, i in called if kind == name] == iterations


def test_see_the_weights_of_that_iteration(train, assert_same):
  seen = {}

  def look(iteration, model):
    seen[iteration] = model.get_current_weights()

  mine = [callbacks.at(range(11), look)]
  initial, final = train(mine, 'run', checkpoints=(3, 5))
  assert_same(seen[0], initial)
  assert_same(seen[10], final)
  for i in (3, 5):
    stored = save_restore.restore_network(paths.checkpoint('run', i))
    assert_same({name: stored[name] for name in final}, seen[i])


def test_one_that_only_reads_changes_no_byte(train, make_dataset, assert_same):
  def read(iteration, model):
    trainer.evaluate(model, make_dataset().test)

  plain, watched = train(), train([callbacks.every(('iterations', 1), read)])
  for network, other in zip(plain, watched, strict=True):
    assert_same(network, other)


def test_training_goes_on_from_what_one_assigns(train, assert_same):
  half = {}

  def go_back(iteration, model):
    if iteration == 5:
      half.update(model.get_current_weights())
    else:
      for name, variable in model.weights.items():
        variable.assign(half[name])

  _, final = train([callbacks.at([5, 10], go_back)], 'run')
  assert_same(final, half)
  log = save_restore.read_log(paths.log('run', 'test'))
  record = save_restore.read_json(paths.record('run'))
  # It is called before the network is measured.
  assert log['loss'][-1] == record['results']['test']['loss']


def test_what_one_assigns_on_the_way_counts(train):
  def move(iteration, model):
    model.weights['layer0_bias'].assign_add(np.ones(10))

  _, moved = train([callbacks.at([9], move)])
  assert not np.array_equal(moved['layer1_bias'], train()[1]['layer1_bias'])


def test_what_one_assigns_at_the_start_is_initial(train, some_masks):
  def fill(iteration, model):
    model.weights['layer0'].assign(some_masks['layer0'])

  initial, _ = train([callbacks.at([0], fill)], 'run')
  np.testing.assert_array_equal(initial['layer0'], some_masks['layer0'])
  again, _ = train([callbacks.at([0], fill)], 'run')
  np.testing.assert_array_equal(again['layer0'], some_masks['layer0'])


def test_pruned_weights_stay_pruned(train, refused):
  def revive(iteration, model):
    model.weights['layer1'].assign(np.ones((10, 10)))

  name = 'test_pruned_weights_stay_pruned.<locals>.revive'
  with refused(
    f"callback {name}: wanted 0 for pruned weights, got others in 'layer1'"
  ):
    train([callbacks.at([2], revive)])


def test_another_callback_is_another_run(train):
  train([callbacks.every(EVERY_3, nothing)], 'run')
  for other in (
    [],
    [callbacks.every(('iterations', 4), nothing)],
    [callbacks.at([3], nothing)],
    [callbacks.every(EVERY_3, lambda *_: None)],
    [callbacks.every(EVERY_3, functools.partial(print, end=''))],
    [callbacks.every(EVERY_3, nothing)] * 2,
  ):
    with pytest.raises(errors.InputError, match='callbacks'):
      train(other, 'run')


def test_a_run_that_is_loaded_says_that_it_calls_nothing(train, caplog):
  called = []
  this = 'test_a_run_that_is_loaded_says_that_it_calls_nothing'

  def remember(iteration, model):
    called.append(iteration)

  mine = [callbacks.every(EVERY_3, remember)]
  first = train(mine, 'run')
  called.clear()
  again = train(mine, 'run')
  np.testing.assert_equal(again, first)
  assert called == []
  name = f'{this}.<locals>.remember'
  assert caplog.messages == [f'run: finished already, so not called: {name}']


@pytest.mark.parametrize(
  ('make', 'message'),
  [
    (lambda: [nothing], 'callbacks: wanted callbacks.every'),
    (lambda: nothing, 'callbacks: wanted callbacks.every'),
    (lambda: [callbacks.at([3], None)], 'callbacks: wanted callbacks.every'),
    (
      lambda: [callbacks.at([11], nothing)],
      'callback nothing: wanted iterations from 0 to 10, got 11',
    ),
    (
      lambda: [callbacks.every(5, nothing)],
      r"callback nothing: wanted \('iterations', n\) or",
    ),
  ],
)
def test_what_is_no_callback_is_refused_before_any_work(make, message, train):
  with pytest.raises(errors.InputError, match=f'^{message}'):
    train(make(), 'run')
  assert not pathlib.Path('run').exists()


def test_masks_hold_whatever_reads(train, some_masks):
  _, final = train([callbacks.every(('iterations', 1), nothing)])
  np.testing.assert_equal(masks_lib.apply(some_masks, final), final)

"""Tests of lottery_ticket.foundations.optimizers."""

import json

import keras
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import optimizers

ELEMENTWISE = [
  'SGD',
  'Adam',
  'AdamW',
  'RMSprop',
  'Lion',
  'Adagrad',
  'Adadelta',
  'Adamax',
  'Nadam',
  'Ftrl',
  'Adafactor',
]
MOVES_ZEROS = (
  'optimizer {}: would move pruned weights away from 0; wanted one that treats'
  ' each weight on its own, like SGD or Adam'
)


class Restless(keras.optimizers.SGD):
  """Adds a little to every weight, whatever its gradient."""

  def update_step(self, gradient, variable, learning_rate):
    super().update_step(gradient + 1e-6, variable, learning_rate)


@pytest.mark.parametrize('name', ELEMENTWISE)
def test_optimizers_that_leave_zeros_are_made(name):
  made = optimizers.make(lambda: getattr(keras.optimizers, name)(0.01))
  assert type(made).__name__ == name
  assert int(made.iterations) == 0  # It is not the one that was tried.


def test_weight_decay_leaves_zeros():
  optimizers.make(lambda: keras.optimizers.AdamW(0.1, weight_decay=0.5))
  optimizers.make(lambda: keras.optimizers.SGD(0.1, weight_decay=0.5))


@pytest.mark.skipif(
  not hasattr(keras.optimizers, 'Muon'), reason='this Keras has no Muon'
)
def test_muon_is_refused_by_name(refused):
  with refused(MOVES_ZEROS.format('Muon')):
    optimizers.make(lambda: keras.optimizers.Muon(0.01))


def test_any_optimizer_that_moves_zeros_is_refused(refused):
  with refused(MOVES_ZEROS.format('Restless')):
    optimizers.make(lambda: Restless(0.01))


def test_the_same_optimizer_again_is_refused(refused):
  optimizer = keras.optimizers.SGD(0.1)
  with refused(
    'optimizer_fn: wanted a new optimizer at each call, got the same again'
  ):
    optimizers.make(lambda: optimizer)


@pytest.mark.parametrize('other', [None, 'adam', 0.1, keras.optimizers.SGD])
def test_what_is_no_optimizer_is_refused(other, refused):
  with refused(
    'optimizer_fn: wanted a function that makes a Keras optimizer,'
    f' got {other!r}'
  ):
    optimizers.make(lambda: other)


def test_configuration_tells_optimizers_apart():
  decay = keras.optimizers.schedules.ExponentialDecay
  made = [
    keras.optimizers.SGD(0.1),
    keras.optimizers.SGD(0.2),
    keras.optimizers.SGD(0.1, momentum=0.9),
    keras.optimizers.Adam(0.1),
    keras.optimizers.SGD(decay(0.1, 100, 0.5)),
    keras.optimizers.SGD(decay(0.1, 100, 0.6)),
  ]
  texts = {json.dumps(optimizers.configuration(item)) for item in made}
  assert len(texts) == len(made)


def test_configuration_is_a_function_of_the_settings():
  first, second = (
    optimizers.configuration(keras.optimizers.Adam(0.0012)) for _ in range(2)
  )
  assert first == second
  assert first['class'] == 'Adam'
  assert first['learning_rate'] == pytest.approx(0.0012)
  assert first['beta_1'] == 0.9


@pytest.mark.parametrize('given', ['adam', keras.optimizers.SGD(0.1), None])
def test_what_makes_no_optimizers_is_refused(given, refused):
  wanted = 'optimizer_fn: wanted a function that makes a Keras optimizer, got '
  with refused(f'{wanted}{given!r}'):
    optimizers.make(given)


@pytest.mark.parametrize(
  'settings', [{'clipnorm': 'a'}, {'beta_1': 'a'}, {'epsilon': 'a'}]
)
def test_settings_that_cannot_train_are_one_line(settings):
  wanted = '^optimizer Adam: cannot train with these settings: .+'
  with pytest.raises(errors.InputError, match=wanted) as caught:
    optimizers.make(lambda: keras.optimizers.Adam(0.1, **settings))
  assert '\n' not in str(caught.value)


def test_the_record_tells_what_is_left_out_of_weight_decay():
  optimizer = keras.optimizers.AdamW(0.1)
  plain = optimizers.configuration(optimizer)
  optimizer.exclude_from_weight_decay(var_names=['bias', 'a'])
  excluded = optimizers.configuration(optimizer)
  assert excluded.pop('no_weight_decay') == ['a', 'bias']
  assert excluded == plain

"""Tests of lottery_ticket.foundations.optimizers."""

import json
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import optimizers

MOVES_ZEROS = (
  'optimizer {}: would move pruned weights away from 0; wanted one that treats'
  ' each weight on its own, like SGD or Adam'
)
NOT_FINITE = (
  'optimizer {}: would not keep weights finite whose gradient is 0, as in a'
  ' pruned row, column or layer; wanted one that does, like SGD or Adam'
)
COSINE = {'CosineDecay': {'initial_learning_rate': 0.1, 'decay_steps': 5}}


@pytest.fixture
def make(make_model):
  """Makes an optimizer for a small network."""
  model = make_model()
  model.build(tf.zeros([1, 20]))
  return lambda optimizer_fn: optimizers.make(optimizer_fn, model.parameters)


class Restless(keras.optimizers.SGD):
  """Adds a little to every weight, whatever its gradient."""

  def update_step(self, gradient, variable, learning_rate):
    super().update_step(gradient + 1e-6, variable, learning_rate)


def test_the_optimizer_that_is_made_is_not_the_one_that_was_tried(make):
  assert int(make(lambda: keras.optimizers.Adam(0.01)).iterations) == 0


def test_weight_decay_leaves_zeros(make):
  make(lambda: keras.optimizers.AdamW(0.1, weight_decay=0.5))
  make(lambda: keras.optimizers.SGD(0.1, weight_decay=0.5))


@pytest.mark.parametrize(
  ('message', 'name', 'cls', 'settings'),
  [
    (MOVES_ZEROS, 'Muon', 'Muon', {}),
    (MOVES_ZEROS, 'Muon(ns_steps=2)', 'Muon', {'ns_steps': 2}),
    (NOT_FINITE, 'Adafactor', 'Adafactor', {}),
    (NOT_FINITE, 'Adam(epsilon=0)', 'Adam', {'epsilon': 0}),
  ],
)
def test_what_breaks_tickets_is_refused_by_name(
  message, name, cls, settings, make, refused
):
  cls = getattr(keras.optimizers, cls)
  with refused(message.format(name)):
    make(lambda: cls(0.01, **settings))
  with refused(message.format(f'LossScaleOptimizer({name})')):
    make(lambda: keras.optimizers.LossScaleOptimizer(cls(0.01, **settings)))


def test_an_optimizer_of_a_few_layers_is_tried_on_these(make, refused):
  def choose(layer):
    kinds = keras.optimizers.SGD(0.1), {layer: keras.optimizers.Muon(0.1)}
    kinds = keras.optimizers.OptimizerMap(*kinds)
    return keras.optimizers.MultiOptimizer(kinds)

  make(lambda: choose('layer7'))
  make(lambda: choose('layer0_bias'))
  with refused(MOVES_ZEROS.format('MultiOptimizer(Muon, SGD)')):
    make(lambda: choose('layer0'))


def test_any_optimizer_that_moves_zeros_is_refused(refused, make):
  with refused(MOVES_ZEROS.format('Restless')):
    make(lambda: Restless(0.01))


def test_the_same_optimizer_again_is_refused(refused, make):
  optimizer = keras.optimizers.SGD(0.1)
  with refused(
    'optimizer_fn: wanted a new optimizer at each call, got the same again'
  ):
    make(lambda: optimizer)


@pytest.mark.parametrize('other', [None, 'adam', 0.1, keras.optimizers.SGD])
def test_what_is_no_optimizer_is_refused(other, refused, make):
  with refused(
    'optimizer_fn: wanted a function that makes a Keras optimizer,'
    f' got {other!r}'
  ):
    make(lambda: other)


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
def test_what_makes_no_optimizers_is_refused(given, refused, make):
  wanted = 'optimizer_fn: wanted a function that makes a Keras optimizer, got '
  with refused(f'{wanted}{given!r}'):
    make(given)


@pytest.mark.parametrize(
  'settings', [{'clipnorm': 'a'}, {'beta_1': 'a'}, {'epsilon': 'a'}]
)
def test_settings_that_cannot_train_are_one_line(settings, make):
  wanted = r'^optimizer Adam\(.*\): cannot train with these settings: .+'
  with pytest.raises(errors.InputError, match=wanted) as caught:
    make(lambda: keras.optimizers.Adam(0.1, **settings))
  assert '\n' not in str(caught.value)


def test_the_record_tells_what_is_left_out_of_weight_decay():
  optimizer = keras.optimizers.AdamW(0.1)
  plain = optimizers.configuration(optimizer)
  optimizer.exclude_from_weight_decay(var_names=['bias', 'a'])
  excluded = optimizers.configuration(optimizer)
  assert excluded.pop('no_weight_decay') == ['a', 'bias']
  assert excluded == plain


@pytest.mark.parametrize(
  'optimizer_fn',
  [
    lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1)),
    lambda: optimizers.from_settings('adam', COSINE, {'clipnorm': 1.0}),
  ],
)
def test_optimizers_of_equal_settings_have_equal_keys(optimizer_fn):
  keys = {optimizers.key(optimizer_fn()) for _ in range(2)}
  assert len(keys) == 1 and None not in keys


@pytest.mark.parametrize(
  'optimizer_fn',
  [
    lambda: keras.optimizers.SGD(lambda: 0.1),
    lambda: keras.optimizers.Adam(0.1, beta_1=lambda: 0.9),
    lambda: keras.optimizers.SGD(Steep(0.1, 5)),
    lambda: Restless(0.1),
    lambda: keras.optimizers.LossScaleOptimizer(Restless(0.1)),
    lambda: keras.optimizers.MultiOptimizer(lambda _: None),
  ],
)
@pytest.mark.filterwarnings('ignore:The object being serialized')
def test_optimizers_that_settings_do_not_tell_have_no_key(optimizer_fn):
  assert optimizers.key(optimizer_fn()) is None


class Steep(keras.optimizers.schedules.CosineDecay):
  """Might compute anything."""


@pytest.mark.parametrize(
  ('name', 'rate', 'settings', 'message'),
  [
    ('Adm', 0.1, {}, "optimizer: wanted one of .*, got 'Adm'"),
    (
      'Adam',
      0.1,
      {'beta': 1},
      "optimizer_settings: Adam does not take {'beta': 1}: .*",
    ),
    (
      'MultiOptimizer',
      0.1,
      {},
      'optimizer_settings: MultiOptimizer does not take {}',
    ),
    ('Adam', 0, {}, 'learning_rate: wanted a finite number above 0, got 0'),
    ('Adam', 'a', {}, "learning_rate: wanted a finite number above 0, got 'a'"),
    ('Adam', {}, {}, 'learning_rate: wanted a number, or a schedule like'),
    ('Adam', {'CosineDecay': 1}, {}, 'learning_rate: wanted a number, or'),
    ('Adam', {'Cosine': {}}, {}, "learning_rate: wanted one of .*'CosineDecay"),
    (
      *('Adam', {'CosineDecay': {'steps': 1}}, {}),
      "learning_rate: CosineDecay does not take {'steps': 1}: .*",
    ),
    (
      *('Adam', {'CosineDecay': COSINE['CosineDecay'] | {'alpha': 'a'}}, {}),
      'learning_rate: CosineDecay does not take .*',
    ),
  ],
)
def test_settings_of_no_use_are_refused_by_name(name, rate, settings, message):
  with pytest.raises(errors.InputError, match=f'^{message}') as caught:
    optimizers.from_settings(name, rate, settings)
  assert '\n' not in str(caught.value)


def test_settings_are_read_and_checked_without_tensorflow():
  code = (
    'import sys; from lottery_ticket.foundations import optimizers;'
    f' optimizers.check_rate({COSINE}); assert "tensorflow" not in sys.modules'
  )
  subprocess.run([sys.executable, '-c', code], check=True)

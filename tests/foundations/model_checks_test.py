"""Tests of lottery_ticket.foundations.model_checks."""

import keras
import pytest
import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import model_base

INPUTS = tf.ones([2, 4, 4, 3])
NOISE_KEY = 'self.noise_key and stateless random operations'
OTHER = 'self.kernel, self.variable or self.state'
REFUSED = [
  (lambda: keras.layers.Dense(3), 'Dense', 'self.dense'),
  (lambda: keras.layers.BatchNormalization(), None, 'self.batch_norm'),
  (
    lambda: keras.layers.BatchNormalization(center=False, scale=False),
    'BatchNormalization',
    'self.batch_norm',
  ),
  (lambda: keras.layers.Dropout(0.5), 'Dropout', 'self.dropout'),
  (
    lambda: keras.layers.SpatialDropout2D(0.5),
    'SpatialDropout2D',
    'self.dropout',
  ),
  (lambda: keras.layers.GaussianNoise(1.0), 'GaussianNoise', NOISE_KEY),
  (lambda: keras.layers.RandomFlip(), 'RandomFlip', NOISE_KEY),
  (lambda: keras.layers.LayerNormalization(), 'LayerNormalization', OTHER),
  (
    lambda: keras.Sequential([keras.layers.ReLU(), keras.layers.Dense(3)]),
    'Dense',
    'self.dense',
  ),
  (
    lambda: keras.layers.ActivityRegularization(1000.0),
    'ActivityRegularization',
    'a loss method of your own',
  ),
]
REFUSED = [
  (make, name or 'BatchNormalization', use) for make, name, use in REFUSED
]


def model_with(function, **arguments):
  class Mine(model_base.ModelBase):
    def __call__(self, inputs, training):
      inputs = tf.reshape(function(inputs, training), [2, -1])
      return self.dense('logits', inputs, 3)

  return Mine(**arguments)


def keras_message(name, use):
  return (
    'Mine: wanted no variables, losses or randomness that would not be saved,'
    f' reset or added, got keras.layers.{name}; use {use}'
  )


@pytest.mark.parametrize(('make', 'name', 'use'), REFUSED)
def test_keras_layers_with_a_state_are_refused(make, name, use, refused):
  def functions():
    kept = make()
    yield lambda inputs, training: kept(inputs)  # Perhaps never active.
    kept_too = make()
    yield lambda inputs, training: kept_too(inputs, training=training)
    yield lambda inputs, training: make()(inputs)

  for function in functions():
    with refused(keras_message(name, use)):
      model_with(function).build(INPUTS)
  for function in functions():
    with refused(keras_message(name, use)):
      model_with(function)(INPUTS, training=False)


def test_keras_layers_of_training_alone_are_refused(refused):
  layer = keras.layers.Dropout(0.5)
  model = model_with(lambda x, training: layer(x) if training else x)
  model(INPUTS, training=False)
  with refused(keras_message('Dropout', 'self.dropout')):
    model.build(INPUTS)


@pytest.mark.parametrize(
  'layer',
  [
    keras.layers.Flatten(),
    keras.layers.Activation('relu'),
    keras.layers.MaxPooling2D(),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Rescaling(2.0),
    keras.layers.Dropout(0.0),
  ],
)
def test_keras_layers_without_a_state_are_allowed(layer):
  model = model_with(lambda inputs, training: layer(inputs))
  assert model.build(INPUTS) == 3
  assert model(INPUTS, training=True).shape == (2, 3)


def test_keras_works_as_before_afterwards():
  call = keras.layers.Layer.__call__
  with pytest.raises(errors.InputError):
    model_with(lambda x, _: keras.layers.Dense(3)(x)).build(INPUTS)
  assert keras.layers.Layer.__call__ is call


GENERATOR = tf.random.Generator.from_seed(1)


@pytest.mark.parametrize(
  ('draw', 'operation'),
  [
    (lambda: tf.random.uniform([3]), 'RandomUniform'),
    (lambda: tf.random.normal([3], seed=1), 'RandomStandardNormal'),
    (lambda: tf.random.truncated_normal([3]), 'TruncatedNormal'),
    (
      lambda: tf.cast(tf.random.shuffle([1, 2, 3]), tf.float32),
      'RandomShuffle',
    ),
    (lambda: tf.random.gamma([3], 1.0), 'RandomGamma'),
    (lambda: tf.random.poisson([3], 1.0), 'RandomPoissonV2'),
    (lambda: GENERATOR.normal([3]), 'RngReadAndSkip'),
    (lambda: GENERATOR.uniform([3]), 'RngReadAndSkip'),
    (lambda: tf.nn.dropout(tf.ones([3]), 0.5), 'RandomUniform'),
  ],
)
def test_random_operations_with_a_state_are_refused(draw, operation, refused):
  message = (
    'Mine: wanted random numbers that can be drawn again, got the operation'
    f' {operation}; use self.dropout, or {NOISE_KEY}'
  )
  inner = tf.function(lambda inputs: inputs * draw())
  for function in (
    lambda inputs, training: inputs * draw(),
    lambda inputs, training: inner(inputs) if training else inputs,
    lambda inputs, training: inputs if training else inner(inputs),
    lambda inputs, training: tf.while_loop(
      lambda i, _: i < 2,
      lambda i, x: (i + 1, x * draw()),
      (0, inputs),
    )[1],
  ):
    with refused(message):
      model_with(function).build(INPUTS)


def test_losses_have_no_random_operations_and_states_either(refused):
  state = tf.Variable(2.0, name='scale', trainable=False)
  operation = (
    'random numbers that can be drawn again, got the operation RandomUniform;'
    f' use self.dropout, or {NOISE_KEY}'
  )
  for factor, message in (
    (lambda: tf.random.uniform([]), f'Mine: wanted {operation}'),
    (
      lambda: state,
      f"Mine: variable 'scale:0' would not be saved or reset; use {OTHER}",
    ),
  ):

    class Mine(model_base.ModelBase):
      def __call__(self, inputs):
        return self.dense('logits', self.flatten(inputs), 3)

      def loss(self, labels, logits):
        return super().loss(labels, logits) * factor()  # noqa: B023

    with refused(message):
      Mine().measure(INPUTS, tf.constant([0, 1]))


def test_stateless_random_operations_are_allowed():
  def add(inputs, training):
    if training:
      inputs += tf.random.stateless_normal(tf.shape(inputs), model.noise_key())
    return inputs

  model = model_with(add)
  model.build(INPUTS)
  first, second = (model(INPUTS, training=True).numpy() for _ in range(2))
  assert (first != second).all()


@pytest.mark.parametrize('trainable', [False, True])
def test_variables_of_ones_own_are_refused(trainable, refused):
  scale = tf.Variable(2.0, name='scale', trainable=trainable)
  for function in (
    lambda inputs, training: inputs * scale,
    lambda inputs, training: tf.function(lambda: inputs * scale)(),
  ):
    with refused(
      f"Mine: variable 'scale:0' would not be saved or reset; use {OTHER}"
    ):
      model_with(function).build(INPUTS)


def hides(name):
  return (
    f'Mine.{name}: hides what every model has by this name; choose another'
    ' name for the attribute'
  )


@pytest.mark.parametrize(
  ('name', 'value'),
  [
    ('dropout', 0.5),
    ('state', 'ready'),
    ('dense', keras.layers.Dense(3)),
    ('kernel', (3, 3)),
    ('masks', {}),
    ('iteration', 0),
    ('variables', []),
  ],
)
def test_attributes_may_not_hide_methods(name, value, refused):
  model = model_with(lambda inputs, training: inputs)
  with refused(hides(name)):
    setattr(model, name, value)
  with refused(hides(name)):
    type('Mine', (model_base.ModelBase,), {name: value})


def test_methods_may_take_the_place_of_methods():
  class Mine(model_base.ModelBase):
    rate = 0.5

    def dense(self, name, inputs, units):
      return super().dense(f'{name}1', inputs, units)

    @staticmethod
    def loss(labels, logits):
      return logits[:, 0]

    @property
    def masks(self):
      return {}

    def __call__(self, inputs):
      return self.dense('a', inputs, 3)

  model = Mine()
  model.accuracy = lambda labels, logits: labels
  model(tf.ones([2, 4]))
  assert list(model.weights) == ['a1', 'a1_bias']

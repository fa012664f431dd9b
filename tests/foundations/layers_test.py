"""Tests of lottery_ticket.foundations.layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import model_base

SHAPES = [(12, 6), (5, 4, 3, 6), (4, 7, 6)]


class Normalized(model_base.ModelBase):
  """Normalizes its inputs and no more."""

  def __call__(self, inputs, training):
    return self.batch_norm('norm', inputs, training)


class Dropped(model_base.ModelBase):
  """Drops its inputs twice."""

  def __call__(self, inputs, training):
    once = self.dropout(inputs, 0.4, training)
    return tf.stack([once, self.dropout(inputs, 0.4, training)])


def inputs_of(shape, seed=0):
  drawn = np.random.default_rng(seed).normal(2, 3, shape)
  return tf.constant(drawn, tf.float32)


def value_and_gradients(layer, variables, inputs):
  """Returns the outputs, and gradients by the inputs and by variables."""
  weights = tf.random.stateless_normal(inputs.shape, [1, 2])
  with tf.GradientTape() as tape:
    tape.watch(inputs)
    outputs = layer(inputs, training=True)
    loss = tf.reduce_sum(weights * outputs)
  return [outputs, *tape.gradient(loss, [inputs, *variables()])]


@pytest.mark.parametrize('shape', SHAPES)
def test_batch_norm_is_that_of_keras(shape):
  ours, theirs = Normalized(seed=1), keras.layers.BatchNormalization()
  for step in range(4):  # The first makes the variables.
    inputs = inputs_of(shape, step)
    results = [
      value_and_gradients(ours, lambda: list(ours.weights.values()), inputs),
      value_and_gradients(
        theirs, lambda: [v.value for v in theirs.trainable_variables], inputs
      ),
    ]
    for got, wanted in zip(*results, strict=True):
      np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
    if step == 2:  # Other values than 1 and 0.
      for variable, own in zip(
        theirs.trainable_variables, ours.weights.values(), strict=True
      ):
        own.assign(own + np.linspace(0.5, 2, 6))
        variable.assign(own)
  assert list(ours.weights) == ['norm_gamma', 'norm_beta']
  assert list(ours.states) == ['norm_mean', 'norm_variance']
  for state, variable in zip(
    ours.states.values(), theirs.non_trainable_variables, strict=True
  ):
    np.testing.assert_allclose(state, variable.value, rtol=1e-5)
  before = ours.get_current_weights()
  inputs = inputs_of(shape, 9)
  np.testing.assert_allclose(
    ours(inputs, training=False),
    theirs(inputs, training=False),
    rtol=1e-4,
    atol=1e-5,
  )
  np.testing.assert_equal(ours.get_current_weights(), before)


def test_batch_norm_by_hand():
  class Model(model_base.ModelBase):
    def __call__(self, inputs, training):
      return self.batch_norm('a', inputs, training, momentum=0.5, epsilon=0.0)

  model = Model()
  # Mean 3 and variance 4.
  outputs = model(tf.constant([[1.0], [5.0]]), training=True)
  np.testing.assert_allclose(outputs, [[-1], [1]])
  np.testing.assert_allclose(model.states['a_mean'], [1.5])
  np.testing.assert_allclose(model.states['a_variance'], [2.5])


@pytest.mark.parametrize('jit_compile', [False, True])
def test_batch_norm_updates_its_states_in_a_users_function(jit_compile):
  model, eager = Normalized(), Normalized()
  inputs = inputs_of((5, 4, 3, 6))
  model(inputs, training=False)

  @tf.function(jit_compile=jit_compile)
  def step(inputs):
    return model(inputs, training=True)

  for _ in range(2):
    step(inputs)
    eager(inputs, training=True)
  for name, state in model.states.items():
    np.testing.assert_allclose(state, eager.states[name], rtol=1e-5)
    assert (state.numpy() != 1).all()


def test_batch_norm_needs_to_know_its_features(refused):
  with refused(
    "layer 'norm': wanted inputs of shape [batch, ..., features], got ()"
  ):
    Normalized()(tf.constant(1.0), training=True)


def test_dropout_drops_and_scales_in_training_alone():
  model = Dropped(seed=1)
  inputs = tf.ones([200, 200])
  first, second = model(inputs, training=True).numpy()
  for outputs in (first, second):
    np.testing.assert_allclose(np.unique(outputs), [0, 1 / 0.6], rtol=1e-6)
    # 40,000 draws: five standard errors.
    assert abs((outputs == 0).mean() - 0.4) < 5 * np.sqrt(0.24 / 40_000)
  # Places draw on their own: both drop with the product of probabilities.
  both = (first == 0) & (second == 0)
  assert abs(both.mean() - 0.16) < 5 * np.sqrt(0.16 * 0.84 / 40_000)
  np.testing.assert_array_equal(
    model(inputs, training=False), np.ones((2, 200, 200))
  )


@pytest.mark.parametrize('jit_compile', [None, False, True])
def test_noise_is_a_function_of_seed_and_iteration(jit_compile):
  model = Dropped()
  inputs = tf.ones([20, 20])
  model(inputs, training=False)
  call = Dropped.__call__
  if jit_compile is not None:
    call = tf.function(call, jit_compile=jit_compile)
  seen = []
  for seed in (0, 2**32 - 2, 2**32 - 1):
    model.noise_seed.assign(seed)
    model.iteration.assign(0)
    drawn = [call(model, inputs, training=True).numpy() for _ in range(3)]
    assert int(model.iteration) == 3
    model.iteration.assign(1)
    again = Dropped()
    again.noise_seed.assign(seed)
    again.iteration.assign(1)
    for each in (model, again):
      np.testing.assert_array_equal(each(inputs, training=True), drawn[1])
    seen += [outputs.tobytes() for pair in drawn for outputs in pair]
  assert len(set(seen)) == 3 * 3 * 2


@pytest.mark.parametrize('rate', [-0.1, 1, 'half', None])
def test_rates_are_fractions(rate, refused):
  class Model(model_base.ModelBase):
    def __call__(self, inputs, training):
      return self.dropout(inputs, rate, training)

  with refused(f'dropout: wanted a rate in [0, 1), got {rate!r}'):
    Model()(tf.ones([2, 2]), training=False)


def test_a_rate_of_0_drops_nothing():
  class Model(model_base.ModelBase):
    def __call__(self, inputs, training):
      return self.dropout(inputs, 0, training)

  np.testing.assert_array_equal(
    Model()(tf.ones([9, 9]), training=True), np.ones((9, 9))
  )


# Convolutions and pooling.


class Convolved(model_base.ModelBase):
  """One convolution with these settings."""

  def __init__(self, masks=None, **settings):
    super().__init__(masks=masks, seed=1)
    self.settings = settings

  def __call__(self, inputs):
    return self.conv2d('conv', inputs, **self.settings)


@pytest.mark.parametrize(
  'settings',
  [
    {'filters': 4, 'kernel_size': 3},
    {'filters': 4, 'kernel_size': (2, 3), 'strides': 2, 'activation': 'tanh'},
    {'filters': 1, 'kernel_size': 1, 'padding': 'valid', 'use_bias': False},
    {'filters': 4, 'kernel_size': 3, 'strides': (1, 2), 'padding': 'valid'},
  ],
)
def test_conv2d_is_that_of_keras(settings):
  ours = Convolved(**settings)
  theirs = keras.layers.Conv2D(**({'padding': 'same'} | settings))
  inputs = inputs_of((2, 6, 7, 3))
  outputs = ours(inputs)
  theirs.build(inputs.shape)
  theirs.set_weights(list(ours.get_current_weights().values()))
  np.testing.assert_allclose(outputs, theirs(inputs), rtol=1e-4, atol=1e-5)
  assert list(ours.masks) == ['conv']


def test_conv2d_draws_with_the_fans_of_its_window():
  model = Convolved(filters=64, kernel_size=3)
  model(tf.zeros([1, 4, 4, 64]))
  deviation = np.sqrt(2 / (9 * 64 + 9 * 64))
  kernel = model.weights['conv'].numpy()
  assert abs(kernel.std() / deviation - 1) < 5 / np.sqrt(2 * kernel.size)


def test_conv2d_holds_its_mask():
  mask = np.random.default_rng(0).random((3, 3, 3, 4)) < 0.5
  model = Convolved({'conv': mask}, filters=4, kernel_size=3)
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(model(inputs_of((2, 6, 7, 3))))
  gradient = tape.gradient(loss, model.weights['conv']).numpy()
  for values in (model.weights['conv'].numpy(), gradient):
    np.testing.assert_array_equal(values != 0, mask)


@pytest.mark.parametrize(
  ('method', 'layer'),
  [
    ('max_pool', keras.layers.MaxPooling2D),
    ('average_pool', keras.layers.AveragePooling2D),
  ],
)
@pytest.mark.parametrize('settings', [(), (3, 2, 'same'), ((2, 3), None)])
def test_pooling_is_that_of_keras(method, layer, settings):
  inputs = inputs_of((2, 6, 7, 3))
  outputs = getattr(Convolved(), method)(inputs, *settings)
  np.testing.assert_allclose(
    outputs, layer(*(settings or (2,)))(inputs), rtol=1e-5
  )


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    (
      {'filters': 0},
      "layer 'conv', filters: wanted an integer of at least 1, got 0",
    ),
    (
      {'kernel_size': (3, 0)},
      "layer 'conv': wanted kernel_size of one or two positive integers,"
      ' got (3, 0)',
    ),
    (
      {'strides': 'two'},
      "layer 'conv': wanted strides of one or two positive integers, got 'two'",
    ),
    (
      {'padding': 'full'},
      "layer 'conv': wanted the padding 'same' or 'valid', got 'full'",
    ),
  ],
)
def test_settings_of_conv2d(settings, message, refused):
  with refused(message):
    Convolved(**({'filters': 4, 'kernel_size': 3} | settings))(
      inputs_of((2, 6, 7, 3))
    )


def test_conv2d_wants_images(refused):
  with refused(
    "layer 'conv': wanted inputs of shape [batch, height, width, channels],"
    ' got (2, 784)'
  ):
    Convolved(filters=4, kernel_size=3)(tf.zeros([2, 784]))

"""Tests that every optimizer of Keras trains as in Keras's own `fit`.

The optimizers, and what can be set, are those that are found in Keras.
"""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import trainer

pytestmark = pytest.mark.slow

INPUTS, HIDDEN, CLASSES = 6, 5, 3
BATCH, ITERATIONS = 8, 4
RATE = 0.05
SHAPES = {
  'layer0': (INPUTS, HIDDEN),
  'empty': (INPUTS, HIDDEN),
  'layer1': (HIDDEN, CLASSES),
}
REFUSED = {'Adafactor': 'epsilon_1', 'Muon': 'exclude_layers'}
"""Optimizers that break tickets, and by what setting they are mended."""

VALUES = {
  'clipnorm': 0.1,
  'clipvalue': 0.01,
  'dynamic_growth_steps': 2,
  'ema_momentum': 0.5,
  'ema_overwrite_frequency': 2,
  'epsilon_1': 1e-3,
  'exclude_layers': ['layer', 'empty'],
  'global_clipnorm': 0.1,
  'gradient_accumulation_steps': 2,
  'loss_scale_factor': 1024.0,
  'rms_rate': 0.3,
  'weight_decay': 0.1,
}
"""{setting: a value}, where it does not follow from the default."""
NEEDS = {
  'ema_momentum': {'use_ema': True},
  'ema_overwrite_frequency': {'use_ema': True},
  'nesterov': {'momentum': 0.9},
}
ALL_AT_ONCE = {
  **{'gradient_accumulation_steps': 2, 'global_clipnorm': 0.1},
  **{'use_ema': True, 'ema_overwrite_frequency': 2, 'weight_decay': 0.1},
}


class Net(model_base.ModelBase):
  """A network that learns although one of its layers is empty."""

  def __call__(self, inputs):
    hidden = self.dense('layer0', inputs, HIDDEN)
    hidden += self.dense('empty', inputs, HIDDEN, use_bias=False)
    hidden = tf.nn.relu(hidden)
    return self.dense('layer1', hidden, CLASSES, use_bias=False)


class Dense(keras.layers.Layer):
  """Keras's layer with `kernel * mask` in its forward pass."""

  def __init__(self, name, mask, kernel):
    super().__init__(name=name)
    self.mask = mask
    self.kernel = self.add_weight(name='kernel', shape=mask.shape)
    self.kernel.assign(kernel)

  def call(self, inputs):
    return tf.matmul(inputs, self.kernel * self.mask)


class Bias(keras.layers.Layer):
  """Adds a bias."""

  def build(self, shape):
    self.bias = self.add_weight(name='bias', shape=shape[1:])
    self.bias.assign(tf.zeros(shape[1:]))

  def call(self, inputs):
    return inputs + self.bias


OPTIMIZERS = keras.optimizers, keras.optimizers.Optimizer
SCHEDULES = (
  keras.optimizers.schedules,
  keras.optimizers.schedules.LearningRateSchedule,
)


def classes(module_and_base=OPTIMIZERS):
  """Returns {name: class} of all children of a base in a module."""
  module, base = module_and_base
  return {
    name: value
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, base) and value is not base
  }


def changed(name, default):
  """Returns another value of a setting than its default."""
  if name in VALUES:
    return VALUES[name]
  if isinstance(default, bool):
    return not default
  assert isinstance(default, (int, float)), f'a value of {name} for VALUES'
  return type(default)(default / 2) or 0.01


def settings(cls):
  """Returns {setting: value} of each setting that an optimizer takes."""
  no_settings = ('name', 'kwargs', 'inner_optimizer', 'optimizer_map')
  return {
    name: changed(name, parameter.default)
    for name, parameter in inspect.signature(cls).parameters.items()
    if name not in no_settings
  }


def maker(name, values, inner=None):
  """Returns a function that makes an optimizer; those that wrap have others."""

  def make():
    cls, given = classes()[name], dict(values)
    taken = inspect.signature(cls).parameters
    if 'learning_rate' in taken:
      given = {'learning_rate': RATE} | given
    if 'inner_optimizer' in taken:
      given['inner_optimizer'] = keras.optimizers.Adam(RATE, **inner or {})
    if 'optimizer_map' in taken:
      given['optimizer_map'] = keras.optimizers.OptimizerMap(
        keras.optimizers.SGD(RATE, **inner or {}),
        {'.*layer1.*': keras.optimizers.Adam(RATE, **inner or {})},
      )
    return cls(**given)

  return make


CASES = [
  (name, setting, value)
  for name, cls in classes().items()
  for setting, value in [(None, None), *settings(cls).items()]
]


@pytest.fixture(scope='module')
def data():
  generator = np.random.default_rng(0)
  count = BATCH * ITERATIONS
  inputs = generator.normal(size=(count, INPUTS)).astype(np.float32)
  return inputs, generator.integers(CLASSES, size=count)


@pytest.fixture(scope='module')
def masks():
  generator = np.random.default_rng(1)
  made = {
    name: (generator.random(shape) < 0.6).astype(np.float32)
    for name, shape in SHAPES.items()
  }
  made['layer0'][0] = made['layer0'][:, 0] = made['empty'][:] = 0
  return made


@pytest.fixture
def eager(monkeypatch):
  """Runs graphs as the Python functions that they are made of."""

  class Function:
    graph = tf.function(lambda: 0.0).get_concrete_function().graph  # Harmless.

    def __init__(self, function):
      self.function = function

    def __call__(self, *args, **kwargs):
      return self.function(*args, **kwargs)

    def get_concrete_function(self, *_):
      return self

  monkeypatch.setattr(tf, 'function', lambda function, **_: Function(function))


def train(data, masks, optimizer_fn, seed=3, **options):
  dataset = dataset_base.DatasetBase(data, BATCH, data, train_order_seed=1)
  model = Net(masks=masks, seed=seed)
  length = ('iterations', ITERATIONS)
  return trainer.train(dataset, model, optimizer_fn, length, None, **options)


def fit(data, masks, optimizer, initial):
  """Returns the weights after Keras's `fit` on the same batches."""
  dense = {name: Dense(name, masks[name], initial[name]) for name in masks}
  bias = Bias(name='layer0_bias')
  inputs = keras.Input([INPUTS])
  hidden = bias(dense['layer0'](inputs)) + dense['empty'](inputs)
  model = keras.Model(inputs, dense['layer1'](keras.ops.relu(hidden)))
  loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  model.compile(optimizer, loss, run_eagerly=True)
  splits = dataset_base.DatasetBase(data, BATCH, data, train_order_seed=1)
  order = splits.train_order(0)
  model.fit(*(item[order] for item in data), BATCH, shuffle=False, verbose=0)
  final = {name: layer.kernel * masks[name] for name, layer in dense.items()}
  final['layer0_bias'] = bias.bias
  return {k: tf.convert_to_tensor(value).numpy() for k, value in final.items()}


def check(data, masks, optimizer_fn, **options):
  initial, final = train(data, masks, optimizer_fn, **options)
  wanted = fit(data, masks, optimizer_fn(), initial)
  for name, weights in final.items():
    assert np.isfinite(weights).all()
    np.testing.assert_allclose(weights, wanted[name], 2e-4, 1e-6, err_msg=name)
  for name, mask in masks.items():
    assert not final[name][mask == 0].any()
  assert not np.allclose(initial['layer0'], final['layer0'])


@pytest.mark.parametrize(('name', 'setting', 'value'), CASES)
def test_an_optimizer_trains_as_in_fit_or_is_refused(
  name, setting, value, data, masks, eager
):
  del eager
  values = {} if setting is None else {setting: value}
  optimizer_fn = maker(name, values | NEEDS.get(setting, {}))
  try:
    check(data, masks, optimizer_fn)
  except errors.InputError as error:
    assert name in REFUSED and str(error).startswith(f'optimizer {name}')
    assert setting in (None, 'learning_rate') or f'{setting}=' in str(error)
  else:
    assert setting == REFUSED.get(name, setting)


RATES = {
  'boundaries': [1, 3],
  't_mul': 2.0,
  'values': [0.1, 0.05, 0.02],
  'warmup_steps': 3,
  'warmup_target': 0.2,
}
"""{setting: a value} of schedules; any other one is a number."""


@pytest.mark.parametrize('name', sorted(classes(SCHEDULES)))
def test_every_schedule_trains_as_in_fit(name, data, masks, eager):
  del eager
  names = inspect.signature(classes(SCHEDULES)[name]).parameters
  values = {key: RATES.get(key, 2 if 'steps' in key else 0.1) for key in names}
  rate = {name: {k: value for k, value in values.items() if k != 'name'}}

  def optimizer_fn():
    return optimizers.from_settings('SGD', rate, {'momentum': 0.5})

  assert optimizers.configuration(optimizer_fn())['learning_rate'] == rate
  check(data, masks, optimizer_fn)


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted({*classes()} - {*REFUSED}))
def test_an_optimizer_trains_as_in_fit_compiled(name, data, masks):
  takes_all = 'use_ema' in inspect.signature(classes()[name]).parameters
  values = ALL_AT_ONCE if takes_all else {}
  optimizer_fn = maker(name, values, ALL_AT_ONCE)
  check(data, masks, optimizer_fn)

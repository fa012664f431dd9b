"""Tests of training that skips pruned weights."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import layers as layers_lib
from lottery_ticket.foundations import sparse_steps

ACTIVATIONS = ['relu', 'tanh', 'sigmoid', 'elu', 'softplus', 'gelu', None]


def optimizers():
  schedule = keras.optimizers.schedules.CosineDecay(0.01, 7)
  return {
    'sgd': lambda: keras.optimizers.SGD(0.1),
    'momentum': lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    'nesterov': lambda: keras.optimizers.SGD(0.1, 0.9, nesterov=True),
    'decay': lambda: keras.optimizers.SGD(0.1, weight_decay=0.1),
    'adam': lambda: keras.optimizers.Adam(0.003),
    'adam_decay': lambda: keras.optimizers.Adam(0.003, weight_decay=0.1),
    'adamw': lambda: keras.optimizers.AdamW(0.003, epsilon=1e-5),
    'schedule': lambda: keras.optimizers.Adam(schedule),
  }


def split(generator, size=300, features=50, kind='float', one_hot=False):
  if kind == 'float':
    inputs = generator.normal(size=(size, features)).astype(np.float32)
  else:
    inputs = generator.integers(0, 256, (size, features))
    inputs = inputs * (generator.random((size, features)) < 0.4)
    inputs = inputs.astype(np.float32)
    norms = np.linalg.norm(inputs, axis=1, keepdims=True).astype(np.float32)
    inputs /= np.float32(255) if kind == 'unit' else np.maximum(norms, 1)
  labels = generator.integers(0, 5, size)
  if one_hot:
    labels = generator.dirichlet(np.ones(5), size)
  return dataset_base.DatasetSplit(inputs, labels)


def network(generator, density, activation='relu', sizes=(50, 30, 20, 5)):
  layers, weights, masks = [], {}, {}
  for i, shape in enumerate(itertools.pairwise(sizes)):
    name = f'layer{i}'
    is_last = i == len(sizes) - 2
    layers.append(layers_lib.Dense(name, None if is_last else activation))
    masks[name] = (generator.random(shape) < density).astype(np.float32)
    values = generator.normal(size=shape, scale=shape[0] ** -0.5)
    weights[name] = (values * masks[name]).astype(np.float32)
    bias = generator.normal(size=shape[1], scale=0.1)
    weights[f'{name}_bias'] = bias.astype(np.float32)
  return layers, weights, masks


class Loop:
  """The same training as a plain loop in TensorFlow."""

  def __init__(self, layers, weights, masks, optimizer):
    self.layers, self.masks, self.optimizer = layers, masks, optimizer
    self.variables = {name: tf.Variable(w) for name, w in weights.items()}
    optimizer.build(list(self.variables.values()))

  def logits(self, inputs):
    for layer in self.layers:
      inputs = inputs @ self.variables[layer.name]
      if f'{layer.name}_bias' in self.variables:
        inputs += self.variables[f'{layer.name}_bias']
      inputs = keras.activations.get(layer.activation)(inputs)
    return inputs

  def losses(self, split, places):
    logits = self.logits(tf.gather(split.inputs, places))
    labels = tf.gather(split.labels, places)
    if labels.shape.rank == 1:
      right = tf.argmax(logits, 1) == tf.cast(labels, tf.int64)
      loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    else:
      right = tf.argmax(logits, 1) == tf.argmax(labels, 1)
      loss = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    return loss, int(tf.reduce_sum(tf.cast(right, tf.int32)))

  def __call__(self, split, order, first, count, size):
    total, rights = 0.0, 0
    for start in range(first, first + count * size, size):
      with tf.GradientTape() as tape:
        losses, right = self.losses(split, order[start : start + size])
        loss = tf.reduce_mean(losses)
      variables = list(self.variables.values())
      gradients = tape.gradient(loss, variables)
      gradients = [
        gradient * self.masks.get(name, 1.0)
        for name, gradient in zip(self.variables, gradients, strict=True)
      ]
      self.optimizer.apply(gradients, variables)
      total += float(tf.reduce_sum(losses))
      rights += right
    return total, rights

  def unload(self):
    return {name: v.numpy() for name, v in self.variables.items()}


def differences(layers, weights, masks, optimizer_fn, train, batch, steps):
  """Trains both ways; returns the largest difference of a weight."""
  order = np.random.default_rng(1).permutation(train.size).astype(np.int32)
  dense = Loop(layers, weights, masks, optimizer_fn())
  blank = bool(np.mean(train.inputs == 0) > 0.5)
  sparse = sparse_steps.SparseSteps(layers, optimizer_fn(), blank)
  sparse.load(weights, masks)
  results = [
    steps_(train, order, 0, steps, batch) for steps_ in (dense, sparse)
  ]
  np.testing.assert_allclose(*[loss for loss, _ in results], rtol=1e-4)
  assert abs(results[0][1] - results[1][1]) <= 1
  final = sparse.unload()
  for name, mask in masks.items():
    assert not np.any(final[name][mask == 0])
  assert list(final) == list(weights)
  return max(
    np.abs(value - final[name]).max() for name, value in dense.unload().items()
  )


@pytest.mark.parametrize('density', [0.05, 0.5])
@pytest.mark.parametrize('name', list(optimizers()))
def test_trains_as_tensorflow_does(name, density):
  generator = np.random.default_rng(0)
  made = network(generator, density)
  train = split(generator)
  one, ten = (
    differences(*made, optimizers()[name], train, 30, steps)
    for steps in (1, 10)
  )
  print(name, density, one, ten)
  assert one < 1e-6
  assert ten < 1e-5


@pytest.mark.parametrize('activation', ACTIVATIONS)
def test_knows_activations(activation):
  generator = np.random.default_rng(0)
  made = network(generator, 0.4, activation)
  optimizer_fn = optimizers()['sgd']
  assert differences(*made, optimizer_fn, split(generator), 60, 5) < 1e-6


@pytest.mark.parametrize('batch', [1, 7, 64, 65, 150])
@pytest.mark.parametrize('kind', ['float', 'unit', 'l2'])
def test_takes_batches_and_inputs_of_all_kinds(batch, kind):
  generator = np.random.default_rng(0)
  train = split(generator, kind=kind)
  made = network(generator, 0.2)
  assert differences(*made, optimizers()['sgd'], train, batch, 2) < 1e-6


def test_takes_distributions_as_labels():
  generator = np.random.default_rng(0)
  train = split(generator, one_hot=True)
  made = network(generator, 0.2)
  assert differences(*made, optimizers()['sgd'], train, 40, 5) < 1e-6


@pytest.mark.parametrize('sizes', [(50, 5), (16, 5), (7, 130, 9, 8, 6, 5)])
def test_takes_any_depth_and_width(sizes):
  generator = np.random.default_rng(0)
  train = split(generator, features=sizes[0])
  made = network(generator, 0.5, sizes=sizes)
  assert differences(*made, optimizers()['adam'], train, 60, 5) < 1e-5


def test_goes_on_from_weights_that_are_exactly_zero():
  generator = np.random.default_rng(0)
  layers, weights, masks = network(generator, 0.3)
  for name in masks:
    weights[name][:] = 0
  weights['layer0_bias'] += 1  # Lets the last bias alone have a gradient.
  sgd = optimizers()['sgd']
  train = split(generator)
  assert differences(layers, weights, masks, sgd, train, 60, 5) < 1e-6
  weights['layer2'] = masks['layer2'] * 0.1
  assert differences(layers, weights, masks, sgd, train, 60, 5) < 1e-6


@pytest.mark.parametrize('name', ['adam', 'adam_decay'])
def test_units_without_a_way_out_change_by_decay_alone(name):
  generator = np.random.default_rng(0)
  layers, weights, masks = network(generator, 0.3)
  for pruned in ('layer1', 'layer2'):
    masks[pruned][:5] = 0
    weights[pruned][:5] = 0
  optimizer_fn = optimizers()[name]
  made = layers, weights, masks
  assert differences(*made, optimizer_fn, split(generator), 60, 5) < 1e-6
  steps = sparse_steps.SparseSteps(layers, optimizer_fn())
  steps.load(weights, masks)
  train = split(generator)
  steps(train, np.arange(train.size, dtype=np.int32), 0, 4, 60)
  change = np.abs(steps.unload()['layer0'] - weights['layer0'])[:, :5]
  assert change.any() == (name == 'adam_decay')


def test_layers_may_have_no_masks_or_biases():
  generator = np.random.default_rng(0)
  layers, weights, masks = network(generator, 1)
  del weights['layer1_bias']
  train = split(generator)
  adam = optimizers()['adam']
  assert differences(layers, weights, masks, adam, train, 60, 5) < 1e-5
  steps = sparse_steps.SparseSteps(layers, adam())
  steps.load(weights, {})
  for name, array in steps.unload().items():
    np.testing.assert_array_equal(array, weights[name])


@pytest.mark.parametrize('density', [0.05, 0.5])
def test_measures(density):
  generator = np.random.default_rng(0)
  layers, weights, masks = network(generator, density)
  steps = sparse_steps.SparseSteps(layers, keras.optimizers.SGD())
  steps.load(weights, masks)
  test = split(generator, size=77, kind='unit')
  loop = Loop(layers, weights, masks, keras.optimizers.SGD())
  losses, right = loop.losses(test, np.arange(77))
  measured = steps.measure(test)
  np.testing.assert_allclose(measured.loss, np.mean(losses), rtol=1e-6)
  assert measured.accuracy == right / 77


def test_same_bytes_however_steps_are_cut():
  generator = np.random.default_rng(0)
  layers, weights, masks = network(generator, 0.3)
  train = split(generator)
  order = np.arange(train.size, dtype=np.int32)
  networks = []
  for cuts in ([6], [1, 2, 3], [6]):
    steps = sparse_steps.SparseSteps(layers, optimizers()['schedule']())
    steps.load(weights, masks)
    first = 0
    for count in cuts:
      steps(train, order, first, count, 50)
      first += 50 * count
      steps.assign(steps.unload())
    networks.append(steps.unload())
  for name, array in networks[0].items():
    for other in networks[1:]:
      assert array.tobytes() == other[name].tobytes()


def test_loading_begins_anew():
  generator = np.random.default_rng(0)
  layers, weights, masks = network(generator, 0.3)
  other = network(generator, 0.1)
  train = split(generator)
  order = np.arange(train.size, dtype=np.int32)
  steps = sparse_steps.SparseSteps(layers, optimizers()['schedule']())
  results = []
  for given in ((weights, masks), other[1:], (weights, masks)):
    steps.load(*given)
    steps(train, order, 0, 3, 60)
    results.append(steps.unload())
  for name, array in results[0].items():
    np.testing.assert_array_equal(array, results[2][name])


@pytest.mark.parametrize('gone', ['layer0', 'layer1', 'layer2'])
def test_a_layer_may_be_pruned_whole(gone):
  generator = np.random.default_rng(0)
  layers, weights, masks = network(generator, 0.3)
  masks[gone][:] = 0
  weights[gone][:] = 0
  adam = optimizers()['adam']
  train = split(generator, kind='unit')
  assert differences(layers, weights, masks, adam, train, 60, 5) < 1e-5


def test_a_network_without_weights_stays_as_it_is():
  layers, weights, masks = network(np.random.default_rng(0), 0)
  for name in list(masks):
    del weights[f'{name}_bias']
  train = split(np.random.default_rng(0))
  adam = optimizers()['adam']
  assert differences(layers, weights, masks, adam, train, 60, 5) == 0

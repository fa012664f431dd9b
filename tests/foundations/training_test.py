"""Tests of models that know training from evaluation: states and noise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import experiment
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import ticket
from lottery_ticket.foundations import trainer


class Normalized(model_base.ModelBase):
  """Two layers with batch norm and dropout between them."""

  def __call__(self, inputs, training):
    hidden = self.dense('hidden', inputs, 12, use_bias=False)
    hidden = self.batch_norm('norm', hidden, training, momentum=0.8)
    hidden = self.dropout(tf.nn.relu(hidden), 0.3, training)
    return self.dense('logits', hidden, 10)

  def architecture(self):
    return 'of two layers'


def train(dataset, model, length=6, folder=None, **options):
  return trainer.train(
    dataset,
    model,
    lambda: keras.optimizers.Adam(0.01),
    ('iterations', length),
    folder,
    save_network=folder is not None,
    **options,
  )


@pytest.mark.parametrize('jit_compile', [False, True])
def test_updates_are_training_and_evaluations_are_not(
  make_dataset, jit_compile
):
  class Told(model_base.ModelBase):
    def __call__(self, inputs, training=None):
      is_update = inputs.shape[0] in (16, 2)  # The sizes of batches.
      told.append((is_update, training))
      return self.dense('logits', inputs, 10)

  told, model = [], Told(seed=1)
  model.build(tf.zeros([7, 20]))
  train(
    make_dataset(),
    model,
    test_interval=('iterations', 2),
    jit_compile=jit_compile,
  )
  model.measure(tf.zeros([9, 20]), tf.zeros([9], tf.int32))
  del told[:4]  # The variables are made, and all is checked.
  assert set(told) == {(True, True), (False, False)}


def test_a_call_without_training_may_be_told_nevertheless(make_model):
  model, inputs = make_model(), tf.ones([3, 20])
  for training in (True, False):
    np.testing.assert_array_equal(
      model(inputs, training=training), model(inputs)
    )


def test_a_child_may_take_training_where_its_parent_does_not(make_dataset):
  class Parent(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 8)

  class Child(Parent):
    def __call__(self, inputs, training):
      outputs = super().__call__(inputs, training=training)
      return self.dense('b', self.dropout(outputs, 0.5, training), 10)

  class Grandchild(Child):
    def __call__(self, *args, **kwargs):
      return 2 * super().__call__(*args, **kwargs)

  for kind in (Child, Grandchild):
    model = kind(seed=1)
    initial, final = train(make_dataset(), model)
    assert (initial['a'] != final['a']).any()
    assert int(model.iteration) == 0 or kind is Grandchild
    model(tf.ones([2, 20]), True)
    model(tf.ones([2, 20]), training=True)


# States.


def test_states_are_parameters_that_are_not_trained(make_dataset, assert_same):
  model = Normalized(seed=1)
  initial, final = train(make_dataset(), model)
  names = ['hidden', 'norm_gamma', 'norm_beta', 'logits', 'logits_bias']
  assert list(model.weights) == names
  assert list(model.states) == ['norm_mean', 'norm_variance']
  assert list(model.masks) == ['hidden', 'logits']
  assert set(initial) == set(final) == {*model.weights, *model.states}
  assert (
    not initial['norm_mean'].any() and (initial['norm_variance'] == 1).all()
  )
  for name in model.states:
    assert (initial[name] != final[name]).all()
  assert_same(final, model.get_current_weights())


@pytest.mark.parametrize('jit_compile', [False, True])
def test_states_are_those_of_keras(jit_compile):
  """Trains the same network with Keras, on batches in the same order."""

  class Model(model_base.ModelBase):
    def __call__(self, inputs, training):
      hidden = self.dense('hidden', inputs, 12, 'relu')
      hidden = self.batch_norm('norm', hidden, training)
      return self.dense('logits', hidden, 10)

  generator = np.random.default_rng(3)
  inputs = generator.normal(size=(36, 20)).astype(np.float32)
  labels = generator.integers(0, 10, 36)
  dataset = dataset_base.DatasetBase(
    (inputs, labels), 16, (inputs, labels), train_order_seed=1
  )
  reference = keras.Sequential(
    [
      keras.layers.Input([20]),
      keras.layers.Dense(12, 'relu'),
      keras.layers.BatchNormalization(),
      keras.layers.Dense(10),
    ]
  )
  model = Model(seed=1)
  model.build(dataset.train.inputs)
  norm = ('gamma', 'beta', 'mean', 'variance')
  names = ['hidden', 'hidden_bias', *(f'norm_{kind}' for kind in norm)]
  names += ['logits', 'logits_bias']
  theirs = dict(zip(names, reference.weights, strict=True))
  for name, value in model.get_current_weights().items():
    theirs[name].assign(value)
  trainer.train(
    dataset,
    model,
    lambda: keras.optimizers.SGD(0.1),
    ('epochs', 2),
    None,
    jit_compile=jit_compile,
  )
  reference.compile(
    keras.optimizers.SGD(0.1),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
  )
  for epoch in range(2):
    order = dataset.train_order(epoch)
    reference.fit(inputs[order], labels[order], 16, shuffle=False, verbose=0)
  for name, value in model.get_current_weights().items():
    np.testing.assert_allclose(value, theirs[name], rtol=1e-3, atol=1e-4)
  loss, _ = trainer.evaluate(model, dataset.test)
  wanted = reference.evaluate(inputs, labels, verbose=0)
  np.testing.assert_allclose(loss, wanted, rtol=1e-4)


def test_states_are_saved_loaded_and_reset(make_dataset, assert_same):
  made = []

  def make_model(**arguments):
    made.append(Normalized(seed=1, **arguments))
    return made[-1]

  def train_model(level, dataset, model):
    return train(dataset, model, folder=f'run{level}')

  levels = experiment.experiment(
    make_dataset,
    make_model,
    train_model,
    lambda masks, final: pruner.prune_by_percent(
      {'hidden': 0.5, 'logits': 0.5}, masks, final
    ),
    2,
  )
  for number, level in enumerate(levels):
    for name in ('norm_mean', 'norm_variance', 'norm_gamma'):
      np.testing.assert_array_equal(
        level.initial[name], levels[0].initial[name]
      )
    folder = f'run{number}'
    for path, network in (
      (paths.initial(folder), level.initial),
      (paths.final(folder), level.final),
    ):
      stored = save_restore.restore_network(path)
      assert_same({name: stored[name] for name in network}, network)
    assert set(level.masks) == {'hidden', 'logits'}
  # A finished run is loaded, states too.
  again = Normalized(levels[0].initial, levels[1].masks, seed=1)
  assert_same(train(make_dataset(), again, folder='run1')[1], levels[1].final)
  assert_same(again.get_current_weights(), levels[1].final)


def test_controls_of_weights_leave_states_as_they_start(make_dataset):
  model = Normalized(seed=1)
  initial, final = train(make_dataset(), model)
  masks = pruner.prune_by_percent(
    {'hidden': 0.5, 'logits': 0.5}, model.masks, final
  )
  found = ticket.Ticket(masks, initial)
  dense = controls.Weights(initial, final)
  deviations = {'hidden': 1.0, 'logits': 1.0}
  for control in (
    controls.reinit(found),
    controls.reuse(found, [found, found], seed=1),
    controls.own_sign(found, seed=1),
    controls.random(found, seed=1),
    controls.one_shot(found, dense),
    controls.init_magnitude(found, dense),
    controls.noise(found, deviations, 1.0, seed=1),
  ):
    changed = Normalized(control.initial, control.masks, seed=2)
    changed.build(tf.zeros([1, 20]))
    start = changed.get_current_weights()
    for name in ('norm_mean', 'norm_variance', 'norm_gamma', 'norm_beta'):
      np.testing.assert_array_equal(start[name], initial[name])


def test_states_have_no_masks(refused):
  model = Normalized(masks={'norm_mean': np.ones(12)})
  with refused(
    "masks: the model has no 'norm_mean'; it has ['hidden', 'logits']"
  ):
    model.build(tf.zeros([1, 20]))


# Noise.


class Dropping(model_base.ModelBase):
  """A layer of which an update moves what it has got an input from."""

  def __call__(self, inputs, training):
    ones = tf.ones_like(inputs)
    first = self.dense('a', self.dropout(ones, 0.5, training), 10)
    return first + self.dense('b', self.dropout(ones, 0.5, training), 10)


def drawn(dataset, length=6, **options):
  """Returns which inputs each iteration's noise has left, of both layers.

  Returns:
    Array of shape [iterations, layers, inputs].
  """
  seen = []

  def look(iteration, model):
    weights = model.weights
    seen.append(np.stack([weights[name].numpy() for name in 'ab']))
    assert int(model.iteration) == iteration
    model(tf.ones([2, 20]), training=True)  # Draws for itself alone.

  # One example, so that each iteration has one row of noise.
  trainer.train(
    dataset,
    Dropping(seed=1),
    lambda: keras.optimizers.SGD(0.1),
    ('iterations', length),
    None,
    callbacks=[callbacks.every(('iterations', 1), look)],
    **options,
  )
  return (np.diff(seen, axis=0) != 0).any(axis=-1)


def one_example(train_order_seed=1):
  pair = np.ones([1, 20]), np.zeros([1], int)
  return dataset_base.DatasetBase(
    pair, 1, pair, train_order_seed=train_order_seed
  )


def test_noise_differs_by_iteration_place_and_order():
  noise = drawn(one_example())
  assert noise.shape == (6, 2, 20)
  rows = [row.tobytes() for row in noise.reshape(-1, 20)]
  other = drawn(one_example(train_order_seed=2)).reshape(-1, 20)
  rows += [row.tobytes() for row in other]
  assert len(set(rows)) == 2 * 6 * 2
  assert 0.3 < noise.mean() < 0.7
  np.testing.assert_array_equal(noise, drawn(one_example()))
  np.testing.assert_array_equal(noise, drawn(one_example(), jit_compile=False))


def test_noise_in_a_users_loop_is_that_of_the_trainer():
  model = Dropping(seed=1)
  model.build(tf.ones([1, 20]))
  model.noise_seed.assign(seeds.integer(1, 'noise'))
  optimizer, seen = keras.optimizers.SGD(0.1), []
  for iteration in range(6):
    assert int(model.iteration) == iteration
    seen.append(np.stack([model.weights[name].numpy() for name in 'ab']))
    with tf.GradientTape() as tape:
      loss = model.loss([0], model(tf.ones([1, 20]), training=True))
    variables = list(model.weights.values())
    optimizer.apply(tape.gradient(loss, variables), variables)
  noise = (np.diff(seen, axis=0) != 0).any(axis=-1)
  np.testing.assert_array_equal(noise, drawn(one_example())[:5])


@pytest.mark.parametrize('jit_compile', [False, True])
def test_the_same_seed_gives_the_same_bytes(
  make_dataset, assert_same, jit_compile
):
  options = {'jit_compile': jit_compile, 'length': 9}
  results = [
    train(make_dataset(order), Normalized(seed=1), **options, **more)[1]
    for order, more in (
      (1, {}),
      (2, {}),  # In the graph of the first.
      (1, {}),
      (1, {'test_interval': ('iterations', 2)}),
    )
  ]
  assert_same(results[2], results[0])
  assert_same(results[3], results[0])
  assert (results[1]['hidden'] != results[0]['hidden']).any()


def test_models_without_noise_count_nothing(make_model):
  model = make_model()
  for _ in range(2):
    model(tf.ones([2, 20]), training=True)
  function = tf.function(lambda inputs: model(inputs, training=True))
  graph = function.get_concrete_function(tf.TensorSpec([2, 20]))
  assert int(model.iteration) == 0
  assert not any('Assign' in op.type for op in graph.graph.get_operations())

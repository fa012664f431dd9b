"""Tests of lottery_ticket.foundations.model_base."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import trainer

OPTIMIZERS = {
  'SGD': {},
  'momentum': {'momentum': 0.9, 'nesterov': True},
  'Adam': {},
  'AdamW': {'weight_decay': 0.1},
  'RMSprop': {},
  'Lion': {},
  'Adagrad': {},
  'Adadelta': {},
  'Nadam': {},
  'Ftrl': {},
  'Adafactor': {},
}
X = np.random.default_rng(0).normal(size=(32, 20)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 10, 32).astype(np.int32)
ONE_HOT = tf.constant(np.eye(10, dtype=np.float32)[Y])
INPUTS, LABELS = tf.constant(X), tf.constant(Y)


class Wide(model_base.ModelBase):
  """Layers large enough for statistics."""

  def __call__(self, inputs):
    hidden = self.dense('hidden', inputs, 400, 'relu')
    return self.dense('logits', hidden, 5)


class Shared(model_base.ModelBase):
  """The same layer twice."""

  def __call__(self, inputs):
    once = self.dense('same', inputs, 20, 'tanh')
    twice = self.dense('same', once, 20, 'tanh')
    return self.dense('logits', twice, 10, use_bias=False)


class Child(Shared):
  """Adds a layer to another model."""

  def __call__(self, inputs):
    return self.dense('last', super().__call__(inputs), 4)


def make_optimizer(name):
  """Makes one of `OPTIMIZERS`."""
  keras_name = 'SGD' if name == 'momentum' else name
  return getattr(keras.optimizers, keras_name)(0.05, **OPTIMIZERS[name])


def gradients(model, inputs=INPUTS, labels=LABELS):
  """Returns {parameter name: gradient of the mean loss}."""
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(model.loss(labels, model(inputs)))
  return dict(
    zip(
      model.weights,
      tape.gradient(loss, list(model.weights.values())),
      strict=True,
    )
  )


def users_loop(model, optimizer, steps=3):
  """Trains as somebody might who never heard of `trainer`."""
  for _ in range(steps):
    found = gradients(model)
    optimizer.apply_gradients(
      (found[name], variable) for name, variable in model.weights.items()
    )


def assert_holds(masks, before, after):
  """Checks that pruned weights are exactly 0 and that the others moved."""
  for name, mask in masks.items():
    np.testing.assert_array_equal(before[name][mask == 0], 0)
    np.testing.assert_array_equal(after[name][mask == 0], 0)
    moved = before[name] != after[name]
    assert moved[mask == 1].mean() > 0.5
  for name in set(before) - set(masks):
    assert (before[name] != after[name]).any()


# Masks.


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_masks_hold_in_a_users_loop(name, make_model, some_masks):
  model = make_model(masks=some_masks)
  model(INPUTS)
  before = model.get_current_weights()
  users_loop(model, make_optimizer(name))
  assert_holds(some_masks, before, model.get_current_weights())


@pytest.mark.parametrize('name', ['SGD', 'momentum', 'Adam', 'AdamW'])
def test_masks_hold_in_a_users_function(name, make_model, some_masks):
  model = make_model(masks=some_masks)
  model(INPUTS)
  before = model.get_current_weights()
  optimizer = make_optimizer(name)
  optimizer.build(list(model.weights.values()))
  loop = tf.function(lambda: users_loop(model, optimizer), autograph=False)
  loop()
  loop()
  assert_holds(some_masks, before, model.get_current_weights())


@pytest.mark.parametrize('name', ['SGD', 'momentum', 'Adam', 'AdamW'])
def test_masks_hold_in_the_trainer(name, make_model, make_dataset, some_masks):
  model = make_model(masks=some_masks)
  initial, final = trainer.train(
    make_dataset(),
    model,
    lambda: make_optimizer(name),
    ('iterations', 3),
    None,
    jit_compile=False,
  )
  assert_holds(some_masks, initial, final)


def test_a_layer_pruned_away_stays_away(make_model):
  masks = {'layer0': np.zeros((20, 10))}
  model = make_model(masks=masks)
  model(INPUTS)
  users_loop(model, make_optimizer('Adam'))
  assert not model.weights['layer0'].numpy().any()
  assert model.weights['layer1_bias'].numpy().any()


def test_presets_of_pruned_weights_become_0(make_model, some_masks):
  presets = {'layer0': np.full((20, 10), 7.0), 'layer1': -np.ones((10, 10))}
  model = make_model(presets, some_masks)
  model(INPUTS)
  for name, mask in some_masks.items():
    expected = np.where(mask == 1, presets[name], 0)
    np.testing.assert_array_equal(model.weights[name], expected)
    assert not np.signbit(model.weights[name].numpy()[mask == 0]).any()


def test_kept_weights_get_the_gradient_of_an_unmasked_network(
  make_model, some_masks
):
  masked = make_model(masks=some_masks)
  masked(INPUTS)
  plain = make_model(presets=masked.get_current_weights())
  expected = gradients(plain)
  for name, gradient in gradients(masked).items():
    mask = some_masks.get(name, 1)
    np.testing.assert_array_equal(gradient, expected[name] * mask)


@pytest.mark.parametrize('jit_compile', [None, False, True])
@pytest.mark.parametrize('value', [np.inf, np.nan])
def test_gradients_of_pruned_weights_are_0_whatever_comes_from_above(
  value, jit_compile, make_model, some_masks
):
  model = make_model(masks=some_masks)
  model(INPUTS)
  call = gradients
  if jit_compile is not None:
    call = tf.function(gradients, jit_compile=jit_compile, autograph=False)
  found = call(model, tf.fill(INPUTS.shape, value))
  assert not np.isfinite(found['layer0'].numpy()).all()
  for name, mask in some_masks.items():
    np.testing.assert_array_equal(found[name].numpy()[mask == 0], 0)


def test_masks_may_be_partial_and_are_ones_elsewhere(make_model, some_masks):
  model = make_model(masks={'layer1': some_masks['layer1']})
  model(INPUTS)
  assert list(model.masks) == ['layer0', 'layer1']
  np.testing.assert_array_equal(model.masks['layer0'], np.ones((20, 10)))
  np.testing.assert_array_equal(model.masks['layer1'], some_masks['layer1'])
  assert {mask.dtype.name for mask in model.masks.values()} == {'float32'}


def test_masks_may_be_folders_and_lists_of_them(make_model, some_masks):
  save_restore.save_network('masks', some_masks)
  other = {name: 1 - mask for name, mask in some_masks.items()}
  for given, expected in (
    ('masks', some_masks),
    (['masks', some_masks], some_masks),
    ([some_masks, other], {name: np.ones_like(m) for name, m in other.items()}),
  ):
    model = make_model(masks=given)
    model(INPUTS)
    for name, mask in expected.items():
      np.testing.assert_array_equal(model.masks[name], mask)


def test_what_is_given_is_not_changed_nor_shared(make_model, some_masks):
  presets = {'layer0': np.ones((20, 10), np.float32)}
  masks = {name: mask.copy() for name, mask in some_masks.items()}
  model = make_model(presets, masks)
  for array in (*presets.values(), *masks.values()):
    array[:] = 0
  model(INPUTS)
  np.testing.assert_array_equal(model.masks['layer0'], some_masks['layer0'])
  np.testing.assert_array_equal(model.weights['layer0'], some_masks['layer0'])
  model.get_current_weights()['layer0'][:] = 7
  model.presets['layer0'][:] = 7
  model.masks['layer0'][:] = 7
  np.testing.assert_array_equal(model.weights['layer0'], some_masks['layer0'])
  np.testing.assert_array_equal(model.presets['layer0'], np.ones((20, 10)))
  np.testing.assert_array_equal(model.masks['layer0'], some_masks['layer0'])


# Initial values.


def test_presets_are_taken_bit_for_bit(make_model, assert_same):
  presets = {
    name: np.random.default_rng(8).normal(size=shape).astype(np.float32)
    for name, shape in {
      'layer0': (20, 10),
      'layer0_bias': (10,),
      'layer1': (10, 10),
      'layer1_bias': (10,),
    }.items()
  }
  presets['layer0'][0, :3] = -0.0, 1e-45, 3e38
  save_restore.save_network('presets', presets)
  for given in (presets, 'presets'):
    model = make_model(given)
    model(INPUTS)
    assert_same(model.get_current_weights(), presets)


def test_presets_may_be_partial_and_the_rest_is_drawn(make_model):
  drawn, preset = make_model(), make_model({'layer1': np.ones((10, 10))})
  drawn(INPUTS)
  preset(INPUTS)
  np.testing.assert_array_equal(preset.weights['layer1'], np.ones((10, 10)))
  np.testing.assert_array_equal(
    preset.weights['layer0'], drawn.weights['layer0']
  )


def test_same_seed_same_draws_and_another_seed_others(make_model, assert_same):
  first, again, other = (
    make_model(seed=5),
    make_model(seed=5),
    make_model(seed=6),
  )
  for model in (first, again, other):
    model(INPUTS)
  assert_same(first.get_current_weights(), again.get_current_weights())
  for name in ('layer0', 'layer1'):
    mine, others = first.weights[name].numpy(), other.weights[name].numpy()
    assert np.mean(mine != others) > 0.99


def test_a_draw_depends_on_seed_and_name_alone(make_model, some_masks):
  alone = make_model(seed=5)
  alone(INPUTS)
  masked = make_model(
    {'layer0': np.zeros((20, 10))}, {'layer1': some_masks['layer1']}, seed=5
  )
  masked(INPUTS)
  np.testing.assert_array_equal(
    masked.weights['layer1'],
    alone.weights['layer1'].numpy() * some_masks['layer1'],
  )

  class Renamed(model_base.ModelBase):
    def __call__(self, inputs):
      first = self.dense('another', inputs, 10, use_bias=False)
      return self.dense('layer1', first, 10)

  renamed = Renamed(seed=5)
  renamed(INPUTS)
  np.testing.assert_array_equal(
    renamed.weights['layer1'], alone.weights['layer1']
  )
  assert (
    renamed.weights['another'].numpy() != alone.weights['layer0'].numpy()
  ).any()


def test_draws_are_keras_draws_with_a_named_seed(make_model):
  model = make_model(seed=5)
  model(INPUTS)
  draw = keras.initializers.GlorotNormal(seeds.integer(5, 'initial', 'layer0'))
  np.testing.assert_array_equal(model.weights['layer0'], draw((20, 10)))


def test_a_seed_not_given_is_drawn_and_kept(make_model, assert_same):
  model, other = make_model(seed=None), make_model(seed=None)
  assert model.seed != other.seed
  again = make_model(seed=model.seed)
  model(INPUTS)
  again(INPUTS)
  assert_same(model.get_current_weights(), again.get_current_weights())


def test_kernels_are_glorot_normal_and_biases_0():
  model = Wide(seed=1)
  model(tf.zeros((1, 600)))
  kernel = model.weights['hidden'].numpy()
  deviation = np.sqrt(2 / (600 + 400))
  # 240,000 draws: five standard errors of each.
  assert abs(kernel.mean()) < 5 * deviation / np.sqrt(kernel.size)
  assert abs(kernel.std() / deviation - 1) < 5 / np.sqrt(2 * kernel.size)
  # Truncated at two deviations of a Gaussian that is as much wider.
  limit = 2 * deviation / 0.8796256610342398
  assert 0.99 * limit < np.abs(kernel).max() <= limit * (1 + 1e-6)
  assert abs(np.mean(np.abs(kernel) < deviation) - 0.6506) < 0.005
  for name in ('hidden_bias', 'logits_bias'):
    assert not model.weights[name].numpy().any()


@pytest.mark.parametrize(
  ('initializer', 'expected'),
  [
    ('ones', 1),
    (keras.initializers.Constant(0.5), 0.5),
    (lambda shape, dtype: tf.fill(shape, 2.0), 2),
  ],
)
def test_layers_take_other_initializers(initializer, expected):
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 10, kernel_initializer=initializer)

  model = Model()
  model(INPUTS)
  np.testing.assert_array_equal(model.weights['a'], np.full((20, 10), expected))


def test_an_initializers_own_seed_counts():
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      seeded = keras.initializers.HeNormal(seed=3)
      outputs = self.dense('a', inputs, 10, kernel_initializer=seeded)
      unseeded = keras.initializers.HeNormal()
      return self.dense('b', outputs, 10, kernel_initializer=unseeded)

  one, other = Model(seed=1), Model(seed=2)
  one(INPUTS)
  other(INPUTS)
  np.testing.assert_array_equal(one.weights['a'], other.weights['a'])
  assert (one.weights['b'].numpy() != other.weights['b'].numpy()).any()


# What is refused.


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      {'masks': {'a': np.array([1, 0.5])}},
      "masks['a']: wanted only 0 and 1, got 0.5",
    ),
    (
      {'masks': {'a': np.array([1, np.nan])}},
      "masks['a']: wanted finite float32 numbers, got nan",
    ),
    (
      {'presets': {'a': np.array([1, np.nan])}},
      "presets['a']: wanted finite float32 numbers, got nan",
    ),
    (
      {'presets': {'a': np.array(['x'])}},
      "presets['a']: wanted an array of numbers, got dtype <U1",
    ),
    ({'presets': 'nowhere'}, 'nowhere: wanted a folder of .npy files'),
    ({'masks': 'nowhere'}, 'nowhere: wanted a folder of .npy files'),
    ({'masks': 3}, 'masks: wanted a folder or a dictionary, got 3'),
    (
      {'presets': [{}, {}]},
      'presets: wanted one folder or dictionary, got 2 of them',
    ),
    ({'seed': -1}, 'seed: wanted an integer in [0, 2**63), got -1'),
  ],
)
def test_bad_values_are_refused_at_construction(
  arguments, message, make_model, refused
):
  with refused(message):
    make_model(**arguments)


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      {'masks': {'layer9': np.ones((20, 10))}},
      "masks: the model has no 'layer9'; it has ['layer0', 'layer1']",
    ),
    (
      {'masks': {'layer0_bias': np.ones(10)}},
      "masks: the model has no 'layer0_bias'; it has ['layer0', 'layer1']",
    ),
    (
      {'presets': {'Layer0': np.ones((20, 10))}},
      "presets: the model has no 'Layer0'; it has"
      " ['layer0', 'layer0_bias', 'layer1', 'layer1_bias']",
    ),
    (
      {'masks': {'layer0': np.ones((10, 20))}},
      "masks['layer0']: wanted shape [20, 10], got [10, 20]",
    ),
    (
      {'presets': {'layer1': np.ones(10)}},
      "presets['layer1']: wanted shape [10, 10], got [10]",
    ),
    (
      {'presets': {'layer1_bias': np.ones((10, 1))}},
      "presets['layer1_bias']: wanted shape [10], got [10, 1]",
    ),
  ],
)
def test_names_and_shapes_are_checked_at_every_call_until_they_fit(
  arguments, message, make_model, refused
):
  model = make_model(**arguments)
  for call in (model, model, model.build):
    with refused(message):
      call(INPUTS)


def test_inputs_must_be_flat(make_model, refused):
  with refused(
    "layer 'layer0': wanted inputs of shape [batch, features],"
    ' got (2, 4, 5); flatten them first'
  ):
    make_model()(tf.zeros((2, 4, 5)))


def test_inputs_must_keep_their_width(make_model, refused):
  model = make_model()
  model(INPUTS)
  with refused("parameter 'layer0': wanted shape [21, 10], got [20, 10]"):
    model(tf.zeros((2, 21)))


@pytest.mark.parametrize('name', ['a/b', '', '../a'])
def test_layers_names_must_be_file_names(name, refused):
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense(name, inputs, 10)

  with refused(
    f'parameter name {name!r}: wanted letters, digits, "_", "-" and "."'
  ):
    Model()(INPUTS)


@pytest.mark.parametrize('initializer', ['glorot', 5, 'stft', 'constant'])
def test_an_initializer_that_is_none_is_refused(initializer, refused):
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 10, kernel_initializer=initializer)

  with refused(
    'kernel_initializer: wanted one of Keras that draws weights,'
    f' got {initializer!r}'
  ):
    Model()(INPUTS)


def test_a_model_needs_layers_and_logits(refused):
  class Empty(model_base.ModelBase):
    def __call__(self, inputs):
      return inputs

  class Cube(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 6)[:, None]

  wanted = 'wanted layers and logits of shape [batch, classes]'
  with refused(f'Empty: {wanted}, got 0 parameters and shape (32, 20)'):
    Empty().build(INPUTS)
  with refused(f'Cube: {wanted}, got 2 parameters and shape (32, 1, 6)'):
    Cube().build(INPUTS)
  with pytest.raises(NotImplementedError, match='ModelBase needs a __call__'):
    model_base.ModelBase()(INPUTS)


# Models of one's own.


def test_a_name_that_comes_again_means_the_same_parameters():
  model = Shared(seed=1)
  logits = model(INPUTS)
  assert list(model.weights) == ['same', 'same_bias', 'logits']
  same, last = model.weights['same'].numpy(), model.weights['logits'].numpy()
  expected = np.tanh(np.tanh(X @ same) @ same) @ last
  np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_a_shared_layer_is_masked_in_both_places():
  mask = (np.random.default_rng(0).random((20, 20)) < 0.5).astype(np.float32)
  model = Shared(masks={'same': mask})
  model(INPUTS)
  before = model.get_current_weights()
  users_loop(model, make_optimizer('Adam'))
  assert_holds({'same': mask}, before, model.get_current_weights())


def test_a_child_may_call_its_parent(refused):
  masks = {'last': np.eye(10, 4), 'same': np.eye(20)}
  presets = {'last_bias': np.arange(4)}
  model = Child(presets, masks)
  assert model(INPUTS).shape == (32, 4)
  assert list(model.masks) == ['same', 'logits', 'last']
  np.testing.assert_array_equal(model.weights['last_bias'], np.arange(4))
  with refused(
    "masks: the model has no 'lost'; it has ['last', 'logits', 'same']"
  ):
    Child(masks={'lost': np.eye(10, 4)})(INPUTS)


def test_a_child_may_leave_its_parents_call_alone(refused):
  class Same(Shared):
    pass

  Same(masks={'same': np.eye(20)})(INPUTS)
  with refused("masks: the model has no 'lost'; it has ['logits', 'same']"):
    Same(masks={'lost': np.eye(10, 4)})(INPUTS)


def test_variables_may_be_made_inside_a_function(make_model, assert_same):
  model, eager = make_model(), make_model()
  eager(INPUTS)
  logits = tf.function(model)(INPUTS)
  np.testing.assert_allclose(logits, eager(INPUTS), rtol=1e-5, atol=1e-6)
  assert_same(model.get_current_weights(), eager.get_current_weights())
  assert list(model.masks) == ['layer0', 'layer1']


# Loss, accuracy, measure, configuration.


def test_loss_by_hand(make_model):
  # Two classes, logits 0 and log 3: probabilities 1/4 and 3/4.
  logits = tf.constant([[0.0, np.log(3)]] * 2, tf.float32)
  losses = make_model().loss(tf.constant([0, 1]), logits)
  np.testing.assert_allclose(losses, [np.log(4), np.log(4 / 3)], rtol=1e-6)


def test_loss_and_accuracy_against_numpy(make_model):
  model = make_model()
  logits = np.random.default_rng(0).normal(size=(32, 10)) * 5
  chosen = logits[np.arange(32), Y]
  losses = np.log(np.exp(logits).sum(axis=1)) - chosen
  right = (logits.argmax(axis=1) == Y).astype(int)
  assert 0 < right.sum() < 32
  logits = tf.constant(logits, tf.float32)
  for labels in (LABELS, ONE_HOT):
    np.testing.assert_allclose(model.loss(labels, logits), losses, rtol=1e-5)
    accuracies = model.accuracy(labels, logits)
    assert accuracies.dtype == tf.int32
    np.testing.assert_array_equal(accuracies, right)


def test_one_hot_labels_give_the_gradients_of_classes(make_model):
  model = make_model()
  classes = gradients(model)
  one_hot = gradients(model, labels=ONE_HOT)
  for name, gradient in classes.items():
    np.testing.assert_allclose(one_hot[name], gradient, atol=1e-7)


def test_soft_labels_by_hand(make_model):
  logits = tf.constant([[0.0, np.log(3)]], tf.float32)
  loss = make_model().loss(tf.constant([[0.25, 0.75]]), logits)
  expected = 0.25 * np.log(4) + 0.75 * np.log(4 / 3)
  np.testing.assert_allclose(loss, [expected], rtol=1e-6)


def test_measure_sums_what_the_model_defines():
  class Backwards(Shared):
    def loss(self, labels, logits):
      return tf.cast(labels, tf.float32) + 0 * logits[:, 0]

    def accuracy(self, labels, logits):
      return tf.ones_like(labels)

  loss, right = Backwards().measure(INPUTS, LABELS)
  assert float(loss) == Y.sum()
  assert int(right) == 32


def test_measure_follows_the_weights(make_model):
  model = make_model()
  before, _ = model.measure(INPUTS, LABELS)
  users_loop(model, make_optimizer('Adam'))
  after, _ = model.measure(INPUTS, LABELS)
  logits = model(INPUTS)
  assert float(after) < float(before)
  expected = float(tf.reduce_sum(model.loss(LABELS, logits)))
  assert float(after) == pytest.approx(expected, rel=1e-5)


def test_measures_in_many_forms_and_has_variables_then(make_model):
  model = make_model()
  loss, right = model.measure(INPUTS, LABELS)
  for labels in (ONE_HOT, tf.cast(LABELS, tf.int64)):
    again = model.measure(INPUTS, labels)
    np.testing.assert_allclose(again, [loss, right], rtol=1e-6)
  assert len(model.trainable_variables) == 4


def test_masks_of_ones_are_no_masks(make_model):
  ones = {'layer0': np.ones((20, 10)), 'layer1': np.ones((10, 10))}
  plain, masked = make_model(), make_model(masks=ones)
  plain(INPUTS)
  masked(INPUTS)
  for name, gradient in gradients(masked).items():
    np.testing.assert_array_equal(gradient, gradients(plain)[name])


def test_a_variable_that_no_layer_made_is_refused():
  class Scaled(model_base.ModelBase):
    def __init__(self):
      super().__init__(seed=1)
      self.scale = tf.Variable(2.0, name='scale')

    def __call__(self, inputs):
      return self.scale * self.dense('logits', inputs, 3)

  with pytest.raises(errors.InputError, match='would not be saved or reset'):
    Scaled().build(tf.zeros([1, 4]))


def test_an_initializer_of_ones_own_keeps_its_arguments():
  class Level(keras.initializers.Initializer):
    def __init__(self, level):
      self.level = level

    def __call__(self, shape, dtype=None):
      return tf.fill(shape, self.level)

  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 10, kernel_initializer=Level(0.5))

  model = Model()
  model(tf.zeros([1, 4]))
  assert np.all(model.get_current_weights()['a'] == 0.5)


def test_loss_and_accuracy_take_arrays_of_any_integers():
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 3)

  model = Model(seed=1)
  logits = model(tf.ones([4, 2]))
  wanted = model.loss(tf.constant([0, 1, 2, 1]), logits).numpy()
  for labels in (
    [0, 1, 2, 1],
    np.array([0, 1, 2, 1], np.uint8),
    np.eye(3)[[0, 1, 2, 1]],
  ):
    np.testing.assert_allclose(model.loss(labels, logits), wanted, rtol=1e-6)
    assert sum(model.accuracy(labels, logits).numpy()) in (1, 2)


def test_what_is_known_before_the_first_call():
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 3)

  mask = np.array([[0, 1, 1], [1, 0, 1]])
  model = Model(masks={'a': mask})
  assert np.array_equal(model.masks['a'], mask)
  with pytest.raises(errors.InputError, match=r'^Model: has no weights before'):
    model.get_current_weights()


@pytest.mark.parametrize('units', [0, -1, 2.0, '3'])
def test_units_are_a_positive_integer(units, refused):
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, units)

  with refused(
    f"layer 'a', units: wanted an integer of at least 1, got {units!r}"
  ):
    Model()(tf.zeros([1, 4]))


def test_an_activation_that_is_none_of_keras(refused):
  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      return self.dense('a', inputs, 3, 'rellu')

  wanted = "layer 'a': wanted a function or a Keras activation, got 'rellu'"
  with refused(wanted):
    Model()(tf.zeros([1, 4]))


def test_a_model_that_forgets_its_base_is_told(refused):
  class Forgetful(model_base.ModelBase):
    def __init__(self, units):
      self.units = units

    def __call__(self, inputs):
      return self.dense('logits', inputs, self.units)

  with refused(
    'Forgetful: wanted super().__init__(presets, masks, seed) in its __init__'
  ):
    Forgetful(3).build(np.zeros([2, 4], np.float32))

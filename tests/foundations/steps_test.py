"""Tests of lottery_ticket.foundations.steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import model_fc
from lottery_ticket.foundations import trainer

LAYERS = [(10, 'relu'), (10, None)]
ADAM = {'learning_rate': 0.01}


def make(seed=1, masks=None, layers=LAYERS, cls=model_fc.ModelFc):
  return cls({'layers': layers}, None, masks, seed)


def train(dataset, model, optimizer_fn=None, iterations=6, **options):
  return trainer.train(
    dataset,
    model,
    optimizer_fn or (lambda: keras.optimizers.Adam(**ADAM)),
    ('iterations', iterations),
    None,
    **options,
  )


def some_masks(seed):
  generator = np.random.default_rng(seed)
  shapes = {'layer0': (20, 10), 'layer1': (10, 10)}
  return {name: generator.random(shape) < 0.5 for name, shape in shapes.items()}


@pytest.fixture
def traced(monkeypatch):
  """The models whose `__call__` was made part of a graph of training steps."""
  models, compute = [], model_fc.ModelFc.loss

  def loss(self, labels, logits):
    if labels.shape[0] is not None:  # A measurement is of any number.
      models.append(self)
    return compute(self, labels, logits)

  monkeypatch.setattr(model_fc.ModelFc, 'loss', loss)
  return models


class Alone(model_fc.ModelFc):
  """Computes the same, but does not say so."""

  def architecture(self):
    return None


@pytest.mark.parametrize(
  'optimizer_fn',
  [
    None,
    lambda: keras.optimizers.SGD(
      keras.optimizers.schedules.CosineDecay(0.1, 4), use_ema=True
    ),
    # Its slots begin as the weights that training starts from.
    lambda: keras.optimizers.ScheduleFreeAdamW(0.01),
  ],
)
def test_a_graph_that_is_used_again_gives_the_same_bytes(
  make_dataset, optimizer_fn
):
  cases = [(1, None), (2, None), (3, some_masks(1)), (4, some_masks(2))]
  for seed, masks in cases:
    shared = train(make_dataset(seed), make(seed, masks), optimizer_fn)
    alone = train(
      make_dataset(seed), make(seed, masks, cls=Alone), optimizer_fn
    )
    np.testing.assert_equal(shared, alone)


@pytest.mark.parametrize(
  'rate', [0.0123, keras.optimizers.schedules.CosineDecay(0.0123, 4)]
)
def test_levels_share_graphs_dense_ones_and_masked_ones(
  make_dataset, traced, rate
):
  for level, masks in enumerate([None, some_masks(1), some_masks(2), None]):
    train(
      make_dataset(), make(level, masks), lambda: keras.optimizers.Adam(rate)
    )
    graphs = len({id(model) for model in traced})
    assert graphs == (1, 2, 2, 2)[level]


@pytest.mark.parametrize(
  'changes',
  [
    {'model': lambda: make(layers=[(10, 'tanh'), (10, None)])},
    {'optimizer_fn': lambda: keras.optimizers.Adam(0.02)},
    {'optimizer_fn': lambda: keras.optimizers.SGD(0.01)},
    {'jit_compile': False},
    {'model': lambda: make(masks={'layer0': some_masks(1)['layer0']})},
  ],
)
def test_what_differs_in_anything_that_matters_has_a_graph_of_its_own(
  changes, make_dataset, traced
):
  train(make_dataset(), make())
  traced.clear()
  model = changes.pop('model', make)()
  train(make_dataset(), model, **changes)
  assert traced and all(each is model for each in traced)


class Child(model_fc.ModelFc):
  """Might compute anything."""


@pytest.mark.parametrize(
  ('cls', 'layers', 'optimizer_fn'),
  [
    (Child, LAYERS, None),
    (model_fc.ModelFc, [(10, keras.activations.relu), (10, None)], None),
    (model_fc.ModelFc, LAYERS, lambda: keras.optimizers.SGD(lambda: 0.1)),
  ],
)
def test_what_is_not_known_to_be_the_same_has_a_graph_a_training(
  make_dataset, traced, cls, layers, optimizer_fn
):
  for seed in range(2):
    traced.clear()
    model = make(seed, cls=cls, layers=layers)
    initial, final = train(make_dataset(), model, optimizer_fn)
    assert traced and all(each is model for each in traced)
    assert not np.array_equal(initial['layer0'], final['layer0'])


def test_models_keep_what_they_have_learned(make_dataset):
  first = make(1)
  _, final = train(make_dataset(), first)
  train(make_dataset(), make(2))
  np.testing.assert_equal(first.get_current_weights(), final)


def test_an_interrupted_training_leaves_nothing_behind(make_dataset):
  _, wanted = train(make_dataset(), make(2))

  def interrupt(iteration, model):
    raise KeyboardInterrupt

  with pytest.raises(KeyboardInterrupt):
    train(make_dataset(), make(1), callbacks=[callbacks.at([3], interrupt)])
  np.testing.assert_equal(train(make_dataset(), make(2))[1], wanted)


def test_a_training_within_a_training_of_a_like_model(make_dataset):
  wanted = train(make_dataset(), make(1)), train(make_dataset(), make(2))
  inner = []

  def train_another(iteration, model):
    inner.append(train(make_dataset(), make(2)))

  outer = train(
    make_dataset(), make(1), callbacks=[callbacks.at([3], train_another)]
  )
  np.testing.assert_equal((outer, inner[0]), wanted)


def test_what_is_left_out_of_weight_decay_matters(make_dataset):
  def decaying():
    return keras.optimizers.AdamW(0.01, weight_decay=0.5)

  def partly():
    optimizer = decaying()
    optimizer.exclude_from_weight_decay(var_names=['layer0'])
    return optimizer

  _, alone = train(make_dataset(), make(1), partly)
  _, plain = train(make_dataset(), make(1), decaying)
  _, after = train(make_dataset(), make(1), partly)
  np.testing.assert_equal(after, alone)
  assert not np.array_equal(alone['layer0'], plain['layer0'])
  _, again = train(make_dataset(), make(1), decaying)
  np.testing.assert_equal(again, plain)


def test_a_loss_of_ones_own_is_trained_with(make_dataset):
  model = make(1)
  model.loss = lambda labels, logits: 0 * tf.reduce_sum(logits, 1)
  initial, final = train(
    make_dataset(), model, lambda: keras.optimizers.SGD(0.1)
  )
  np.testing.assert_equal(final, initial)


def test_a_method_of_one_model_alone_means_a_graph_of_its_own(
  make_dataset, traced
):
  train(make_dataset(), make(1))
  model = make(2)
  model.accuracy = lambda labels, logits: tf.ones_like(labels)
  traced.clear()
  train(make_dataset(), model)
  assert traced and all(each is model for each in traced)


def test_a_model_whose_call_is_a_graph_already_is_trained(make_dataset):
  class Graph(model_base.ModelBase):
    @tf.function
    def __call__(self, inputs):
      return self.dense('layer1', self.dense('layer0', inputs, 10, 'relu'), 10)

  _, final = train(make_dataset(), Graph(seed=1))
  _, wanted = train(make_dataset(), make(1))
  for name, array in final.items():
    np.testing.assert_allclose(array, wanted[name], rtol=1e-5, atol=1e-6)


def test_an_architecture_of_ones_own_shares_graphs(make_dataset):
  calls = []

  class Mine(model_base.ModelBase):
    def __init__(self, units, seed):
      super().__init__(seed=seed)
      self.units = units

    def architecture(self):
      return self.units

    def __call__(self, inputs):
      calls.append(self.seed)
      return self.dense('b', self.dense('a', inputs, self.units, 'relu'), 10)

  first, second, other = Mine(8, 1), Mine(8, 2), Mine(9, 3)
  for model in (first, second, other):
    initial, final = train(make_dataset(), model)
    assert final['a'].shape == (20, model.units)
    assert not np.array_equal(initial['a'], final['a'])
  # The second is called once, to make its variables, and then not traced.
  assert calls.count(2) == 1 < calls.count(1) == calls.count(3)


def test_averaged_weights_are_there_at_the_end_of_training(make_dataset):
  seen = {}

  def look(iteration, model):
    seen[iteration] = model.get_current_weights()['layer0']

  _, final = train(
    make_dataset(),
    make(),
    lambda: keras.optimizers.SGD(0.1, use_ema=True),
    callbacks=[callbacks.at([5, 6], look)],
  )
  np.testing.assert_array_equal(seen[6], final['layer0'])
  # The average lags far behind what the step before has reached.
  start = make()
  start.build(make_dataset().train.inputs[:1])
  far, near = (
    np.abs(seen[k] - start.get_current_weights()['layer0']).sum()
    for k in (5, 6)
  )
  assert near < far / 2

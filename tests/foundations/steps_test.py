"""Tests of lottery_ticket.foundations.steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import model_fc
from lottery_ticket.foundations import steps
from lottery_ticket.foundations import trainer

LAYERS = [(10, 'relu'), (10, None)]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
  monkeypatch.setattr(steps, '_kept', type(steps._kept)())


def adam():
  return keras.optimizers.Adam(0.01)


def make(seed=1, masks=None, layers=LAYERS, cls=model_fc.ModelFc):
  return cls({'layers': layers}, None, masks, seed)


def train(dataset, model, optimizer_fn=adam, iterations=6, **options):
  return trainer.train(
    dataset, model, optimizer_fn, ('iterations', iterations), None, **options
  )


def some_masks(seed):
  generator = np.random.default_rng(seed)
  shapes = {'layer0': (20, 10), 'layer1': (10, 10)}
  return {name: generator.random(shape) < 0.5 for name, shape in shapes.items()}


def test_a_graph_that_is_used_again_gives_the_same_bytes(
  make_dataset, monkeypatch
):
  def all_of(kept):
    monkeypatch.setattr(steps, '_MOST_KEPT', kept)
    cases = [(1, None), (2, None), (3, some_masks(1)), (4, some_masks(2))]
    return [
      train(make_dataset(seed), make(seed, masks)) for seed, masks in cases
    ]

  again, fresh = all_of(4), all_of(0)
  np.testing.assert_equal(again, fresh)
  assert not steps._kept


def test_one_graph_serves_dense_networks_and_one_all_masks(make_dataset):
  for seed in range(3):
    train(make_dataset(), make(seed))
    train(make_dataset(), make(seed, some_masks(seed)))
  assert len(steps._kept) == 2


def test_models_keep_what_they_have_learned(make_dataset):
  first = make(1)
  _, final = train(make_dataset(), first)
  train(make_dataset(), make(2))
  np.testing.assert_equal(first.get_current_weights(), final)


def test_what_differs_in_anything_that_matters_has_a_graph_of_its_own(
  make_dataset,
):
  train(make_dataset(), make())
  others = [
    {'model': make(layers=[(10, 'tanh'), (10, None)])},
    {'optimizer_fn': lambda: keras.optimizers.Adam(0.02)},
    {'jit_compile': False},
  ]
  for kept, changes in enumerate(others, 2):
    train(make_dataset(), **({'model': make()} | changes))
    assert len(steps._kept) == kept
  train(make_dataset(), make(masks={'layer0': some_masks(1)['layer0']}))
  assert len(steps._kept) == steps._MOST_KEPT


class Child(model_fc.ModelFc):
  """Might compute anything."""


@pytest.mark.parametrize(
  ('cls', 'layers', 'optimizer_fn'),
  [
    (Child, LAYERS, adam),
    (model_fc.ModelFc, [(10, keras.activations.relu), (10, None)], adam),
    (model_fc.ModelFc, LAYERS, lambda: keras.optimizers.SGD(lambda: 0.1)),
  ],
)
def test_what_is_not_known_to_be_the_same_is_not_kept(
  make_dataset, cls, layers, optimizer_fn
):
  initial, final = train(
    make_dataset(), make(cls=cls, layers=layers), optimizer_fn
  )
  assert not np.array_equal(initial['layer0'], final['layer0'])
  assert not steps._kept


def test_an_interrupted_training_leaves_nothing_behind(
  make_dataset, monkeypatch
):
  _, wanted = train(make_dataset(), make(2))

  def interrupt(*_):
    raise KeyboardInterrupt

  with monkeypatch.context() as patch:
    patch.setattr(steps.Steps, '__call__', interrupt)
    with pytest.raises(KeyboardInterrupt):
      train(make_dataset(), make(1))
  assert not steps._kept
  np.testing.assert_equal(train(make_dataset(), make(2))[1], wanted)


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

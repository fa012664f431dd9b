"""Tests of augmented examples, and of penalties and rates of papers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import model_fc
from lottery_ticket.foundations import optimizers
from lottery_ticket.foundations import trainer

SIZE, BATCH = 10, 4
BYTES = np.arange(3 * SIZE, dtype=np.uint8).reshape(SIZE, 3)
PAIR = BYTES, np.arange(SIZE) % 3
VALUES = np.linspace(-1, 1, 256, dtype=np.float32)


class Linear(model_base.ModelBase):
  def __call__(self, inputs):
    return self.dense('kernel', inputs, 3, use_bias=False)

  def architecture(self):
    return 'linear'


def shift(inputs, draws):
  return inputs + tf.cast(draws % 97, tf.uint8)[:, tf.newaxis]


def make(seed=1, augment=shift):
  dataset = dataset_base.DatasetBase(
    PAIR, BATCH, PAIR, train_order_seed=seed, byte_values=VALUES
  )
  dataset.train.augment = augment
  return dataset


def train(dataset, model, **options):
  return trainer.train(
    dataset,
    model,
    lambda: keras.optimizers.SGD(0.5),
    ('epochs', 3),
    options.pop('folder', None),
    **options,
  )


def by_hand(dataset, kernel, l2=0.0):
  """Trains with NumPy; bytes are changed before they become values."""
  for epoch in range(3):
    order, draws = dataset.epoch(epoch).T
    for first in range(0, SIZE, BATCH):
      places = slice(first, first + BATCH)
      chosen = order[places]
      inputs = VALUES[BYTES[chosen] + draws[places, None].astype(int) % 97]
      scores = np.exp(inputs @ kernel)
      errors_ = scores / scores.sum(axis=1, keepdims=True)
      errors_ -= np.eye(3)[PAIR[1][chosen]]
      gradient = inputs.T @ errors_ / len(chosen) + l2 * kernel
      kernel = kernel - 0.5 * gradient
  return kernel


@pytest.mark.parametrize('jit_compile', [False, True])
@pytest.mark.parametrize('l2', [0.0, 0.3])
def test_updates_see_what_the_draws_make_of_bytes(jit_compile, l2):
  dataset, model = make(), Linear(seed=1)
  model.l2 = l2
  initial, final = train(dataset, model, jit_compile=jit_compile)
  wanted = by_hand(dataset, initial['kernel'].astype(np.float64), l2)
  np.testing.assert_allclose(final['kernel'], wanted, rtol=1e-4, atol=1e-5)


def test_graphs_are_shared_by_what_is_augmented_and_penalized_alike():
  finals = []
  for augment, l2 in (shift, 0.0), (None, 0.0), (shift, 0.1), (shift, 0.0):
    model = Linear(seed=1)
    model.l2 = l2
    finals.append(train(make(augment=augment), model)[1]['kernel'])
  np.testing.assert_array_equal(finals[0], finals[3])
  for i, j in (0, 1), (0, 2), (1, 2):
    assert np.abs(finals[i] - finals[j]).max() > 1e-3


def test_draws_depend_on_seed_epoch_and_example_alone():
  first, second = make().epoch(1), make().epoch(1)
  np.testing.assert_array_equal(first, second)
  np.testing.assert_array_equal(first[:, 0], make().train_order(1))
  draws = {}
  for seed, epoch in (1, 1), (1, 2), (2, 1):
    order, drawn = make(seed).epoch(epoch).T
    draws[seed, epoch] = tuple(drawn[np.argsort(order)])
  assert len(set(draws.values())) == 3
  assert all(min(drawn) >= 0 for drawn in draws.values())
  assert make(augment=None).epoch(1).shape == (SIZE,)


def test_a_pruned_weight_has_no_penalty_and_stays_0():
  mask = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0]], np.float32)
  model = Linear(masks={'kernel': mask}, seed=1)
  model.l2 = 0.5
  _, final = train(make(), model)
  np.testing.assert_array_equal(final['kernel'] != 0, mask)


def test_a_run_is_another_one_with_a_penalty_or_augmented(tmp_path):
  folder = str(tmp_path / 'run')
  train(make(), Linear(seed=1), folder=folder, save_network=True)
  model = Linear(seed=1)
  model.l2 = 0.1
  with pytest.raises(errors.InputError, match=r'model\.l2: 0\.0 there, 0\.1'):
    train(make(), model, folder=folder, save_network=True)
  with pytest.raises(errors.InputError, match="augment: 'shift' there, None"):
    train(make(augment=None), Linear(seed=1), folder=folder, save_network=True)


def test_a_rate_warms_up_and_then_is_what_it_was():
  drops = {'PiecewiseConstantDecay': {'boundaries': [6], 'values': [0.4, 0.1]}}
  for rate, later in (0.4, 0.4), (drops, 0.1):
    optimizer = optimizers.from_settings('SGD', rate, {}, warmup=4)
    rates = []
    for step in (0, 1, 2, 4, 5, 8):
      optimizer.iterations.assign(step)
      rates.append(float(optimizer.learning_rate))
    wanted = [0, 0.1, 0.2, 0.4, 0.4, later]
    np.testing.assert_allclose(rates, wanted, rtol=1e-6)
    assert optimizers.key(optimizers.from_settings('SGD', rate, {}, 4))
  [schedule] = optimizers.configuration(optimizer)['learning_rate'].items()
  assert schedule == ('Warmup', {'rate': drops, 'iterations': 4})


@pytest.mark.parametrize(
  ('l2', 'augment', 'reason'),
  [
    (0.1, None, 'l2=0.1 of ModelFc'),
    (0.0, shift, 'examples that are augmented'),
  ],
)
def test_the_sparse_execution_knows_neither(l2, augment, reason):
  model = model_fc.ModelFc({'layers': [(3, None)]}, seed=1)
  model.l2 = l2
  wanted = f'sparse does not know {reason}'
  with pytest.raises(errors.InputError, match=wanted):
    train(make(augment=augment), model, execution='sparse')

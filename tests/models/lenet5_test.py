"""Tests of lottery_ticket.models.lenet5."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import keras_mask
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import ticket
from lottery_ticket.foundations import trainer
from lottery_ticket.models import lenet5


def test_tickets_of_convolutions_are_files_controls_and_constraints():
  model = lenet5.LeNet5(seed=1)
  model.build(tf.zeros([1, 28, 28]))
  initial = model.get_current_weights()
  masks = pruner.prune_by_percent(
    dict.fromkeys(model.masks, 0.6), model.masks, initial
  )
  found = ticket.Ticket(masks, masks_lib.apply(masks, initial))
  ticket.save_ticket('ticket.npz', found)
  read = ticket.read_ticket('ticket.npz')
  np.testing.assert_equal(read.masks, found.masks)
  np.testing.assert_equal(read.initial, found.initial)
  deviations = dict.fromkeys(masks, 0.1)
  for control in (
    controls.random(found, seed=1),
    controls.own_sign(found, seed=1),
    controls.noise(found, deviations, 1.0, seed=1),
  ):
    assert np.count_nonzero(control.masks['conv1']) == 960
    changed = lenet5.LeNet5(control.initial, control.masks, seed=2)
    changed.build(tf.zeros([1, 28, 28]))
    kernel = changed.get_current_weights()['conv1']
    assert (kernel != initial['conv1'])[control.masks['conv1'] == 1].any()
  constraint = keras_mask.Mask(masks['conv1'])
  kernel = constraint(tf.ones([5, 5, 6, 16]))
  np.testing.assert_array_equal(kernel, masks['conv1'])


def test_it_is_that_network_in_keras():
  model = lenet5.LeNet5(seed=1)
  images = tf.random.stateless_normal([4, 28, 28], [1, 2])
  logits = model(images)
  reference = keras.Sequential(
    [
      keras.layers.Input([28, 28, 1]),
      keras.layers.Conv2D(6, 5, padding='same', activation='relu'),
      keras.layers.MaxPooling2D(),
      keras.layers.Conv2D(16, 5, activation='relu'),
      keras.layers.MaxPooling2D(),
      keras.layers.Flatten(),
      keras.layers.Dense(120, 'relu'),
      keras.layers.Dense(84, 'relu'),
      keras.layers.Dense(10),
    ]
  )
  reference.set_weights(list(model.get_current_weights().values()))
  wanted = reference(images[..., None])
  np.testing.assert_allclose(logits, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('jit_compile', [False, True])
def test_a_pruned_one_is_trained(jit_compile):
  generator = np.random.default_rng(0)
  images = generator.random([8, 28, 28], np.float32)
  pair = images, generator.integers(0, 10, 8)
  first = lenet5.LeNet5(seed=1)
  first.build(images)
  masks = pruner.prune(
    pruner.magnitude,
    pruner.across_layers,
    dict.fromkeys(first.masks, 0.6),
    first.masks,
    first.get_current_weights(),
  )
  model = lenet5.LeNet5(masks=masks, seed=1)
  initial, final = trainer.train(
    dataset_base.DatasetBase(pair, 4, pair, train_order_seed=1),
    model,
    lambda: keras.optimizers.Adam(0.003),
    ('epochs', 20),
    None,
    jit_compile=jit_compile,
  )
  for name, mask in masks.items():
    assert not final[name][mask == 0].any()
    assert (final[name] != initial[name]).any()
  assert model.architecture() == first.architecture() is not None
  dataset = dataset_base.DatasetBase(pair, 4, pair)
  loss = [trainer.evaluate(m, dataset.test).loss for m in (first, model)]
  assert loss[1] < 0.8 * loss[0]

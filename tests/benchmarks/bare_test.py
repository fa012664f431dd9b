"""Tests of lottery_ticket.benchmarks.bare: which operations there are."""

import pytest
import tensorflow as tf

from lottery_ticket.benchmarks import bare
from lottery_ticket.foundations import model_fc


@pytest.fixture(name='model')
def fixture_model():
  """A network of two layers, which has its variables."""
  model = model_fc.ModelFc({'layers': [(5, 'relu'), (3, None)]}, seed=0)
  model.build(tf.zeros((1, 7)))
  return model


@pytest.mark.parametrize('is_training', [True, False])
def test_finds_the_products_of_all_layers(model, is_training):
  operations = bare.find(model, (4, 7), is_training)
  shapes = [[tuple(i.shape) for i in found.inputs] for found in operations]
  assert [found.type for found in operations] == ['MatMul', 'MatMul']
  assert shapes == [[(4, 7), (7, 5)], [(4, 5), (5, 3)]]


@pytest.mark.parametrize('is_training', [True, False])
def test_operations_are_done_as_often_as_told(model, is_training):
  for times in (1, 3):
    bare.repeated(model, (4, 7), is_training=is_training)(times)

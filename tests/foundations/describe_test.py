"""Tests of lottery_ticket.foundations.describe."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import describe


def half(x):
  """Returns half."""
  return x / 2


def other():
  """Returns another function of that name."""

  def half(x):
    return x / 3

  return half


def same():
  """Returns the same function, written otherwise."""

  def half(x):
    return x / 2  # The half.

  return half


class Power(keras.initializers.Initializer):
  """Has no configuration."""


@pytest.mark.parametrize(
  ('value', 'wanted'),
  [
    ({'a': (1, None, True), 2: 'b'}, {'a': [1, None, True], '2': 'b'}),
    (np.float32(0.5), 0.5),
    (np.arange(3), [0, 1, 2]),
    (tf.nn.relu, 'relu'),
    (
      functools.partial(tf.nn.leaky_relu, alpha=0.1),
      {'partial': 'leaky_relu', 'args': [], 'keywords': {'alpha': 0.1}},
    ),
    (
      keras.initializers.RandomNormal(0, 0.1, seed=1),
      {'RandomNormal': {'mean': 0, 'stddev': 0.1, 'seed': 1}},
    ),
    (Power(), {'Power': {}}),
    (tf.constant_initializer(0.1), {'Constant': {'value': 0.1}}),
  ],
)
def test_values_as_json_holds_them(value, wanted):
  described = describe.plain(value)
  assert json.loads(json.dumps(described)) == described
  assert described == wanted


def test_functions_of_one_name_are_told_apart_by_their_code():
  assert describe.plain(half).keys() == {'half'}
  assert describe.plain(half) != describe.plain(other())
  assert describe.plain(half) == describe.plain(same())
  first, second = lambda x: x, lambda x: -x
  assert describe.plain(first) != describe.plain(second)


def test_without_source_there_is_a_name():
  names = {}
  exec('def mine(x): return x', names)
  assert describe.plain(names['mine']) == 'mine'

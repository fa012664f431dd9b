"""Tests of lottery_ticket.foundations.integers."""

import fractions

import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import integers


@pytest.mark.parametrize(
  'value',
  [3, np.int64(3), np.uint8(3), np.array(3), tf.constant(3, tf.int64)],
)
def test_integers_of_any_type_are_ints(value):
  assert integers.read(value) == 3
  assert type(integers.read(value)) is int


def test_integers_of_any_size_are_themselves():
  for value in (0, -1, 10**400):
    assert integers.read(value) == value


@pytest.mark.parametrize(
  'value',
  [
    *(True, np.True_, np.array(True), tf.constant(True)),
    *(3.0, np.float32(3), np.array(3.0), tf.constant(3.0)),
    *('3', b'3', None, [3], (3,), np.array([3]), np.array([3, 4])),
    fractions.Fraction(3),
  ],
)
def test_anything_else_is_none(value):
  assert integers.read(value) is None

"""Tests of lottery_ticket.foundations.integers."""

import fractions

import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import errors
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


def test_what_is_checked_is_an_int():
  checked = integers.check('level', np.int64(0), least=0)
  assert checked == 0 and type(checked) is int


@pytest.mark.parametrize('value', [0, True, 1.0, '1', None])
def test_what_is_no_number_or_too_small_is_an_error(value):
  with pytest.raises(errors.InputError) as caught:
    integers.check('batch_size', value, least=1)
  assert str(caught.value) == (
    f'batch_size: wanted an integer of at least 1, got {value!r}'
  )

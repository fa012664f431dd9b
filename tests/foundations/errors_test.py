"""Tests of lottery_ticket.foundations.errors."""

import fractions
import math

import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import errors


@pytest.mark.parametrize(
  'value',
  [3, np.int64(3), np.uint8(3), np.array(3), tf.constant(3, tf.int64)],
)
def test_integers_of_any_type_are_ints(value):
  assert errors.read_integer(value) == 3
  assert type(errors.read_integer(value)) is int


def test_integers_of_any_size_are_themselves():
  for value in (0, -1, 10**400):
    assert errors.read_integer(value) == value


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
  assert errors.read_integer(value) is None


def test_what_is_checked_is_an_int():
  checked = errors.check_integer('level', np.int64(0), least=0)
  assert checked == 0 and type(checked) is int


@pytest.mark.parametrize('value', [0, True, 1.0, '1', None])
def test_what_is_no_number_or_too_small_is_an_error(value):
  with pytest.raises(errors.InputError) as caught:
    errors.check_integer('batch_size', value, least=1)
  assert str(caught.value) == (
    f'batch_size: wanted an integer of at least 1, got {value!r}'
  )


@pytest.mark.parametrize(
  'value', [0.5, np.float32(0.5), fractions.Fraction(1, 2)]
)
def test_numbers_of_any_type_are_floats(value):
  assert errors.read_number(value) == 0.5
  assert type(errors.check_number('scale', value)) is float


@pytest.mark.parametrize(
  'value', [True, np.True_, None, '1', [1], math.nan, math.inf, 10**400, 1j]
)
def test_what_is_no_finite_number_is_none(value):
  assert errors.read_number(value) is None


def test_bounds_may_be_open(refused):
  assert errors.check_number('scale', 0) == 0
  with refused('scale: wanted a finite number of at least 0, got -1'):
    errors.check_number('scale', -1)
  with refused('learning_rate: wanted a finite number above 0, got 0'):
    errors.check_number('learning_rate', 0, is_open=True)

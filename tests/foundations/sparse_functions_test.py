"""Tests of activations, against NumPy in float64."""

import math

import numpy as np
import pytest

from lottery_ticket.foundations import execution
from lottery_ticket.foundations import sparse_functions

INPUTS = np.linspace(-30, 30, 6001).astype(np.float32)


def _expected(name):
  x = INPUTS.astype(np.float64)
  sigmoid = 1 / (1 + np.exp(-x))
  below = (1 + np.vectorize(math.erf)(x / 2**0.5)) / 2
  peak = np.exp(-(x**2) / 2) / (2 * np.pi) ** 0.5
  return {
    'linear': (x, np.ones_like(x)),
    'relu': (np.maximum(x, 0), x > 0),
    'tanh': (np.tanh(x), 1 - np.tanh(x) ** 2),
    'sigmoid': (sigmoid, sigmoid * (1 - sigmoid)),
    'elu': (np.where(x > 0, x, np.expm1(x)), np.exp(np.minimum(x, 0))),
    'softplus': (np.logaddexp(x, 0), sigmoid),
    'gelu': (x * below, below + x * peak),
  }[name]


@pytest.mark.parametrize('kind', range(len(execution.ACTIVATIONS)))
def test_activates(kind):
  values, slopes = INPUTS.copy(), np.zeros_like(INPUTS)
  sparse_functions.activate(kind, values, slopes)
  expected = _expected(execution.ACTIVATIONS[kind])
  for got, wanted in zip((values, slopes), expected, strict=True):
    np.testing.assert_allclose(got, wanted, rtol=3e-7, atol=1.5e-6)


@pytest.mark.parametrize('kind', range(len(execution.ACTIVATIONS)))
def test_survives_extreme_inputs(kind):
  values = np.array([-3e38, -1e3, 1e3, 3e38, np.nan], np.float32)
  slopes = np.zeros_like(values)
  sparse_functions.activate(kind, values, slopes)
  assert np.isfinite(values[:4]).all()
  assert np.isfinite(slopes[:4]).all()
  assert np.isnan(values[4])


def test_small_numbers_keep_their_digits():
  tiny = np.array([1e-6, -1e-6, 1e-20], np.float32)
  for name in ('tanh', 'elu'):
    values = tiny.copy()
    kind = execution.ACTIVATIONS.index(name)
    sparse_functions.activate(kind, values, tiny.copy())
    np.testing.assert_allclose(values, tiny, rtol=1e-6)

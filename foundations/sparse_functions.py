"""Activations as loops that LLVM turns into code for whole registers.

The C library's `exp` and `erf` take one number at a time, and cost more than
the products of a sparse layer. These are polynomials without branches, within
a few units in the last place of float32.
"""

from typing import Any

import numba
import numpy as np

# In the order of execution.ACTIVATIONS.
_LINEAR, _RELU, _TANH, _SIGMOID, _ELU, _SOFTPLUS, _GELU = range(7)

_inline = numba.njit(forceinline=True, error_model='numpy')

_F = np.float32
_ZERO, _HALF, _ONE, _TWO = map(_F, (0, 0.5, 1, 2))
_LARGEST = _F(88)  # exp() of it and of its negative are normal numbers.
_LOG2_E = _F(1.44269504)
# ln 2 as a sum: small integers times the first part are exact.
_LN2_HIGH, _LN2_LOW = _F(0.693359375), _F(-2.12194440e-4)
_ROUND = _F(3 << 22)  # Adding and subtracting it rounds to an integer.
_ROOT_HALF, _NORMAL_PEAK = _F(0.70710678), _F(0.39894228)


def _floats(*numbers: float) -> tuple[Any, ...]:
  return tuple(map(_F, numbers))


# Coefficients from the highest power on.
# (exp(r) - 1 - r) / r**2 in r, |r| < 0.35 (Cephes' expf).
_EXP = _floats(
  *(1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3),
  *(4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1),
)
# atanh(s) / s in s**2, |s| < 1/3 (Taylor's).
_ATANH = _floats(*(1 / k for k in range(15, 0, -2)))
# erf(x) / x in x**2, |x| < 4: one polynomial over another (Eigen's).
_ERF_ABOVE = _floats(
  *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06),
  *(-5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03),
  -1.60960333262415e-02,
)
_ERF_BELOW = _floats(
  *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03),
  *(-7.37332916720468e-03, -1.42647390514189e-02),
)


@_inline
def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
  total = coefficients[0]
  for k in range(1, len(coefficients)):
    total = total * x + coefficients[k]
  return total


@_inline
def expm1(x: float) -> float:
  """Returns e**x - 1, for |x| above 88 that of 88 or -88."""
  x = min(max(x, -_LARGEST), _LARGEST)
  # x = n ln 2 + r, so exp(x) = 2**n exp(r).
  n = (x * _LOG2_E + _ROUND) - _ROUND
  r = (x - n * _LN2_HIGH) - n * _LN2_LOW
  # A float32 of value 2**n has n + 127 as its exponent's bits.
  bits = np.int32((np.int32(n) + np.int32(127)) << np.int32(23))
  power = bits.view(np.float32)
  return power * (_polynomial(_EXP, r) * (r * r) + r) + (power - _ONE)


@_inline
def exp(x: float) -> float:
  """Returns e**x, for |x| above 88 that of 88 or -88."""
  return expm1(x) + _ONE


@_inline
def log1p(x: float) -> float:
  """Returns log(1 + x), for x in [0, 1]."""
  s = x / (_TWO + x)
  return _TWO * s * _polynomial(_ATANH, s * s)


@_inline
def erf(x: float) -> float:
  """Returns the error function of x."""
  x = min(max(x, _F(-4)), _F(4))
  square = x * x
  return x * _polynomial(_ERF_ABOVE, square) / _polynomial(_ERF_BELOW, square)


@numba.njit(error_model='numpy')
def activate(kind: int, values: np.ndarray, slopes: np.ndarray) -> None:
  """Applies an activation to values in place; slopes get its derivatives."""
  if kind == _LINEAR:
    slopes[:] = _ONE
  elif kind == _RELU:
    for i in range(len(values)):
      x = values[i]
      values[i] = _ZERO if x < _ZERO else x  # NaN stays.
      slopes[i] = _ONE if x > _ZERO else _ZERO
  elif kind == _TANH:
    for i in range(len(values)):
      y = expm1(_TWO * values[i])
      y = y / (y + _TWO)
      values[i] = y
      slopes[i] = _ONE - y * y
  elif kind == _SIGMOID:
    for i in range(len(values)):
      y = _ONE / (_ONE + exp(-values[i]))
      values[i] = y
      slopes[i] = y * (_ONE - y)
  elif kind == _ELU:
    for i in range(len(values)):
      x = values[i]
      y = expm1(x)
      values[i] = y if x < _ZERO else x
      slopes[i] = y + _ONE if x < _ZERO else _ONE
  elif kind == _SOFTPLUS:
    for i in range(len(values)):
      x = values[i]
      values[i] = max(x, _ZERO) + log1p(exp(-abs(x)))
      slopes[i] = _ONE / (_ONE + exp(-x))
  elif kind == _GELU:
    for i in range(len(values)):
      x = values[i]
      share = _HALF + _HALF * erf(x * _ROOT_HALF)
      values[i] = x * share
      slopes[i] = share + x * _NORMAL_PEAK * exp(-_HALF * x * x)

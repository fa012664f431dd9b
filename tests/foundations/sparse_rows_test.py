"""Tests of operations on rows, against NumPy."""

import numba
import numpy as np
import pytest

from lottery_ticket.foundations import sparse_rows

ROWS = np.random.default_rng(0).normal(size=(9, 64)).astype(np.float32)


@numba.njit
def _combine(rows, x, result):
  first = sparse_rows.load(rows, 1)
  total = sparse_rows.fma(x, first, sparse_rows.splat(np.float32(2)))
  sparse_rows.store(result, 3, total)
  product = sparse_rows.multiply(first, sparse_rows.load(rows, np.uint32(8)))
  sparse_rows.store(result, 4, product)


def test_computes_with_rows():
  result = np.zeros_like(ROWS)
  _combine(ROWS, np.float32(0.1), result)
  exact = np.float32(0.1) * ROWS[1].astype(np.float64) + 2
  np.testing.assert_array_equal(result[3], exact.astype(np.float32))
  np.testing.assert_array_equal(result[4], ROWS[1] * ROWS[8])
  assert not result[[0, 1, 2, 5, 6, 7, 8]].any()


@numba.njit
def _dots(rows):
  return sparse_rows.dots(sparse_rows.load(rows, 0), rows, 1, 5, 5, 2)


def test_multiplies_a_row_with_four():
  products = ROWS[[1, 5, 5, 2]].astype(np.float64) @ ROWS[0]
  np.testing.assert_allclose(_dots(ROWS), products, rtol=1e-5)
  order = np.arange(64 * 9).reshape(9, 64).astype(np.float32)
  assert _dots(order)[1] == order[0] @ order[5]


@numba.njit
def _is_blank(rows):
  return sparse_rows.is_blank(sparse_rows.load(rows, 0))


def test_sees_blank_rows():
  row = np.zeros((1, 64), np.float32)
  assert _is_blank(row)
  row[:] = -0.0
  assert _is_blank(row)
  for value in (1e-45, np.nan):
    row[0, 63] = value
    assert not _is_blank(row)


@numba.njit
def _gather(images, places, divisors, rows):
  sparse_rows.gather_tile(images, places, divisors, 32, 16, rows)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_transposes_images(dtype):
  generator = np.random.default_rng(0)
  images = generator.integers(0, 256, (70, 48)).astype(dtype)
  places = generator.integers(0, 70, 64).astype(np.int32)
  divisors = np.ones(64, np.float32)
  if dtype == np.uint8:
    divisors = generator.uniform(1, 5, 64).astype(np.float32)
  rows = np.zeros((48, 64), np.float32)
  _gather(images, places, divisors, rows)
  wanted = np.zeros_like(rows)
  wanted[16:32, 32:48] = images[places].T[16:32, 32:48] / divisors[32:48]
  np.testing.assert_array_equal(rows, wanted)


def test_rows_begin_where_cache_lines_do():
  rows = sparse_rows.zeros(3, 64)
  assert rows.shape == (3, 64)
  assert rows.dtype == np.float32
  assert rows.ctypes.data % 64 == 0
  assert not rows.any()

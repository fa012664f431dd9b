"""Tests of lottery_ticket.foundations.masks."""

import numpy as np
import pytest

from lottery_ticket.foundations import masks as masks_lib

A = {'x': np.array([1, 1, 0, 0]), 'y': np.array([[1.0, 0.0]])}
B = {'x': np.array([1, 0, 1, 0]), 'y': np.array([[1.0, 1.0]])}
C = {'x': np.array([0, 0, 0, 0]), 'y': np.array([[0.0, 1.0]])}


def check_equal(got, expected):
  assert set(got) == set(expected)
  for name, values in expected.items():
    assert got[name].dtype == np.float32
    np.testing.assert_array_equal(got[name], values)


def test_union():
  expected = {'x': [1, 1, 1, 0], 'y': [[1, 1]]}
  check_equal(masks_lib.union(A, B), expected)
  check_equal(masks_lib.union([A, B]), expected)
  check_equal(masks_lib.union(A, B, C), expected)


def test_intersection():
  expected = {'x': [1, 0, 0, 0], 'y': [[1, 0]]}
  check_equal(masks_lib.intersect(A, B), expected)
  check_equal(masks_lib.intersect([A, B]), expected)
  check_equal(masks_lib.intersect(A, B, C), {'x': [0] * 4, 'y': [[0, 0]]})


@pytest.mark.parametrize('combine', [masks_lib.union, masks_lib.intersect])
def test_combining_changes_no_input(combine):
  a = {'x': np.array([1, 0], np.float32)}
  b = {'x': np.array([0, 1], np.float32)}
  for given in ((a,), (a, b), ([a],), ([a, b],)):
    got = combine(*given)
    assert not np.shares_memory(got['x'], a['x'])
    got['x'][:] = 7
  check_equal(a, {'x': [1, 0]})
  check_equal(b, {'x': [0, 1]})


@pytest.mark.parametrize('combine', [masks_lib.union, masks_lib.intersect])
def test_one_set_of_masks_stays_itself(combine):
  check_equal(combine(A), A)
  check_equal(combine(A, A, A), A)


@pytest.mark.parametrize('combine', [masks_lib.union, masks_lib.intersect])
def test_combining_refuses_what_does_not_fit(combine, refused):
  one = {'x': np.ones(2)}
  with refused('masks: wanted at least one set, got none'):
    combine()
  with refused('masks: wanted at least one set, got none'):
    combine([])
  with refused(
    "masks 1: wanted the layers {'x': (2,)} of masks 0, got {'x': (3,)}"
  ):
    combine(one, {'x': np.ones(3)})
  with refused(
    "masks 2: wanted the layers {'x': (2,)} of masks 0, got {'z': (2,)}"
  ):
    combine([one, one, {'z': np.ones(2)}])
  with refused("masks 1['x']: wanted only 0 and 1, got 2.0"):
    combine(one, {'x': np.full(2, 2)})


@pytest.mark.parametrize('dtype', [bool, np.uint8, np.int64, float, np.float16])
def test_check_takes_any_kind_of_number(dtype):
  mask = np.array([1, 0, 1], dtype)
  check_equal(masks_lib.check({'x': mask}), {'x': [1, 0, 1]})
  check_equal(masks_lib.check({'x': [True, False]}), {'x': [1, 0]})


def test_check_gives_arrays_of_its_own():
  mask = np.ones(2, np.float32)
  masks_lib.check({'x': mask})['x'][:] = 0
  np.testing.assert_array_equal(mask, [1, 1])


@pytest.mark.parametrize(
  ('mask', 'complaint'),
  [
    ([1, 0.5], 'wanted only 0 and 1, got 0.5'),
    ([0, -1], 'wanted only 0 and 1, got -1.0'),
    ([1, np.nan], 'wanted finite float32 numbers, got nan'),
    ([1, np.inf], 'wanted finite float32 numbers, got inf'),
    ([1, 1e300], 'wanted finite float32 numbers, got 1e+300'),
    (['1', '0'], 'wanted an array of numbers, got dtype <U1'),
    ([1, None], 'wanted an array of numbers, got dtype object'),
    ([1j], 'wanted an array of numbers, got dtype complex128'),
  ],
)
def test_check_refuses_other_values(mask, complaint, refused):
  with refused(f"masks['x']: {complaint}"):
    masks_lib.check({'x': np.array(mask)})
  with refused(f"mine['x']: {complaint}"):
    masks_lib.check({'x': np.array(mask)}, 'mine')


def test_check_refuses_what_is_no_dictionary(refused):
  with refused('masks: wanted a dictionary {name: array}, got list'):
    masks_lib.check([np.ones(2)])


def test_apply_gives_exact_zeros():
  network = {
    'x': np.array([-1.5, np.inf, -np.inf, np.nan], np.float32),
    'x_bias': np.array([3.0]),
  }
  got = masks_lib.apply({'x': np.array([1, 0, 0, 0])}, network)
  assert got['x'].tobytes() == np.array([-1.5, 0, 0, 0], np.float32).tobytes()
  assert got['x'].dtype == np.float32
  np.testing.assert_array_equal(got['x_bias'], [3.0])
  assert np.isnan(network['x'][3])
  assert not np.shares_memory(got['x_bias'], network['x_bias'])


def test_density_counts_weights_not_layers():
  assert masks_lib.density(A) == 3 / 6
  assert masks_lib.density(C) == 1 / 6
  assert masks_lib.density({'x': np.zeros(3)}) == 0
  assert masks_lib.density({'x': np.ones((3, 4))}) == 1


def test_density_of_nothing_is_refused(refused):
  with refused('masks: wanted at least one layer, got none'):
    masks_lib.density({})
  with refused('masks: wanted at least one weight, got none'):
    masks_lib.density({'x': np.zeros((0, 3))})


def test_apply_refuses_another_shape(refused):
  with refused("masks['x']: wanted the shape (2, 1), got (2,)"):
    masks_lib.apply({'x': np.ones(2)}, {'x': np.ones((2, 1))})


def test_check_refuses_what_makes_no_array(refused):
  with refused("masks['x']: wanted an array of numbers"):
    masks_lib.check({'x': [[1], [1, 0]]})

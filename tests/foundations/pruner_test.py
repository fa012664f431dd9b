"""Tests of lottery_ticket.foundations.pruner."""

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import pruner

LENET = {'layer0': (784, 300), 'layer1': (300, 100), 'layer2': (100, 10)}
PAPER_PERCENTS = {'layer0': 0.2, 'layer1': 0.2, 'layer2': 0.1}
PAPER_LADDER = {
  0: 100.00,
  1: 80.04,
  2: 64.06,
  3: 51.28,
  4: 41.05,
  5: 32.87,
  6: 26.32,
  7: 21.07,
  8: 16.88,
  9: 13.52,
  10: 10.83,
  12: 6.95,
  15: 3.58,
  16: 2.87,
  18: 1.85,
  20: 1.19,
  24: 0.50,
  30: 0.14,
}


def prune(percent, weights, mask=None):
  """Prunes one layer."""
  weights = np.asarray(weights, np.float32)
  mask = np.ones(weights.shape) if mask is None else np.asarray(mask)
  return pruner.prune_by_percent({'a': percent}, {'a': mask}, {'a': weights})[
    'a'
  ]


def prune_lenet(rounds):
  """Returns the masks of each level and the weights that decided."""
  generator = np.random.default_rng(0)
  masks = {name: np.ones(shape) for name, shape in LENET.items()}
  levels, weights = [masks], []
  for _ in range(rounds):
    weights.append({k: generator.normal(size=v) for k, v in LENET.items()})
    masks = pruner.prune_by_percent(PAPER_PERCENTS, masks, weights[-1])
    levels.append(masks)
  return levels, weights


@pytest.fixture(scope='module')
def lenet():
  return prune_lenet(30)


def test_ladder_is_the_papers(lenet):
  levels, _ = lenet
  ladder = {
    level: round(100 * masks_lib.density(levels[level]), 2)
    for level in PAPER_LADDER
  }
  assert ladder == PAPER_LADDER
  counts = [np.count_nonzero(mask) for mask in levels[30].values()]
  assert counts == [291, 37, 42]


def test_masks_are_nested_and_the_smallest_survivors_go(lenet):
  levels, weights = lenet
  for old, new, final in zip(levels, levels[1:], weights, strict=False):
    for name in LENET:
      assert np.all(new[name] <= old[name])
      gone = np.abs(final[name][(old[name] == 1) & (new[name] == 0)])
      kept = np.abs(final[name][new[name] == 1])
      assert gone.max() <= kept.min()


@pytest.mark.parametrize(
  ('size', 'percent', 'removed'),
  [
    (5, 0.5, 2),  # 2.5, half to even
    (7, 0.5, 4),  # 3.5, half to even
    (15, 0.1, 2),  # 1.5
    (25, 0.1, 2),  # 2.5
    (8, 0.2, 2),  # 1.6
    (7, 0.2, 1),  # 1.4
    (2, 0.2, 0),  # 0.4
    (1, 0.5, 0),
    (6, 0.0, 0),
    (6, 0, 0),
    (6, 1, 6),
    (6, 1.0, 6),
    (100, np.float32(0.2), 20),
  ],
)
def test_removes_exactly_the_rounded_share(size, percent, removed):
  weights = np.arange(1, size + 1)
  expected = np.r_[np.zeros(removed), np.ones(size - removed)]
  np.testing.assert_array_equal(prune(percent, weights), expected)


def test_counts_survivors_only():
  mask = [0, 1, 1, 1, 1, 0]
  weights = [0, 5, 1, 4, 2, 0]
  np.testing.assert_array_equal(prune(0.5, weights, mask), [0, 1, 0, 1, 0, 0])


def test_what_a_pruned_weight_holds_does_not_matter():
  mask = [0, 1, 1, 0]
  for stale in (0, 0.1, 1e30, np.inf):
    got = prune(0.5, [stale, 2, 1, -stale], mask)
    np.testing.assert_array_equal(got, [0, 1, 0, 0])


def test_sign_does_not_matter():
  np.testing.assert_array_equal(prune(0.5, [-3, 1, -2, 4]), [1, 0, 0, 1])
  np.testing.assert_array_equal(prune(0.5, [3, -1, 2, -4]), [1, 0, 0, 1])


def test_ties_go_by_position_row_by_row():
  got = prune(0.5, [[1, -1, 2], [-1, 1, -1]])
  np.testing.assert_array_equal(got, [[0, 0, 1], [0, 1, 1]])


@pytest.mark.parametrize('value', [0, 1, -2.5, np.inf])
@pytest.mark.parametrize('removed', range(7))
def test_all_ties_lose_no_more_than_their_share(value, removed):
  got = prune(removed / 6, np.full((2, 3), value))
  np.testing.assert_array_equal(
    got.ravel(), [0] * removed + [1] * (6 - removed)
  )


def test_many_ties_go_by_position():
  weights = np.random.default_rng(0).integers(-2, 3, 5_000)  # 0, 1 or 2.
  got = prune(0.5, weights)
  one = np.flatnonzero(np.abs(weights) == 1)
  left = 2_500 - np.count_nonzero(weights == 0)
  expected = (weights != 0).astype(np.float32)
  expected[one[:left]] = 0
  assert 0 < left < one.size
  np.testing.assert_array_equal(got, expected)


def test_order_in_memory_does_not_matter():
  weights = np.random.default_rng(0).normal(size=(7, 5))
  mask = np.random.default_rng(1).random((7, 5)) < 0.7
  expected = prune(0.4, weights, mask)
  got = prune(0.4, np.asfortranarray(weights), np.asfortranarray(mask))
  np.testing.assert_array_equal(got, expected)


def test_infinite_weights_stay_longest():
  np.testing.assert_array_equal(
    prune(0.5, [-np.inf, 1, 2, np.inf]), [1, 0, 0, 1]
  )


def test_a_layer_without_survivors_stays_empty():
  np.testing.assert_array_equal(prune(0.5, [1, 2], [0, 0]), [0, 0])


def test_layers_without_percent_keep_their_mask():
  masks = {'a': np.ones(4), 'b': np.array([1, 0])}
  weights = {'a': np.arange(4.0), 'c': np.full(2, np.nan)}
  for percents in ({'a': 0.5}, {}):
    got = pruner.prune_by_percent(percents, masks, weights)
    np.testing.assert_array_equal(got['b'], [1, 0])
    assert np.count_nonzero(got['a']) == 4 - 2 * len(percents)


def test_gives_new_arrays_and_changes_no_input():
  masks = {'a': np.ones(4, np.float32), 'b': np.ones(2, np.float32)}
  weights = {'a': np.arange(4, dtype=np.float32)}
  percents = {'a': 0.5}
  for array in (*masks.values(), *weights.values()):
    array.flags.writeable = False
  got = pruner.prune_by_percent(percents, masks, weights)
  assert percents == {'a': 0.5}
  for name, mask in got.items():
    assert mask.dtype == np.float32
    assert not np.shares_memory(mask, masks[name])
    mask[:] = 0  # It is the caller's own.


@pytest.mark.parametrize(
  'percent', [-0.1, 1.1, 20, np.nan, np.inf, True, np.True_, '0.2', None, [0.2]]
)
def test_refuses_what_is_no_fraction(percent, refused):
  with refused(f"percents['a']: wanted a fraction in [0, 1], got {percent!r}"):
    prune(percent, [1, 2])


def test_refuses_percents_that_name_no_layers(refused):
  with refused('percents: wanted {layer name: fraction}, got 0.2'):
    pruner.prune_by_percent(0.2, {'a': np.ones(2)}, {'a': np.ones(2)})


def test_refuses_an_unknown_layer(refused):
  masks = {'b': np.ones(2), 'a': np.ones(2)}
  with refused("percents['layer9']: no such layer; masks are of ['a', 'b']"):
    pruner.prune_by_percent({'layer9': 0.2}, masks, masks)


def test_refuses_a_layer_without_final_weights(refused):
  with refused("final_weights: wanted 'a', got ['b']"):
    pruner.prune_by_percent({'a': 0.2}, {'a': np.ones(2)}, {'b': np.ones(2)})


def test_refuses_weights_of_another_shape(refused):
  with refused("final_weights['a']: wanted shape (2,), got (2, 1)"):
    pruner.prune_by_percent(
      {'a': 0.2}, {'a': np.ones(2)}, {'a': np.ones((2, 1))}
    )


@pytest.mark.parametrize('percent', [0, 0.5])
def test_refuses_final_weights_that_are_nan(percent, refused):
  with refused("final_weights['a']: NaN: the training diverged"):
    prune(percent, [1, np.nan])


def test_refuses_masks_that_are_none():
  with pytest.raises(errors.InputError, match=r'wanted only 0 and 1, got 0\.5'):
    prune(0.5, [1, 2], [1, 0.5])

"""Tests of lottery_ticket.foundations.pruner."""

import functools
import inspect

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


def test_a_fraction_may_be_of_any_type():
  weights = [4, 1, 3, 2]
  for half in (0.5, np.float16(0.5), np.array(0.5), np.array(0.5, np.float32)):
    np.testing.assert_array_equal(prune(half, weights), [1, 0, 1, 0])
  for one in (1, np.int64(1), np.array(1)):
    assert not prune(one, weights).any()


@pytest.mark.parametrize(
  'percent',
  [
    *(-0.1, 1.1, 20, 10**400, np.nan, np.inf, True, np.True_, '0.2', None),
    *([0.2], np.array([0.2]), np.array(True), np.array(2.0), np.complex64(0.2)),
  ],
)
def test_refuses_what_is_no_fraction(percent, refused):
  with refused(f"percents['a']: wanted a fraction in [0, 1], got {percent!r}"):
    prune(percent, [1, 2])


def test_a_pattern_stands_for_layers_and_the_longest_counts():
  masks = {name: np.ones(10) for name in ('conv0', 'conv1', 'dense0', 'output')}
  weights = {name: np.arange(10) for name in masks}
  for percents in (
    {'conv*': 0.1, 'conv1': 0.5, '*t': 0.3},
    {'*t': 0.3, 'conv1': 0.5, 'conv*': 0.1},
  ):
    pruned = pruner.prune_by_percent(percents, masks, weights)
    left = [int(mask.sum()) for mask in pruned.values()]
    assert left == [9, 5, 10, 7]


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


def test_refuses_weights_that_are_no_numbers(refused):
  with refused("final_weights['a']: wanted numbers, got dtype <U1"):
    pruner.prune_by_percent({'a': 0.2}, {'a': np.ones(1)}, {'a': ['x']})


def test_refuses_masks_that_are_none():
  with pytest.raises(errors.InputError, match=r'wanted only 0 and 1, got 0\.5'):
    prune(0.5, [1, 2], [1, 0.5])


NAMES = [
  'magnitude',
  'global_magnitude',
  'random',
  'large_final',
  'small_final',
  'large_init',
  'small_init',
  'large_init_large_final',
  'small_init_small_final',
  'magnitude_increase',
  'movement',
  'large_final_same_sign',
  'large_final_diff_sign',
]
SHAPES = {'layer0': (9, 7), 'layer1': (7, 5), 'layer2': (5, 3)}
PERCENTS = {'layer0': 0.3, 'layer2': 0.1}


def draw(seed):
  """Returns initial and final weights, of coarse values so that many tie."""
  generator = np.random.default_rng(seed)
  return [
    {
      name: generator.integers(-9, 10, shape) / 4
      for name, shape in SHAPES.items()
    }
    for _ in range(2)
  ]


def survivors(masks):
  return {name: np.count_nonzero(mask) for name, mask in masks.items()}


def prune_one(name, initial, final, percent=0.5, mask=None, seed=None):
  """Prunes one layer by name."""
  mask = np.ones(len(final)) if mask is None else np.array(mask)
  masks = pruner.get(name)(
    {'a': percent},
    {'a': mask},
    {'a': np.array(final, np.float32)},
    initial_weights={'a': np.array(initial, np.float32)},
    seed=seed,
  )
  return masks['a'].tolist()


def test_all_ways_have_a_name_and_one_shape():
  assert sorted(pruner.PRUNERS) == sorted(NAMES)
  for name in NAMES:
    parameters = inspect.signature(pruner.get(name)).parameters.values()
    assert [(p.name, p.kind.name, p.default) for p in parameters] == [
      ('percents', 'POSITIONAL_OR_KEYWORD', inspect.Parameter.empty),
      ('masks', 'POSITIONAL_OR_KEYWORD', inspect.Parameter.empty),
      ('final_weights', 'POSITIONAL_OR_KEYWORD', inspect.Parameter.empty),
      ('initial_weights', 'KEYWORD_ONLY', None),
      ('seed', 'KEYWORD_ONLY', None),
    ]


@pytest.mark.parametrize('name', NAMES)
def test_every_way_prunes_as_many_inside_the_old_masks(name):
  masks = {key: np.ones(shape, np.float32) for key, shape in SHAPES.items()}
  for level in range(6):
    initial, final = draw(level)
    before = survivors(masks)
    for array in (*masks.values(), *initial.values(), *final.values()):
      array.flags.writeable = False
    new = pruner.get(name)(
      PERCENTS, masks, final, initial_weights=initial, seed=level
    )
    removed = {key: before[key] - n for key, n in survivors(new).items()}
    wanted = {key: round(p * before[key]) for key, p in PERCENTS.items()}
    if name == 'global_magnitude':
      exact = sum(p * before[key] for key, p in PERCENTS.items())
      assert sum(removed.values()) == round(exact)
    else:
      assert removed == {**wanted, 'layer1': 0}
    assert removed['layer1'] == 0
    assert list(new) == list(masks)
    for key, mask in new.items():
      assert mask.dtype == np.float32 and set(np.unique(mask)) <= {0, 1}
      assert np.all(mask <= masks[key])
      assert not np.shares_memory(mask, masks[key])
    masks = new


@pytest.mark.parametrize('name', NAMES)
def test_every_way_leaves_all_or_none_at_the_ends(name):
  for percent, left in ((0, [1, 0, 1]), (1, [0, 0, 0])):
    got = prune_one(name, [1, 2, 3], [-1, 2, 4], percent, [1, 0, 1], seed=0)
    assert got == left


SCORES = {
  'magnitude': lambda i, f: abs(f),
  'large_final': lambda i, f: abs(f),
  'small_final': lambda i, f: -abs(f),
  'large_init': lambda i, f: abs(i),
  'small_init': lambda i, f: -abs(i),
  'magnitude_increase': lambda i, f: abs(f) - abs(i),
  'movement': lambda i, f: abs(f - i),
}
BY_SIGN = {
  'large_final_same_sign': lambda i, f: i * f / np.abs(i),
  'large_final_diff_sign': lambda i, f: -i * f / np.abs(i),
}


@pytest.mark.parametrize('percent', [0.2, 0.5, 0.9])
@pytest.mark.parametrize('name', SCORES)
def test_the_formula_decides(name, percent):
  initial, final = np.random.default_rng(1).normal(size=(2, 40))
  initial, final = initial.astype(np.float32), final.astype(np.float32)
  mask = np.random.default_rng(2).random(40) < 0.8
  alive = np.flatnonzero(mask)
  scores = [SCORES[name](float(initial[j]), float(final[j])) for j in alive]
  order = sorted(range(len(alive)), key=lambda j: (scores[j], j))
  wanted = mask.astype(int)
  wanted[alive[order[: round(percent * len(alive))]]] = 0
  got = prune_one(name, initial, final, percent, mask)
  assert got == wanted.tolist()


@pytest.mark.parametrize(
  ('name', 'initial', 'final', 'wanted'),
  [
    ('magnitude', [9, 9, 9, 9], [3, -1, 2, -4], [1, 0, 0, 1]),
    ('small_final', [9, 9, 9, 9], [3, -1, 2, -4], [0, 1, 1, 0]),
    ('large_init', [3, -1, 2, -4], [9, 9, 9, 9], [1, 0, 0, 1]),
    ('small_init', [3, -1, 2, -4], [9, 9, 9, 9], [0, 1, 1, 0]),
    ('magnitude_increase', [1, -5, 5, 1], [2, -5, -4, -3], [1, 0, 0, 1]),
    ('movement', [1, -5, 5, 1], [2, -5, -4, -3], [0, 0, 1, 1]),
    # Ranks 0 1 2 3 and 3 0 1 2; 0 1 2 3 and 1 3 0 2.
    ('large_init_large_final', [1, 2, 3, 4], [90, -60, 70, -80], [0, 0, 1, 1]),
    ('large_init_large_final', [1, 2, 3, 4], [10, 40, 5, 30], [0, 1, 0, 1]),
    ('small_init_small_final', [1, 2, 3, 4], [90, -60, 70, -80], [0, 1, 1, 0]),
  ],
)
def test_the_criteria_by_hand(name, initial, final, wanted):
  assert prune_one(name, initial, final) == wanted


@pytest.mark.parametrize('percent', [0.2, 0.4, 0.6, 0.9])
@pytest.mark.parametrize('name', BY_SIGN)
def test_of_the_wrong_sign_any_go_first_then_the_smallest(name, percent):
  initial, final = np.random.default_rng(1).normal(size=(2, 20_000))
  scores = BY_SIGN[name](initial, final)
  kept = np.array(prune_one(name, initial, final, percent, seed=3)) == 1
  wrong, count = scores <= 0, round(percent * scores.size)
  if count >= wrong.sum():
    assert not kept[wrong].any()
    assert scores[kept].min() >= np.sort(scores)[count]
  else:
    assert kept[~wrong].all()
    first, second = np.split(kept & wrong, 2)  # As many of each half.
    assert first.sum() / second.sum() == pytest.approx(1, abs=0.1)
    other = np.array(prune_one(name, initial, final, percent, seed=4)) == 1
    assert (other != kept).any()


@pytest.mark.parametrize('name', BY_SIGN)
def test_criteria_by_sign_want_a_seed(name, refused):
  with refused('seed: wanted an integer in [0, 2**63), got None'):
    prune_one(name, [1, -1], [1, 1])


@pytest.mark.parametrize('percentile', [100, 200, 300])
def test_large_and_large_is_beyond_one_percentile_of_both(percentile):
  initial, final = np.abs(np.random.default_rng(3).normal(size=(2, 400)))
  beyond = initial >= np.sort(initial)[percentile]
  beyond &= final >= np.sort(final)[percentile]
  removed = 1 - np.count_nonzero(beyond) / 400
  got = prune_one('large_init_large_final', initial, 50 * final, removed)
  assert got == beyond.tolist()


@pytest.mark.parametrize(
  'name', ['large_init_large_final', 'small_init_small_final']
)
def test_scales_of_initial_and_final_weights_do_not_matter(name):
  initial, final = np.random.default_rng(4).normal(size=(2, 60))
  got = prune_one(name, initial, final)
  assert got == prune_one(name, 16 * initial, final)
  assert got == prune_one(name, initial, -final / 1024)
  assert got != prune_one('large_final', initial, final)


@pytest.mark.parametrize(
  'name', sorted({*NAMES} - {'random', 'large_final_diff_sign'})
)
def test_ties_go_by_position_whatever_the_criterion(name):
  mask = [1, 0, 1, 1, 1, 1]
  got = prune_one(name, [2] * 6, [3] * 6, 1 / 3, mask, seed=0)
  assert got == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize('name', NAMES)
def test_what_pruned_weights_hold_never_matters(name):
  initial, final = np.random.default_rng(5).normal(size=(2, 20))
  mask = np.arange(20) % 3 > 0
  wanted = prune_one(name, initial, final, 0.5, mask, seed=1)
  other = np.where(mask, initial, 1e6), np.where(mask, final, -1e-6)
  assert prune_one(name, *other, 0.5, mask, seed=1) == wanted


def test_global_magnitude_compares_all_layers():
  masks = {'b': np.ones(3), 'a': np.ones(4), 'c': np.ones(2)}
  weights = {
    'a': np.array([1, -2, 3, 40]),
    'b': np.array([[5, 6, -7]]).ravel(),
    'c': np.array([0.1, 0.1]),
  }
  got = pruner.get('global_magnitude')({'a': 0.5, 'b': 0.4}, masks, weights)
  assert {name: mask.tolist() for name, mask in got.items()} == {
    'b': [1, 1, 1],
    'a': [0, 0, 0, 1],
    'c': [1, 1],
  }


def test_global_magnitude_removes_the_sum_of_the_rounded_shares(lenet):
  _, weights = lenet
  masks = {name: np.ones(shape) for name, shape in LENET.items()}
  got = pruner.get('global_magnitude')(PAPER_PERCENTS, masks, weights[0])
  assert sum(survivors(got).values()) == 266_200 - 47_040 - 6_000 - 100
  flat = {name: np.abs(weights[0][name]) for name in LENET}
  kept = min(flat[name][got[name] == 1].min() for name in LENET)
  gone = max(flat[name][got[name] == 0].max() for name in LENET)
  assert gone <= kept


def test_global_ties_go_by_the_layers_names_and_position():
  masks = {'b': np.ones(3), 'a': np.ones(3)}
  got = pruner.get('global_magnitude')({'b': 2 / 3, 'a': 2 / 3}, masks, masks)
  assert got['a'].tolist() == [0, 0, 0] and got['b'].tolist() == [0, 1, 1]
  assert pruner.get('global_magnitude')({}, masks, {})['a'].tolist() == [1] * 3


def test_random_depends_on_the_seed_and_the_layers_name_alone():
  random = functools.partial(pruner.get('random'), seed=3)
  masks = {'a': np.ones(400), 'b': np.ones(400)}
  ramp = {'a': np.arange(400), 'b': np.arange(400)}
  both = random({'a': 0.5, 'b': 0.5}, masks, ramp)
  assert np.any(both['a'] != both['b'])
  for name in 'ab':
    alone = random({name: 0.5}, {name: masks[name]}, {name: np.ones(400)})
    np.testing.assert_array_equal(alone[name], both[name])
    # Four standard deviations of the number of survivors in the first half.
    assert abs(both[name][:200].sum() - 100) < 4 * 5
  other = random({'a': 0.5, 'b': 0.5}, masks, ramp, seed=4)
  assert np.any(other['a'] != both['a'])


def test_a_criterion_of_ones_own_sees_the_survivors():
  seen = []

  def score(layer):
    seen.append(layer)
    return layer.initial - layer.final

  masks = {'a': np.array([[1, 0], [1, 1]])}
  weights = {'a': np.array([[1, 9], [5, 3]], np.float32)}
  initial = {'a': np.array([[0, 9], [9, 0]], np.float32)}
  got = pruner.prune(
    score, pruner.per_layer, {'a': 0.4}, masks, weights, initial_weights=initial
  )
  assert got['a'].tolist() == [[1, 0], [1, 0]]
  (layer,) = seen
  assert layer.name == 'a'
  assert layer.final.tolist() == [1, 5, 3] and layer.final.dtype == np.float64
  assert layer.initial.tolist() == [0, 9, 0]


WANT_INITIAL = [n for n in NAMES if 'init' in n or 'sign' in n or n[0] == 'm']
WANT_INITIAL.remove('magnitude')


@pytest.mark.parametrize('name', WANT_INITIAL)
def test_refuses_to_do_without_initial_weights(name, refused):
  with refused("initial_weights: wanted 'a', got None"):
    pruner.get(name)({'a': 0.5}, {'a': np.ones(2)}, {'a': np.ones(2)}, seed=1)


def test_refuses_to_draw_without_a_seed(refused):
  with refused('seed: wanted an integer in [0, 2**63), got None'):
    pruner.get('random')({'a': 0.5}, {'a': np.ones(2)}, {'a': np.ones(2)})


@pytest.mark.parametrize(
  ('initial', 'message'),
  [
    ({'b': np.ones(2)}, "initial_weights: wanted 'a', got ['b']"),
    (
      {'a': np.ones(3)},
      "initial_weights['a']: wanted shape (2,), got (3,)",
    ),
    (
      {'a': np.array([1, np.nan])},
      "initial_weights['a']: NaN: the training diverged",
    ),
  ],
)
def test_refuses_initial_weights_of_no_use(initial, message, refused):
  with refused(message):
    pruner.get('movement')(
      {'a': 0.5}, {'a': np.ones(2)}, {'a': np.ones(2)}, initial_weights=initial
    )


@pytest.mark.parametrize(
  ('score', 'message'),
  [
    (lambda layer: 1.0, "scores['a']: wanted shape (2,), got ()"),
    (
      lambda layer: layer.final.astype(str),
      "scores['a']: wanted numbers, got dtype <U32",
    ),
    (lambda layer: layer.final * np.nan, "scores['a']: NaN: undefined"),
  ],
)
def test_refuses_scores_that_give_no_order(score, message, refused):
  with refused(message):
    pruner.prune(
      score, pruner.per_layer, {'a': 1}, {'a': np.ones(2)}, {'a': np.ones(2)}
    )


@pytest.mark.parametrize('name', ['magnitud', '', None, 3, ['random']])
def test_refuses_a_way_that_there_is_not(name, refused):
  with refused(f'pruner: wanted one of {sorted(NAMES)}, got {name!r}'):
    pruner.get(name)


def test_the_end_of_pruning_is_told_once(caplog):
  masks = {'whole': np.ones(3), 'small': np.ones(4), 'left out': np.ones(4)}
  weights = {name: np.ones(mask.size) for name, mask in masks.items()}
  percents = {'whole': 1.0, 'small': 0.1}
  for _ in range(3):
    masks = pruner.prune_by_percent(percents, masks, weights)
    pruner.prune_by_percent({}, masks, weights)
    pruner.prune_by_percent({'small': 0}, masks, weights)
  assert caplog.messages == [
    'small: 10% of its last 4 weights rounds to none: its mask no longer'
    ' changes',
    'whole: pruned whole: none of its weights is left',
    'whole, small, left out: not pruned: no percent is above 0',
  ]


def test_a_layer_that_pruning_across_layers_passes_over_is_not_at_its_end(
  caplog,
):
  masks = {'large': np.ones(10), 'low': np.ones(10)}
  weights = {'large': np.full(10, 9.0), 'low': np.full(10, 1.0)}
  pruner.get('global_magnitude')({'large': 0.2, 'low': 0.2}, masks, weights)
  assert not caplog.messages

"""Tests of lottery_ticket.foundations.controls."""

import numpy as np

from lottery_ticket.foundations import controls

MASKS = {'a': np.array([[1, 0], [1, 1]]), 'b': np.array([0, 0])}
WEIGHTS = {
  'a': np.array([[1.0, 2.0], [-3.0, 4.0]], np.float32),
  'a_bias': np.array([9.0], np.float32),
  'b': np.array([5.0, 6.0], np.float32),
}


def test_surviving_weights_are_those_that_the_masks_keep():
  got = controls.surviving_weights(MASKS, WEIGHTS)
  assert set(got) == {'a', 'b'}
  np.testing.assert_array_equal(got['a'], [1, -3, 4])
  assert got['b'].shape == (0,)


def test_surviving_weights_must_be_there(refused):
  with refused("weights: wanted 'b' of shape [2], got {'a': [2, 2]}"):
    controls.surviving_weights(MASKS, {'a': WEIGHTS['a']})
  with refused("weights: wanted 'b' of shape [2], got {'b': [3]}"):
    controls.surviving_weights({'b': np.ones(2)}, {'b': np.ones(3)})


def test_samples_come_from_the_distribution_and_pruned_weights_are_0():
  values = np.array([[-1.0, 0.5], [2.0, 8.0]])
  mask = np.random.default_rng(0).random((100, 40)) < 0.5
  got = controls.sample_weights({'a': values}, {'a': mask}, seed=1)['a']
  assert got.dtype == np.float32
  assert not got[~mask].any()
  drawn, counts = np.unique(got[mask], return_counts=True)
  np.testing.assert_array_equal(drawn, [-1, 0.5, 2, 8])
  # About 500 of each: five standard deviations are 97.
  np.testing.assert_allclose(counts, mask.sum() / 4, atol=100)


def test_samples_depend_on_the_seed_and_the_layers_name_alone():
  values, mask = np.arange(1, 1000.0), np.ones((8, 8))

  def sample(seed, *names):
    layers = dict.fromkeys(names, mask)
    return controls.sample_weights(dict.fromkeys(names, values), layers, seed)

  first = sample(1, 'a', 'b')
  np.testing.assert_array_equal(first['b'], sample(1, 'c', 'b')['b'])
  assert (first['a'] != first['b']).any()
  assert (first['a'] != sample(2, 'a')['a']).any()


def test_a_layer_without_survivors_needs_no_values():
  got = controls.sample_weights({'b': np.array([])}, {'b': np.zeros(2)}, 1)
  np.testing.assert_array_equal(got['b'], [0, 0])


def test_samples_refuse_other_distributions(refused):
  masks = {'a': np.ones(2)}
  with refused(
    "initialization_distribution: wanted the layers ['a'] of the masks,"
    " got ['a', 'b']"
  ):
    controls.sample_weights({'a': np.ones(1), 'b': np.ones(1)}, masks, 1)
  with refused("initialization_distribution['a']: wanted values, got none"):
    controls.sample_weights({'a': np.array([])}, masks, 1)
  with refused(
    "initialization_distribution['a']: wanted finite float32 numbers, got nan"
  ):
    controls.sample_weights({'a': np.array([np.nan])}, masks, 1)


def test_keep_signs_keeps_magnitudes():
  weights = {'a': np.array([1.0, -2.0, 3.0, -4.0], np.float32)}
  initial = {'a': np.array([-9.0, -8.0, 7.0, 6.0]), 'other': np.ones(1)}
  got = controls.keep_signs(weights, initial)
  assert set(got) == {'a'}
  np.testing.assert_array_equal(got['a'], [-1, -2, 3, 4])
  np.testing.assert_array_equal(weights['a'], [1, -2, 3, -4])


def test_keep_signs_needs_the_initial_weights(refused):
  with refused("weights: wanted 'b' of shape [2], got {'a': [2, 2]}"):
    controls.keep_signs({'b': np.ones(2)}, {'a': WEIGHTS['a']})


def test_masks_are_checked(refused):
  with refused("masks['a']: wanted only 0 and 1, got 0.5"):
    controls.surviving_weights({'a': np.array([0.5])}, {'a': np.ones(1)})

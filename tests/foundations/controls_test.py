"""Tests of lottery_ticket.foundations.controls."""

import pickle

import numpy as np
import pytest

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


TICKET = controls.Ticket(
  {'a': np.array([[1, 0], [1, 1]]), 'b': np.array([0, 1, 0, 0])},
  {
    'a': np.array([[1.0, 0.0], [-3.0, 4.0]], np.float32),
    'a_bias': np.array([9.0], np.float32),
    'b': np.array([0.0, 6.0, 0.0, 0.0], np.float32),
  },
)
DENSE = controls.Weights(
  initial={
    'a': np.array([[1.0, -8.0], [-3.0, 4.0]], np.float32),
    'a_bias': np.array([9.0], np.float32),
    'b': np.array([5.0, 6.0, -7.0, 1.0], np.float32),
  },
  final={
    'a': np.array([[0.1, 0.2], [-0.3, 0.4]], np.float32),
    'a_bias': np.array([8.0], np.float32),
    'b': np.array([-0.9, 0.8, 0.7, 0.6], np.float32),
  },
)
INGREDIENTS = {
  'ticket': TICKET,
  'tickets': [
    TICKET,
    controls.Ticket(
      {'a': np.array([[0, 1], [1, 0]]), 'b': np.array([0, 1, 1, 0])},
      {'a': np.full((2, 2), 7.0), 'b': np.full(4, 7.0)},
    ),
  ],
  'dense': DENSE,
  'before': controls.Weights(DENSE.final, DENSE.initial),
  'no_reset': controls.Ticket({'a': np.ones((2, 2)), 'b': np.zeros(4)}, {}),
  'rewound': {'a': np.full((2, 2), 2.0), 'b': np.full(4, 3.0)},
  'deviations': {'a': 0.5, 'b': 0.25},
  'scale': 2.0,
  'seed': 3,
}


def make(name, **changes):
  """Returns what a control makes of the ingredients that it wants."""
  control = controls.CONTROLS[name]
  found = INGREDIENTS | control.settings | changes
  return control.function(**{need: found[need] for need in control.needs})


def copy_of(value):
  return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize('name', controls.CONTROLS)
def test_a_control_leaves_its_ingredients_as_they_were(name):
  before = copy_of(INGREDIENTS)
  ticket = make(name)
  for array in (*ticket.masks.values(), *ticket.initial.values()):
    assert np.isfinite(array).all()
  np.testing.assert_equal(INGREDIENTS, before)
  np.testing.assert_equal(make(name), ticket)


@pytest.mark.parametrize(
  'name',
  sorted(
    set(controls.CONTROLS)
    - {'random', 'one_shot', 'init_magnitude', 'union', 'intersection'}
    - {'no_reset_ticket'}
  ),
)
def test_most_controls_keep_the_masks(name):
  np.testing.assert_equal(make(name).masks, TICKET.masks)


@pytest.mark.parametrize(
  ('name', 'masks'),
  [
    ('one_shot', {'a': [[0, 1], [1, 1]], 'b': [1, 0, 0, 0]}),
    ('init_magnitude', {'a': [[0, 1], [1, 1]], 'b': [0, 0, 1, 0]}),
    ('union', {'a': [[1, 1], [1, 1]], 'b': [0, 1, 1, 0]}),
    ('intersection', {'a': [[0, 0], [1, 0]], 'b': [0, 1, 0, 0]}),
    ('no_reset_ticket', {'a': [[1, 1], [1, 1]], 'b': [0, 0, 0, 0]}),
  ],
)
def test_other_masks_go_with_the_dense_network_s_initial_weights(name, masks):
  ticket = make(name)
  np.testing.assert_equal(
    {key: mask.tolist() for key, mask in ticket.masks.items()}, masks
  )
  np.testing.assert_equal(ticket.initial, DENSE.initial)


@pytest.mark.parametrize(
  ('name', 'initial'),
  [
    ('reinit', {}),
    ('continued', DENSE.initial),
    ('rewind_500its', INGREDIENTS['rewound']),
    ('permuted_labels', TICKET.initial),
    ('other_order', TICKET.initial),
  ],
)
def test_other_initial_weights(name, initial):
  np.testing.assert_equal(make(name).initial, initial)


def test_random_masks_have_each_layer_s_density_and_depend_on_the_seed():
  masks = {'a': np.arange(10_000) % 4 == 0, 'b': np.arange(50) % 5 == 0}
  ticket = controls.Ticket(masks, {})
  first, again, other = (
    controls.random(ticket, seed=seed).masks for seed in (1, 1, 2)
  )
  np.testing.assert_equal(first, again)
  for name, mask in masks.items():
    assert first[name].sum() == other[name].sum() == mask.sum()
  # By chance a quarter stays; five standard deviations are 0.05.
  overlap = (first['a'] * masks['a']).sum() / masks['a'].sum()
  assert abs(overlap - 0.25) < 0.05
  assert abs((first['a'] * other['a']).sum() / 2500 - 0.25) < 0.05
  assert not controls.random(ticket, seed=1).initial


def test_own_weights_are_drawn_from_the_ticket_and_reused_ones_from_all():
  big = np.ones((50, 40))
  first = controls.Ticket({'a': big}, {'a': np.where(big, -2.0, 0)})
  second = controls.Ticket({'a': big}, {'a': 3 * big})
  own = controls.own(first, seed=1).initial['a']
  assert set(own.ravel()) == {-2.0}
  reused = controls.reuse(first, [first, second], seed=1).initial['a']
  assert set(reused.ravel()) == {-2.0, 3.0}
  signed = controls.reuse_sign(first, [first, second], seed=1).initial['a']
  np.testing.assert_array_equal(signed, -np.abs(reused))
  np.testing.assert_array_equal(
    controls.own_sign(first, seed=1).initial['a'], own
  )


def test_noise_has_the_scale_that_is_asked_for_on_the_survivors_alone():
  mask = np.random.default_rng(0).random((200, 300)) < 0.5
  initial = {
    'a': np.where(mask, 1.0, 0).astype(np.float32),
    'a_bias': np.ones(3),
  }
  ticket = controls.Ticket({'a': mask}, initial)
  got = controls.noise(ticket, {'a': 0.1}, scale=3, seed=1).initial
  assert not got['a'][~mask].any()
  noise = got['a'][mask] - 1
  # Five standard errors: of the mean 0.009, of the deviation 0.006.
  assert abs(noise.mean()) < 0.009
  assert abs(noise.std() - 0.3) < 0.007
  np.testing.assert_array_equal(got['a_bias'], initial['a_bias'])
  none = controls.noise(ticket, {'a': 0.1}, scale=0, seed=1).initial
  np.testing.assert_equal(none, initial)


def test_of_equal_scores_the_last_are_kept():
  got = controls.keep_largest({'a': np.array([1, 0, 1, 0])}, {'a': np.zeros(4)})
  assert got['a'].tolist() == [0, 0, 1, 1]


def test_scores_must_be_there(refused):
  with refused("weights: wanted 'a' of shape [2], got {'b': [2]}"):
    controls.keep_largest({'a': np.ones(2)}, {'b': np.ones(2)})


def test_a_control_is_found_by_its_name_and_by_that_of_its_folders(refused):
  for name, row in controls.CONTROLS.items():
    assert controls.find(name) == (row.name or name, row)
  name, noise = controls.find('noise')
  assert (name, noise.function) == ('noise', controls.noise)
  assert noise.settings == {'scale': None}  # A flag says which.
  known = [*controls.CONTROLS, 'noise', 'rewind']
  with refused(f"control: wanted one of {known}, got 'noises'"):
    controls.find('noises')


def test_the_table_says_what_else_changes():
  table = controls.CONTROLS
  assert table['permuted_labels'].permutes_labels
  assert table['other_order'].reorders
  assert len({row.label for row in table.values()}) == len(table)

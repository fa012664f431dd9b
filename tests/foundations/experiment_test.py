"""Tests of lottery_ticket.foundations.experiment."""

import functools
import itertools

import keras
import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import experiment
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import trainer

PERCENTS = {'layer0': 0.2, 'layer1': 0.1}
PRUNE = functools.partial(pruner.prune_by_percent, PERCENTS)


class Toy:
  """A model of one layer `w` with a bias, and no framework."""

  def __init__(self, presets=None, masks=None):
    weights = {'w': np.array([4.0, 3, 2, 1, 5]), 'w_bias': np.zeros(2)}
    self.masks = masks or {'w': np.ones(5)}
    self.weights = masks_lib.apply(self.masks, weights | (presets or {}))


class Toys:
  """The callbacks of an experiment with toys; keeps what they are called."""

  def __init__(self):
    self.calls = []

  def make_dataset(self):
    self.calls.append('dataset')
    return f'data {self.calls.count("dataset") - 1}'

  def make_model(self, presets, masks):
    self.calls.append(('model', presets, masks))
    return Toy(presets, masks)

  def train(self, level, dataset, model):
    assert dataset == f'data {level}'
    self.calls.append(('train', level))
    final = {k: 10 * v + level for k, v in model.weights.items()}
    return model.weights, masks_lib.apply(model.masks, final)

  def prune(self, masks, final):
    self.calls.append(('prune', masks, final))
    return pruner.prune_by_percent({'w': 0.2}, masks, final)

  def run(self, iterations, presets=None, **kwargs):
    return experiment.experiment(
      self.make_dataset,
      self.make_model,
      self.train,
      self.prune,
      iterations,
      presets,
      **kwargs,
    )


def kinds(calls):
  return [call if isinstance(call, str) else call[0] for call in calls]


@pytest.mark.parametrize('name', sorted(pruner.PRUNERS))
def test_takes_every_way_to_prune(name):
  toys = Toys()
  toys.prune = functools.partial(pruner.get(name), {'w': 0.2}, seed=1)
  levels = toys.run(3)
  assert [int(level.masks['w'].sum()) for level in levels] == [5, 4, 3, 2]


def test_initial_weights_of_ones_own_stay():
  toys, given = Toys(), []

  def prune(masks, final, initial_weights=None):
    given.append(initial_weights)
    return pruner.prune_by_percent({'w': 0.2}, masks, final)

  toys.prune = prune
  levels = toys.run(2)
  for level, initial in zip(levels, given, strict=False):
    np.testing.assert_array_equal(initial['w'], level.initial['w'])
  toys = Toys()
  given.clear()
  mine = np.arange(3)
  toys.prune = functools.partial(prune, initial_weights=mine)
  toys.run(2)
  assert all(weights is mine for weights in given) and len(given) == 2


def test_a_way_to_prune_gets_the_level_if_it_has_an_argument_for_it():
  toys, given = Toys(), []

  def prune(masks, final, *, level):
    given.append(level)
    return pruner.prune_by_percent({'w': 0.2}, masks, final)

  toys.prune = prune
  toys.run(3)
  assert given == [0, 1, 2]
  given.clear()
  toys = Toys()
  toys.prune = functools.partial(prune, level=7)
  toys.run(2)
  assert given == [7, 7]


def test_a_way_to_prune_may_take_masks_and_weights_alone():
  toys = Toys()
  toys.prune = lambda masks, final: masks
  assert [level.density for level in toys.run(2)] == [1, 1, 1]


def test_what_is_no_way_to_prune_is_refused_before_training():
  toys = Toys()
  toys.prune = {'w': 0.2}
  with pytest.raises(errors.InputError) as caught:
    toys.run(1)
  assert str(caught.value).startswith('prune_masks: wanted a function, got {')
  assert toys.calls == []


def test_trains_prunes_resets_and_again():
  levels = Toys().run(3)
  assert [level.level for level in levels] == [0, 1, 2, 3]
  assert [level.masks['w'].tolist() for level in levels] == [
    [1, 1, 1, 1, 1],
    [1, 1, 1, 0, 1],
    [1, 1, 0, 0, 1],
    [1, 0, 0, 0, 1],
  ]
  assert [level.initial['w'].tolist() for level in levels] == [
    [4, 3, 2, 1, 5],
    [4, 3, 2, 0, 5],
    [4, 3, 0, 0, 5],
    [4, 0, 0, 0, 5],
  ]
  assert [level.final['w'].tolist() for level in levels] == [
    [40, 30, 20, 10, 50],
    [41, 31, 21, 0, 51],
    [42, 32, 0, 0, 52],
    [43, 0, 0, 0, 53],
  ]
  assert [level.density for level in levels] == [1, 0.8, 0.6, 0.4]


def test_calls_come_in_the_papers_order():
  toys = Toys()
  levels = toys.run(2)
  each = ['model', 'dataset', 'train']
  assert kinds(toys.calls) == [*each, 'prune', *each, 'prune', *each]
  made = [call for call in toys.calls if call[0] == 'model']
  assert made[0] == ('model', None, None)
  for level, (_, presets, masks) in enumerate(made[1:], 1):
    assert presets is levels[0].initial
    assert masks is levels[level].masks
  pruned = [call for call in toys.calls if call[0] == 'prune']
  for level, (_, masks, final) in enumerate(pruned):
    assert masks is levels[level].masks
    assert final is levels[level].final


def test_no_iterations_are_one_training():
  toys = Toys()
  assert len(toys.run(0)) == 1
  assert kinds(toys.calls) == ['model', 'dataset', 'train']


def test_iterations_are_an_integer_of_any_type():
  for iterations in (np.int64(1), np.array(1)):
    assert len(Toys().run(iterations)) == 2


def test_presets_are_level_0s_initial_weights():
  presets = {'w': np.array([1.0, 2, 3, 4, 5]), 'w_bias': np.array([7.0, 8])}
  save_restore.save_network('presets', presets)
  for given in (presets, 'presets'):
    levels = Toys().run(2, given)
    assert [level.initial['w'].tolist() for level in levels] == [
      [1, 2, 3, 4, 5],
      [0, 2, 3, 4, 5],
      [0, 0, 3, 4, 5],
    ]
    assert all(level.initial['w_bias'].tolist() == [7, 8] for level in levels)


def test_masks_are_level_0s(refused):
  ticket = {'w': np.array([1.0, 1, 0, 1, 1])}
  save_restore.save_network('masks', ticket)
  with refused('nowhere: wanted a folder of .npy files'):
    Toys().run(2, masks='nowhere')
  halves = [{'w': np.eye(5)[i]} for i in (0, 1, 3, 4)]
  for given in (ticket, 'masks', halves):
    levels = Toys().run(1, masks=given)
    assert [level.density for level in levels] == [0.8, 0.6]
    assert [level.initial['w'].tolist() for level in levels] == [
      [4, 3, 0, 1, 5],
      [4, 3, 0, 0, 5],
    ]


@pytest.mark.parametrize('name', ['masks', 'presets'])
@pytest.mark.parametrize('make', [Toy, lambda **given: Toy(**given)])
def test_a_model_that_has_its_masks_or_presets_already_is_refused(
  name, make, refused
):
  toys = Toys()
  toys.make_model = functools.partial(make, **{name: {'w': np.ones(5)}})
  with refused(
    f'make_model: wanted one whose {name} are open, got one that has some;'
    f' give them to experiment, as {name}=...'
  ):
    toys.run(1)
  assert not toys.calls


def test_reset_chooses_the_next_levels_presets():
  asked = []

  def reset(level, initial, final):
    asked.append((level, initial, final))
    return final

  levels = Toys().run(2, reset=reset)
  assert asked == [(k, levels[k].initial, levels[k].final) for k in (0, 1)]
  for before, after in itertools.pairwise(levels):
    expected = before.final['w'] * after.masks['w']
    np.testing.assert_array_equal(after.initial['w'], expected)
    np.testing.assert_array_equal(
      after.initial['w_bias'], before.final['w_bias']
    )


@pytest.mark.parametrize(
  'iterations', [-1, 1.5, 2.0, True, np.True_, '2', None]
)
def test_other_iterations_are_refused(iterations, refused):
  toys = Toys()
  with refused(
    f'iterations: wanted an integer of at least 0, got {iterations!r}'
  ):
    toys.run(iterations)
  assert not toys.calls


def test_presets_that_cannot_be_read_are_refused(refused):
  toys = Toys()
  with refused('nowhere: wanted a folder of .npy files'):
    toys.run(2, 'nowhere')
  with refused('presets: wanted a folder or a dictionary, got True'):
    toys.run(2, True)
  assert not toys.calls


# With networks.


def train(dataset, model):
  return trainer.train(
    dataset,
    model,
    lambda: keras.optimizers.Adam(0.01),
    ('iterations', 6),
    None,
    jit_compile=False,
  )


@pytest.fixture(scope='module')
def levels(make_dataset, make_model):
  """A real experiment of three levels, with biases that do not start at 0."""
  biases = {'layer0_bias': np.linspace(-1, 1, 10, dtype=np.float32)}
  return experiment.experiment(
    make_dataset,
    make_model,
    lambda level, dataset, model: train(dataset.with_order(level), model),
    PRUNE,
    2,
    biases,
  )


def test_every_level_starts_from_level_0s_weights_where_the_mask_keeps_them(
  levels, assert_same
):
  first = levels[0].initial
  np.testing.assert_array_equal(
    first['layer0_bias'], np.linspace(-1, 1, 10, dtype=np.float32)
  )
  for level in levels:
    expected = {
      name: np.where(level.masks[name] == 1, array, np.float32(0))
      if name in level.masks
      else array
      for name, array in first.items()
    }
    assert_same(level.initial, expected)


def test_final_weights_moved_and_pruned_ones_did_not(levels):
  for level in levels:
    for name, final in level.final.items():
      keep = level.masks.get(name, np.ones(final.shape)) == 1
      np.testing.assert_array_equal(final[~keep], 0)
      assert np.mean(final[keep] != level.initial[name][keep]) > 0.9


def test_each_level_prunes_its_share_of_the_one_before(levels):
  counts = [
    [np.count_nonzero(mask) for mask in level.masks.values()]
    for level in levels
  ]
  assert counts == [[200, 100], [160, 90], [128, 81]]
  for before, after in itertools.pairwise(levels):
    expected = pruner.prune_by_percent(PERCENTS, before.masks, before.final)
    for name, mask in expected.items():
      np.testing.assert_array_equal(after.masks[name], mask)


def test_no_level_depends_on_what_was_trained_before(
  levels, make_dataset, make_model, assert_same
):
  last = levels[-1]
  alone = make_model(levels[0].initial, last.masks)
  initial, final = train(make_dataset(last.level), alone)
  assert_same(initial, last.initial)
  assert_same(final, last.final)


def test_a_model_that_takes_no_presets_is_refused(refused):
  with refused(
    'make_model: wanted one that takes presets=..., masks=...:'
    " got an unexpected keyword argument 'presets'"
  ):
    experiment.experiment(None, lambda: None, None, None, 0)


def test_training_that_returns_nothing_is_refused(refused):
  toys = Toys()
  with refused(
    'train_model: wanted the initial and the final weights as its result,'
    ' got NoneType'
  ):
    experiment.experiment(
      toys.make_dataset, toys.make_model, lambda *_: None, toys.prune, 0
    )

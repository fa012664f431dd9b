"""Tests of lottery_ticket.mnist_fc.constants: recipes and the 2018 names."""

import os

import keras
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import locations


def test_the_names_of_2018_hold_the_values_of_the_paper():
  assert constants.HYPERPARAMETERS == {
    'layers': [(300, 'relu'), (100, 'relu'), (10, None)],
    'kernel_initializer': 'glorot_normal',
  }
  assert constants.PRUNE_PERCENTS == {
    'layer0': 0.2,
    'layer1': 0.2,
    'layer2': 0.1,
  }
  assert constants.TRAINING_LEN == ('iterations', 50_000)
  optimizer = constants.OPTIMIZER_FN()
  assert type(optimizer) is keras.optimizers.Adam
  assert float(optimizer.learning_rate) == pytest.approx(1.2e-3)
  assert optimizer is not constants.OPTIMIZER_FN()


def test_locations_are_those_of_the_locations_module():
  assert constants.MNIST_LOCATION == locations.MNIST_LOCATION
  assert constants.FASHIONMNIST_LOCATION == locations.FASHIONMNIST_LOCATION
  assert constants.EXPERIMENT_PATH == locations.EXPERIMENT_PATH


PAPER = {
  'layers': [[300, 'relu'], [100, 'relu'], [10, None]],
  'kernel_initializer': 'glorot_normal',
  'optimizer': 'Adam',
  'learning_rate': 1.2e-3,
  'optimizer_settings': {},
  'warmup': 0,
  'l2': 0.0,
  'batch_size': 60,
  'training_len': ['iterations', 50_000],
  'scaling': 'unit',
  'validation_size': 5_000,
  'evaluation_interval': 100,
  'prune_percents': {'layer0': 0.2, 'layer1': 0.2, 'layer2': 0.1},
  'pruner': 'magnitude',
  'execution': 'auto',
}
GOOGLE = PAPER | {
  'optimizer': 'SGD',
  'learning_rate': 0.1,
  'batch_size': 64,
  'scaling': 'l2',
  'validation_size': 0,
}


@pytest.mark.parametrize(
  ('name', 'values'), [('paper', PAPER), ('google', GOOGLE)]
)
def test_recipes(name, values):
  assert constants.recipe(name).configuration() == values


def test_a_recipe_takes_other_values_where_they_are_not_none():
  recipe = constants.recipe('google', batch_size=10, learning_rate=None)
  assert recipe.configuration() == GOOGLE | {'batch_size': 10}
  assert constants.recipe('google').configuration() == GOOGLE


@pytest.mark.parametrize('name', ['papr', 'Paper', '', None])
def test_refuses_a_recipe_that_there_is_not(name):
  with pytest.raises(errors.InputError) as caught:
    constants.recipe(name)
  assert str(caught.value) == (
    f"recipe: wanted one of ['google', 'paper'], got {name!r}"
  )


def test_paths_are_those_of_2018():
  top = constants.EXPERIMENT_PATH
  assert constants.trial(3) == os.path.join(top, 'trial3')
  assert constants.run(3, 7) == os.path.join(top, 'trial3', '7', 'same_init')
  assert constants.run(3, 7, 'reinit', 2) == (
    os.path.join(top, 'trial3', '7', 'reinit2')
  )
  assert constants.run('a', 0, experiment_name='x', run_id='b') == (
    os.path.join(top, 'triala', '0', 'xb')
  )
  assert constants.initialization(7) == (
    os.path.join(top, 'weights', '7', 'initialization')
  )
  assert constants.graph('accuracy', 'a.png') == (
    os.path.join(top, 'graphs', 'accuracy', 'a.png')
  )

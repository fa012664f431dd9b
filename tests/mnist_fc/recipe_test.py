"""Tests of lottery_ticket.mnist_fc.recipe."""

import dataclasses
import json

import keras
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import pruner
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib

SMALL = {'layers': (20, 10), 'prune_percents': {'layer0': 0.2}}


@pytest.mark.parametrize(
  ('layers', 'wanted'),
  [
    ((20, 10), ((20, 'relu'), (10, None))),
    ([30, 20, 10], ((30, 'relu'), (20, 'relu'), (10, None))),
    ((10,), ((10, None),)),
    (((20, 'tanh'), 10), ((20, 'tanh'), (10, None))),
    ([[20, None], [10, 'relu']], ((20, None), (10, 'relu'))),
  ],
)
def test_layers_have_one_form(layers, wanted):
  recipe = recipe_lib.Recipe().replace(layers=layers, prune_percents={})
  assert recipe.layers == wanted
  assert recipe.hyperparameters == {
    'layers': list(wanted),
    'kernel_initializer': 'glorot_normal',
  }


def test_interval_is_in_iterations():
  recipe = recipe_lib.Recipe(evaluation_interval=7)
  assert recipe.interval == ('iterations', 7)


def test_optimizer_fn_makes_a_new_keras_optimizer_with_its_settings():
  recipe = recipe_lib.Recipe(
    optimizer='sgd', learning_rate=0.5, optimizer_settings={'momentum': 0.9}
  )
  optimizer = recipe.optimizer_fn()
  assert type(optimizer) is keras.optimizers.SGD
  assert float(optimizer.learning_rate) == 0.5
  assert optimizer.momentum == 0.9
  assert optimizer is not recipe.optimizer_fn()


def test_configuration_survives_json():
  recipe = recipe_lib.Recipe().replace(**SMALL)
  read = json.loads(json.dumps(recipe.configuration()))
  assert recipe_lib.Recipe().replace(**read) == recipe
  assert set(read) == {
    field.name for field in dataclasses.fields(recipe_lib.Recipe)
  }


def test_replace():
  recipe = recipe_lib.Recipe()
  other = recipe.replace(**SMALL, learning_rate=None, batch_size=3)
  layers = ((20, 'relu'), (10, None))
  assert other == dataclasses.replace(
    recipe, layers=layers, prune_percents={'layer0': 0.2}, batch_size=3
  )
  assert recipe == recipe_lib.Recipe()


NAMES = [field.name for field in dataclasses.fields(recipe_lib.Recipe)]


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    (
      {'lerning_rate': 1},
      f'lerning_rate: no such value of a recipe; wanted one of {NAMES}',
    ),
    (
      {'layers': ()},
      'layers: wanted units, or (units, activation), of each, got ()',
    ),
    (
      {'layers': 10},
      'layers: wanted units, or (units, activation), of each, got 10',
    ),
    (
      {'layers': 'x'},
      "layers: wanted units, or (units, activation), of each, got 'x'",
    ),
    (
      {'layers': (20.5, 10)},
      'layers: wanted units, or (units, activation), of each, got 20.5',
    ),
    (
      {'layers': ((20, 'relu', 1), 10)},
      'layers: wanted units, or (units, activation), of each,'
      " got (20, 'relu', 1)",
    ),
    (
      {'learning_rate': 0},
      'learning_rate: wanted a finite number above 0, got 0',
    ),
    (
      {'learning_rate': -0.1},
      'learning_rate: wanted a finite number above 0, got -0.1',
    ),
    (
      {'learning_rate': float('nan')},
      'learning_rate: wanted a finite number above 0, got nan',
    ),
    (
      {'learning_rate': float('inf')},
      'learning_rate: wanted a finite number above 0, got inf',
    ),
    (
      {'learning_rate': True},
      'learning_rate: wanted a finite number above 0, got True',
    ),
    (
      {'learning_rate': '1'},
      "learning_rate: wanted a finite number above 0, got '1'",
    ),
    (
      {'optimizer_settings': 3},
      'optimizer_settings: wanted a dictionary, got 3',
    ),
    (
      {'training_len': ('steps', 3)},
      "training_len: wanted ('iterations', n) or ('epochs', n),"
      " got ('steps', 3)",
    ),
    (
      {'training_len': ('epochs', 0)},
      'training_len: wanted an integer of at least 1 epochs, got 0',
    ),
    (
      {'evaluation_interval': 0},
      'evaluation_interval: wanted an integer of at least 1 iterations, got 0',
    ),
    (
      {'prune_percents': 0.2},
      'percents: wanted {layer name: fraction}, got 0.2',
    ),
    (
      {'prune_percents': {'layer0': 1.5}},
      "percents['layer0']: wanted a fraction in [0, 1], got 1.5",
    ),
    (
      {'pruner': 'magnitud'},
      f"pruner: wanted one of {sorted(pruner.PRUNERS)}, got 'magnitud'",
    ),
    (
      {'execution': 'fast'},
      "execution: wanted one of ['auto', 'dense', 'sparse'], got 'fast'",
    ),
    (
      {'pruner': ['random']},
      f"pruner: wanted one of {sorted(pruner.PRUNERS)}, got ('random',)",
    ),
    (
      {'prune_percents': {'layer3': 0.1}},
      "prune_percents: wanted some of ['layer0', 'layer1', 'layer2'],"
      " got 'layer3'",
    ),
    (
      {'layers': (20, 10), 'prune_percents': {'layer2': 0.1}},
      "prune_percents: wanted some of ['layer0', 'layer1'], got 'layer2'",
    ),
  ],
)
def test_refuses_what_is_of_no_use(values, message):
  with pytest.raises(errors.InputError) as caught:
    recipe_lib.Recipe().replace(**values)
  assert str(caught.value) == message


@pytest.mark.parametrize('name', ['Adamm', '', 3])
def test_refuses_an_unknown_optimizer_and_names_those_there_are(name):
  with pytest.raises(errors.InputError) as caught:
    recipe_lib.Recipe(optimizer=name).optimizer_fn()
  message = str(caught.value)
  assert message.startswith("optimizer: wanted one of ['Ada")
  assert message.endswith(f'], got {name!r}')
  for known in ('Adam', 'AdamW', 'SGD', 'RMSprop'):
    assert f"'{known}'" in message


def test_refuses_settings_that_the_optimizer_does_not_take():
  recipe = recipe_lib.Recipe(optimizer_settings={'momentum': 0.9})
  with pytest.raises(errors.InputError) as caught:
    recipe.optimizer_fn()
  assert str(caught.value).startswith(
    "optimizer_settings: Adam does not take {'momentum': 0.9}: "
  )


def test_layers_in_other_forms_are_for_replace():
  with pytest.raises(errors.InputError, match='`replace` takes units alone'):
    recipe_lib.Recipe(layers=(20, 10), prune_percents={})


@pytest.mark.parametrize('units', [(10,), (20, 10), (300, 100, 50, 10)])
def test_percents_follow_the_layers(units):
  last = len(units) - 1
  wanted = {f'layer{i}': 0.2 for i in range(last)} | {f'layer{last}': 0.1}
  chosen = constants.recipe('google', layers=units)
  assert chosen.prune_percents == wanted


@pytest.mark.parametrize('name', pruner.PRUNERS)
def test_every_pruner_can_be_a_recipes(name):
  recipe = constants.recipe('paper', pruner=name)
  assert recipe.pruner == recipe.configuration()['pruner'] == name


def test_a_learning_rate_may_be_a_schedule():
  rate = {'CosineDecay': {'initial_learning_rate': 0.5, 'decay_steps': 4}}
  recipe = recipe_lib.Recipe().replace(learning_rate=rate)
  assert recipe.configuration()['learning_rate'] == rate
  assert float(recipe.optimizer_fn().learning_rate) == 0.5

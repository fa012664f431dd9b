"""Tests of lottery_ticket.study.resets."""

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.study import recipe as recipe_lib
from lottery_ticket.study import resets

RECIPE = recipe_lib.Recipe(training_len=('iterations', 9))
LENGTH = ('epochs', 2)


@pytest.mark.parametrize(
  ('reset', 'recorded'),
  [
    ('initial', 'initial'),
    ('final', 'final'),
    ('lr_rewind', 'final'),
    (1, 1),
    (8, 8),
    ('8', 8),
    (np.int64(8), 8),
  ],
)
def test_a_reset_is_to_a_name_or_an_iteration(reset, recorded):
  settings = resets.check(RECIPE, reset)
  assert settings == {'reset': recorded}
  assert type(settings['reset']) is type(recorded)


@pytest.mark.parametrize(
  'reset', [0, -1, 9, '9', '0', '-1', 1.0, True, None, '', 'Final', ['final']]
)
def test_refuses_another_reset(reset):
  with pytest.raises(errors.InputError) as caught:
    resets.check(RECIPE, reset)
  assert str(caught.value).startswith(
    "reset: wanted one of ['initial', 'lr_rewind', 'final', 'fine_tune'], or an"
    ' iteration from 1 to 8, got '
  )


def test_a_reset_in_epochs_has_its_limit_in_the_data():
  recipe = recipe_lib.Recipe(training_len=LENGTH)
  assert resets.check(recipe, '5000') == {'reset': 5000}
  with pytest.raises(errors.InputError, match=r'an iteration from 1, got 0'):
    resets.check(recipe, 0)


@pytest.mark.parametrize(
  ('reset', 'length'),
  [('fine_tune', None), ('final', LENGTH), (5, LENGTH), ('fine_tune', 5)],
)
def test_fine_tuning_has_a_length_and_nothing_else_has(reset, length):
  with pytest.raises(errors.InputError, match=r'^fine_tuning_len: wanted '):
    resets.check(RECIPE, reset, length)


@pytest.mark.parametrize(
  ('settings', 'level', 'wanted'),
  [
    ({'reset': 5}, 0, {}),
    ({'reset': 5}, 2, {'first_iteration': 5}),
    ({'reset': 'final'}, 2, {}),
    ({'rewind_to': 3}, 0, {'first_iteration': 3}),
    ({'reset': 'fine_tune', 'fine_tuning_len': LENGTH}, 0, {}),
    (
      {'reset': 'fine_tune', 'fine_tuning_len': LENGTH},
      1,
      {'first_iteration': 9, 'last_iteration': 9 + 2 * 4},
    ),
  ],
)
def test_says_where_training_starts_and_ends(settings, level, wanted):
  assert resets.iterations(RECIPE, settings, level, 4) == wanted

"""Tests of lottery_ticket.foundations.schedule."""

import numpy as np
import pytest

from lottery_ticket.foundations import schedule


def due(when, length):
  """Every iteration from 0 to `length` at which something is due."""
  found, iteration = [], when(-1)
  while iteration <= length:
    found.append(iteration)
    iteration = when(iteration) if iteration < length else length + 1
  return found


@pytest.mark.parametrize(
  ('length', 'expected'),
  [
    (('iterations', 1), 1),
    (('iterations', 50_000), 50_000),
    (('epochs', 3), 21),
    (['epochs', 3], 21),
    (('epochs', np.int64(3)), 21),
  ],
)
def test_lengths_in_iterations(length, expected):
  assert schedule.iterations(length, 7, 'x') == expected
  assert type(schedule.iterations(length, 7, 'x')) is int


@pytest.mark.parametrize(
  'length',
  [
    ('steps', 5),
    ('Epochs', 5),
    ('iterations',),
    ('iterations', 5, 5),
    ('iterations:5'),
    'it',
    5,
    None,
    (None, 5),
    {'iterations': 5},
  ],
)
def test_other_forms_are_refused(length, refused):
  with refused(
    f"mine: wanted ('iterations', n) or ('epochs', n), got {length!r}"
  ):
    schedule.iterations(length, 7, 'mine')


@pytest.mark.parametrize('unit', ['iterations', 'epochs'])
@pytest.mark.parametrize('count', [0, -1, 1.5, 5.0, True, '5', None, np.nan])
def test_other_counts_are_refused(unit, count, refused):
  with refused(f'mine: wanted an integer of at least 1 {unit}, got {count!r}'):
    schedule.iterations((unit, count), 7, 'mine')


@pytest.mark.parametrize(
  'name',
  ['training_len', 'test_interval', 'validate_interval', 'train_interval'],
)
def test_errors_name_the_argument(name, refused):
  arguments = {'training_len': ('iterations', 5)} | {name: ('iterations', 0)}
  with refused(f'{name}: wanted an integer of at least 1 iterations, got 0'):
    schedule.make(7, **arguments)


@pytest.mark.parametrize('point', [0, -1, 6, 1.5, True, np.True_, '5', None])
def test_other_checkpoints_are_refused(point, refused):
  with refused(f'checkpoints: wanted iterations from 1 to 5, got {point!r}'):
    schedule.make(7, ('iterations', 5), checkpoints=(1, point))


@pytest.mark.parametrize(
  'points',
  [
    [np.int64(4), 2],
    (np.array(2), np.uint8(4)),
    range(2, 5, 2),
    np.array([4, 2]),
  ],
)
def test_checkpoints_are_integers_of_any_type(points):
  plan = schedule.make(7, ('iterations', 5), checkpoints=points)
  assert plan.checkpoints == (2, 4)
  assert {*map(type, plan.checkpoints)} == {int}


@pytest.mark.parametrize('points', [5, np.array(5), '5', {5: 5}, None])
def test_checkpoints_are_a_list(points, refused):
  shown = points.item() if isinstance(points, np.ndarray) else points
  with refused(f'checkpoints: wanted a list of iterations, got {shown!r}'):
    schedule.make(7, ('iterations', 5), checkpoints=points)


def test_training_is_averaged_over_the_test_interval_or_else_an_epoch():
  length = ('iterations', 20)
  assert schedule.make(7, length).train == 7
  assert schedule.make(7, length, ('iterations', 5)).train == 5
  assert (
    schedule.make(
      7, length, ('iterations', 5), train_interval=('epochs', 2)
    ).train
    == 14
  )


@pytest.mark.parametrize(
  ('interval', 'expected'),
  [(None, [0, 20]), (6, [0, 6, 12, 18, 20]), (5, [0, 5, 10, 15, 20])],
)
def test_the_start_and_the_end_are_always_due(interval, expected):
  assert due(schedule.every(interval, 20), 20) == expected


def test_an_interval_beyond_the_end_is_the_end():
  assert due(schedule.every(50, 20), 20) == [0, 20]


def test_points_are_due_once_each():
  assert due(schedule.at((0, 3, 20)), 20) == [0, 3, 20]
  assert due(schedule.at(()), 20) == []

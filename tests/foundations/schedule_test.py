"""Tests of lottery_ticket.foundations.schedule."""

import numpy as np
import pytest

from lottery_ticket.foundations import schedule


def stops(plan):
  """Every iteration at which the plan stops."""
  found, iteration = [], 0
  while iteration < plan.training_len:
    iteration = plan.next_stop(iteration)
    found.append(iteration)
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


def test_stops_where_something_is_to_be_done_and_at_the_end():
  plan = schedule.make(
    7,
    ('iterations', 20),
    test_interval=('iterations', 5),
    validate_interval=('epochs', 1),
    train_interval=('iterations', 6),
    checkpoints=[19, 1],
  )
  assert stops(plan) == [1, 5, 6, 7, 10, 12, 14, 15, 18, 19, 20]


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


def test_never_trains_long_without_a_sign_of_life():
  plan = schedule.make(55_000, ('epochs', 1))
  found = stops(plan)
  assert found[-1] == 55_000
  assert max(np.diff([0, *found])) == schedule.LARGEST_CHUNK


def test_the_start_and_the_end_are_always_due():
  plan = schedule.make(7, ('iterations', 20))
  due = [
    [i for i in range(21) if plan.is_due(interval, i)]
    for interval in (None, 6, 50)
  ]
  assert due == [[0, 20], [0, 6, 12, 18, 20], [0, 20]]

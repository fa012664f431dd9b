"""Tests of lottery_ticket.foundations.seeds."""

import numpy as np
import pytest

from lottery_ticket.foundations import seeds


@pytest.mark.parametrize(
  ('seed', 'names', 'expected'),
  [
    (0, (), 2968811710),
    (0, ('a',), 1121198604),
    (7, ('initial', 'layer0'), 2760899506),
    (7, ('epoch', 3), 308301767),
    (2**63 - 1, ('split',), 1024723378),
  ],
)
def test_seeds_never_change(seed, names, expected):
  # Recorded results depend on these numbers: never update them.
  assert seeds.integer(seed, *names) == expected


def test_generators_never_change():
  bits = seeds.generator(7, 'epoch', 3).bit_generator.random_raw(3)
  assert bits.tolist() == [
    16143422015702804632,
    18364661650587733926,
    13273570161460801867,
  ]


def test_every_name_leads_to_another_child():
  children = [(), ('a',), ('b',), (1,), ('1',), ('a', 'b'), ('b', 'a'), ('ab',)]
  drawn = {seeds.integer(seed, *names) for seed in (0, 1) for names in children}
  assert len(drawn) == 2 * len(children)


def test_numpys_integers_mean_the_same():
  assert seeds.integer(np.uint8(7), 'epoch', np.int64(3)) == 308301767


def test_fresh_seeds_differ():
  drawn = [seeds.fresh() for _ in range(20)]
  assert len(set(drawn)) == 20
  assert all(type(seed) is int and seeds.check(seed) == seed for seed in drawn)


@pytest.mark.parametrize('seed', [0, 5, np.int64(5), 2**63 - 1])
def test_check_gives_an_int(seed):
  assert type(seeds.check(seed)) is int
  assert seeds.check(seed) == seed


@pytest.mark.parametrize('seed', [-1, 2**63, 1.0, np.nan, True, '5', None])
def test_check_refuses_anything_else(seed, refused):
  with refused(f'mine: wanted an integer in [0, 2**63), got {seed!r}'):
    seeds.check(seed, 'mine')
  with refused(f'seed: wanted an integer in [0, 2**63), got {seed!r}'):
    seeds.generator(seed, 'a')

"""Tests of lottery_ticket.analysis.rules, also on made-up truths."""

import collections
import math

import numpy as np
import pytest

from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import rules

INF = math.inf


def interval(low, high, n=5):
  return intervals.Interval((low + high) / 2, low, high, n)


@pytest.mark.parametrize(
  ('low', 'high', 'wanted'),
  [(1, 2, 'reproduced'), (-2, -1, 'opposite'), (-1, 2, 'open'), (0, 2, 'open')],
)
def test_directions(low, high, wanted):
  assert rules.direction(interval(low, high), 0, 'above') == wanted
  assert rules.direction(interval(-high, -low), 0, 'below') == wanted
  assert rules.direction(interval(low + 7, high + 7), 7, 'above') == wanted
  assert rules.direction(interval(low, high), 0, 'near') == ''
  assert rules.direction(interval(low, high, 2), 0, 'above') == 'too few trials'


def test_what_is_not_measured_or_has_no_end():
  nothing = intervals.Interval(*[math.nan] * 3, 0)
  assert rules.direction(nothing, 0, 'above') == 'not measured'
  assert rules.size(nothing, 0, rules.stated(1.0)) == ''
  assert rules.direction(interval(1, INF), 0, 'above') == 'reproduced'
  assert rules.direction(interval(-INF, INF), 0, 'above') == 'open'


@pytest.mark.parametrize(
  ('low', 'high', 'paper', 'wanted'),
  [
    (1, 3, 2.0, 'as in the paper'),
    (1, 1.96, 2.0, 'as in the paper'),  # 1.95 is 2.0 to its digits.
    (0.5, 1.5, 2.0, 'smaller'),
    (-3, -1, 2.0, 'smaller'),
    (3, 4, 2.0, 'larger'),
    (-1, 1, 2.0, 'not reproduced'),
    (-4, -3, -2.0, 'larger'),
    (-1, -0.5, -2.0, 'smaller'),
    (0.2, 0.4, (0.3, INF), 'as in the paper'),
    (0.1, 0.2, (0.3, INF), 'smaller'),
    (-0.1, 0.2, (0.3, INF), 'not reproduced'),
    (1, 2, math.nan, ''),
  ],
)
def test_sizes(low, high, paper, wanted):
  stated = rules.stated(paper)
  assert rules.size(interval(low, high), 0, stated) == wanted
  if wanted:
    assert rules.size(interval(low, high, 2), 0, stated) == ''


@pytest.mark.parametrize(
  ('truth', 'directions', 'sizes'),
  [
    # The truth is the null: seldom taken for an effect.
    (0, {'open': 0.95}, {'not reproduced': 0.95}),
    # That of the paper.
    (4, {'reproduced': 0.98}, {'as in the paper': 0.95}),
    # A quarter of it: there, but smaller.
    (1, {'open': 0.6}, {'smaller': 0.36, 'not reproduced': 0.6}),
    # Its opposite.
    (-4, {'opposite': 0.98}, {'smaller': 0.98}),
  ],
)
def test_what_each_rule_says_of_a_truth(truth, directions, sizes):
  """Five trials with a stddev of 1, the paper at 4."""
  generator = np.random.default_rng(0)
  said = [collections.Counter(), collections.Counter()]
  for _ in range(1000):
    found = intervals.t_interval(generator.normal(truth, 1, 5))
    said[0][rules.direction(found, 0, 'above')] += 1
    said[1][rules.size(found, 0, rules.stated((3.9, 4.1)))] += 1
  for counted, wanted in zip(said, (directions, sizes), strict=True):
    for word, share in wanted.items():
      assert counted[word] / 1000 == pytest.approx(share, abs=0.05), counted
  if truth == 0:
    assert said[0]['reproduced'] / 1000 == pytest.approx(0.025, abs=0.015)


def test_p_values_by_hand():
  assert rules.p_value([1.0, 2.0, 3.0, math.nan], 0) == pytest.approx(
    0.0742, 1e-3
  )
  for values in ([1.0], [1.0, 1.0], [1.0, INF], []):
    assert math.isnan(rules.p_value(values, 0))


def test_holm_by_hand():
  found = rules.holm([0.01, math.nan, 0.04, 0.03, 0.005])
  np.testing.assert_allclose(found, [0.03, math.nan, 0.06, 0.06, 0.02])
  assert list(rules.holm([0.9, 0.8])) == [1, 1]


def test_holm_bounds_the_share_of_studies_that_find_anything():
  generator = np.random.default_rng(0)
  studies = generator.normal(size=(500, 20, 5))
  found = [
    np.nanmin(rules.holm([rules.p_value(trials, 0) for trials in study]))
    for study in studies
  ]
  assert 0.03 < np.mean(np.array(found) < 0.05) < 0.07

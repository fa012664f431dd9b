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
  assert rules.direction(interval(low, high), math.nan, '') == ''
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


def test_sizes_without_a_null():
  paper = rules.stated((2, 4))
  for low, high, wanted in (
    (-1, 1, 'smaller'),
    (1, 2, 'as in the paper'),
    (5, 6, 'larger'),
  ):
    assert rules.size(interval(low, high), math.nan, paper) == wanted


# What the rules say of a truth, in percent of studies of five trials whose
# stddev is a quarter of the paper's effect, as that of C7 and C8 is, or 0.6 of
# it, as that of C1: `docs/numbers.md` and the docstring of `rules` show it.
SAID = {
  # (truth over the paper's number, stddev over it): directions, sizes
  (0, 0.25): ({'open': 95, 'reproduced': 2.5}, {'not reproduced': 95}),
  (0, 0.6): ({'open': 95, 'reproduced': 2.5}, {'not reproduced': 74}),
  (1, 0.25): ({'reproduced': 100}, {'as in the paper': 97}),
  (1, 0.6): ({'reproduced': 80}, {'as in the paper': 96}),
  (0.25, 0.25): (
    {'open': 60, 'reproduced': 40},
    {'smaller': 40, 'not reproduced': 59},
  ),
  (0.25, 0.6): (
    {'open': 89, 'reproduced': 11},
    {'as in the paper': 47, 'not reproduced': 48},
  ),
  (-1, 0.25): ({'opposite': 100}, {'smaller': 100}),
  (-1, 0.6): ({'opposite': 79}, {'smaller': 79, 'not reproduced': 21}),
}


@pytest.mark.parametrize(('truth', 'deviation'), SAID)
def test_what_each_rule_says_of_a_truth(truth, deviation):
  said = simulated(truth, deviation, rules.stated((0.975, 1.025)), null=0)
  for counted, wanted in zip(said, SAID[truth, deviation], strict=True):
    for word, percent in wanted.items():
      assert counted[word] / 10 == pytest.approx(percent, abs=4), counted


@pytest.mark.parametrize(
  ('truth', 'half_line', 'between'),
  [
    (0, {'not reproduced': 95, 'as in the paper': 0}, {'smaller': 100}),
    (1, {'as in the paper': 98}, {'as in the paper': 100}),
    (0.25, {'smaller': 40}, {'smaller': 91}),
    (-1, {'smaller': 100}, {'smaller': 100}),
  ],
)
def test_what_is_said_of_half_lines_and_ranges(truth, half_line, between):
  """At least the paper's number; or within a quarter of it, without a null."""
  for stated, null, wanted in (
    ((1, INF), 0, half_line),
    ((0.75, 1.25), math.nan, between),
  ):
    _, sizes = simulated(truth, 0.25, rules.stated(stated), null)
    for word, percent in wanted.items():
      assert sizes[word] / 10 == pytest.approx(percent, abs=4), sizes


def simulated(truth, deviation, stated, null):
  """Returns how often of 1,000 studies each direction and size is said."""
  generator = np.random.default_rng(0)
  said = collections.Counter(), collections.Counter()
  for _ in range(1000):
    found = intervals.t_interval(generator.normal(truth, deviation, 5))
    said[0][rules.direction(found, 0, 'above')] += 1
    said[1][rules.size(found, null, stated)] += 1
  return said


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
  studies = generator.normal(size=(300, 10, 5))
  found = [
    np.nanmin(rules.holm([rules.p_value(trials, 0) for trials in study]))
    for study in studies
  ]
  assert 0.02 < np.mean(np.array(found) < 0.05) < 0.08

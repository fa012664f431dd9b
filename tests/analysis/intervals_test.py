"""Tests of lottery_ticket.analysis.intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from lottery_ticket.analysis import intervals
from lottery_ticket.foundations import errors

VALUES = [1.0, 2.0, 4.0, 7.0, 11.0]


def test_t_interval_by_hand():
  # Mean 3, stddev 2, stderr 2 / sqrt(3); t(0.975, 2 degrees) = 4.30265.
  found = intervals.t_interval([1.0, 3.0, 5.0])
  assert found.estimate == 3
  assert found.high - 3 == pytest.approx(4.30265 * 2 / math.sqrt(3), rel=1e-5)
  assert 3 - found.low == pytest.approx(found.high - 3)
  assert found.n == 3


@pytest.mark.parametrize('confidence', [0.5, 0.95, 0.99])
def test_t_interval_against_scipy(confidence):
  found = intervals.t_interval(VALUES, confidence)
  wanted = stats.ttest_1samp(VALUES, 0).confidence_interval(confidence)
  assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


@pytest.mark.parametrize('confidence', [0.5, 0.95])
def test_a_difference_against_scipy(confidence):
  others = [2.0, 3.5, 3.0, np.nan]
  found = intervals.difference(VALUES, others, confidence)
  wanted = stats.ttest_ind(
    VALUES, others[:3], equal_var=False
  ).confidence_interval(confidence)
  assert found.estimate == pytest.approx(5 - 8.5 / 3)
  assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
  assert found.n == 3


def test_differences_of_one_trial_and_of_equal_trials():
  found = intervals.difference(VALUES, [3.0, np.nan])
  assert (found.estimate, found.n) == (2, 1)
  assert math.isnan(found.low) and math.isnan(found.high)
  assert math.isnan(intervals.difference(VALUES, []).estimate)
  assert intervals.difference([3.0, 3.0], [1.0, 1.0, 1.0]) == (2, 2, 2, 2)


def test_one_trial_has_no_interval():
  found = intervals.t_interval([2.5])
  assert (found.estimate, found.n) == (2.5, 1)
  assert math.isnan(found.low) and math.isnan(found.high)


def test_no_trial_has_no_estimate():
  assert intervals.t_interval([]).n == 0
  assert math.isnan(intervals.t_interval([np.nan]).estimate)


def test_equal_values_have_an_interval_of_width_0():
  assert intervals.t_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0, 3)


def test_trials_without_a_value_do_not_count():
  found = intervals.t_interval([1.0, np.nan, 3.0, 5.0])
  assert found == intervals.t_interval([1.0, 3.0, 5.0])


def test_bootstrap_of_the_mean_is_about_right():
  sample = np.random.default_rng(0).normal(10, 2, 60)
  found = intervals.bootstrap(sample, seed=1, resamples=2_000)
  wanted = intervals.t_interval(sample)
  assert found.estimate == pytest.approx(sample.mean())
  assert (found.low, found.high) == pytest.approx(wanted[1:3], abs=0.1)


def test_of_few_trials_intervals_are_wide_enough():
  generator = np.random.default_rng(0)

  def covers():
    found = intervals.bootstrap(generator.normal(size=5), seed=0)
    return found.low <= 0 <= found.high

  assert 0.89 < np.mean([covers() for _ in range(400)]) < 0.96


def test_the_seed_says_what_is_drawn():
  sample = np.random.default_rng(0).normal(0, 1, 12)
  first, again, other = (
    intervals.bootstrap(sample, seed=seed, resamples=500) for seed in (1, 1, 2)
  )
  assert first == again
  assert (first.low, first.high) != (other.low, other.high)
  assert first.estimate == other.estimate


def test_the_global_generator_changes_nothing():
  np.random.seed(1)
  first = intervals.bootstrap(VALUES, seed=1, resamples=99)
  np.random.seed(2)
  assert intervals.bootstrap(VALUES, seed=1, resamples=99) == first


def test_bootstrap_draws_whole_trials():
  # The columns of a trial always differ by 10, so the difference is certain.
  table = np.array([[1.0, 11.0], [5.0, 15.0], [9.0, 19.0]])
  found = intervals.bootstrap(
    table, lambda drawn: drawn[:, 1].mean() - drawn[:, 0].mean(), seed=0
  )
  assert found == pytest.approx((10, 10, 10, 3))


def test_bootstrap_of_one_trial():
  found = intervals.bootstrap([3.0], seed=0)
  assert (found.estimate, found.n) == (3, 1)
  assert math.isnan(found.low)


@pytest.mark.parametrize(
  ('call', 'message'),
  [
    (
      lambda: intervals.t_interval([1.0], 95),
      'confidence: wanted a number between 0 and 1, got 95',
    ),
    (
      lambda: intervals.t_interval([[1.0], [2.0]]),
      'values: wanted one number a trial, got shape [2, 1]',
    ),
    (
      lambda: intervals.bootstrap([1.0, 2.0], confidence=0, seed=0),
      'confidence: wanted a number between 0 and 1, got 0',
    ),
  ],
)
def test_bad_arguments(call, message):
  with pytest.raises(errors.InputError) as raised:
    call()
  assert str(raised.value) == message


def test_a_bootstrap_among_infinite_values_has_infinite_ends():
  found = intervals.bootstrap([1.0, 2.0, math.inf, math.inf, math.inf], seed=0)
  assert found.high == math.inf
  assert not math.isnan(found.low)

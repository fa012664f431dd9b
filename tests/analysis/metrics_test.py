"""Tests of lottery_ticket.analysis.metrics."""

import numpy as np
import pytest

from lottery_ticket.analysis import metrics
from lottery_ticket.foundations import errors


def log(losses, iterations=None):
  """Returns a log with these losses, measured every 100 iterations."""
  if iterations is None:
    iterations = 100 * np.arange(len(losses))
  return {
    'iteration': np.asarray(iterations),
    'loss': np.asarray(losses, float),
    'accuracy': 1 - np.asarray(losses, float) / 10,
  }


def test_early_stop_is_the_minimum():
  assert metrics.early_stop(log([2, 1, 0.5, 0.7])) == (200, False)


def test_of_equal_minima_the_first_counts():
  assert metrics.early_stop(log([2, 1, 0.5, 0.5, 0.6])) == (200, False)


def test_iteration_0_does_not_count():
  assert metrics.early_stop(log([0.1, 1, 0.5, 0.7])) == (200, False)


def test_a_minimum_at_the_last_measurement_is_censored():
  assert metrics.early_stop(log([2, 1, 0.5])) == (200, True)


def test_a_minimum_reached_before_the_last_equal_one_is_not_censored():
  assert metrics.early_stop(log([2, 0.5, 0.5])) == (100, False)


def test_nan_is_passed_over():
  assert metrics.early_stop(log([2, 1, np.nan, np.nan])) == (100, False)


@pytest.mark.parametrize('losses', [[1.0], [1.0, np.nan], []])
def test_no_finite_loss_is_an_error(losses):
  with pytest.raises(errors.InputError) as raised:
    metrics.early_stop(log(losses))
  wanted = 'log: wanted a finite loss after iteration 0'
  assert str(raised.value) == wanted


def test_accuracy_at():
  assert metrics.accuracy_at(log([2, 1, 0.5]), 200) == 0.95


def test_accuracy_at_an_iteration_without_measurement():
  with pytest.raises(errors.InputError) as raised:
    metrics.accuracy_at(log([2, 1, 0.5]), 150)
  assert str(raised.value) == 'log: no measurement at iteration 150'

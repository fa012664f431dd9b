"""Tests of lottery_ticket.analysis.words."""

import pandas as pd
import pytest

from lottery_ticket.analysis import words


def make(experiment, level, accuracies, stops, censored=False):
  """Returns runs of trials 1, 2, ... at one level."""
  return pd.DataFrame(
    {
      'trial': [str(i + 1) for i in range(len(stops))],
      'experiment': experiment,
      'level': level,
      'density': 0.5**level,
      'accuracy': accuracies,
      'early_stop': stops,
      'censored': censored,
    }
  )


@pytest.fixture
def runs():
  return pd.concat(
    [
      make('same_init', 0, [0.97, 0.97, 0.98], [1000, 1000, 1000]),
      make('same_init', 1, [0.98, 0.98, 0.97], [500, 400, 1200]),
      make('same_init', 2, [0.974, 0.974, 0.974], [600, 600, 600]),
      make('same_init', 3, [0.96, 0.96, 0.96], [900, 900, 900]),
      make('reinit', 2, [0.964, 0.964, 0.964], [1800, 1800, 1800]),
      make('random', 2, [0.954, 0.954, 0.984], [1800, 1800, 1800]),
    ]
  )


def test_findings(runs):
  assert words.findings(runs) == [
    'Dense networks reach a test accuracy of 97.33% at early stop, after 1,000'
    ' iterations (means over 3 trials).',
    'Tickets of 50.0% of the weights are 0.33 points more accurate (in 2 of 3'
    ' trials), and stop 30% sooner (in 2 of 3 trials).',
    'Tickets are as accurate as dense networks down to 25.0%; at 12.5% they are'
    ' 1.33 points behind.',
    'At 25.0% tickets beat their reinitializations in 3 of 3 trials, by 1.00'
    ' points, in a third of the iterations.',
    'Compared with such tickets, random sparsity is 1.00 points less accurate'
    ' (in 2 of 3 trials).',
  ]


def test_a_level_that_one_trial_has_yet_to_reach_counts(runs):
  later = runs[(runs.level < 2) | (runs.trial != '3')]
  assert words.findings(later)[2] == (
    'Tickets are as accurate as dense networks down to 25.0%; at 12.5% they are'
    ' 1.00 points behind.'
  )


def test_bounds_are_told(runs):
  late = runs.assign(censored=runs.experiment == 'reinit')
  assert 'in at most a third of the iterations' in words.findings(late)[3]
  late = runs.assign(censored=runs.level == 0)
  assert 'stop at least 30% sooner' in words.findings(late)[1]


def test_without_tickets_of_a_dense_network_nothing_is_said(runs):
  assert words.findings(runs[runs.experiment == 'reinit']) == []
  assert words.findings(runs[runs.level > 0]) == []
  assert words.findings(runs[runs.level == 0]) == []


def test_what_is_worse_is_told_so(runs):
  bad = runs.assign(accuracy=0.9 - 0.1 * runs.level, early_stop=900)
  bad.loc[bad.experiment == 'reinit', 'accuracy'] = 0.8
  _, beside, control, _ = words.findings(bad)
  assert beside.startswith(
    'Tickets of 50.0% of the weights are 10.00 points less accurate (in 3 of 3'
  )
  assert beside.endswith(', and stop as soon.')
  assert control.startswith('At 25.0% tickets lose to their reinitializations')

"""Tests of lottery_ticket.analysis.claims, on claims of its own."""

import math

import pandas as pd
import pytest
from scipy import stats

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import tables
from lottery_ticket.foundations import errors

OWN = claims.Claims({'learning_rate': 0.1}, headlines=['A'])


@OWN.part('A', 'points', paper='2 points', value=2)
def gain(study):
  """Pruned networks are better.

  Their accuracy minus that of the dense one.
  """
  pruned = study.at('accuracy', percent=50)
  return (pruned - study.at('accuracy')) * 100


@OWN.also('iterations fewer')
def _fewer(study):
  return study.at('early_stop') - study.at('early_stop', percent=50)


@OWN.part('A', 'ratio', null=1, side='below')
def ratio(study):
  """Early stop over the dense one's."""
  return study.at('early_stop', percent=50) / study.at('early_stop')


@OWN.part('B', 'percent', paper='yes')
def random(study):
  """Random networks are accurate.

  Their accuracy.
  """
  return study.at('accuracy', 'random') * 100


def make_runs(stops=(300, 200), accuracies=(0.9, 0.92), **columns):
  """Returns four trials of two levels; each trial is a bit better."""
  rows = [
    dict.fromkeys(results.COLUMNS)
    | {
      'trial': str(trial),
      'level': level,
      'experiment': 'same_init',
      'density': 0.5**level,
      'early_stop': float(stops[level] + trial * level),
      'censored': False,
      'early_stop_split': 'validate',
      'accuracy': accuracies[level] + 0.001 * trial * level,
      'recipe': '{"learning_rate": 0.1}',
      'prune_percents': 'null',
      'directory': f'exp/trial{trial}/{level}/same_init',
    }
    | columns
    for trial in range(4)
    for level in range(2)
  ]
  return pd.DataFrame(rows, columns=list(results.COLUMNS))


def test_parts_say_what_they_are():
  parts = claims.parts(make_runs(), OWN)
  assert list(parts.columns) == list(claims.COLUMNS)
  assert list(parts.claim) == ['A', 'A', 'B']
  assert list(parts.statement) == (
    ['Pruned networks are better.'] * 2 + ['Random networks are accurate.']
  )
  assert list(parts.paper) == ['2 points', '2 points', 'yes']
  assert list(parts.estimand) == [
    'Their accuracy minus that of the dense one',
    "Early stop over the dense one's",
    'Their accuracy',
  ]
  assert list(parts.verdict) == ['reproduced', 'reproduced', 'not measured']
  assert list(parts.direction) == ['reproduced', 'reproduced', 'not measured']
  assert list(parts['size']) == ['as in the paper', '', '']
  wanted = stats.ttest_1samp([2, 2.1, 2.2, 2.3], 0).pvalue
  assert parts.p_value[0] == pytest.approx(wanted)
  assert parts.p_holm[1] == pytest.approx(2 * parts.p_value[1])
  assert parts.note[0] == 'iterations fewer: 98.5 [96.4, 101] (n = 4)'


def test_a_claim_is_judged_by_its_weakest_part():
  judged = claims.judge(make_runs(stops=(300, 300)), OWN)
  first, second = judged.itertuples()
  assert (first.verdict, first.unit) == ('inconclusive', 'ratio')
  assert 'also: Their accuracy minus' in first.note
  assert second.verdict == 'not measured'
  assert claims.counts(judged) == {
    'reproduced': 0,
    'not reproduced': 0,
    'inconclusive': 1,
    'not measured': 1,
  }


def test_censored_stops_make_an_interval_as_wide_as_they_leave_open():
  late = make_runs().assign(censored=lambda runs: runs.level == 0)
  part = claims.parts(late, OWN).iloc[1]
  assert (part.low, part.bound, part.verdict) == (0, 'upper', 'reproduced')
  late = make_runs().assign(censored=lambda runs: runs.level == 1)
  part = claims.parts(late, OWN).iloc[1]
  assert (part.high, part.bound) == (math.inf, 'lower')
  assert part.verdict == 'inconclusive'
  assert part.note == 'some early stops are censored; a lower bound'


def test_claims_as_text():
  lines = tables.claims(claims.judge(make_runs(), OWN)).splitlines()
  assert lines[2].split()[:5] == ['A', 'reproduced', '2', 'points', '4']
  assert lines[2].endswith('[1.94, 2.36] points')
  assert lines[3].split() == ['B', 'not', 'measured', 'yes', '0', '-']


def test_another_recipe_is_said():
  other = make_runs(recipe='{"learning_rate": 0.2}')
  note = claims.judge(other, OWN).note[0]
  assert note.endswith("another recipe than the paper's (learning_rate)")


def test_confidence_widens_intervals():
  narrow, wide = (
    claims.judge(make_runs(), OWN, confidence=confidence).iloc[0]
    for confidence in (0.5, 0.99)
  )
  assert wide.low < narrow.low < narrow.high < wide.high


def test_runs_of_a_task_without_claims_have_no_rows():
  for task in (None, 'nothing', 'os.path', 'foundations'):
    assert claims.judge(make_runs(task=task)).empty


def test_no_runs():
  with pytest.raises(errors.InputError) as raised:
    claims.judge(make_runs()[:0])
  assert str(raised.value) == 'runs: wanted at least one, got none'


def interval(low, high, n=5):
  return intervals.Interval((low + high) / 2, low, high, n)


@pytest.mark.parametrize(
  ('low', 'high', 'side', 'margin', 'wanted'),
  [
    (0.1, 2, 'above', math.nan, 'reproduced'),
    (-2, -0.1, 'above', math.nan, 'not reproduced'),
    (-0.1, 2, 'above', math.nan, 'inconclusive'),
    (-0.1, 0.2, 'above', 0.3, 'not reproduced'),
    (0.1, 0.2, 'above', 0.3, 'not reproduced'),
    (0.1, 0.4, 'above', 0.3, 'reproduced'),
    (-2, -0.1, 'below', math.nan, 'reproduced'),
    (0.1, 2, 'below', math.nan, 'not reproduced'),
    (-1, 1, 'below', 0.5, 'inconclusive'),
    (-0.2, 0.3, 'near', 0.5, 'reproduced'),
    (-0.2, 0.7, 'near', 0.5, 'inconclusive'),
    (0.6, 0.7, 'near', 0.5, 'not reproduced'),
    (-0.7, -0.6, 'near', 0.5, 'not reproduced'),
  ],
)
def test_verdicts(low, high, side, margin, wanted):
  assert rules.verdict(interval(low, high), 0, side, margin) == wanted
  moved = interval(low + 7, high + 7)
  assert rules.verdict(moved, 7, side, margin) == wanted
  few = interval(low, high, n=2)
  assert rules.verdict(few, 0, side, margin) == 'inconclusive'

"""Tests of lottery_ticket.analysis.claims, on claims of its own."""

import math

import pandas as pd
import pytest
from scipy import stats

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import results
from lottery_ticket.analysis import tables
from lottery_ticket.foundations import errors


def gain(study):
  pruned = study.at('accuracy', percent=50)
  return (pruned - study.at('accuracy')) * 100


def ratio(study):
  return study.at('early_stop', percent=50) / study.at('early_stop')


def random(study):
  return study.at('accuracy', 'random') * 100


def part(measure, unit, words='', is_speed=False, **about):
  quantity = estimands.Quantity(measure, unit, words, is_speed)
  return claims.Part(quantity, **about)


OWN = claims.Claims(
  {'learning_rate': 0.1, 'length': 9},
  about={'data': ['mine']},
  headlines=['A'],
  claims=[
    claims.Claim(
      'A',
      'Pruned networks are better.',
      '2 points',
      [
        part(gain, 'points', 'accuracy minus the dense one', above=0, value=2),
        part(ratio, 'ratio', 'early stops', is_speed=True, below=1),
        part(gain, 'points', 'as well', value=(-1, 1), about=('length',)),
      ],
    ),
    claims.Claim(
      'B',
      'Random networks are accurate.',
      'yes',
      [part(random, 'percent', above=90)],
    ),
  ],
)


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
      'loss_stop': 100 - 10 * level - trial,
      'loss_stop_censored': False,
      'iterations': 1_000,
      'accuracy': accuracies[level] + 0.001 * trial * level,
      'recipe': '{"learning_rate": 0.1, "data": "mine"}',
      'prune_percents': 'null',
      'directory': f'exp/trial{trial}/{level}/same_init',
    }
    | columns
    for trial in range(4)
    for level in range(2)
  ]
  return pd.DataFrame(rows, columns=list(results.COLUMNS))


def test_parts_say_what_they_are():
  judged = claims.judge(make_runs(), OWN)
  assert list(judged.columns) == list(claims.COLUMNS)
  assert list(judged.claim + judged.part) == ['Aa', 'Ab', 'Ac', 'B']
  assert judged.statement[1] == 'Pruned networks are better.'
  assert judged.estimand[1] == 'early stops'
  assert list(judged.direction) == [
    'reproduced',
    'reproduced',
    '',
    'not measured',
  ]
  assert list(judged['size']) == ['as in the paper', '', 'larger', '']
  assert list(judged.paper_low[:3].round(1)) == pytest.approx(
    [1.5, math.nan, -1], nan_ok=True
  )
  wanted = stats.ttest_1samp([2, 2.1, 2.2, 2.3], 0).pvalue
  assert judged.p_value[0] == pytest.approx(wanted)
  assert math.isnan(judged.p_value[2])
  assert judged.p_holm[1] == pytest.approx(
    judged.p_value[1] * (2 if judged.p_value[1] < wanted else 1)
  )
  assert claims.counts(judged) == {
    'reproduced': 2,
    'open': 0,
    'opposite': 0,
    'too few trials': 0,
    'not measured': 1,
  }
  assert claims.counts(judged, 'size')['larger'] == 1


def test_speed_is_measured_to_a_fixed_loss_as_well():
  judged = claims.judge(make_runs(), OWN)
  assert list(judged.loss_direction) == ['', 'reproduced', '', '']
  assert judged.loss_measured[1] == pytest.approx(
    sum((90 - t) / (100 - t) for t in range(4)) / 4
  )
  # Those that never reach it would do so after their last iteration.
  never = make_runs().assign(
    loss_stop_censored=lambda runs: (runs.level == 1) & (runs.trial == '0')
  )
  row = claims.judge(never, OWN).iloc[1]
  assert row.loss_high == math.inf
  assert row.loss_direction == 'open'


def test_the_opposite_and_the_open():
  judged = claims.judge(make_runs(accuracies=(0.92, 0.9)), OWN)
  assert (judged.direction[0], judged['size'][0]) == ('opposite', 'smaller')
  judged = claims.judge(make_runs(accuracies=(0.9, 0.8985)), OWN)
  assert (judged.direction[0], judged['size'][0]) == ('open', 'not reproduced')
  assert judged['size'][2] == 'as in the paper'


@pytest.mark.parametrize('trials', [1, 2])
def test_few_trials(trials):
  runs = make_runs()
  judged = claims.judge(runs[runs.trial.astype(int) < trials], OWN)
  assert list(judged.direction[:3]) == ['too few trials'] * 3
  assert set(judged['size']) == {''}
  assert judged.note[0] == f'n = {trials} of at least 3 trials'


def test_censored_stops_make_an_interval_as_wide_as_they_leave_open():
  late = make_runs().assign(censored=lambda runs: runs.level == 0)
  row = claims.judge(late, OWN).iloc[1]
  assert (row.low, row.bound, row.direction) == (0, 'upper', 'reproduced')
  assert math.isnan(row.p_value)
  late = make_runs().assign(censored=lambda runs: runs.level == 1)
  row = claims.judge(late, OWN).iloc[1]
  assert (row.high, row.bound, row.direction) == (math.inf, 'lower', 'open')
  assert row.note.startswith('a lower bound, as some early stops')


def test_claims_as_text():
  lines = tables.claims(claims.judge(make_runs(), OWN)).splitlines()
  assert lines[2].split()[:6] == [
    'Aa',
    'reproduced',
    *['as', 'in', 'the', 'paper'],
  ]
  assert lines[2].endswith('[1.94, 2.36] points')
  assert lines[5].split() == ['B', 'not', 'measured', 'yes', '0', '-']


def test_other_values_are_judged_and_said():
  other = make_runs(recipe='{"learning_rate": 0.2, "length": 8}')
  judged = claims.judge(other, OWN)
  assert judged.direction[0] == 'reproduced'
  # But for parts that are about them.
  assert judged.direction[2] == 'not measured'
  assert judged.note[2] == "wanted: runs with the paper's length"
  assert claims.departures(other, OWN) == [
    'learning_rate 0.2 (the paper: 0.1)',
    'length 8 (the paper: 9)',
  ]
  assert claims.departures(make_runs(), OWN) == []
  by_test = make_runs(early_stop_split='test')
  assert claims.departures(by_test, OWN) == [
    'early stop by test loss, as there is no validation set'
  ]


def test_nothing_is_said_by_runs_of_other_data():
  other = make_runs(recipe='{"learning_rate": 0.1, "data": "others"}')
  assert claims.judge(other, OWN).empty
  both = pd.concat([make_runs(), other], ignore_index=True)
  assert claims.judge(both, OWN).n[0] == 4


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

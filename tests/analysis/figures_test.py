"""Tests of lottery_ticket.analysis.figures."""

import pandas as pd
import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import figures
from lottery_ticket.analysis import results


@pytest.fixture(scope='module')
def runs(study):
  return results.read(str(study)).runs


@pytest.fixture(scope='module')
def judged():
  return pd.DataFrame(columns=list(claims.COLUMNS))


@pytest.fixture(scope='module')
def drawn(runs, judged):
  return {figure.name: figure for figure in figures.draw(runs, judged)}


def test_whatever_there_are_runs_for_is_drawn(drawn):
  missing = {name: f.missing for name, f in drawn.items() if not f.drawing}
  assert missing == {'claims': 'wanted: runs that measure a claim'}
  for figure in drawn.values():
    assert figure.title
    if figure.drawing:
      assert figure.drawing.alt
      assert figure.drawing.caption.endswith('.')


def test_captions_state_the_numbers_that_are_drawn(drawn):
  early_stop = drawn['early_stop'].drawing.caption
  assert early_stop.startswith(
    'On average the ticket of P_m = 12.4% stops first, at iteration 300, the'
    ' dense network at 600: 50% fewer iterations. At P_m = 12.4%: the ticket'
    ' 300, reinitialized 733.'
  )
  assert ' 1 run was still improving ' in early_stop
  training = drawn['final_train_accuracy'].drawing.caption
  assert training.startswith(
    'On average tickets end with a training accuracy of 99.10% (P_m = 50.0%) or'
    ' more, the dense network with 99.00%.'
  )
  assert 'Means over 3 trials' in training
  curves = drawn['curves'].drawing.caption
  assert 'After 100 iterations P_m = 12.4% is ahead with 96.67%' in curves
  assert 'P_m = 100.0% has 93.33%' in curves


def test_controls_are_paired_with_the_ticket_at_the_level_of_most(drawn):
  caption = drawn['controls_early_stop'].drawing.caption
  assert caption.startswith(
    "At P_m = 12.4%, early stop as a multiple of the ticket's:"
  )
  assert 'random sparsity 2.00 (n = 3)' in caption
  assert 'reinitialized 2.44 (n = 3)' in caption  # 2, 2, 10 / 3.
  assert '1 early stop is a lower bound' in caption
  names = drawn['controls_accuracy'].drawing.figure.axes[0].get_yticklabels()
  assert {name.get_text() for name in names} == {
    'reinitialized',
    'random sparsity',
    'one-shot pruning',
    'noise 0.5x',
    'never reset',
  }


def test_networks_of_another_size_are_no_controls(runs, judged):
  union = runs[runs.experiment == 'random'].assign(
    experiment='union', density=0.7
  )
  tickets = runs[runs.experiment == 'same_init']
  drawn = figures.draw(pd.concat([tickets, union]), judged)
  missing = {figure.name: figure.missing for figure in drawn}
  assert 'no finished control' in missing['controls_accuracy']
  assert missing['accuracy'] == ''


@pytest.mark.parametrize('levels', [[0], [1, 2], []])
def test_without_a_dense_network_and_tickets_nothing_is_drawn(
  runs, judged, levels
):
  some = runs[runs.level.isin(levels) | (runs.experiment == 'reinit')]
  for figure in figures.draw(some, judged):
    assert figure.drawing is None
    if figure.name not in (
      'claims',
      'controls_accuracy',
      'controls_early_stop',
    ):
      assert figure.missing == (
        'wanted: runs of same_init at level 0 and later ones; the runner'
        ' lottery_experiment makes them'
      )


def test_weights_that_are_gone_leave_out_their_figures(runs, judged):
  gone = runs.assign(row=[row | {'weights': {}} for row in runs.row])
  missing = {
    figure.name: figure.missing for figure in figures.draw(gone, judged)
  }
  for name in ('initial_weights', 'final_weights'):
    assert missing[name] == 'the weights were gone before there were rows'
  assert missing['accuracy'] == ''

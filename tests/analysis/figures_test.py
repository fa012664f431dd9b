"""Tests of lottery_ticket.analysis.figures."""

import pandas as pd
import pytest

from lottery_ticket.analysis import figures
from lottery_ticket.analysis import results


@pytest.fixture(scope='module')
def runs(study):
  return results.read(str(study)).runs


@pytest.fixture(scope='module')
def judged():
  columns = ['claim', 'unit', 'measured', 'low', 'high', 'null', 'direction']
  return pd.DataFrame(columns=columns)


LINES = ('line', 'barrier', 'successive')


@pytest.fixture(scope='module')
def drawn(runs, judged):
  return {figure.name: figure for figure in figures.draw(runs, judged)}


def test_whatever_there_are_runs_for_is_drawn(drawn):
  missing = {name: f.caption for name, f in drawn.items() if not f.figure}
  assert missing == {
    'claims': 'wanted: runs that measure a claim',
    **dict.fromkeys(LINES, 'no such lines; the runner stability makes them'),
  }
  for figure in drawn.values():
    assert figure.title
    assert figure.caption.endswith('.') or not figure.figure


def test_a_caption_says_what_is_drawn_and_what_is_not(runs, judged, drawn):
  caption = drawn['tickets'].caption
  assert caption.startswith('Means over 3 trials, ')
  assert 'An arrow: still improving' in caption
  assert 'left out' not in caption
  one = runs[(runs.experiment != 'random') | (runs.trial == '1')]
  _, _, figure, caption = figures.draw(one, judged)[0]
  assert caption.endswith(' Of one trial, and so left out: random sparsity.')
  legend = [text.get_text() for text in figure.legends[0].get_texts()]
  assert 'reinitialized' in legend and 'random sparsity' not in legend


def test_controls_are_paired_with_the_ticket_at_the_level_of_most(drawn):
  _, _, figure, caption = drawn['controls']
  assert caption.startswith('At P_m = 12.4%.')
  assert 'Early stops that are lower bounds: 1.' in caption
  accuracy, ratio = figure.axes
  names = [name.get_text() for name in accuracy.get_yticklabels()]
  assert set(names) == {
    'reinitialized',
    'random sparsity',
    'one-shot pruning',
    'noise 0.5x',
    'never reset',
  }
  points = dict(
    zip(names, ratio.containers[0].lines[0].get_xdata(), strict=True)
  )
  assert points['random sparsity'] == pytest.approx(2)
  assert points['reinitialized'] == pytest.approx((2 + 2 + 10 / 3) / 3)


def test_networks_of_another_size_are_no_controls(runs, judged):
  union = runs[runs.experiment == 'random'].assign(
    experiment='union', density=0.7
  )
  tickets = runs[runs.experiment == 'same_init']
  drawn = figures.draw(pd.concat([tickets, union]), judged)
  drawn = {figure.name: figure for figure in drawn}
  assert 'no finished control' in drawn['controls'].caption
  assert drawn['tickets'].figure and not drawn['controls'].figure


@pytest.mark.parametrize('levels', [[0], [1, 2], []])
def test_without_a_dense_network_and_tickets_nothing_is_drawn(
  runs, judged, levels
):
  some = runs[runs.level.isin(levels) | (runs.experiment == 'reinit')]
  for figure in figures.draw(some, judged):
    assert figure.figure is None
    if figure.name not in ('claims', 'controls', *LINES):
      assert figure.caption == (
        'wanted: runs of same_init at level 0 and later ones; the runner'
        ' lottery_experiment makes them'
      )


def test_weights_that_are_gone_leave_out_their_figures(runs, judged):
  gone = runs.assign(row=[row | {'weights': {}} for row in runs.row])
  drawn = {figure.name: figure for figure in figures.draw(gone, judged)}
  why = 'the weights were gone before there were rows'
  assert drawn['weights'].caption == why
  assert drawn['tickets'].figure and not drawn['weights'].figure

"""Tests of lottery_ticket.analysis.plots."""

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import metrics
from lottery_ticket.analysis import plots
from lottery_ticket.foundations import errors


@pytest.fixture
def summary():
  """Tickets of three levels, and reinitialized ones of the last."""
  rows = [
    ('same_init', 0, 1.0, 0, 500, 400, 700),
    ('same_init', 1, 0.5, 0, 300, 300, 300),
    ('same_init', 2, 0.25, 0, 400, 300, 600),
    ('reinit', 2, 0.25, 1, 900, 800, 1000),
    ('union', 2, 0.4, 0, 500, 500, 500),
  ]
  names = ['experiment', 'level', 'density', 'censored']
  names += [f'early_stop_{name}' for name in ('mean', 'min', 'max')]
  return pd.DataFrame(rows, columns=names)


def texts(legend):
  return [text.get_text() for text in legend.get_texts()]


def test_a_measure_is_drawn_over_p_m_with_its_range(summary):
  axes = plots.over_density(summary, 'early_stop').axes[0]
  ticket, reinit = axes.containers
  assert list(ticket.lines[0].get_xdata()) == [100, 50, 25]
  assert list(ticket.lines[0].get_ydata()) == [500, 300, 400]
  assert [list(bar.get_ydata()) for bar in ticket.lines[1]] == (
    [[400, 300, 300], [700, 300, 600]]
  )
  assert list(reinit.lines[0].get_ydata()) == [900]
  assert axes.xaxis_inverted()
  assert [label.get_text() for label in axes.get_xticklabels()] == (
    ['100.0', '50.0', '25.0']
  )


def test_censored_early_stops_are_marked_and_nothing_else(summary):
  axes = plots.over_density(summary, 'early_stop').axes[0]
  arrows = [line for line in axes.lines if line.get_marker().startswith('$')]
  assert [list(line.get_ydata()) for line in arrows] == [[], [900]]
  as_accuracy = summary.rename(
    columns=lambda x: x.replace('early_stop', 'accuracy')
  )
  axes = plots.over_density(as_accuracy, 'accuracy').axes[0]
  arrows = [line for line in axes.lines if line.get_marker().startswith('$')]
  assert not any(len(line.get_ydata()) for line in arrows)


def test_the_legend_is_above_the_lines_and_names_what_is_drawn(summary):
  figure = plots.over_density(summary, 'early_stop')
  assert texts(figure.legends[0]) == ['winning ticket', 'reinitialized']


def test_marks_leave_the_layout_alone(summary):
  boxes = []
  for censored in (summary, summary.assign(censored=0)):
    figure = plots.over_density(censored, 'early_stop')
    figure.draw_without_rendering()
    boxes.append(figure.axes[0].get_position().bounds)
  assert boxes[0] == boxes[1]
  assert boxes[0][2] > 0.7


def test_equal_values_are_drawn_whatever_their_rounding(summary):
  value = np.mean([0.1, 0.1, 0.1])  # Above 0.1 by a rounding error.
  assert value > 0.1
  for name, number in (('mean', value), ('min', 0.1), ('max', 0.1)):
    summary[f'accuracy_{name}'] = number
  plots.over_density(summary, 'accuracy')
  plots.tickets(summary)


def test_an_unknown_measure_is_refused(summary):
  with pytest.raises(errors.InputError) as raised:
    plots.over_density(summary, 'speed')
  assert str(raised.value) == (
    "measure: wanted one of ['accuracy', 'early_stop', 'final_accuracy',"
    " 'final_train_accuracy'], got 'speed'"
  )


def test_experiments_differ_in_more_than_colour():
  for name in ('color', 'marker'):
    assert len({style[name] for style in plots.STYLES.values()}) == 5
  lines = {str(style.get('linestyle')) for style in plots.STYLES.values()}
  assert len(lines) == 5
  for styles in (plots.VERDICTS,):
    for name in ('color', 'marker'):
      assert len({style[name] for style in styles.values()}) == len(styles)


def test_curves_are_means_in_a_band_without_iteration_0():
  table = pd.DataFrame(
    [
      (level, 0.5**level, trial, iteration, 0.9 + trial / 100 + level / 20)
      for level in (0, 1)
      for trial in (1, 2)
      for iteration in (0, 100, 200)
    ],
    columns=['level', 'density', 'trial', 'iteration', 'accuracy'],
  )
  figure = plots.curves(table)
  axes = figure.axes[0]
  dense, ticket = axes.lines
  assert list(dense.get_xdata()) == [100, 200]
  assert list(dense.get_ydata()) == pytest.approx([91.5, 91.5])
  assert list(ticket.get_ydata()) == pytest.approx([96.5, 96.5])
  band = axes.collections[0].get_paths()[0].vertices[:, 1]
  assert (band.min(), band.max()) == pytest.approx((91, 92))
  assert texts(figure.legends[0]) == ['100.0', '50.0']
  assert axes.get_xscale() == 'log'


def of_masks(*masks):
  """Returns runs of these masks, of a level each."""
  generator = np.random.default_rng(0)
  rows = []
  for level, mask in enumerate(masks):
    both = {'a': mask, 'b': mask}
    weights = {name: generator.normal(size=mask.shape) for name in both}
    histograms = metrics.weight_histograms(both, weights)
    connections = metrics.ranked_connections(both)
    row = {'weights': {'initial': histograms}, 'connections': connections}
    rows.append({'level': level, 'density': mask.mean(), 'row': row})
  return pd.DataFrame(rows)


def test_weights_have_a_panel_a_layer_and_a_line_a_level():
  runs = of_masks(np.ones((8, 8)), np.eye(8))
  figure = plots.weights(runs, 'initial')
  assert [axes.get_title('left') for axes in figure.axes] == ['a', 'b']
  dense, ticket = (line.get_data() for line in figure.axes[1].patches)
  for line, row in ((dense, runs.row[0]), (ticket, runs.row[1])):
    counts = np.array(row['weights']['initial']['b']['counts'])
    share = line.values * np.diff(line.edges)
    assert list(share) == pytest.approx(list(counts / counts.sum()))
  assert texts(figure.legends[0]) == ['100.0', '12.5']


def test_connections_fall_from_the_busiest_unit_on():
  mask = np.zeros((4, 2))
  mask[:, 1] = 1
  mask[0, 0] = 1
  figure = plots.connections(of_masks(mask))
  incoming, outgoing = (axes.lines[0].get_ydata() for axes in figure.axes)
  assert (incoming[0], incoming[-1]) == (100, 25)
  assert (outgoing[0], outgoing[-1]) == (100, 50)
  assert all(np.diff(incoming) <= 0)


def test_controls_stand_in_order_from_the_top_with_intervals():
  table = pd.DataFrame(
    [('a $b', -1.0, -2.0, 0.5), ('one trial', 1.0, np.nan, np.nan)],
    columns=['name', 'measured', 'low', 'high'],
  )
  figure = plots.differences(table, 'points', null=0)
  axes = figure.axes[0]
  points, (_, _), (bars,) = axes.containers[0]
  assert list(points.get_xdata()) == [-1, 1]
  assert list(bars.get_segments()[0][:, 0]) == [-2, 0.5]
  assert axes.yaxis_inverted()
  names = [label.get_text() for label in axes.get_yticklabels()]
  assert names == [r'a \$b', 'one trial']


@pytest.fixture
def judged():
  return pd.DataFrame(
    [
      ('C1', '%', 40.0, 20.0, 60.0, 0.0, 37.0, 'reproduced', ''),
      ('C3', 'points', 0.1, -0.3, 0.5, 0.0, 0.3, 'open', 'lower'),
      ('C4', 'points', -0.2, -0.3, -0.1, 0.0, np.nan, 'opposite', ''),
      ('C9', 'points', np.nan, np.nan, np.nan, 0.0, 0.3, 'not measured', ''),
    ],
    columns=[
      'claim',
      'unit',
      'measured',
      'low',
      'high',
      'null',
      'paper_low',
      'direction',
      'bound',
    ],
  ).assign(part='', paper_high=[39.0, np.inf, np.nan, 0.3])


def test_a_forest_has_a_panel_a_unit_and_leaves_out_what_is_not_measured(
  judged,
):
  figure = plots.forest(judged)
  percent, points = figure.axes
  assert (percent.get_xlabel(), points.get_xlabel()) == ('%', 'points')
  labels = [label.get_text() for label in points.get_yticklabels()]
  assert labels == ['C3 \N{GREATER-THAN OR EQUAL TO}', 'C4']
  drawn = {
    container.get_label(): list(container.lines[0].get_xdata())
    for container in points.containers
  }
  assert drawn['opposite'] == pytest.approx([np.nan, -0.2], nan_ok=True)
  assert drawn['open'] == pytest.approx([0.1, np.nan], nan_ok=True)
  diamonds = next(line for line in percent.lines if line.get_marker() == 'D')
  assert list(diamonds.get_xdata()) == [38]


def test_a_forest_of_nothing(judged):
  with pytest.raises(errors.InputError) as raised:
    plots.forest(judged.iloc[3:])
  assert str(raised.value) == 'wanted: runs that measure a claim'


@pytest.mark.parametrize('kind', ['png', 'svg', 'pdf'])
def test_the_same_figure_becomes_the_same_bytes(summary, tmp_path, kind):
  files = [tmp_path / 'new' / f'{name}.{kind}' for name in 'ab']
  for file in files:
    plots.save(plots.over_density(summary, 'early_stop'), str(file))
  first, second = [file.read_bytes() for file in files]
  assert first == second
  assert sorted(tmp_path.glob('new/*')) == files

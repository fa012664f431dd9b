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
    ('same_init', 0, 1.0, 0, 3, 50, 40, 70),
    ('same_init', 1, 0.5, 0, 3, 30, 30, 30),
    ('same_init', 2, 0.25, 0, 3, 40, 30, 60),
    ('reinit', 2, 0.25, 1, 3, 90, 80, 100),
    ('union', 2, 0.4, 0, 3, 50, 50, 50),
    ('one_shot', 2, 0.25, 0, 1, 50, 50, 50),
  ]
  names = ['experiment', 'level', 'density', 'censored', 'trials']
  names += [f'early_stop_{name}' for name in ('mean', 'min', 'max')]
  return pd.DataFrame(rows, columns=names)


def as_accuracy(summary, factor=0.01):
  names = {x: x.replace('early_stop', 'accuracy') for x in summary}
  table = summary.rename(columns=names)
  for name in ('mean', 'min', 'max'):
    table[f'accuracy_{name}'] *= factor
  return table


def texts(legend):
  return [text.get_text() for text in legend.get_texts()]


def hollow(axes):
  return [
    list(line.get_ydata())
    for line in axes.lines
    if line.get_markerfacecolor() == 'white'
  ]


def test_a_measure_is_drawn_over_p_m_with_its_range(summary):
  axes = plots.tickets(summary, ['early_stop']).axes[0]
  ticket, reinit = axes.containers  # One trial beside three is left out.
  assert list(ticket.lines[0].get_xdata()) == [100, 50, 25]
  assert list(ticket.lines[0].get_ydata()) == [50, 30, 40]
  ends = [segment[:, 1] for segment in ticket.lines[2][0].get_segments()]
  assert [list(end) for end in ends] == [[40, 70], [30, 30], [30, 60]]
  assert list(reinit.lines[0].get_ydata()) == [90]
  assert axes.xaxis_inverted()
  assert axes.get_yscale() == 'log'
  assert [label.get_text() for label in axes.get_xticklabels()] == (
    ['100', '50.0', '25.0']
  )
  dense = next(x for x in axes.lines if x.get_label() == 'dense network')
  assert list(dense.get_ydata()) == [50, 50]


def test_a_saved_figure_says_where_its_points_are_and_what_they_say(
  summary, tmp_path
):
  figure = plots.tickets(summary, ['early_stop'])
  plots.save(figure, str(tmp_path / 'tickets.svg'))
  dense, ticket, reinit = figure.curves()
  assert dense == {'name': 'dense network', 'points': []}
  assert reinit['name'] == 'reinitialized'
  xs, ys, words = zip(*ticket['points'], strict=True)
  assert words[1:] == (
    'P_m = 50.0%: 30 [30 to 30], n = 3',
    'P_m = 25.0%: 40 [30 to 60], n = 3',
  )
  assert 0 < xs[0] < xs[1] < xs[2] < 1
  assert 0 < ys[0] < ys[2] < ys[1] < 1  # From the top: 50, 40 and 30.
  svg = (tmp_path / 'tickets.svg').read_text()
  for i in range(3):
    assert svg.count(f'id="legend{i}"') == 1
    assert svg.count(f'id="curve{i}_0"') == 1
  _, _, words = reinit['points'][0]
  assert words == 'P_m = 25.0%: 90 [80 to 100], n = 3'


def test_points_of_one_trial_are_hollow(summary):
  axes = plots.tickets(summary, ['early_stop']).axes[0]
  assert not any(hollow(axes))
  alone = summary.assign(trials=1)
  axes = plots.tickets(alone, ['early_stop']).axes[0]
  assert hollow(axes) == [[50, 30, 40], [90], [50]]


def test_the_axis_shows_tickets_and_marks_what_falls_out(summary):
  table = as_accuracy(summary)
  for name in ('mean', 'min', 'max'):
    tickets = table.experiment == 'same_init'
    table.loc[tickets, f'accuracy_{name}'] = [0.98, 0.983, 0.979]
  table.loc[table.experiment == 'reinit', 'accuracy_min'] = 0.89
  axes = plots.tickets(table, ['accuracy']).axes[0]
  bottom, top = axes.get_ylim()
  assert 96 < bottom < 97
  assert 98.3 < top <= 100.1
  fallen = [line for line in axes.lines if line.get_marker() == '$\\downarrow$']
  assert sum(len(line.get_xdata()) for line in fallen) == 1


def test_the_axis_is_labelled_at_the_papers_levels():
  levels = np.arange(21)
  rows = {'experiment': 'same_init', 'level': levels, 'density': 0.8**levels}
  rows |= {f'early_stop_{x}': 1000.0 for x in ('mean', 'min', 'max')}
  summary = pd.DataFrame(rows).assign(trials=5, censored=0)
  wanted = (0, 3, 7, 9, 12, 15, 16, 18, 20)
  axes = plots.tickets(summary, ['early_stop'], wanted).axes[0]
  assert [label.get_text() for label in axes.get_xticklabels()] == (
    ['100', '51.2', '21.0', '13.4', '6.9', '3.5', '1.8', '1.2']
  )


def test_censored_early_stops_are_marked_and_nothing_else(summary):
  def arrows(table, measure):
    axes = plots.tickets(table, [measure]).axes[0]
    return sum(
      len(line.get_ydata())
      for line in axes.lines
      if line.get_marker() == '$\\uparrow$'
    )

  assert arrows(summary, 'early_stop') == 1
  assert arrows(as_accuracy(summary), 'accuracy') == 0


def test_the_legend_is_above_the_lines_and_names_what_is_drawn(summary):
  figure = plots.tickets(summary, ['early_stop'])
  assert texts(figure.legends[0]) == (
    ['dense network', 'winning ticket', 'reinitialized']
  )


def test_equal_values_are_drawn_whatever_their_rounding(summary):
  value = np.mean([0.1, 0.1, 0.1])  # Above 0.1 by a rounding error.
  assert value > 0.1
  for name, number in (('mean', value), ('min', 0.1), ('max', 0.1)):
    summary[f'accuracy_{name}'] = number
  plots.tickets(summary)


def test_an_unknown_measure_is_refused(summary):
  with pytest.raises(errors.InputError) as raised:
    plots.tickets(summary, ['speed'])
  assert str(raised.value) == (
    "measure: wanted one of ['accuracy', 'accuracy_gain', 'early_stop',"
    " 'early_stop_ratio', 'final_accuracy', 'final_train_accuracy'],"
    " got 'speed'"
  )


def test_experiments_differ_in_more_than_colour():
  for name in ('color', 'marker'):
    assert len({style[name] for style in plots.STYLES.values()}) == 5
  lines = {str(style.get('linestyle')) for style in plots.STYLES.values()}
  assert len(lines) == 5
  markers = {style['marker'] for style in plots.DIRECTIONS.values()}
  assert len(markers) == len(plots.DIRECTIONS)


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
    both = {'initial': histograms, 'final': histograms}
    row = {'weights': both, 'connections': connections}
    rows.append({'level': level, 'density': mask.mean(), 'row': row})
  return pd.DataFrame(rows)


def test_weights_have_a_panel_a_layer_and_a_line_a_level():
  runs = of_masks(np.ones((8, 8)), np.eye(8))
  figure = plots.weights(runs)
  titles = [axes.get_title('left') for axes in figure.axes]
  assert titles == ['a', 'b', 'a', 'b']
  stages = [axes.get_ylabel() for axes in figure.axes[::2]]
  assert stages == ['density of initial weights', 'density of final weights']
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


def test_of_many_layers_five_are_drawn():
  runs = of_masks(np.ones((8, 8)))
  row = runs.row[0]
  for by_layer in (*row['weights'].values(), *row['connections'].values()):
    by_layer |= {f'layer{i}': by_layer['a'] for i in range(20)}
  figure = plots.weights(runs)
  titles = [axes.get_title('left') for axes in figure.axes[:5]]
  assert titles[0] == 'a'
  assert titles[-1] == 'layer19'
  assert len(figure.axes) == 10
  assert len(texts(plots.connections(runs).legends[0])) == 5


def test_controls_stand_in_order_from_the_top_with_intervals():
  table = pd.DataFrame(
    [('a $b', -1.0, -2.0, 0.5, 3), ('one trial', 1.0, np.nan, np.nan, 1)],
    columns=['name', 'measured', 'low', 'high', 'n'],
  )
  figure = plots.differences({'points': table, 'ratio': table}, [0, 1])
  axes = figure.axes[0]
  points, _, (bars,) = axes.containers[0]
  assert points.get_xdata()[0] == -1
  assert list(bars.get_segments()[0][:, 0]) == [-2, 0.5]
  one, _, _ = axes.containers[1]
  assert one.get_xdata()[1] == 1 and one.get_markerfacecolor() == 'white'
  assert axes.yaxis_inverted()
  names = [label.get_text() for label in axes.get_yticklabels()]
  assert names == [r'a \$b', 'one trial']
  assert [each.get_xlabel() for each in figure.axes] == ['points', 'ratio']


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
  ).assign(
    part='',
    n=3,
    paper_high=[39.0, np.inf, np.nan, 0.3],
    statement='The ticket is better at P_m >= 2%.',
    estimand='Points',
  )


def test_a_forest_has_a_panel_a_unit_and_leaves_out_what_is_not_measured(
  judged,
):
  figure = plots.forest(judged)
  percent, points = figure.axes
  assert (percent.get_xlabel(), points.get_xlabel()) == ('%', 'points')
  labels = [label.get_text() for label in points.get_yticklabels()]
  said = 'The ticket is better at $P_m$ \N{GREATER-THAN OR EQUAL TO} 2%'
  bound = ' \N{GREATER-THAN OR EQUAL TO}'
  assert labels == [f'C3{bound}  {said}', f'C4  {said}']
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


@pytest.fixture
def on_lines():
  """Lines of two trials from iteration 0, and of one from iteration 500."""
  rows = [('1', 0, 0.2), ('2', 0, 0.4), ('1', 500, 0.1)]
  table = pd.DataFrame(rows, columns=['trial', 'rewind_to', 'barrier'])
  return table.assign(level=1, density=0.8, averaged=0)


def test_lines_have_a_panel_for_each_iteration(on_lines):
  tables = [
    on_lines.assign(alpha=x, error=x * on_lines.barrier) for x in (0, 1)
  ]
  figure = plots.lines(pd.concat(tables), 'rewind_to')
  first, second = figure.axes
  assert first.get_title('left') == 'copies from iteration 0'
  assert list(first.lines[0].get_ydata()) == pytest.approx([0, 30])
  assert list(second.lines[0].get_ydata()) == pytest.approx([0, 10])
  assert texts(figure.legends[0]) == ['80.0']


def test_barriers_are_drawn_over_iterations(on_lines):
  figure = plots.barriers(on_lines.assign(averaged=10_000), 'rewind_to')
  bars = figure.axes[0].containers[0]
  assert list(bars.lines[0].get_xdata()) == [0, 500]
  assert list(bars.lines[0].get_ydata()) == pytest.approx([30, 10])
  ends = bars.lines[2][0].get_segments()[0][:, 1]
  assert list(ends) == pytest.approx([20, 40])
  assert 'recomputed from 10,000 training images' in figure.get_supxlabel()


@pytest.mark.parametrize('kind', ['png', 'svg', 'pdf'])
def test_the_same_figure_becomes_the_same_bytes(summary, tmp_path, kind):
  files = [tmp_path / 'new' / f'{name}.{kind}' for name in 'ab']
  for file in files:
    plots.save(plots.tickets(summary, ['early_stop']), str(file))
  first, second = [file.read_bytes() for file in files]
  assert first == second
  assert sorted(tmp_path.glob('new/*')) == files

"""Figures. They only draw what the other modules return.

Where there is one trial alone, markers are hollow. The parts of a curve have
its label, behind "_" in those that the legend leaves out.
"""

import pathlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import figure as figure_lib
from matplotlib import layout_engine
from matplotlib import ticker

from lottery_ticket.analysis import view
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

TICKET = view.TICKET

LOOKS: tuple[dict[str, Any], ...] = (
  {'color': '#0072b2', 'marker': 'o', 'linestyle': '-'},
  {'color': '#d55e00', 'marker': 's', 'linestyle': '--'},
  {'color': '#009e73', 'marker': '^', 'linestyle': ':'},
  {'color': '#aa4499', 'marker': 'D', 'linestyle': '-.'},
  {'color': '#6b6b6b', 'marker': 'v', 'linestyle': (0, (5, 1, 1, 1, 1, 1))},
)
"""Colours that colour-blind people tell apart, markers and lines."""

LABELS = {
  TICKET: 'winning ticket',
  'no_reset': 'never reset',
  **{name: control.label for name, control in controls.CONTROLS.items()},
}

STYLES = {
  name: {'label': LABELS[name], **look}
  for name, look in zip(
    (TICKET, 'reinit', 'random', 'one_shot', 'no_reset'), LOOKS, strict=True
  )
}
"""How each experiment is drawn over P_m."""

MEASURES = {
  'early_stop': (1, 'early-stop iteration', '{x:,.0f}'),
  'accuracy': (100, 'test accuracy at early stop (%)', '{x:.1f}'),
  'final_accuracy': (100, 'test accuracy at the end (%)', '{x:.1f}'),
  'final_train_accuracy': (100, 'training accuracy at the end (%)', '{x:.1f}'),
  'accuracy_gain': (100, "accuracy minus dense network's (points)", '{x:.1f}'),
  'early_stop_ratio': (1, "early stop over dense network's", '{x:g}'),
}
"""{column: (factor, label, number format)} of what is drawn over P_m."""

DIRECTIONS: dict[str, dict[str, Any]] = {
  'reproduced': {'color': '#00694c', 'marker': 'o'},
  'opposite': {'color': '#a03c00', 'marker': 'X'},
  'open': {'color': '#5a5a5a', 'marker': 's'},
  'too few trials': {'color': '#5a5a5a', 'marker': 'v', 'fillstyle': 'none'},
  '': {'color': '#0b3d91', 'marker': '^'},
}
"""How each direction of a claim is drawn: dark enough for text as well."""

_WIDTH = 10.0  # Inches: as wide as a page.
_LOOK: Any = {
  'axes.grid': True,
  'axes.spines.right': False,
  'axes.spines.top': False,
  'axes.axisbelow': True,
  'grid.alpha': 0.35,
  'grid.linewidth': 0.6,
}
_RULE: Any = {'color': 'black', 'linewidth': 1, 'linestyle': (0, (4, 3))}
_TITLE: Any = {'loc': 'left', 'fontsize': 10}
_DODGE = 0.012  # Of P_m, between experiments: bars do not hide each other.
_APART = 0.08  # Of the axis: labels that are nearer would touch.
_LEAST_GAIN, _LOSS = 0.3, 6  # Points, and multiples of these, on an axis.
_STEPS = (1, 2, 3, 5, 7)  # Times a power of ten: labels of a logarithmic axis.


class Figure(figure_lib.Figure):
  """A figure that knows what to say at the points of its curves.

  Attributes:
    told: For each point its panel, the label of its curve, x, y and words.
  """

  def __init__(self, **options: Any):
    """Takes matplotlib's options."""
    super().__init__(**options)
    self.told: list[tuple[Any, str, float, float, str]] = []

  def curves(self) -> list[dict[str, Any]]:
    """Returns the curves once the figure is saved, in the legend's order.

    Returns:
      For each curve its `name` and `points`: x and y in [0, 1] from the left
      and from the top of the figure, and words. In SVG the i-th curve's name is
      the element `legend{i}`, and its parts are `curve{i}_0`, `curve{i}_1`...
    """
    points: dict[str, list[Any]] = {}
    title = ''
    for legend in self.legends:
      title = legend.get_title().get_text().replace('$', '')
      points = {text.get_text(): [] for text in legend.texts}
    for axes, label, x, y, words in self.told:
      places = axes.transData + self.transFigure.inverted()
      left, height = map(float, places.transform((x, y)))
      if axes.get_position().padded(0.002).contains(left, height):
        point = round(left, 4), round(1 - height, 4), words
        points.setdefault(label, []).append(point)
    return [
      {'name': f'{title} {label}'.strip(), 'points': told}
      for label, told in points.items()
    ]


def tickets(
  summary: pd.DataFrame,
  measures: Sequence[str] = ('early_stop', 'accuracy'),
  levels: Sequence[int] = (),
  styles: Mapping[str, dict[str, Any]] | None = None,
) -> Figure:
  """Draws measures over P_m, like Figure 4 of the paper.

  Args:
    summary: Table as `results.summarize` returns it. Left out are experiments
      that `STYLES` does not name, and those of one trial beside several.
    measures: Which of `MEASURES` to draw.
    levels: Levels whose P_m is written on the axis; by default all.
    styles: How to draw each `curve`, a column of the table; by default
      `STYLES`, a curve for each experiment.

  Returns:
    A figure with a panel for each measure. Points are means, bars reach from
    the minimum to the maximum, a line is at the dense network's mean; arrows
    mark early stops that are lower bounds, and what falls out of the panel.

  Raises:
    InputError: If there is no such measure.
  """
  figure, [panels] = _figure(1, len(measures), height=4.3)
  if styles is None:
    styles = {name: STYLES[name] for name in experiments(summary)}
    summary = summary.assign(curve=summary.experiment)
  drawn = summary[summary.curve.isin(styles)]
  for axes, measure in zip(panels, measures, strict=True):
    errors.check_choice('measure', measure, sorted(MEASURES))
    _draw_measure(axes, drawn, measure, levels, styles)
  _legend(figure, panels[0])
  return figure


def experiments(summary: pd.DataFrame) -> list[str]:
  """Returns the experiments to be drawn over P_m: not one trial beside five."""
  trials = summary.groupby('experiment').trials.max()
  least = 2 if trials.get(TICKET, 1) > 1 else 1
  return [name for name in STYLES if trials.get(name, 0) >= least]


def _draw_measure(
  axes: Any,
  summary: pd.DataFrame,
  measure: str,
  levels: Sequence[int],
  styles: Mapping[str, dict[str, Any]],
) -> None:
  """Draws a measure of all curves over P_m into one panel."""
  factor, label, number = MEASURES[measure]
  ends = [f'{measure}_{name}' for name in ('mean', 'min', 'max')]
  y, low, high = factor * summary[ends].to_numpy(float).T
  percent = 100 * summary.density
  table = summary.assign(percent=percent, x=percent, y=y, low=low, high=high)
  is_stop = measure.startswith('early_stop')
  axes.set(xscale='log', xlabel='weights remaining, $P_m$ (%)', ylabel=label)
  if is_stop:
    axes.set(yscale='log', ylim=(0.85 * low.min(), 1.25 * high.max()))
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=_STEPS))
  else:
    axes.set_ylim(_ylim(table))
    axes.yaxis.set_major_locator(ticker.MaxNLocator(8, steps=[1, 2, 5, 10]))
  axes.yaxis.set_major_formatter(ticker.StrMethodFormatter(number))
  axes.yaxis.set_minor_locator(ticker.NullLocator())
  axes.invert_xaxis()
  for dense in table.y[(table.experiment == TICKET) & (table.level == 0)]:
    axes.axhline(dense, label='dense network', zorder=1, **_RULE)
  for i, (name, style) in enumerate(styles.items()):
    rows = table[table.curve == name].sort_values('x', ascending=False)
    if len(rows):
      _draw_line(axes, rows.assign(x=rows.x * (1 - _DODGE * i)), style, is_stop)
  _label_percents(axes, table.groupby('level').x.mean(), levels)


def _ylim(table: pd.DataFrame) -> tuple[float, float]:
  """Returns ends of an axis that shows how tickets differ from dense networks.

  What loses much more than tickets may gain falls out.
  """
  tickets = table[table.experiment == TICKET]
  dense = tickets.y[tickets.level == 0].min()
  gain = max(tickets.y.max() - dense, _LEAST_GAIN)
  # NaN where there is no dense network.
  bottom = np.nanmax([table.low.min(), dense - _LOSS * gain])
  top = table.high.max()
  room = 0.04 * max(top - bottom, _LEAST_GAIN)
  return bottom - room, min(top + room, 100 + room / 4)


def _tell(axes: Any, label: str, table: pd.DataFrame, words: str) -> None:
  """Notes what to say at the points of a curve, at `x` and `y` of the table.

  `words` is a format of its columns, from which an interval of NaN is left out.
  """
  for row in table.dropna(subset=['x', 'y']).to_dict('records'):
    said = re.sub(r' \[.*nan.*\]', '', words.format(**row))
    axes.figure.told.append((axes, label, row['x'], row['y'], said))


def _draw_line(
  axes: Any, rows: pd.DataFrame, style: dict[str, Any], is_stop: bool
) -> None:
  """Draws one experiment's line into one panel."""
  bars = _bars(rows.y, rows.low, rows.high)
  _errorbar(axes, rows.x, rows.y, yerr=bars, elinewidth=0.9, **style)
  hidden = f'_{style["label"]}'
  mark = {**style, 'linestyle': 'none', 'label': hidden, 'zorder': 4}
  one, late = rows[rows.trials == 1], rows[is_stop & (rows.censored > 0)]
  axes.plot(one.x, one.y, **{**mark, 'markerfacecolor': 'white'})
  axes.plot(late.x, 1.1 * late.high, **{**mark, 'marker': r'$\uparrow$'})
  bottom, _ = axes.get_ylim()
  fallen = rows.x[rows.y < bottom]
  mark |= {'marker': r'$\downarrow$', 'transform': axes.get_xaxis_transform()}
  axes.plot(fallen, np.full(len(fallen), 0.02), **mark)
  # What is below the panel is told where it is marked.
  told = rows.assign(y=rows.y.clip(lower=bottom), mean=rows.y)
  words = 'P_m = {percent:.1f}%: {mean:,.5g} [{low:,.5g} to {high:,.5g}]'
  _tell(axes, style['label'], told, words + ', n = {trials}')


def _bars(points: Any, low: Any, high: Any) -> np.ndarray:
  """Returns the lengths of bars from points to both ends."""
  # A mean, of equal numbers as well, may miss its ends by a rounding error.
  return np.maximum([points - low, high - points], 0)


def _errorbar(axes: Any, x: Any, y: Any, **style: Any) -> None:
  """Draws points with bars, all of which are parts of one curve."""
  for part in axes.errorbar(x, y, **style).get_children():
    part.set_label(f'_{style["label"]}')


def _label_percents(
  axes: Any, percents: pd.Series, levels: Sequence[int]
) -> None:
  """Labels the axis at these levels, as far as there is room."""
  wanted = [level for level in levels if level in percents.index[:-1]]
  if len(wanted) > 2:
    percents = percents.loc[[*wanted, percents.index[-1]]]
  ticks: list[float] = []
  places = np.log(percents)
  room = _APART * max(np.ptp(places), 0.1) if len(places) else 0
  for place in places:
    if not ticks or ticks[-1] - place > room:
      ticks.append(place)
  values = np.exp(ticks)
  names = [f'{x:.1f}' if x < 99.95 else '100' for x in values]
  axes.set_xticks(values, names, fontsize=8.5)
  axes.xaxis.set_minor_locator(ticker.NullLocator())


def curves(table: pd.DataFrame) -> Figure:
  """Draws test accuracy over iterations by P_m, like Figure 3 of the paper.

  Args:
    table: Table as `results.curves` returns it for the runs of one experiment.

  Returns:
    A figure of one panel: a line for each level, the mean over runs, in a band
    from the minimum to the maximum. Iterations are on a logarithmic axis from
    the first measurement on; accuracies far below the rest are cut off.
  """
  figure, [[axes]] = _figure(1, 1, height=4.3)
  table = table[table.iteration > 0].dropna(subset='accuracy')
  # The later half of the training is to be seen well.
  later = 100 * table[table.iteration >= table.iteration.max() / 2].accuracy
  spread = max(later.max() - later.min(), 0.5)
  bottom, starts = later.min() - 2 * spread, []
  for rows, look in _levels(table):
    measured = rows.groupby('iteration').accuracy
    # Where a run has no measurement, the mean is of others.
    is_whole = measured.size() == measured.size().max()
    ends = _ends(measured)[is_whole]
    _draw_means(axes, ends, look)
    starts.extend(ends.index[ends['mean'] >= bottom][:1])
  axes.set(xscale='log', ylim=(bottom, later.max() + 0.3 * spread))
  axes.set_xlim(left=0.9 * min(starts))
  axes.xaxis.set_major_formatter(ticker.StrMethodFormatter('{x:,.0f}'))
  axes.set(xlabel='training iteration', ylabel='test accuracy (%)')
  _legend(figure, axes, '$P_m$ (%)')
  return figure


def _ends(groups: Any) -> pd.DataFrame:
  """Returns means and ranges in percent, and `n`, the size of a group."""
  ends = 100 * groups.agg(['mean', 'min', 'max'])
  return ends.assign(n=groups.size().max())


def _draw_means(
  axes: Any, ends: pd.DataFrame, look: dict[str, Any], with_bars: bool = False
) -> None:
  """Draws means over `n` runs in a band, or with bars, from `min` to `max`."""
  x, mean, low, high = ends.index, ends['mean'], ends['min'], ends['max']
  if with_bars:
    bars = _bars(mean, low, high)
    _errorbar(axes, x, mean, yerr=bars, marker='o', **look)
  else:
    axes.plot(x, mean, **look)
    band = look | {'label': f'_{look["label"]}', 'alpha': 0.15, 'linewidth': 0}
    axes.fill_between(x, low, high, **band)
  words = ' {x:,.5g}: {y:.2f} [{min:.2f} to {max:.2f}], n = {n}'
  _tell(axes, look['label'], ends.assign(x=x, y=mean), x.name + words)


def weights(runs: pd.DataFrame) -> Figure:
  """Draws distributions of surviving weights, like Figures 15 to 18.

  Args:
    runs: Rows of `results.Results.runs` of a trial's tickets.

  Returns:
    A figure with a panel for each of at most five layers, of initial weights
    above and of final ones below, and a line for each level.
  """
  layers = _some(runs.row.iloc[0]['weights']['initial'])
  figure, panels = _figure(2, len(layers), height=5.2)
  for stage, row in zip(('initial', 'final'), panels, strict=True):
    for axes, layer in zip(row, layers, strict=True):
      for rows, look in _levels(runs):
        found = rows.iloc[0]['row']['weights'][stage][layer]
        widest, counts = found['widest'], np.array(found['counts'])
        edges = np.linspace(-widest, widest, len(counts) + 1)
        density = counts / max(counts.sum(), 1) / np.diff(edges)
        axes.stairs(density, edges, linewidth=1.2, **look)
        points = {'x': (edges[1:] + edges[:-1]) / 2, 'y': density}
        words = '{x:.2g}: density {y:.3g}'
        _tell(axes, look['label'], pd.DataFrame(points), words)
      axes.set_title(layer, **_TITLE)
      axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
    row[0].set_ylabel(f'density of {stage} weights')
  _legend(figure, panels[0][0], '$P_m$ (%)')
  return figure


def connections(runs: pd.DataFrame) -> Figure:
  """Draws how many connections each unit keeps, as in Appendix F.6.

  Args:
    runs: Rows of `results.Results.runs` of the tickets of one level.

  Returns:
    A figure of two panels, for incoming and for outgoing connections: lines for
    each of at most five layers and each trial over units from the most to the
    least connected.
  """
  figure, [panels] = _figure(1, 2, height=3.8, sharey=True)
  for axes, direction in zip(panels, ('incoming', 'outgoing'), strict=True):
    for row in runs.row:
      found = row['connections'][direction]
      for layer, look in zip(_some(found), LOOKS, strict=False):
        look = look | {'marker': None, 'label': layer}
        percents = 100 * np.array(found[layer])
        x = np.linspace(0, 100, len(percents))
        axes.plot(x, percents, **look)
        # A few points of hundreds of units are enough.
        table = pd.DataFrame({'x': x, 'y': percents})[:: 1 + len(x) // 40]
        _tell(axes, layer, table, '{x:.0f}% of the units: {y:.1f}% kept')
    axes.set_title(f'{direction} connections', **_TITLE)
    axes.set_xlabel('units, from the most to the least connected (%)')
  panels[0].set_ylabel('kept (%)')
  _legend(figure, panels[0])
  return figure


def _some(layers: Mapping[str, Any]) -> list[str]:
  """Returns at most five names of layers, from the first to the last."""
  names = list(layers)
  places = np.linspace(0, len(names) - 1, len(LOOKS)).round().astype(int)
  return [names[place] for place in sorted(set(places))]


def label(experiment: str) -> str:
  """Returns what an experiment is called: its name if nothing better."""
  return LABELS.get(experiment, experiment.replace('_', ' '))


def differences(
  tables: Mapping[str, pd.DataFrame], nulls: Sequence[float]
) -> Figure:
  """Draws controls side by side: what each differs from the ticket by.

  Args:
    tables: {name of the measure: a row for each control, with `name`,
      `measured`, `low`, `high` and `n`}, the same controls in the same order;
      the first is drawn on top. Intervals may be NaN.
    nulls: Values of the measures where nothing differs.

  Returns:
    A figure with a panel for each measure: a point and an interval for each
    control.
  """
  height = 1.1 + 0.22 * max(map(len, tables.values()))
  figure, [panels] = _figure(1, len(tables), height=height, sharey=True)
  drawn = zip(panels, nulls, tables.items(), strict=True)
  for axes, null, (words, table) in drawn:
    look: dict[str, Any] = {'color': '#0072b2', 'marker': 'o', 'label': ''}
    _draw_intervals(axes, table.where(table.n != 1), table.name, look)
    look['markerfacecolor'] = 'white'
    _draw_intervals(axes, table.where(table.n == 1), table.name, look)
    axes.axvline(null, **_RULE)
    axes.set_xlabel(words)
  return figure


_BOUNDS = {
  'lower': ' \N{GREATER-THAN OR EQUAL TO}',
  'upper': ' \N{LESS-THAN OR EQUAL TO}',
  'unknown': ' ?',
  '': '',
}


def forest(judged: pd.DataFrame) -> Figure:
  """Draws what was measured of each claim beside what the paper says.

  Args:
    judged: Table as `claims.judge` returns it. Of the parts that are measured
      the first of each claim is drawn, and those of which the paper has a
      number.

  Returns:
    A figure with a panel for each unit: points and intervals by direction, the
    null as a tick, the paper's value as a hollow diamond; a sign behind the
    claim's number where the point is a bound.

  Raises:
    InputError: If no claim has been measured.
  """
  rows = judged[judged.measured.notna()]
  if rows.empty:
    raise errors.InputError('wanted: runs that measure a claim')
  # All parts would fill two pages: the first says of how many it is one.
  directed = rows[rows.direction != ''].groupby('claim').direction
  reproduced = directed.agg(lambda words: (words == 'reproduced').sum())
  of_all = ' [' + reproduced.astype(str) + ' of ' + directed.size().astype(str)
  brackets = (rows.claim.map(of_all) + ']').where(rows.part == 'a', '')
  rows = rows.assign(of_all=brackets.fillna(''))
  rows = rows[~rows.duplicated('claim') | rows.paper_low.notna()]
  tables = [table for _, table in rows.groupby('unit', sort=False)]
  height = 0.8 + 0.5 * len(tables) + 0.2 * len(rows)
  ratios = [len(table) + 0.6 for table in tables]
  figure, panels = _figure(len(tables), 1, height=height, height_ratios=ratios)
  for [axes], table in zip(panels, tables, strict=True):
    words = table.estimand.where(table.part > 'a', table.statement)
    short = words.map(
      lambda text: textwrap.shorten(text.rstrip('.'), 76, placeholder='…')
    )
    number = table.claim + table.part + table.bound.map(_BOUNDS)
    names = number + '  ' + short + table.of_all
    for word, style in DIRECTIONS.items():
      if word in set(rows.direction):
        some = table.where(table.direction == word)
        look = style | {'label': word or 'a size alone'}
        _draw_intervals(axes, some, names, look)
    ends = table[['paper_low', 'paper_high']].astype(float)
    value = ends.where(np.isfinite).mean(axis=1)
    for x, marker, size, what in (
      (table.null, '|', 12, 'null'),
      (value, 'D', 7, "the paper's value"),
    ):
      mark = {'marker': marker, 'markersize': size, 'fillstyle': 'none'}
      mark |= {'color': 'black', 'linestyle': 'none', 'label': what}
      axes.plot(x, np.arange(len(table)), **mark)
    axes.tick_params('y', labelsize=8)
    axes.set_xlabel(_typeset(table.unit.iloc[0]), labelpad=1)
  _legend(figure, panels[0][0])
  return figure


def _typeset(text: str) -> str:
  text = text.replace('$', r'\$').replace('P_m', '$P_m$')
  return text.replace('>=', '\N{GREATER-THAN OR EQUAL TO}')


def _draw_intervals(
  axes: Any, table: pd.DataFrame, names: pd.Series, style: dict[str, Any]
) -> None:
  """Draws points with intervals, one a line, from the top."""
  places = np.arange(len(table))
  # Where an interval has no end none is drawn: the name says so.
  values = table[['measured', 'low', 'high']].astype(float)
  measured, low, high = values.where(np.isfinite).to_numpy().T
  bars = _bars(measured, low, high)
  _errorbar(axes, measured, places, xerr=bars, linestyle='none', **style)
  said = table.assign(x=measured, y=places, called=names)
  words = '{called}: {x:.4g} [{low:.4g} to {high:.4g}], n = {n:.0f}'
  _tell(axes, style['label'], said, words)
  axes.set_yticks(places, [_typeset(str(name)) for name in names])
  axes.set_ylim(len(table) - 0.5, -0.5)


def lines(table: pd.DataFrame, by: str | None = None) -> Figure:
  """Draws test error on lines between two networks.

  Args:
    table: A row for each line, with `trial`, `level`, `density`, the places
      `alpha` and `error` in [0, 1] of its points, and `averaged`, the number of
      training images that moving averages are of.
    by: Column with a panel for each value; None for one panel.

  Returns:
    A figure: means over trials in bands from the minimum to the maximum.
  """
  types = {'alpha': float, 'error': float}
  table = table.explode([*types]).astype(types)
  names = sorted(table[by].unique()) if by else ['']
  figure, [panels] = _figure(1, len(names), height=4.0, sharey=True)
  for name, axes in zip(names, panels, strict=True):
    for rows, look in _levels(table):
      chosen = rows[rows[by] == name] if by else rows
      if len(chosen):
        _draw_means(axes, _ends(chosen.groupby('alpha').error), look)
    axes.set_title(f'copies from iteration {name:,}' if by else '', **_TITLE)
    axes.set_xlabel('place between the two networks')
  panels[0].set_ylabel('test error (%)')
  _legend(figure, panels[0], '$P_m$ (%)')
  _note_averages(figure, table)
  return figure


def barriers(table: pd.DataFrame, over: str) -> Figure:
  """Draws the barriers of lines between two networks.

  Args:
    table: A row for each line, with `trial`, `level`, `density`, `barrier` in
      [0, 1], and `averaged` as in `lines`.
    over: `rewind_to`, for a curve for each level over these iterations, or
      `level`, for one curve.

  Returns:
    A figure: means over trials, bars from the minimum to the maximum.
  """
  figure, [[axes]] = _figure(1, 1, height=4.0)
  words, groups = 'iteration k of the start', _levels(table)
  if over == 'level':
    words = 'level, from the one before it'
    groups = [(table, {'color': LOOKS[0]['color'], 'label': 'mean'})]
  for rows, look in groups:
    ends = _ends(rows.groupby(over).barrier).assign(n=rows.trial.nunique())
    _draw_means(axes, ends, look, with_bars=True)
  axes.axhline(2, label='2: stable below', **_RULE)
  axes.set(xlabel=words, ylabel='barrier (points of test error)')
  axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
  axes.xaxis.set_major_formatter(ticker.StrMethodFormatter('{x:,.0f}'))
  _legend(figure, axes, None if over == 'level' else '$P_m$ (%)')
  _note_averages(figure, table)
  return figure


def _note_averages(figure: Figure, table: pd.DataFrame) -> None:
  """Says below the panels what the averages of batch norm are of."""
  if count := int(table.averaged.max()):
    note = f'recomputed from {count:,} training images at each point'
    figure.supxlabel(f"batch norm's averages {note}", fontsize=8.5)


def _figure(
  rows: int, columns: int, *, height: float, **options: Any
) -> tuple[Figure, Any]:
  """Returns a figure as wide as a page, and its panels [rows, columns]."""
  with mpl.rc_context(_LOOK):
    layout = layout_engine.ConstrainedLayoutEngine(wspace=0.05)
    figure = Figure(figsize=(_WIDTH, height), layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _legend(figure: Figure, axes: Any, title: str | None = None) -> None:
  """Puts a panel's legend above all panels, each label once."""
  handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
  widest = max(map(len, handles), default=0)
  legend = figure.legend(
    list(handles.values()),
    list(handles),
    title=title,
    loc='outside upper center',
    ncols=min(9 if title else 6, 1 + 120 // (widest + 6)),
    columnspacing=1.4,
    handlelength=2.2,
    frameon=False,
    fontsize=9,
  )
  everything = figure.findobj()
  for i, (name, text) in enumerate(zip(handles, legend.texts, strict=True)):
    text.set_gid(f'legend{i}')
    parts = [x for x in everything if x.get_label() in (name, f'_{name}')]
    for j, part in enumerate(parts):
      part.set_gid(f'curve{i}_{j}')


def _levels(table: pd.DataFrame) -> list[tuple[pd.DataFrame, dict[str, Any]]]:
  """Returns the rows of each level with how they look, from dark to light."""
  groups = [rows for _, rows in table.groupby('level', sort=True)]
  # They are told apart in grey as well.
  colors = mpl.colormaps['viridis'](np.linspace(0, 0.75, len(groups)))
  return [
    (rows, {'color': color, 'label': f'{100 * rows.density.mean():.1f}'})
    for rows, color in zip(groups, colors, strict=True)
  ]


def save(figure: figure_lib.Figure, path: str) -> None:
  """Saves a figure; the same one becomes the same bytes.

  Args:
    figure: The figure.
    path: Its file; the ending says the format, like .png or .svg.
  """
  kind = pathlib.Path(path).suffix.removeprefix('.')
  undated = {'svg': {'Date': None}, 'pdf': {'CreationDate': None}}
  with (
    mpl.rc_context({'svg.hashsalt': 'lottery_ticket'}),
    save_restore.written_aside(path) as aside,
  ):
    figure.savefig(aside, format=kind, dpi=150, metadata=undated.get(kind))

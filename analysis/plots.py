"""Figures. They only draw what the other modules return."""

import pathlib
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import figure as figure_lib
from matplotlib import ticker
from matplotlib import transforms

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

_LOOKS: tuple[dict[str, Any], ...] = (
  {'color': '#0072b2', 'marker': 'o', 'linestyle': '-'},
  {'color': '#d55e00', 'marker': 's', 'linestyle': '--'},
  {'color': '#009e73', 'marker': '^', 'linestyle': ':'},
  {'color': '#aa4499', 'marker': 'D', 'linestyle': '-.'},
  {'color': '#6b6b6b', 'marker': 'v', 'linestyle': (0, (5, 1, 1, 1, 1, 1))},
)  # Colours that colour-blind people tell apart.

LABELS = {
  'same_init': 'winning ticket',
  'no_reset': 'never reset',
  **{name: control.label for name, control in controls.CONTROLS.items()},
}

_OVER_DENSITY = ('same_init', 'reinit', 'random', 'one_shot', 'no_reset')
STYLES = {
  name: {'label': LABELS[name], **look}
  for name, look in zip(_OVER_DENSITY, _LOOKS, strict=True)
}
"""How each experiment is drawn over P_m."""

MEASURES = {
  'early_stop': (1, 'early-stop iteration', '{x:,.0f}'),
  'accuracy': (100, 'test accuracy at early stop (%)', '{x:.2f}'),
  'final_accuracy': (100, 'test accuracy at the end (%)', '{x:.2f}'),
  'final_train_accuracy': (100, 'training accuracy at the end (%)', '{x:.2f}'),
}
"""{column: (factor, label, number format)} of what is drawn over P_m."""

VERDICTS: dict[str, dict[str, Any]] = {
  'reproduced': {'color': '#00694c', 'marker': 'o'},
  'opposite': {'color': '#a03c00', 'marker': 'X'},
  'open': {'color': '#5a5a5a', 'marker': 's'},
  'too few trials': {'color': '#7a5c00', 'marker': 'v'},
  '': {'color': '#0b3d91', 'marker': '^'},
}
"""How each direction is drawn, '' for a size alone: dark enough for text."""

_WIDTH, _HEIGHT = 4.8, 3.6  # Inches: a panel fills a phone, two a page.
_GRID = 0.3  # Opacity.


def tickets(summary: pd.DataFrame) -> figure_lib.Figure:
  """Draws early stop and accuracy over P_m, like Figure 4 of the paper.

  Args:
    summary: Table as `results.summarize` returns it. Experiments that `STYLES`
      does not name are left out.

  Returns:
    A figure of two panels. Points are means over runs, bars reach from the
    minimum to the maximum; an arrow marks early stops that are lower bounds.
  """
  figure = figure_lib.Figure(figsize=(10, 4.2), layout='constrained')
  panels = figure.subplots(1, 2)
  for axes, measure in zip(panels, ('early_stop', 'accuracy'), strict=True):
    _draw_measure(axes, summary, measure)
  _legend(figure, panels[0])
  return figure


def over_density(summary: pd.DataFrame, measure: str) -> figure_lib.Figure:
  """Draws one of `MEASURES` over P_m, as a panel of `tickets`.

  Raises:
    InputError: If there is no such measure.
  """
  errors.check_choice('measure', measure, sorted(MEASURES))
  figure, [axes] = _figure()
  _draw_measure(axes, summary, measure)
  _legend(figure, axes, columns=2)
  return figure


def curves(table: pd.DataFrame) -> figure_lib.Figure:
  """Draws test accuracy over iterations by P_m, like Figure 3 of the paper.

  Args:
    table: Table as `results.curves` returns it for the runs of one experiment.

  Returns:
    A figure of one panel: a line for each level, the mean over runs, in a band
    from the minimum to the maximum. Iterations are on a logarithmic axis from
    the first measurement on; accuracies far below the rest are cut off.
  """
  figure, [axes] = _figure()
  table = table[table.iteration > 0]
  for rows, look in _levels(table, 'density'):
    ends = 100 * rows.groupby('iteration').accuracy.agg(['mean', 'min', 'max'])
    axes.plot(ends.index, ends['mean'], **look)
    axes.fill_between(
      *(ends.index, ends['min'], ends['max']),
      **{'color': look['color'], 'alpha': 0.15, 'linewidth': 0},
    )
  # The later half of the training is to be seen well.
  later = 100 * table[table.iteration >= table.iteration.max() / 2].accuracy
  spread = max(later.max() - later.min(), 1.0)
  top = min(later.max() + 0.4 * spread, 100)
  axes.set(xscale='log', ylim=(later.min() - 2 * spread, top))
  axes.xaxis.set_major_formatter(ticker.StrMethodFormatter('{x:,.0f}'))
  axes.set(xlabel='training iteration', ylabel='test accuracy (%)')
  _legend(figure, axes, '$P_m$ (%)')
  return figure


def weights(runs: pd.DataFrame, stage: str) -> figure_lib.Figure:
  """Draws distributions of surviving weights, like Figures 15 to 18.

  Args:
    runs: Rows of `results.Results.runs` of a trial's tickets.
    stage: 'initial' or 'final' weights.

  Returns:
    A figure with a panel for each layer and a line for each level.
  """
  layers = sorted(runs.iloc[0]['row']['weights'][stage])
  figure, panels = _figure(len(layers))
  for axes, layer in zip(panels, layers, strict=True):
    for rows, look in _levels(runs, 'density'):
      found = rows.iloc[0]['row']['weights'][stage][layer]
      widest, counts = found['widest'], np.array(found['counts'])
      edges = np.linspace(-widest, widest, len(counts) + 1)
      density = counts / max(counts.sum(), 1) / np.diff(edges)
      axes.stairs(density, edges, linewidth=1.4, **look)
    axes.set_ylabel('density')
    axes.set_title(layer, fontsize='medium', loc='left')
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6))
  panels[-1].set_xlabel(f'{stage} values of the surviving weights')
  _legend(figure, panels[0], '$P_m$ (%)')
  return figure


def connections(runs: pd.DataFrame) -> figure_lib.Figure:
  """Draws how many connections each unit keeps, as in Appendix F.6.

  Args:
    runs: Rows of `results.Results.runs` of the tickets of one level.

  Returns:
    A figure of two panels, for incoming and for outgoing connections: lines
    for each layer and trial over units from the most to the least connected.
  """
  figure, panels = _figure(2, sharey=True)
  for axes, direction in zip(panels, ('incoming', 'outgoing'), strict=True):
    for row in runs.row:
      for i, (layer, shares) in enumerate(
        row['connections'][direction].items()
      ):
        look = _LOOKS[i % len(_LOOKS)] | {'marker': None, 'label': layer}
        percents = 100 * np.array(shares)
        axes.plot(np.linspace(0, 100, len(percents)), percents, **look)
    axes.set_title(f'{direction} connections', fontsize='medium', loc='left')
    axes.set_ylabel('kept (%)')
  panels[-1].set_xlabel('units, from the most to the least connected (%)')
  _legend(figure, panels[0])
  return figure


def label(experiment: str) -> str:
  """Returns what an experiment is called: its name if nothing better."""
  return LABELS.get(experiment, experiment.replace('_', ' '))


def differences(
  table: pd.DataFrame, label: str, null: float = 0.0
) -> figure_lib.Figure:
  """Draws controls side by side: what each differs from the ticket by.

  Args:
    table: A row for each control, with `name`, `measured`, `low` and `high`;
      the first is drawn on top. Intervals may be NaN.
    label: Name of the measure, and its unit.
    null: Value of the measure where nothing differs.

  Returns:
    A figure of one panel with a point and an interval for each control.
  """
  figure, [axes] = _figure(height=1.4 + 0.32 * len(table))
  _draw_intervals(axes, table, table.name, {'color': '#0072b2', 'marker': 'o'})
  axes.axvline(null, color='black', linewidth=1, linestyle='--')
  figure.supxlabel(label, fontsize='medium')
  return figure


_BOUNDS = {
  'lower': ' \N{GREATER-THAN OR EQUAL TO}',
  'upper': ' \N{LESS-THAN OR EQUAL TO}',
  'unknown': ' ?',
  '': '',
}


def forest(judged: pd.DataFrame) -> figure_lib.Figure:
  """Draws what was measured of each claim beside what the paper says.

  Args:
    judged: Table as `claims.judge` returns it; claims without a number are left
      out.

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
  tables = [
    table.reset_index(drop=True)
    for _, table in rows.groupby('unit', sort=False)
  ]
  figure, panels = _figure(
    len(tables),
    height=1.0 + 0.6 * len(tables) + 0.26 * len(rows),
    height_ratios=[len(table) + 1 for table in tables],
  )
  marks = {'color': 'black', 'linestyle': 'none'}
  for axes, table in zip(panels, tables, strict=True):
    names, places = (
      table.claim + table.part + table.bound.map(_BOUNDS),
      np.arange(len(table)),
    )
    for word, style in VERDICTS.items():
      rows = table.where(table.direction == word)
      _draw_intervals(
        axes, rows, names, {**style, 'label': word or 'a size alone'}
      )
    null = {'marker': '|', 'markersize': 14, 'label': 'null'}
    axes.plot(table.null, places, **marks, **null)
    paper = {'marker': 'D', 'markersize': 7, 'label': "the paper's value"}
    ends = table[['paper_low', 'paper_high']].astype(float)
    value = ends.where(np.isfinite).mean(axis=1)
    axes.plot(value, places, fillstyle='none', **marks, **paper)
    axes.set_xlabel(table.unit[0].replace('P_m', '$P_m$'))
  _legend(figure, panels[0], columns=3)
  return figure


def _draw_intervals(
  axes: Any, table: pd.DataFrame, names: pd.Series, style: dict[str, Any]
) -> None:
  """Draws points with intervals, one a line, from the top."""
  places = np.arange(len(table))
  # Where an interval has no end none is drawn: the name says so.
  values = table[['measured', 'low', 'high']].astype(float)
  measured, low, high = values.where(np.isfinite).to_numpy().T
  # An interval may miss its own point by a rounding error.
  bars = np.maximum([measured - low, high - measured], 0)
  look = {'linestyle': 'none', 'capsize': 3, 'markersize': 6, **style}
  axes.errorbar(measured, places, xerr=bars, **look)
  axes.set_yticks(places, [str(name).replace('$', r'\$') for name in names])
  axes.set_ylim(len(table) - 0.5, -0.5)


def _figure(
  rows: int = 1, *, height: float | None = None, **options: Any
) -> tuple[figure_lib.Figure, Sequence[Any]]:
  """Returns a figure and its panels, one above the other."""
  if height is None:
    height = _HEIGHT if rows == 1 else 0.7 + 2.3 * rows
  figure = figure_lib.Figure(figsize=(_WIDTH, height), layout='constrained')
  panels = figure.subplots(rows, 1, squeeze=False, **options)[:, 0]
  for axes in panels:
    axes.grid(alpha=_GRID)
  return figure, panels


def _legend(
  figure: figure_lib.Figure,
  axes: Any,
  title: str | None = None,
  columns: int = 6,
) -> None:
  """Puts a panel's legend above all panels, each label once."""
  handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
  figure.legend(
    list(handles.values()),
    list(handles),
    title=title,
    loc='outside upper center',
    ncols=columns,
    fontsize='small',
    columnspacing=1.2,
    handlelength=1.8,
  )


def _levels(
  table: pd.DataFrame, density: str
) -> list[tuple[pd.DataFrame, dict[str, Any]]]:
  """Returns the rows of each level with how they look, from dark to light."""
  groups = [rows for _, rows in table.groupby('level', sort=True)]
  # They are told apart in grey as well.
  colors = mpl.colormaps['viridis'](np.linspace(0, 0.88, len(groups)))
  return [
    (rows, {'color': color, 'label': f'{100 * rows[density].mean():.1f}'})
    for rows, color in zip(groups, colors, strict=True)
  ]


def _draw_measure(axes: Any, summary: pd.DataFrame, measure: str) -> None:
  """Draws a measure of all experiments over P_m into one panel."""
  drawn = summary[summary.experiment.isin(STYLES)]
  for experiment, style in STYLES.items():
    rows = drawn[drawn.experiment == experiment]
    if len(rows):
      _draw(axes, rows.sort_values('density', ascending=False), measure, style)
  _, label, number = MEASURES[measure]
  axes.set(xscale='log', xlabel='weights remaining, $P_m$ (%)', ylabel=label)
  axes.invert_xaxis()
  levels = drawn.groupby('level').density.mean() * 100
  ticks = levels.iloc[:: -(-len(levels) // 9)]  # More than nine would touch.
  axes.set_xticks(ticks, [f'{x:.1f}' for x in ticks])
  axes.xaxis.set_minor_locator(ticker.NullLocator())
  axes.yaxis.set_major_formatter(ticker.StrMethodFormatter(number))
  axes.grid(alpha=_GRID)


def _draw(axes: Any, rows: pd.DataFrame, measure: str, style: dict) -> None:
  """Draws one experiment's line into one panel."""
  densities, factor = 100 * rows.density, MEASURES[measure][0]
  ends = [f'{measure}_{statistic}' for statistic in ('mean', 'min', 'max')]
  means, lows, highs = factor * rows[ends].to_numpy(float).T
  # The mean of equal numbers may miss them by a rounding error.
  bars = np.maximum([means - lows, highs - means], 0)
  axes.errorbar(densities, means, yerr=bars, capsize=3, markersize=5, **style)
  bounds = (rows.censored > 0).to_numpy() & (measure == 'early_stop')
  axes.plot(
    densities[bounds],
    means[bounds],
    linestyle='none',
    marker=r'$\uparrow$',
    markersize=12,
    color=style['color'],
    clip_on=False,
    in_layout=False,
    transform=transforms.offset_copy(  # Beside the point and its bar.
      axes.transData, axes.figure, x=8, y=4, units='points'
    ),
  )


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

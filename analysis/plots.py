"""Figures. They only draw what the other modules return."""

import pathlib
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import figure as figure_lib
from matplotlib import ticker
from matplotlib import transforms

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors

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

STYLES = {
  name: {'label': LABELS[name], **look}
  for name, look in zip(
    ('same_init', 'reinit', 'random', 'one_shot', 'no_reset'),
    _LOOKS,
    strict=True,
  )
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
  'not reproduced': {'color': '#a03c00', 'marker': 'X'},
  'inconclusive': {'color': '#5a5a5a', 'marker': 's'},
}
"""How each verdict on a claim is drawn: dark enough for text as well."""

_SIZE = (4.8, 3.6)  # Inches: a panel fills a phone, two a page.
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
  """Draws one measure over P_m for each experiment of `STYLES`.

  Args:
    summary: Table as `results.summarize` returns it.
    measure: One of `MEASURES`.

  Returns:
    A figure of one panel, drawn as those of `tickets`.

  Raises:
    InputError: If there is no such measure.
  """
  if measure not in MEASURES:
    raise errors.InputError(
      f'measure: wanted one of {sorted(MEASURES)}, got {measure!r}'
    )
  figure, axes = _figure()
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
  figure, axes = _figure()
  table = table[table.iteration > 0]
  groups = list(table.groupby('level', sort=True))
  for (_, rows), color in zip(groups, _colors(len(groups)), strict=True):
    by_iteration = 100 * rows.groupby('iteration').accuracy.agg(
      ['mean', 'min', 'max']
    )
    iterations = by_iteration.index.to_numpy()
    label = f'{100 * rows.density.mean():.1f}'
    axes.plot(iterations, by_iteration['mean'], color=color, label=label)
    axes.fill_between(
      iterations,
      by_iteration['min'],
      by_iteration['max'],
      color=color,
      alpha=0.15,
      linewidth=0,
    )
  axes.set_xscale('log')
  axes.set_ylim(*_accuracy_limits(table))
  axes.xaxis.set_major_formatter(ticker.StrMethodFormatter('{x:,.0f}'))
  axes.set_xlabel('training iteration')
  axes.set_ylabel('test accuracy (%)')
  axes.grid(alpha=_GRID)
  _legend(figure, axes, '$P_m$ (%)')
  return figure


def _accuracy_limits(table: pd.DataFrame) -> tuple[float, float]:
  """Returns percents that show the later half of the training well."""
  later = 100 * table[table.iteration >= table.iteration.max() / 2].accuracy
  spread = max(later.max() - later.min(), 1.0)
  return later.min() - 2 * spread, min(later.max() + 0.4 * spread, 100)


def weights(table: pd.DataFrame, label: str) -> figure_lib.Figure:
  """Draws distributions of surviving weights, like Figures 15 to 18.

  Args:
    table: Table as `metrics.weight_histograms` returns it for several runs,
      with `level` and `p_m`, its density in [0, 1], of each.
    label: Name of these weights.

  Returns:
    A figure with a panel for each layer and a line for each level.
  """
  layers = sorted(table.layer.unique())
  figure, panels = _figure(len(layers))
  for axes, layer in zip(panels, layers, strict=True):
    levels = list(table[table.layer == layer].groupby('level', sort=True))
    for (_, bins), color in zip(levels, _colors(len(levels)), strict=True):
      axes.stairs(
        bins.density,
        [*bins.left, bins.right.iloc[-1]],
        color=color,
        label=f'{100 * bins.p_m.mean():.1f}',
        linewidth=1.4,
      )
    axes.set_ylabel('density')
    axes.set_title(layer, fontsize='medium', loc='left')
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6))
    axes.grid(alpha=_GRID)
  panels[-1].set_xlabel(label)
  _legend(figure, panels[0], '$P_m$ (%)')
  return figure


def connections(table: pd.DataFrame) -> figure_lib.Figure:
  """Draws how many connections each unit keeps, as in Appendix F.6.

  Args:
    table: Table as `metrics.connectivity` returns it for one level of several
      trials, with the `trial` of each.

  Returns:
    A figure of two panels, for incoming and for outgoing connections: lines
    for each layer and trial over units from the most to the least connected.
  """
  figure, panels = _figure(2, sharey=True)
  for axes, direction in zip(panels, ('incoming', 'outgoing'), strict=True):
    rows = table[table.direction == direction]
    for i, (layer, units) in enumerate(rows.groupby('layer')):
      for _, counts in units.groupby('trial'):
        ranked = np.sort(100 * counts.connections / counts.possible)[::-1]
        axes.step(
          100 * (np.arange(len(ranked)) + 0.5) / len(ranked),
          ranked,
          where='mid',
          label=layer,
          **_LOOKS[i % len(_LOOKS)] | {'marker': None},
        )
    axes.set_title(f'{direction} connections', fontsize='medium', loc='left')
    axes.set_ylabel('kept (%)')
    axes.grid(alpha=_GRID)
  panels[-1].set_xlabel('units, from the most to the least connected (%)')
  _legend(figure, panels[0])
  return figure


def _legend(
  figure: figure_lib.Figure,
  axes: Any,
  title: str | None = None,
  columns: int = 6,
) -> None:
  """Puts a panel's legend above all panels, each label once."""
  handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
  figure.legend(
    handles.values(),
    handles.keys(),
    title=title,
    loc='outside upper center',
    ncols=columns,
    fontsize='small',
    columnspacing=1.2,
    handlelength=1.8,
  )


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
  figure, axes = _figure(height=1.4 + 0.32 * len(table))
  _draw_intervals(axes, table, table.name, {'color': '#0072b2', 'marker': 'o'})
  axes.axvline(null, color='black', linewidth=1, linestyle='--')
  figure.supxlabel(label, fontsize='medium')
  return figure


def forest(judged: pd.DataFrame) -> figure_lib.Figure:
  """Draws what was measured of each claim beside what the paper says.

  Args:
    judged: Table as `claims.judge` returns it; claims without a number are left
      out.

  Returns:
    A figure with a panel for each unit: points and intervals by verdict, the
    null as a tick, the paper's value as a hollow diamond; a sign behind the
    claim's number where the point is a bound.

  Raises:
    InputError: If no claim has been measured.
  """
  rows = judged[judged.measured.notna() & judged.verdict.isin(VERDICTS)]
  if rows.empty:
    raise errors.InputError('wanted: runs that measure a claim')
  units = list(rows.unit.unique())
  counts = [int((rows.unit == unit).sum()) for unit in units]
  figure, panels = _figure(
    len(units),
    height=1.0 + 0.6 * len(units) + 0.26 * len(rows),
    ratios=[count + 1 for count in counts],
  )
  for axes, unit in zip(panels, units, strict=True):
    table = rows[rows.unit == unit].reset_index(drop=True)
    _draw_claims(axes, table)
    axes.set_xlabel(unit.replace('P_m', '$P_m$'))
  _legend(figure, panels[0], columns=3)
  return figure


_BOUNDS = {
  'lower': ' \N{GREATER-THAN OR EQUAL TO}',
  'upper': ' \N{LESS-THAN OR EQUAL TO}',
  'unknown': ' ?',
  '': '',
}


def _draw_claims(axes: Any, table: pd.DataFrame) -> None:
  """Draws the claims of one unit into one panel."""
  names = table.claim + table.bound.map(_BOUNDS)
  for verdict, style in VERDICTS.items():
    is_so = table.verdict == verdict
    style = style | {'label': verdict}
    _draw_intervals(axes, table.where(is_so), names, style)
  places = np.arange(len(table))
  axes.plot(table.null, places, '|', color='black', markersize=14, label='null')
  axes.plot(
    table.paper_value,
    places,
    'D',
    color='black',
    fillstyle='none',
    markersize=7,
    label="the paper's value",
  )


def _draw_intervals(
  axes: Any, table: pd.DataFrame, names: pd.Series, style: dict[str, Any]
) -> None:
  """Draws points with intervals, one a line, from the top."""
  places = np.arange(len(table))
  measured, low, high = (
    # Where an interval has no end none is drawn: the name says so.
    table[name].astype(float).where(np.isfinite).to_numpy()
    for name in ('measured', 'low', 'high')
  )
  axes.errorbar(
    measured,
    places,
    # An interval may miss its own point by a rounding error.
    xerr=np.maximum([measured - low, high - measured], 0),
    linestyle='none',
    capsize=3,
    markersize=6,
    **style,
  )
  axes.set_yticks(places, [str(name).replace('$', r'\$') for name in names])
  axes.set_ylim(len(table) - 0.5, -0.5)
  axes.grid(alpha=_GRID)


def _figure(
  rows: int | None = None,
  *,
  height: float | None = None,
  ratios: list[int] | None = None,
  sharey: bool = False,
) -> tuple[figure_lib.Figure, Any]:
  """Returns a figure, and its only panel or a list of panels in a column."""
  if height is None:
    height = _SIZE[1] if rows is None else 0.7 + 2.3 * rows
  figure = figure_lib.Figure(figsize=(_SIZE[0], height), layout='constrained')
  if rows is None:
    return figure, figure.subplots()
  panels = figure.subplots(
    rows, 1, squeeze=False, sharey=sharey, height_ratios=ratios
  )
  return figure, list(panels[:, 0])


def _colors(count: int) -> list[Any]:
  """Returns colours from dark to light, told apart in grey as well."""
  return [
    mpl.colormaps['viridis'](place) for place in np.linspace(0, 0.88, count)
  ]


def _draw_measure(axes: Any, summary: pd.DataFrame, measure: str) -> None:
  """Draws a measure of all experiments into one panel."""
  for experiment, style in STYLES.items():
    rows = summary[summary.experiment == experiment]
    if len(rows):
      _draw(axes, rows, measure, style)
  _label(axes, summary, measure)


def _draw(axes: Any, rows: pd.DataFrame, measure: str, style: dict) -> None:
  """Draws one experiment's line into one panel."""
  factor, _, _ = MEASURES[measure]
  rows = rows.sort_values('density', ascending=False)
  densities = 100 * rows.density
  means, lows, highs = (
    factor * rows[f'{measure}_{statistic}'].to_numpy(float)
    for statistic in ('mean', 'min', 'max')
  )
  axes.errorbar(
    densities,
    means,
    # The mean of equal numbers may miss them by a rounding error.
    yerr=np.maximum([means - lows, highs - means], 0),
    capsize=3,
    markersize=5,
    **style,
  )
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


def _label(axes: Any, summary: pd.DataFrame, measure: str) -> None:
  _, label, number = MEASURES[measure]
  axes.set_xscale('log')
  axes.invert_xaxis()
  drawn = summary[summary.experiment.isin(STYLES)]
  levels = drawn.groupby('level').density.mean() * 100
  step = -(-len(levels) // 9)  # More labels than nine would touch.
  axes.set_xticks(
    levels.iloc[::step], [f'{x:.1f}' for x in levels.iloc[::step]]
  )
  axes.xaxis.set_minor_locator(ticker.NullLocator())
  axes.yaxis.set_major_formatter(ticker.StrMethodFormatter(number))
  axes.set_xlabel('weights remaining, $P_m$ (%)')
  axes.set_ylabel(label)
  axes.grid(alpha=_GRID)


def save(figure: figure_lib.Figure, path: str) -> None:
  """Saves a figure; the same one becomes the same bytes.

  Args:
    figure: The figure.
    path: Its file; the ending says the format, like .png or .svg.
  """
  file = pathlib.Path(path)
  file.parent.mkdir(parents=True, exist_ok=True)
  aside = file.with_name(f'.{file.name}')
  kind = file.suffix.removeprefix('.')
  undated = {'svg': {'Date': None}, 'pdf': {'CreationDate': None}}
  with mpl.rc_context({'svg.hashsalt': 'lottery_ticket'}):
    figure.savefig(aside, format=kind, dpi=150, metadata=undated.get(kind))
  aside.replace(file)

"""Figures. They only draw what the other modules return."""

import pathlib
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib import figure as figure_lib
from matplotlib import ticker

STYLES = {
  'same_init': {'label': 'winning ticket', 'color': '#0072b2', 'marker': 'o'},
  'reinit': {
    'label': 'reinitialized ticket',
    'color': '#d55e00',
    'marker': 's',
    'linestyle': '--',
  },
}
"""How each experiment is drawn; colours that colour-blind people tell apart."""

_PANELS = (
  ('early_stop', 1, 'early-stop iteration', '{x:,.0f}'),
  ('accuracy', 100, 'test accuracy at early stop (%)', '{x:.2f}'),
)


def tickets(summary: pd.DataFrame) -> figure_lib.Figure:
  """Draws early stop and accuracy over P_m, like Figure 4 of the paper.

  Args:
    summary: As `results.summarize` returns it. Experiments that `STYLES` does
      not name are left out.

  Returns:
    A figure of two panels. Points are means over runs, bars reach from the
    minimum to the maximum; an arrow marks early stops that are lower bounds.
  """
  with mpl.rc_context({'svg.hashsalt': 'lottery_ticket'}):
    figure = figure_lib.Figure(figsize=(10, 4.2), layout='constrained')
    for axes, panel in zip(figure.subplots(1, 2), _PANELS, strict=True):
      for experiment, style in STYLES.items():
        rows = summary[summary.experiment == experiment]
        if len(rows):
          _draw(axes, rows, panel, style)
      _label(axes, panel, summary)
  return figure


def _draw(axes: Any, rows: pd.DataFrame, panel: tuple, style: dict) -> None:
  """Draws one experiment's line into one panel."""
  name, factor, _, _ = panel
  rows = rows.sort_values('density', ascending=False)
  densities = 100 * rows.density
  means = factor * rows[f'{name}_mean']
  axes.errorbar(
    densities,
    means,
    yerr=[
      means - factor * rows[f'{name}_min'],
      factor * rows[f'{name}_max'] - means,
    ],
    capsize=3,
    markersize=5,
    **style,
  )
  bounds = (rows.censored > 0) & (name == 'early_stop')
  axes.plot(
    densities[bounds],
    means[bounds],
    linestyle='none',
    marker=r'$\uparrow$',
    markersize=14,
    color=style['color'],
  )


def _label(axes: Any, panel: tuple, summary: pd.DataFrame) -> None:
  _, _, label, number = panel
  axes.set_xscale('log')
  axes.invert_xaxis()
  levels = summary.groupby('level').density.mean() * 100
  step = -(-len(levels) // 9)  # More labels than nine would touch.
  axes.set_xticks(
    levels.iloc[::step], [f'{x:.1f}' for x in levels.iloc[::step]]
  )
  axes.xaxis.set_minor_locator(ticker.NullLocator())
  axes.yaxis.set_major_formatter(ticker.StrMethodFormatter(number))
  axes.set_xlabel('weights remaining, $P_m$ (%)')
  axes.set_ylabel(label)
  axes.grid(alpha=0.3)
  axes.legend()


def save(figure: figure_lib.Figure, path: str) -> None:
  """Saves a figure.

  Args:
    figure: The figure.
    path: Its file; the ending says the format, like .png or .svg.
  """
  file = pathlib.Path(path)
  file.parent.mkdir(parents=True, exist_ok=True)
  aside = file.with_name(f'.{file.name}')
  figure.savefig(aside, format=file.suffix.removeprefix('.'), dpi=150)
  aside.replace(file)

"""The figures of a report: which there are, and what to see in each.

A caption states numbers, so it is computed from the table that is drawn.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib import figure as figure_lib

from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import results
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors

TICKET = view.TICKET

_MOST_LEVELS = 6  # In one panel of distributions.
_EQUAL = 0.05  # Relative difference of P_m.
_NO_CONTROLS = (
  'no finished control at a level of a ticket; the runner reinitialize makes'
  ' them'
)


class Drawing(NamedTuple):
  """A figure, what to see in it, and the same for those who cannot see it."""

  figure: figure_lib.Figure
  caption: str
  alt: str


class Figure(NamedTuple):
  """One figure of a report.

  Attributes:
    name: Name of its files, without the ending.
    title: A few words.
    drawing: None if there is nothing to draw.
    missing: Why there is nothing to draw, and what would change that.
  """

  name: str
  title: str
  drawing: Drawing | None
  missing: str = ''


class Tables(NamedTuple):
  """Tables that figures are drawn from.

  Attributes:
    runs: Table as in `results.Results`, of one recipe.
    summary: Table of these, as `results.summarize` returns it.
    judged: Table as `claims.judge` returns it.
    levels: Levels to show where all would be too many.
  """

  runs: pd.DataFrame
  summary: pd.DataFrame
  judged: pd.DataFrame
  levels: Sequence[int]

  def tickets(self) -> pd.DataFrame:
    """Returns the tickets' rows of the summary by level, dense first."""
    rows = self.summary[self.summary.experiment == TICKET].set_index('level')
    if 0 not in rows.index or len(rows) < 2:
      raise errors.InputError(
        f'wanted: runs of {TICKET} at level 0 and later ones; the runner'
        ' lottery_experiment makes them'
      )
    return rows.sort_index()

  def shown_levels(self) -> list[int]:
    """Returns the levels to show, or a few that there are."""
    levels = list(self.tickets().index)
    shown = [level for level in levels if level in self.levels]
    return (
      shown if len(shown) > 2 else levels[:: -(-len(levels) // _MOST_LEVELS)]
    )

  def ticket_runs(self, levels: Sequence[int]) -> pd.DataFrame:
    """Returns the tickets' runs of some levels."""
    runs = self.runs
    return runs[(runs.experiment == TICKET) & runs.level.isin(levels)]


_FIGURES: dict[str, tuple[str, Callable[[Tables, str], Drawing]]] = {}
"""{name: (title, function of tables and name)}, in their order."""


def draw(
  runs: pd.DataFrame, judged: pd.DataFrame, levels: Sequence[int] = ()
) -> list[Figure]:
  """Draws all figures for which there are runs.

  Args:
    runs: Table as in `results.Results`, of one recipe.
    judged: Table as `claims.judge` returns it.
    levels: Levels to show where all would be too many.

  Returns:
    All figures, those without data as well.
  """
  tables = Tables(runs, results.summarize(runs), judged, levels)
  drawn = []
  for name, (title, function) in _FIGURES.items():
    try:
      drawn.append(Figure(name, title, function(tables, name)))
    except errors.InputError as error:
      drawn.append(Figure(name, title, None, str(error)))
  return drawn


def _draws(**titles: str) -> Callable[[Callable], Callable]:
  """Makes figures of these names and titles of the function that draws them."""

  def decorated(function: Callable) -> Callable:
    _FIGURES.update({k: (title, function) for k, title in titles.items()})
    return function

  return decorated


@_draws(claims='Claims at a glance')
def _claims(tables: Tables, name: str) -> Drawing:
  counts = tables.judged.direction.value_counts()
  said = ', '.join(f'{count} {word}' for word, count in counts.items() if word)
  return Drawing(
    plots.forest(tables.judged),
    'Each claim that could be measured, by its number in the table above:'
    ' point and 95% interval over trials. A tick is the null (no effect, or the'
    " limit that the table states), a hollow diamond the paper's value; a sign"
    ' behind the number says that the point is a bound.',
    f'Intervals of the claims that were measured; {said}.',
  )


@_draws(early_stop='How fast they learn')
def _early_stop(tables: Tables, measure: str) -> Drawing:
  dense, later = _dense_and_later(tables)
  best = later.loc[later.early_stop_mean.idxmin()]
  saved = 100 * (1 - best.early_stop_mean / dense.early_stop_mean)
  said = (
    f'On average the ticket of P_m = {_percent(best.density)} stops first, at'
    f' iteration {best.early_stop_mean:,.0f}, the dense network at'
    f' {dense.early_stop_mean:,.0f}: {abs(saved):.0f}%'
    f' {"fewer" if saved >= 0 else "more"} iterations.'
  )
  said += _compared(tables, measure, '{:,.0f}', 1)
  if censored := int(tables.summary.censored.sum()):
    said += (
      f' {censored} {"run was" if censored == 1 else "runs were"} still'
      ' improving at the last evaluation: their early stops, and the means with'
      ' an arrow, are lower bounds.'
    )
  return _over_density(tables, measure, said)


@_draws(accuracy='How accurate they are at early stop')
def _accuracy(tables: Tables, measure: str) -> Drawing:
  column, (dense, later) = f'{measure}_mean', _dense_and_later(tables)
  best, last = later.loc[later[column].idxmax()], later.iloc[-1]
  said = (
    f'On average the ticket of P_m = {_percent(best.density)} is the most'
    f' accurate: {100 * best[column]:.2f}%, the dense network'
    f' {100 * dense[column]:.2f}%'
    f' ({100 * (best[column] - dense[column]):+.2f} points); that of P_m ='
    f' {_percent(last.density)} is {100 * (last[column] - dense[column]):+.2f}'
    ' points from it.'
  )
  said += _compared(tables, measure, '{:.2f}%', 100)
  return _over_density(tables, measure, said)


@_draws(curves='Learning curves')
def _curves(tables: Tables, name: str) -> Drawing:
  levels = tables.shown_levels()
  table = results.curves(tables.ticket_runs(levels))
  means = table.groupby(['iteration', 'level']).accuracy.mean().unstack()
  early = means[means.index >= means.index.max() / 50].iloc[0]
  best, densities = early.idxmax(), tables.tickets().density
  said = (
    f'Test accuracy over iterations by P_m. After {early.name:,.0f} iterations'
    f' P_m = {_percent(densities[best])} is ahead with {100 * early[best]:.2f}%'
    f' on average; P_m = {_percent(densities[levels[0]])} has'
    f' {100 * early[levels[0]]:.2f}%. Bands reach from the minimum to the'
    ' maximum over trials.'
  )
  alt = f'Line chart of test accuracy over iterations at {len(levels)} levels.'
  return Drawing(plots.curves(table), said, alt)


_draws(final_accuracy='Test accuracy at the end')(_accuracy)


@_draws(final_train_accuracy='Training accuracy at the end')
def _train_accuracy(tables: Tables, measure: str) -> Drawing:
  tickets = tables.tickets()
  if tickets.final_train_accuracy_mean.isna().any():
    raise errors.InputError('some runs do not record their training accuracy')
  means = 100 * tickets.final_train_accuracy_mean
  lowest = means.iloc[1:].idxmin()
  said = (
    f'On average tickets end with a training accuracy of {means[lowest]:.2f}%'
    f' (P_m = {_percent(tickets.density[lowest])}) or more, the dense network'
    f' with {means[0]:.2f}%.'
  )
  return _over_density(tables, measure, said)


def _over_density(tables: Tables, measure: str, said: str) -> Drawing:
  """Returns a measure over P_m, with what is said of it."""
  summary = tables.summary
  counts = summary[summary.experiment == TICKET].trials
  low, high = counts.min(), counts.max()
  trials = f'{low}' if low == high else f'{low} to {high}'
  there = set(summary.experiment)
  lines = [s['label'] for name, s in plots.STYLES.items() if name in there]
  return Drawing(
    plots.over_density(summary, measure),
    f'{said} Means over {trials} trials, bars from the minimum to the maximum.',
    f'Line chart of {plots.MEASURES[measure][1]} over percent of weights'
    f' remaining, for {", ".join(lines)}.',
  )


def _dense_and_later(tables: Tables) -> tuple[pd.Series, pd.DataFrame]:
  """Returns the dense network's row, and those of levels of as many trials."""
  tickets = tables.tickets()
  dense, later = tickets.iloc[0], tickets.iloc[1:]
  alike = later[later.trials == dense.trials]
  return dense, later if alike.empty else alike


def _compared(tables: Tables, measure: str, form: str, factor: float) -> str:
  """Says how the ticket compares with its reinitializations, if there are."""
  rows = tables.summary.pivot(index='level', columns='experiment')
  means, densities = factor * rows[f'{measure}_mean'], rows.density
  if not {TICKET, 'reinit'} <= set(means):
    return ''
  both = means.dropna(subset=[TICKET, 'reinit'])
  if both.empty:
    return ''
  last = both.iloc[-1]
  return (
    f' At P_m = {_percent(densities[TICKET][last.name])}: the ticket'
    f' {form.format(last[TICKET])}, reinitialized {form.format(last.reinit)}.'
  )


@_draws(
  controls_accuracy='Controls: accuracy',
  controls_early_stop='Controls: early stop',
)
def _controls(tables: Tables, name: str) -> Drawing:
  """Returns the controls of a level beside the ticket, paired by trial."""
  is_stop = name == 'controls_early_stop'
  measure = 'early_stop' if is_stop else 'accuracy'
  runs = _with_controls(tables.runs)
  means = runs.pivot_table(index='trial', columns='experiment', values=measure)
  others, ticket = means.drop(columns=TICKET), means[TICKET]
  if is_stop:
    label = "early stop as a multiple of the ticket's"
    compared = others.div(ticket, axis=0)
  else:
    label = "test accuracy at early stop minus the ticket's (points)"
    compared = 100 * others.sub(ticket, axis=0)
  rows = [
    (plots.label(control), *intervals.t_interval(compared[control]))
    for control in compared.columns[compared.notna().any()]
  ]
  if not rows:
    raise errors.InputError(_NO_CONTROLS)
  table = pd.DataFrame(rows, columns=['name', 'measured', 'low', 'high', 'n'])
  table = table.sort_values('measured', ascending=is_stop)
  each = '; '.join(
    f'{row.name} {row.measured:.2f} (n = {row.n})'
    for row in table.itertuples(index=False)
  )
  density = tables.tickets().density[runs.level.iloc[0]]
  said = (
    f'At P_m = {_percent(density)}, {label}: {each}. Control and ticket are'
    ' paired by trial; points are means, bars 95% t intervals over trials, the'
    ' dashed line is no difference.'
  )
  censored = int(runs.censored.sum())
  if is_stop and censored:
    bounds = ' is a lower bound' if censored == 1 else 's are lower bounds'
    said += f' {censored} early stop{bounds}.'
  alt = f'Points and intervals of {len(table)} controls: {label}.'
  return Drawing(plots.differences(table, label, float(is_stop)), said, alt)


def _with_controls(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns the runs of the level with most kinds of controls, or the last.

  Networks that are not as sparse as the ticket are not its controls.
  """
  tickets = runs[runs.experiment == TICKET].groupby('level').density.mean()
  runs = runs[(runs.density / runs.level.map(tickets) - 1).abs() < _EQUAL]
  controls = runs[(runs.experiment != TICKET) & (runs.level != 0)]
  counts = controls.groupby('level').experiment.nunique()
  if counts.empty:
    raise errors.InputError(_NO_CONTROLS)
  return runs[runs.level == counts[counts == counts.max()].index.max()]


@_draws(
  initial_weights='Initial weights of the survivors',
  final_weights='Final weights of the survivors',
)
def _weights(tables: Tables, name: str) -> Drawing:
  """Returns distributions of the weights of one trial's tickets."""
  stage = name.removesuffix('_weights')
  runs = tables.ticket_runs(tables.shown_levels()[-_MOST_LEVELS:])
  runs = runs[runs.trial == runs.trial.iloc[0]]
  if not all(row['weights'].get(stage) for row in runs.row):
    raise errors.InputError('the weights were gone before there were rows')
  values = f'{stage} values of the surviving weights'
  return Drawing(
    plots.weights(runs, stage),
    f'Trial {runs.trial.iloc[0]}: {values}.',
    f'Histograms of the {stage} values of surviving weights, a panel for each'
    ' layer, a line for each level.',
  )


@_draws(connections='Connections of the units')
def _connections(tables: Tables, name: str) -> Drawing:
  levels = tables.shown_levels()
  runs = tables.ticket_runs([levels[len(levels) // 2]])
  said = (
    'How many of its possible connections each unit keeps at P_m ='
    f' {_percent(runs.density.mean())}: incoming ones of the units of a layer,'
    ' outgoing ones of the units, or pixels, that feed it; a line for each'
    ' trial. Flat is even, steep uneven.'
  )
  alt = 'Lines of connections kept over units, falling from left to right.'
  return Drawing(plots.connections(runs), said, alt)


def _percent(fraction: float) -> str:
  return f'{100 * fraction:.1f}%'

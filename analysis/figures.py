"""The figures of a report: which there are, and what to see in each.

A caption states numbers, so it is computed from the table that is drawn.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from matplotlib import figure as figure_lib

from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import metrics
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import results
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors

TICKET = view.TICKET
SHOWN_LEVELS = (0, 3, 7, 9, 12, 15, 16, 18, 20)
"""Levels that the paper's figures show."""

_MOST_LEVELS = 6  # In one panel of distributions.
_BINS = 36  # Of a distribution: the last layer has but hundreds of weights.
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
  """

  runs: pd.DataFrame
  summary: pd.DataFrame
  judged: pd.DataFrame


def draw(runs: pd.DataFrame, judged: pd.DataFrame) -> list[Figure]:
  """Draws all figures for which there are runs.

  Args:
    runs: Table as in `results.Results`, of one recipe.
    judged: Table as `claims.judge` returns it.

  Returns:
    All figures, those without data as well.
  """
  tables = Tables(runs, results.summarize(runs), judged)
  drawn = []
  for name, (title, function) in _FUNCTIONS.items():
    try:
      drawn.append(Figure(name, title, function(tables)))
    except errors.InputError as error:
      drawn.append(Figure(name, title, None, str(error)))
  return drawn


def _claims(tables: Tables) -> Drawing:
  counts = tables.judged.verdict.value_counts()
  said = ', '.join(f'{counts[verdict]} {verdict}' for verdict in counts.index)
  return Drawing(
    plots.forest(tables.judged),
    'Each claim that could be measured, by its number in the table above:'
    ' point and 95% interval over trials. A tick is the null (no effect, or the'
    " limit that the table states), a hollow diamond the paper's value; a sign"
    ' behind the number says that the point is a bound.',
    f'Intervals of the claims that were measured; {said}.',
  )


def _early_stop(tables: Tables) -> Drawing:
  dense, later = _dense_and_later(tables)
  best = later.loc[later.early_stop_mean.idxmin()]
  saved = 100 * (1 - best.early_stop_mean / dense.early_stop_mean)
  said = (
    f'On average the ticket of P_m = {_percent(best.density)} stops first, at'
    f' iteration {best.early_stop_mean:,.0f}, the dense network at'
    f' {dense.early_stop_mean:,.0f}: {abs(saved):.0f}%'
    f' {"fewer" if saved >= 0 else "more"} iterations.'
  )
  said += _beside(tables, 'early_stop', '{:,.0f}', 1)
  censored = int(tables.summary.censored.sum())
  if censored:
    said += (
      f' {censored} {"run was" if censored == 1 else "runs were"} still'
      ' improving at the last evaluation: their early stops, and the means with'
      ' an arrow, are lower bounds.'
    )
  return _over_density(tables, 'early_stop', said)


def _accuracy(measure: str, tables: Tables) -> Drawing:
  """Says which ticket is the most accurate, and by how much."""
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
  said += _beside(tables, measure, '{:.2f}%', 100)
  return _over_density(tables, measure, said)


def _final_train_accuracy(tables: Tables) -> Drawing:
  tickets = _tickets(tables)
  if tickets.final_train_accuracy_mean.isna().any():
    raise errors.InputError('some runs do not record their training accuracy')
  means = 100 * tickets.final_train_accuracy_mean
  lowest = means.iloc[1:].idxmin()
  said = (
    f'On average tickets end with a training accuracy of {means[lowest]:.2f}%'
    f' (P_m = {_percent(tickets.density[lowest])}) or more, the dense network'
    f' with {means[0]:.2f}%.'
  )
  return _over_density(tables, 'final_train_accuracy', said)


def _over_density(tables: Tables, measure: str, said: str) -> Drawing:
  """Returns a measure over P_m, with what is said of it."""
  summary = tables.summary
  counts = summary[summary.experiment == TICKET].trials
  low, high = counts.min(), counts.max()
  trials = f'{low}' if low == high else f'{low} to {high}'
  said += f' Means over {trials} trials, bars from the minimum to the maximum.'
  lines = [
    style['label']
    for experiment, style in plots.STYLES.items()
    if (summary.experiment == experiment).any()
  ]
  return Drawing(
    plots.over_density(summary, measure),
    said,
    f'Line chart of {plots.MEASURES[measure][1]} over percent of weights'
    f' remaining, for {", ".join(lines)}.',
  )


def _beside(tables: Tables, measure: str, number: str, factor: float) -> str:
  """Says how the ticket compares with its reinitializations, if there are."""
  rows = tables.summary.set_index('level')
  ticket, other = (rows[rows.experiment == n] for n in (TICKET, 'reinit'))
  both = other.index.intersection(ticket.index)
  if both.empty:
    return ''
  level, column = both.max(), f'{measure}_mean'
  return (
    f' At P_m = {_percent(ticket.density[level])}: the ticket'
    f' {number.format(factor * ticket[column][level])}, reinitialized'
    f' {number.format(factor * other[column][level])}.'
  )


def _curves(tables: Tables) -> Drawing:
  levels = _shown_levels(tables)
  table = results.curves(_ticket_runs(tables, levels))
  if table.empty:
    raise errors.InputError('the runs have no logs of their test accuracy')
  means = table.groupby(['iteration', 'level']).accuracy.mean().unstack()
  later = means.index >= means.index.max() / 50
  early = means[later].iloc[0]
  best, densities = early.idxmax(), _tickets(tables).density
  said = (
    f'Test accuracy over iterations by P_m. After {early.name:,.0f} iterations'
    f' P_m = {_percent(densities[best])} is ahead with {100 * early[best]:.2f}%'
    f' on average; P_m = {_percent(densities[levels[0]])} has'
    f' {100 * early[levels[0]]:.2f}%. Bands reach from the minimum to the'
    ' maximum over trials.'
  )
  alt = f'Line chart of test accuracy over iterations at {len(levels)} levels.'
  return Drawing(plots.curves(table), said, alt)


def _weights(stage: str, tables: Tables) -> Drawing:
  """Returns distributions of the weights of one trial's tickets."""
  runs = _ticket_runs(tables, _shown_levels(tables)[-_MOST_LEVELS:])
  runs = runs[runs.trial == runs.trial.iloc[0]]
  histograms = []
  for run in runs.itertuples():
    networks = results.networks(run.directory)
    weights = getattr(networks, stage)
    histograms.append(
      metrics.weight_histograms(networks.masks, weights, _BINS).assign(
        level=run.level, p_m=run.density
      )
    )
  modes = metrics.bimodality(networks.masks, weights).set_index('layer')
  said = (
    f'Trial {runs.trial.iloc[0]}. At P_m = {_percent(runs.density.iloc[-1])}'
    ' the share of weights near 0, over that of a Gaussian, is '
    + ', '.join(f'{near:.2f} ({layer})' for layer, near in modes.near_0.items())
    + ': 1 is a Gaussian, 0 two separate modes.'
  )
  return Drawing(
    plots.weights(
      pd.concat(histograms), f'{stage} values of the surviving weights'
    ),
    said,
    f'Histograms of the {stage} values of surviving weights, a panel for each'
    ' layer, a line for each level.',
  )


def _connections(tables: Tables) -> Drawing:
  level = min(_shown_levels(tables), key=lambda level: abs(level - 12))
  runs = _ticket_runs(tables, [level])
  masks = {
    run.trial: results.networks(run.directory).masks
    for run in runs.itertuples()
  }
  table = pd.concat(
    metrics.connectivity(of_trial).assign(trial=trial)
    for trial, of_trial in masks.items()
  )
  uneven = pd.concat(map(metrics.unevenness, masks.values()))
  means = uneven.groupby(['direction', 'layer']).excess.mean()
  said = (
    'How many of its possible connections each unit keeps at P_m ='
    f' {_percent(runs.density.mean())}: incoming ones of the units of a layer,'
    ' outgoing ones of the units, or pixels, that feed it; a line for each'
    ' trial. Flat is even, steep uneven. Stddev over mean, beyond that of'
    f' connections placed at random: {_variations(means["incoming"])} for'
    f' incoming, {_variations(means["outgoing"])} for outgoing ones.'
  )
  alt = 'Lines of connections kept over units, falling from left to right.'
  return Drawing(plots.connections(table), said, alt)


def _variations(excess: pd.Series) -> str:
  variations = excess.clip(lower=0) ** 0.5
  return ', '.join(
    f'{value:.2f} ({name})' for name, value in variations.items()
  )


def _controls(measure: str, tables: Tables) -> Drawing:
  """Returns the controls of a level beside the ticket, paired by trial.

  Those that are not as sparse as the ticket are not its controls.
  """
  is_stop = measure == 'early_stop'
  label = "test accuracy at early stop minus the ticket's (points)"
  if is_stop:
    label = "early stop as a multiple of the ticket's"
  runs = _equal_sized(tables.runs)
  level = _control_level(runs)
  runs = runs[runs.level == level]
  means = runs.pivot_table(index='trial', columns='experiment', values=measure)
  others, ticket = means.drop(columns=TICKET), means[TICKET]
  compared = (
    others.div(ticket, axis=0) if is_stop else 100 * others.sub(ticket, axis=0)
  )
  rows = [
    (plots.label(name), *intervals.t_interval(compared[name]))
    for name in compared.columns[compared.notna().any()]
  ]
  if not rows:
    raise errors.InputError(_NO_CONTROLS)
  table = pd.DataFrame(rows, columns=['name', 'measured', 'low', 'high', 'n'])
  table = table.sort_values('measured', ascending=is_stop)
  said = (
    f'At P_m = {_percent(_tickets(tables).density[level])}, {label}: '
    + '; '.join(
      f'{row.name} {row.measured:.2f} (n = {row.n})'
      for row in table.itertuples(index=False)
    )
    + '. Control and ticket are paired by trial; points are means, bars 95% t'
    ' intervals over trials, the dashed line is no difference.'
  )
  censored = int(runs.censored.sum())
  if is_stop and censored:
    bounds = 'is a lower bound' if censored == 1 else 's are lower bounds'
    said += f' {censored} early stop{" " * (censored == 1)}{bounds}.'
  alt = f'Points and intervals of {len(table)} controls: {label}.'
  return Drawing(plots.differences(table, label, float(is_stop)), said, alt)


def _equal_sized(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns the runs of networks as sparse as their level's ticket."""
  tickets = runs[runs.experiment == TICKET].groupby('level').density.mean()
  sparsity = runs.level.map(tickets)
  return runs[(runs.density / sparsity - 1).abs() < _EQUAL]


def _control_level(runs: pd.DataFrame) -> int:
  """Returns the level with the most kinds of controls; of these the last."""
  beside = runs[~runs.experiment.isin([TICKET])]
  ticket_levels = set(runs[runs.experiment == TICKET].level) - {0}
  kinds = beside[beside.level.isin(ticket_levels)].groupby('level')
  counts = kinds.experiment.nunique()
  if counts.empty:
    raise errors.InputError(_NO_CONTROLS)
  return int(counts[counts == counts.max()].index.max())


def _tickets(tables: Tables) -> pd.DataFrame:
  """Returns the tickets' rows of the summary by level, dense first."""
  summary = tables.summary
  tickets = summary[summary.experiment == TICKET].set_index('level')
  if 0 not in tickets.index or len(tickets) < 2:
    raise errors.InputError(
      f'wanted: runs of {TICKET} at level 0 and later ones; the runner'
      ' lottery_experiment makes them'
    )
  return tickets.sort_index()


def _dense_and_later(tables: Tables) -> tuple[pd.Series, pd.DataFrame]:
  """Returns the dense network's row, and those of levels of as many trials."""
  tickets = _tickets(tables)
  dense, later = tickets.iloc[0], tickets.iloc[1:]
  alike = later[later.trials == dense.trials]
  return dense, later if alike.empty else alike


def _ticket_runs(tables: Tables, levels: list[int]) -> pd.DataFrame:
  runs = tables.runs
  return runs[(runs.experiment == TICKET) & runs.level.isin(levels)]


def _shown_levels(tables: Tables) -> list[int]:
  """Returns the levels that the paper shows, or a few that there are."""
  levels = list(_tickets(tables).index)
  shown = [level for level in levels if level in SHOWN_LEVELS]
  if len(shown) > 2:
    return shown
  return levels[:: -(-len(levels) // _MOST_LEVELS)]


def _percent(fraction: float) -> str:
  return f'{100 * fraction:.1f}%'


_FUNCTIONS: dict[str, tuple[str, Callable[[Tables], Drawing]]] = {
  'claims': ('Claims at a glance', _claims),
  'early_stop': ('How fast they learn', _early_stop),
  'accuracy': (
    'How accurate they are at early stop',
    functools.partial(_accuracy, 'accuracy'),
  ),
  'curves': ('Learning curves', _curves),
  'final_accuracy': (
    'Test accuracy at the end',
    functools.partial(_accuracy, 'final_accuracy'),
  ),
  'final_train_accuracy': (
    'Training accuracy at the end',
    _final_train_accuracy,
  ),
  'controls_accuracy': (
    'Controls: accuracy',
    functools.partial(_controls, 'accuracy'),
  ),
  'controls_early_stop': (
    'Controls: early stop',
    functools.partial(_controls, 'early_stop'),
  ),
  'initial_weights': (
    'Initial weights of the survivors',
    functools.partial(_weights, 'initial'),
  ),
  'final_weights': (
    'Final weights of the survivors',
    functools.partial(_weights, 'final'),
  ),
  'connections': ('Connections of the units', _connections),
}

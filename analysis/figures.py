"""The figures of a report: which there are, and what to see in each."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from lottery_ticket.analysis import intervals
from lottery_ticket.analysis import plots
from lottery_ticket.analysis import results
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors

TICKET = view.TICKET
_MOST_LEVELS = 6  # In one panel of curves or distributions.
_EQUAL = 0.05  # Relative difference of P_m.

Drawing = tuple[plots.Figure, str]
"""A figure, and its caption: what to see in it."""


class Figure(NamedTuple):
  """A figure of a report.

  Attributes:
    name: Name of its files, without the ending.
    title: A few words.
    figure: None if there is nothing to draw.
    caption: What to see in it, or why there is none and what would change that.
  """

  name: str
  title: str
  figure: plots.Figure | None
  caption: str


class Tables(NamedTuple):
  """What figures are drawn from: the arguments of `draw`."""

  runs: pd.DataFrame
  judged: pd.DataFrame
  levels: Sequence[int]

  def tickets(self) -> pd.DataFrame:
    """Returns the tickets' runs, if there are dense networks and later ones."""
    rows = self.runs[self.runs.experiment == TICKET]
    if 0 not in set(rows.level) or rows.level.nunique() < 2:
      raise errors.InputError(
        f'wanted: runs of {TICKET} at level 0 and later ones; the runner'
        ' lottery_experiment makes them'
      )
    return rows

  def shown(self) -> pd.DataFrame:
    """Returns the tickets' runs of the levels to show, or of a few of all."""
    rows = self.tickets()
    there = sorted(rows.level.unique())
    wanted = [level for level in there if level in self.levels]
    shown = wanted if len(wanted) > 2 else there
    return rows[rows.level.isin(shown[:: -(-len(shown) // _MOST_LEVELS)])]


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
  tables, drawn = Tables(runs, judged, levels), []
  for name, (title, function) in _FIGURES.items():
    try:
      drawn.append(Figure(name, title, *function(tables)))
    except errors.InputError as error:
      drawn.append(Figure(name, title, None, str(error)))
  return drawn


def _tickets(tables: Tables) -> Drawing:
  # What is never reset starts where it has learned: no early stop to compare.
  runs = tables.runs[tables.runs.experiment != 'no_reset']
  return _over_density(tables._replace(runs=runs), 'early_stop', 'accuracy')


def _ends(tables: Tables) -> Drawing:
  if tables.tickets().final_train_accuracy.isna().any():
    raise errors.InputError('some runs do not record their training accuracy')
  return _over_density(tables, 'final_accuracy', 'final_train_accuracy')


def _over_density(tables: Tables, *measures: str) -> Drawing:
  """Returns measures over P_m."""
  tables.tickets()
  summary = results.summarize(tables.runs)
  names = plots.experiments(summary)
  trials = summary.trials[summary.experiment.isin(names)]
  counts = ' to '.join(map(str, sorted({trials.min(), trials.max()})))
  said = f'Means over {counts} trials,'
  said += ' with bars from the minimum to the maximum; hollow: one trial.'
  if 'early_stop' in measures and summary.censored.any():
    said += ' An arrow: still improving at the last evaluation, a lower bound.'
  said += ' Arrows at the lower edge are of networks below it.'
  others = set(summary.experiment).difference(names)
  if left_out := [plots.label(x) for x in plots.STYLES if x in others]:
    said += f' Of one trial, and so left out: {", ".join(left_out)}.'
  return plots.tickets(summary, measures, tables.levels), said


def _claims(tables: Tables) -> Drawing:
  return plots.forest(tables.judged), (
    'The first part of each claim, and those of which the paper has a number:'
    ' point and 95% interval over trials; in brackets how many of its parts are'
    ' reproduced. A tick is the null (no effect, or the'
    " limit that the table states), a hollow diamond the paper's value; a sign"
    ' behind the number says that the point is a bound.'
  )


def _curves(tables: Tables) -> Drawing:
  return plots.curves(results.curves(tables.shown())), (
    'Test accuracy over iterations by P_m: means, in bands from the minimum to'
    ' the maximum over trials.'
  )


def _controls(tables: Tables) -> Drawing:
  """Returns the controls of a level beside the ticket, paired by trial."""
  tables.tickets()
  runs = _with_controls(tables.runs)
  accuracy, stop = (
    runs.pivot_table(index='trial', columns='experiment', values=measure)
    for measure in ('accuracy', 'early_stop')
  )
  gains = 100 * accuracy.sub(accuracy[TICKET], axis=0)
  ratios = stop.div(stop[TICKET], axis=0)
  order = gains.drop(columns=TICKET).mean().dropna().sort_values().index[::-1]
  compared = {
    words: pd.DataFrame(
      [(plots.label(x), *intervals.t_interval(table[x])) for x in order],
      columns=['name', 'measured', 'low', 'high', 'n'],
    )
    for words, table in (
      ("test accuracy at early stop minus the ticket's (points)", gains),
      ("early stop as a multiple of the ticket's", ratios),
    )
  }
  density = runs[runs.experiment == TICKET].density.mean()
  said = (
    f'At P_m = {100 * density:.1f}%. Control and ticket are paired by trial;'
    ' points are means, bars 95% t intervals over trials (hollow: one trial),'
    ' the dashed line is no difference.'
  )
  if censored := int(runs.censored.sum()):
    said += f' Early stops that are lower bounds: {censored}.'
  return plots.differences(compared, [0, 1]), said


def _with_controls(runs: pd.DataFrame) -> pd.DataFrame:
  """Returns the runs of the level with most kinds of controls, or the last."""
  tickets = runs[runs.experiment == TICKET].groupby('level').density.mean()
  runs = runs[~runs.experiment.str.contains('stability[0-9]+_$')]  # Copies.
  # Networks that are not as sparse as the ticket are not its controls.
  runs = runs[(runs.density / runs.level.map(tickets) - 1).abs() < _EQUAL]
  controls = runs[(runs.experiment != TICKET) & (runs.level != 0)]
  counts = controls.groupby('level').experiment.nunique()
  if counts.empty:
    raise errors.InputError(
      'no finished control at a level of a ticket; the runner control makes'
      ' them'
    )
  return runs[runs.level == counts[counts == counts.max()].index.max()]


def _weights(tables: Tables) -> Drawing:
  """Returns distributions of the weights of one trial's tickets."""
  runs = tables.shown()
  runs = runs[runs.trial == runs.trial.iloc[0]]
  if not all(len(row.get('weights', ())) == 2 for row in runs.row):
    raise errors.InputError('the weights were gone before there were rows')
  return plots.weights(runs), (
    f'Weights that survive, in trial {runs.trial.iloc[0]}: their initial values'
    ' above, their final ones below.'
  )


def _connections(tables: Tables) -> Drawing:
  runs = tables.shown()
  levels = sorted(runs.level.unique())
  runs = runs[runs.level == levels[len(levels) // 2]]
  return plots.connections(runs), (
    'How many of its possible connections each unit keeps at P_m ='
    f' {100 * runs.density.mean():.1f}%: incoming ones of the units of a layer,'
    ' outgoing ones of the units, or pixels, that feed it; a line for each'
    ' trial. Flat is even, steep uneven.'
  )


def _lines(tables: Tables, by: str, kind: str) -> pd.DataFrame:
  """Returns the lines between networks of a kind, by what tells them apart."""
  lines = results.lines(tables.runs, by)
  lines = lines[lines.kind.str.startswith(kind)]
  if lines.empty:
    raise errors.InputError('no such lines; the runner stability makes them')
  return lines


def _line(tables: Tables) -> Drawing:
  lines = _lines(tables, 'rewind_to', 'stability')
  return plots.lines(lines, 'rewind_to'), (
    'Test error of the networks on the line between two copies that differ in'
    ' the order of the data alone: means, in bands from the minimum to the'
    ' maximum over trials.'
  )


def _barrier(tables: Tables) -> Drawing:
  lines = _lines(tables, 'rewind_to', 'stability')
  return plots.barriers(lines, 'rewind_to'), (
    'The highest error on that line less the mean of its ends, over the'
    ' iteration from which the copies start: means, with bars from the minimum'
    ' to the maximum over trials.'
  )


def _successive(tables: Tables) -> Drawing:
  lines = _lines(tables, 'from_level', TICKET)
  nearest = lines.groupby('level').from_level.transform('max')
  return plots.barriers(lines[lines.from_level == nearest], 'level'), (
    'The highest error on the line from the ticket of the level before less the'
    ' mean of its ends: means, with bars from the minimum to the maximum over'
    ' trials.'
  )


_FIGURES: dict[str, tuple[str, Callable[[Tables], Drawing]]] = {
  'tickets': ('How fast and how well tickets learn', _tickets),
  'claims': ('Claims at a glance', _claims),
  'curves': ('Learning curves', _curves),
  'ends': ('At the end of training', _ends),
  'controls': ('Controls beside the ticket', _controls),
  'weights': ('Weights that survive', _weights),
  'connections': ('Connections of the units', _connections),
  'line': ('Error between two copies of a network', _line),
  'barrier': ('The barrier between two copies of a network', _barrier),
  'successive': (
    'The barrier between tickets of successive levels',
    _successive,
  ),
}
"""{name: (title, function)}, in their order."""

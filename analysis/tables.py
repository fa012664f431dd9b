"""Tables of results as text."""

import pandas as pd

from lottery_ticket.analysis import claims as claims_lib
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors


def tickets(summary: pd.DataFrame) -> str:
  """Returns a table of winning tickets beside their reinitializations.

  Args:
    summary: Table as `results.summarize` returns it.

  Returns:
    Lines with P_m in percent, and for ticket and reinitialized ticket the
    early-stop iteration and the test accuracy then in percent, means over
    `n` trials. ">=" marks an early stop on the last measurement of some run.

  Raises:
    InputError: If there are no tickets.
  """
  rows = summary.set_index(['experiment', 'level'])
  if view.TICKET not in rows.index:
    raise errors.InputError(f'runs: wanted some of {view.TICKET!r}, found none')
  lines = [
    '         |  winning ticket             |  reinitialized ticket',
    '   P_m % |  early stop  accuracy %  n  |  early stop  accuracy %  n',
    '---------+-----------------------------+----------------------------',
  ]
  for level, ticket in rows.loc[view.TICKET].iterrows():
    key = ('reinit', level)
    other = _cells(rows.loc[key] if key in rows.index else None)
    percent = f'{100 * ticket.density:8.1f}'
    lines.append(f'{percent} |  {_cells(ticket)}  |  {other}'.rstrip())
  return '\n'.join(lines)


def layers(table: pd.DataFrame) -> str:
  """Returns a table of the weights that are left in each layer of tickets.

  Args:
    table: Table as `results.layers` returns it.

  Returns:
    A line for each level and layer: P_m in percent, the layer's weights that
    are left, their percentage, and how many there were; means over trials.
  """
  tickets = table[table.experiment == view.TICKET]
  groups = tickets.groupby(['level', 'layer'], sort=False)
  means = groups.mean(numeric_only=True)
  width = max(map(len, tickets.layer))
  lines = [f'   P_m %  {"layer":{width}}  weights left        %          of']
  for (_, layer), row in means.sort_index(level='level').iterrows():
    lines.append(
      f'{100 * row.density:8.1f}  {layer:{width}}  {row.left:12,.0f}'
      f'  {100 * row.left / row.weights:7.2f}  {row.weights:10,.0f}'
    )
  return '\n'.join(lines)


def claims(judged: pd.DataFrame) -> str:
  """Returns a table of the paper's claims and what came of them.

  Args:
    judged: Table as `claims.judge` returns it.

  Returns:
    A line for each part of a claim: its number, direction and size, the
    paper's number, what was measured (">=" if that is a lower bound), its 95%
    interval (or whichever it was judged by), its unit and the number of trials.
  """
  lines = [
    f'claim  {"direction":14}  {"size":15}  {"the paper":30}   n  measured',
    '  '.join('-' * width for width in (5, 14, 15, 30, 2, 35)),
  ]
  for row in judged.itertuples():
    found = claims_lib.numbers(row.measured, row.low, row.high, row.bound)
    measured = f'{found} {row.unit}' if row.n else '-'
    lines.append(
      f'{row.claim + row.part:5}  {row.direction:14}  {row.size:15} '
      f' {row.paper:30}  {row.n:2}  {measured}'
    )
  return '\n'.join(lines)


def _cells(row: pd.Series | None) -> str:
  """Returns early stop, accuracy and number of trials in fixed columns."""
  if row is None:
    return f'{"-":>10}  {"-":>10}  {0:1}'
  bound = '>= ' if row.censored else ''
  stop = f'{bound}{row.early_stop_mean:,.0f}'
  return f'{stop:>10}  {100 * row.accuracy_mean:10.2f}  {row.trials:1.0f}'

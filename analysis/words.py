"""What was found, in plain sentences that are computed from the runs."""

from collections.abc import Iterator, Sequence

import pandas as pd

from lottery_ticket.analysis import plots
from lottery_ticket.analysis import view

TICKET = view.TICKET
_FRACTIONS = {2: 'half', 3: 'a third', 4: 'a quarter', 5: 'a fifth'}
_LEAST = 0.005  # Points: what is less is 0.00.
_NEAR = 0.15  # What is called a third lies within so much of it, relative.


def findings(runs: pd.DataFrame, levels: Sequence[int] = ()) -> list[str]:
  """Says what was found: of tickets beside dense networks, and of controls.

  Args:
    runs: Table as in `results.Results`, of one recipe.
    levels: Levels to speak of, where they are there.

  Returns:
    Sentences; none where there are no tickets of a dense network.
  """
  accuracies, stops = (
    runs.pivot_table(index='trial', columns=['experiment', 'level'], values=x)
    for x in ('accuracy', 'early_stop')
  )
  if (TICKET, 0) not in accuracies or len(accuracies[TICKET].columns) < 2:
    return []
  # Each ticket beside the dense network of its own trial: a level that some
  # trials have yet to reach is compared like the others.
  gains = accuracies[TICKET].sub(accuracies[TICKET, 0], axis=0) * 100
  known = gains.loc[:, gains.count() * 2 >= gains[0].count()].drop(columns=0)
  means = known.mean()
  if means.empty:
    return []
  shown = means[means.index.isin(levels)]
  best = int((shown if len(shown) > 1 else means).idxmax())
  below = means.index[(means < 0) & (means.index > best)]
  last = int(means.index[means.index < min(below, default=1e9)].max())
  tables = accuracies * 100, stops
  percents = runs[runs.experiment == TICKET].groupby('level').density.mean()
  names = {level: f'{100 * x:.1f}%' for level, x in percents.items()}
  late = set(runs[runs.censored & (runs.experiment == TICKET)].level)
  least = 'at least ' if 0 in late and best not in late else ''
  accuracy, stop = (table[TICKET, 0] for table in tables)
  trials = int(accuracy.count())
  said = [
    f'Dense networks reach a test accuracy of {accuracy.mean():.2f}% at early'
    f' stop, after {stop.mean():,.0f} iterations (means over {trials}'
    f' trial{"s" * (trials != 1)}).',
    _beside_dense(*tables, best, names[best], least),
  ]
  if means[best] >= 0:
    said.append(_how_far(means, last, names))
  return said + list(_controls(runs, *tables, last, names))


def _beside_dense(
  accuracies: pd.DataFrame,
  stops: pd.DataFrame,
  level: int,
  name: str,
  least: str,
) -> str:
  """Says how a ticket does; `least` where dense networks still improved."""
  gains = (accuracies[TICKET, level] - accuracies[TICKET, 0]).dropna()
  saved = (1 - stops[TICKET, level] / stops[TICKET, 0]).dropna()
  percent = 100 * saved.mean()
  when = f'{least}{percent:.0f}% sooner'
  if percent <= 0:
    when = f'{-percent:.0f}% later'
  said = f'{when} (in {_count(saved)})' if abs(percent) >= 0.5 else 'as soon'
  return (
    f'Tickets of {name} of the weights are {_accuracy(gains)}, and stop {said}.'
  )


def _how_far(means: pd.Series, last: int, names: dict[int, str]) -> str:
  """Says down to which size tickets do as well as dense networks."""
  said = f'Tickets are as accurate as dense networks down to {names[last]}'
  after = means[means.index > last]
  if after.empty:
    return f'{said}, the smallest that were trained.'
  level, behind = after.index[0], -after.iloc[0]
  by = f'{behind:.2f}' if behind >= _LEAST else 'less than 0.01'
  return f'{said}; at {names[level]} they are {by} points behind.'


def _controls(
  runs: pd.DataFrame,
  accuracies: pd.DataFrame,
  stops: pd.DataFrame,
  last: int,
  names: dict[int, str],
) -> Iterator[str]:
  """Says how controls do beside tickets, at the sparsest good level."""
  gains = {
    (name, level): (points - accuracies[TICKET, level]).dropna()
    for (name, level), points in accuracies.items()
    if (TICKET, level) in accuracies
  }
  there = [k for (name, k), x in gains.items() if name == 'reinit' and len(x)]
  if not there:
    return
  level = max((k for k in there if k <= last), default=min(there))
  points = -gains['reinit', level]
  first, second = (
    stops[name, level][points.index].mean() for name in (TICKET, 'reinit')
  )
  is_late = runs.censored & (runs.experiment == 'reinit')
  most = 'at most ' if is_late[runs.level == level].any() else ''
  found = 'do as well as their reinitializations'
  if abs(points.mean()) >= _LEAST:
    found = (
      f'{"beat" if points.mean() > 0 else "lose to"} their reinitializations in'
      f' {_count(points)}, by {abs(points.mean()):.2f} points'
    )
  part = _fraction(second / first)
  yield f'At {names[level]} tickets {found}, in {most}{part} of the iterations.'
  said = [
    f'{plots.label(name)} is {_accuracy(gains[name, level])}'
    for name in ('random', 'one_shot')
    if len(gains.get((name, level), ()))
  ]
  if said:
    yield f'Compared with such tickets, {", and ".join(said)}.'


def _accuracy(points: pd.Series) -> str:
  """Says how many points more or less accurate something is, and how often."""
  if abs(points.mean()) < _LEAST:
    return 'as accurate'
  much = f'{abs(points.mean()):.2f} points'
  more = 'more' if points.mean() > 0 else 'less'
  return f'{much} {more} accurate (in {_count(points)})'


def _count(values: pd.Series) -> str:
  """Returns in how many trials a value has the sign of the mean."""
  same = ((values > 0) == (values.mean() > 0)) & (values != 0)
  return f'{same.sum()} of {len(values)} trials'


def _fraction(ratio: float) -> str:
  """Returns 1 / ratio in words."""
  whole = round(ratio)
  if whole in _FRACTIONS and abs(ratio / whole - 1) < _NEAR:
    return _FRACTIONS[whole]
  return f'{100 / ratio:.0f}%'

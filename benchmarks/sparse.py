"""Compares runs that skip pruned weights with dense ones, over density.

python benchmarks/sparse.py [--rounds=3] [--iterations=1000] [--figure=...]

Tickets come from a short ladder of the recipe. A run has evaluations, logs,
summaries and saved networks; start-up is taken off. Dense and auto take turns.
The whole takes about six minutes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lottery_ticket.benchmarks import speed
from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import entry
from lottery_ticket.mnist_fc import constants

# How many times as fast as dense ones runs should be, by level: P_m is 51, 26,
# 13.5, 7, 3.6 and 1.2%.
BARS = {3: 1.2, 6: 2, 9: 3.5, 12: 5.5, 15: 9, 20: 18}
LEVELS = (0, 1, 2, *BARS)
LADDER_BAR, EVALUATION_BAR, LEAST = 2.6, 8, 0.97
# SGD's steps have less to save than Adam's.
SLACK = {'paper': 1.0, 'google': 0.9}
LADDER_ITERATIONS = 1_000  # A level; as good as more for the sake of speed.
SHOWN = 15  # The level, P_m = 3.6%, of start-up and evaluation.


class Table(NamedTuple):
  """What was measured of a recipe."""

  figures: list[timing.Figure]  # Auto and others, compared with dense.
  speedups: dict[float, float]  # {P_m: how many times as fast auto is}.
  others: dict[str, float]  # {name of another execution: the same}.


def main(*, figure: str | None = None, **given: Any) -> None:
  """Measures how much faster both recipes are with fewer weights.

  Args:
    figure: File for a figure of that; by default none is drawn.
    **given: Fields of `timing.OnMnist`.
  """
  options = timing.OnMnist(**given)
  tables = {name: measure(name, *options.sizes()) for name in constants.RECIPES}
  figures = [each for table in tables.values() for each in table.figures]
  others = {name: table.others for name, table in tables.items()}
  options.report('sparse', figures, times_as_fast=others)
  if figure is not None:
    draw(tables, figure)


def measure(name: str, location: str, iterations: int, rounds: int) -> Table:
  """Measures runs of a recipe at all levels, by their steady part."""
  runs = speed.Runs(name, location)
  tickets = find_tickets(runs)
  figures, speedups, times = [], {}, {}
  for level in LEVELS:
    density = tickets[level].density
    turns = [
      [
        runs.took(iterations, tickets[level], execution=chosen)
        for chosen in ('dense', 'auto')
      ]
      for _ in range(rounds + 1)  # The first one compiles.
    ][1:]
    steady, start = (
      [(dense[i], auto[i]) for dense, auto in turns] for i in (0, 1)
    )
    what = f'{name}, {density:.1%} left: dense, auto'
    bar = SLACK[name] * BARS[level] if level in BARS else LEAST
    unit = 'us', 1e6 / iterations
    figures.append(timing.compare(what, steady, *unit, at_least=bar))
    if level == SHOWN:
      what = f'{name}, {density:.1%} left, start-up: dense, auto'
      start_up = timing.compare(what, start, 'ms', 1e3)
    speedups[density] = figures[-1].ratio
    times[level] = figures[-1].this, figures[-1].that
  # The sum over levels; those not measured lie between others.
  levels, logs = np.arange(max(LEVELS) + 1), np.log(list(times.values()))
  sums = [np.exp(np.interp(levels, LEVELS, line)).sum() for line in logs.T]
  what = f'{name}, levels 0 to {levels[-1]}: dense, auto'
  ladder = timing.compare(what, [sums], 'us', at_least=LADDER_BAR)
  figures += [start_up, ladder, _evaluation(runs, tickets[SHOWN], rounds)]
  return Table(figures, speedups, _others(runs, rounds, times[0][0]))


def find_tickets(runs: speed.Runs) -> list[Any]:
  """Returns the levels of a short ladder."""
  from lottery_ticket.foundations import experiment
  from lottery_ticket.foundations import pruner
  from lottery_ticket.foundations import trainer

  recipe, length = runs.recipe, ('iterations', LADDER_ITERATIONS)
  return experiment.experiment(
    lambda: runs.dataset,
    lambda presets, masks: constants.make_model(recipe, presets, masks, seed=0),
    lambda level, dataset, model: trainer.train(
      dataset, model, recipe.optimizer_fn, length, None
    ),
    lambda masks, final: pruner.prune_by_percent(
      recipe.prune_percents, masks, final
    ),
    max(LEVELS),
  )


def _evaluation(runs: speed.Runs, ticket: Any, rounds: int) -> timing.Figure:
  from lottery_ticket.foundations import execution
  from lottery_ticket.foundations import measurements

  model, test = runs.make_model(ticket), runs.dataset.test
  measurements.evaluate(model, test)
  steps = execution.sparse_steps(model, test)
  pairs = timing.take_turns(
    lambda: measurements.evaluate(model, test),
    lambda: steps.measure(test),
    5 * rounds,
  )
  what = f'{runs.name}, evaluation, {ticket.density:.1%} left: dense, sparse'
  return timing.compare(what, pairs, 'ms', 1e3, at_least=EVALUATION_BAR)


def _others(runs: speed.Runs, rounds: int, dense: float) -> dict[str, float]:
  """Returns how many times as fast as dense, in microseconds, others are."""
  turns = [
    [timing.seconds(function) for function in (*runs.bare, runs.fit)]
    for _ in range(rounds + 1)
  ]
  steps, evaluation, fitted = 1e6 * np.median(turns[1:], axis=0)
  interval = runs.recipe.evaluation_interval
  # Keras evaluates no faster than bare products do.
  keras = fitted / speed.KERAS_STEPS + evaluation / interval
  bare = (steps + evaluation) / interval
  return {'bare dense products': dense / bare, 'Keras fit': dense / keras}


def draw(tables: Mapping[str, Table], path: str) -> None:
  """Draws the speedups of {recipe's name: table} over density, to a file."""
  from matplotlib import figure as figure_lib

  figure = figure_lib.Figure(figsize=(6.4, 4), layout='constrained')
  axes = figure.subplots()
  for name, table in tables.items():
    percents = [100 * density for density in table.speedups]
    speedups: Any = list(table.speedups.values())
    axes.plot(percents, speedups, marker='o', label=f'recipe {name}')
  others = next(iter(tables.values())).others
  for style, name in zip((':', '-.'), others, strict=True):
    axes.axhline(others[name], color='gray', linestyle=style, label=name)
  axes.axhline(1, color='black', linewidth=0.8, label='dense')
  axes.set(xscale='log', yscale='log', xlim=(120, 1))
  ticks = [100, 51, 26, 13, 7, 3.6, 1.2]
  axes.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
  axes.set_yticks([0.5, 1, 2, 5, 10, 20], ['0.5', '1', '2', '5', '10', '20'])
  axes.minorticks_off()
  axes.set(xlabel='weights that are left, %', ylabel='times as fast as dense')
  axes.legend()
  figure.savefig(path, dpi=150)


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.sparse:main', timing.OnMnist, 'keras')

"""Runs of pruned networks, dense and sparse, in turns.

Each has one thread, so that the time that it is busy is the time that it takes
on an idle machine: other work there does not count.
"""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from lottery_ticket.benchmarks import bare as bare_lib
from lottery_ticket.benchmarks import timing
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import execution
from lottery_ticket.foundations import experiment
from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import constants

# How many times as fast as dense ones runs should be, by level: P_m is 51, 26,
# 13.5, 7, 3.6 and 1.2%.
BARS = {3: 1.2, 6: 2, 9: 3.5, 12: 5.5, 15: 9, 20: 18}
LEVELS = (0, 1, 2, *BARS)
LADDER_BAR, EVALUATION_BAR, LEAST = 2.6, 8, 0.97
# SGD's steps have less to save than Adam's.
SLACK = {'paper': 1.0, 'google': 0.9}
LADDER_ITERATIONS = 1_000  # A level; as good as more for the sake of speed.
SHORT = 100  # Iterations.
SHOWN = 15  # The level, P_m = 3.6%, of start-up and evaluation.
KERAS_STEPS = 500


class Table(NamedTuple):
  """What was measured of a recipe.

  Attributes:
    figures: Dense against auto, and what else is compared with dense.
    speedups: {P_m: how many times as fast as dense auto is}.
    others: {name: how many times as fast as dense another execution is}.
  """

  figures: list[timing.Figure]
  speedups: dict[float, float]
  others: dict[str, float]


def measure(name: str, location: str, iterations: int, rounds: int) -> Table:
  """Measures runs of a recipe at all levels, by their steady part."""
  recipe = constants.recipe(name)
  dataset = constants.make_dataset(recipe, location, 0)
  tickets = find_tickets(recipe, dataset)
  figures, speedups, times = [], {}, {}
  share = 1e6 / iterations
  for level in LEVELS:
    pairs, starts = zip(
      *[
        steady_and_start(recipe, dataset, tickets[level], iterations)
        for _ in range(rounds + 1)
      ][1:],  # The first one compiles.
      strict=True,
    )
    density = tickets[level].density
    what = f'{name}, {density:.1%} left: dense, auto'
    bar = SLACK[name] * BARS[level] if level in BARS else LEAST
    figures.append(timing.compare(what, pairs, 'us', share, at_least=bar))
    if level == SHOWN:
      what = f'{name}, {density:.1%} left, start-up: dense, auto'
      start_up = timing.compare(what, starts, 'ms', 1e3)
    speedups[density] = figures[-1].ratio
    times[level] = figures[-1].this, figures[-1].that
  figures += [start_up, _ladder(name, times)]
  figures.append(_evaluation(name, dataset, tickets[SHOWN], rounds))
  others = _others(recipe, dataset, rounds)
  return Table(
    figures, speedups, {k: times[0][0] / value for k, value in others.items()}
  )


def find_tickets(
  recipe: Any, dataset: dataset_base.DatasetBase
) -> list[experiment.Level]:
  """Returns the levels of a short ladder."""

  def make_model(presets: Any, masks: Any) -> Any:
    return constants.make_model(recipe, presets, masks, seed=0)

  return experiment.experiment(
    lambda: dataset,
    make_model,
    lambda level, data, model: trainer.train(
      data, model, recipe.optimizer_fn, ('iterations', LADDER_ITERATIONS), None
    ),
    lambda masks, final: pruner.prune_by_percent(
      recipe.prune_percents, masks, final
    ),
    max(LEVELS),
  )


def steady_and_start(
  recipe: Any,
  dataset: dataset_base.DatasetBase,
  ticket: experiment.Level,
  iterations: int,
) -> tuple[tuple[float, float], tuple[float, float]]:
  """Returns seconds of iterations without start-up, and those of start-up.

  Both are pairs, dense and auto. Evaluations, logs and summaries are on. What a
  short run takes is taken off what a long one does; what it takes beyond its
  own iterations is start-up.
  """
  took = {
    (chosen, length): _run(recipe, dataset, ticket, chosen, length)
    for length in (SHORT, SHORT + iterations)
    for chosen in ('dense', 'auto')
  }
  dense, auto = (
    took[chosen, SHORT + iterations] - took[chosen, SHORT]
    for chosen in ('dense', 'auto')
  )
  own = SHORT / iterations
  starts = (
    took['dense', SHORT] - own * dense,
    took['auto', SHORT] - own * auto,
  )
  return (dense, auto), starts


def _run(
  recipe: Any,
  dataset: dataset_base.DatasetBase,
  ticket: experiment.Level,
  chosen: str,
  iterations: int,
) -> float:
  """Returns the seconds that a run is busy, with logs and summaries."""
  model = constants.make_model(recipe, ticket.initial, ticket.masks, seed=0)
  with tempfile.TemporaryDirectory() as folder:
    return _busy(
      lambda: trainer.train(
        dataset,
        model,
        recipe.optimizer_fn,
        ('iterations', iterations),
        os.path.join(folder, 'run'),
        test_interval=recipe.interval,
        validate_interval=recipe.interval,
        save_summaries=True,
        save_network=True,
        execution=chosen,
      )
    )


def _ladder(
  name: str, times: Mapping[int, tuple[float, float]]
) -> timing.Figure:
  """Returns the sum over levels; those not measured lie between others."""
  levels = np.arange(max(LEVELS) + 1)
  logs = np.log(list(times.values()))
  dense, auto = (
    np.exp(np.interp(levels, list(times), column)).sum() for column in logs.T
  )
  what = f'{name}, levels 0 to {levels[-1]}: dense, auto'
  return timing.compare(what, [(dense, auto)], 'us', at_least=LADDER_BAR)


def _evaluation(
  name: str,
  dataset: dataset_base.DatasetBase,
  ticket: experiment.Level,
  rounds: int,
) -> timing.Figure:
  model = constants.make_model(
    constants.recipe(name), ticket.initial, ticket.masks, seed=0
  )
  trainer.evaluate(model, dataset.test)
  steps = execution.sparse_steps(model, dataset.test)
  pairs = timing.take_turns(
    lambda: measurements.evaluate(model, dataset.test),
    lambda: steps.measure(dataset.test),
    5 * rounds,
  )
  what = f'{name}, evaluation, {ticket.density:.1%} left: dense, sparse'
  return timing.compare(what, pairs, 'ms', 1e3, at_least=EVALUATION_BAR)


def _others(
  recipe: Any, dataset: dataset_base.DatasetBase, rounds: int
) -> dict[str, float]:
  """Returns microseconds an iteration of other ways, evaluation included."""
  bare = bare_lib.of_recipe(recipe, dataset)
  fit = bare_lib.keras_fit(recipe, dataset, KERAS_STEPS)
  turns = [
    [_busy(function) for function in (*bare, fit)] for _ in range(rounds + 1)
  ]
  steps, evaluation, fitted = 1e6 * np.median(turns[1:], axis=0)
  interval = recipe.evaluation_interval
  return {
    'bare dense products': (steps + evaluation) / interval,
    # It evaluates no faster than bare products do.
    'Keras fit': fitted / KERAS_STEPS + evaluation / interval,
  }


def _busy(function: Callable[[], Any]) -> float:
  """Returns the seconds that this process was busy with a call."""
  began = time.process_time()
  function()
  return time.process_time() - began


def draw(tables: Mapping[str, Table], path: str) -> None:
  """Draws speedups over density.

  Args:
    tables: {recipe's name: what was measured}.
    path: File of the figure.
  """
  from matplotlib import figure as figure_lib

  figure = figure_lib.Figure(figsize=(6.4, 4), layout='constrained')
  axes = figure.subplots()
  for name, table in tables.items():
    percents = [100 * density for density in table.speedups]
    axes.plot(
      percents, list(table.speedups.values()), marker='o', label=f'{name}, auto'
    )
  first = next(iter(tables.values()))
  for style, name in zip((':', '-.'), first.others, strict=True):
    axes.axhline(first.others[name], color='gray', linestyle=style, label=name)
  axes.axhline(1, color='black', linewidth=0.8, label='dense')
  axes.set(xscale='log', yscale='log', xlim=(120, 1))
  ticks = [100, 51, 26, 13, 7, 3.6, 1.2]
  axes.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
  axes.set_yticks([0.5, 1, 2, 5, 10, 20], ['0.5', '1', '2', '5', '10', '20'])
  axes.minorticks_off()
  axes.set_xlabel('weights that are left, %')
  axes.set_ylabel('times as fast as dense')
  axes.legend()
  figure.savefig(path, dpi=150)

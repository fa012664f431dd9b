"""Compares whole runs with their bare matrix products, in time.

python benchmarks/speed.py [--rounds=3] [--iterations=3000]

A whole run has masks, evaluations, logs, summaries and saved networks. Its
50,000 iterations are computed from shorter ones: the start-up and the time that
an iteration takes. The whole takes about three minutes.

All have one thread, so that the time that this process is busy is the time that
they take on an idle machine: other work there does not count.
"""

import os
import tempfile
from typing import Any, NamedTuple

import numpy as np

from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import entry
from lottery_ticket.mnist_fc import constants

BARS = {'paper': 1.5, 'google': 1.3}
FULL_LENGTH = 50_000  # Iterations.
SHORT = 100  # Iterations.
DENSITY = 0.5  # Of the masks.
KERAS_STEPS = 500


class Took(NamedTuple):
  """Seconds of a number of iterations, and of what a run takes beside them."""

  iterations: float
  start_up: float


class Runs:
  """Runs of a recipe, on its data, with the bare products of both."""

  def __init__(self, name: str, location: str):
    from lottery_ticket.benchmarks import bare

    self.name = name
    self.recipe = constants.recipe(name)
    self.dataset = constants.make_dataset(self.recipe, location, 0)
    dense = constants.make_model(self.recipe, seed=0)
    self.bare = bare.of_recipe(self.recipe, dense, self.dataset)
    self.fit = bare.keras_fit(self.recipe, self.dataset, KERAS_STEPS)
    self._masks = timing.random_masks(dense.masks, DENSITY)

  def make_model(self, ticket: Any = None) -> Any:
    """Returns the network of a level's ticket, or one with random masks."""
    initial, masks = None, self._masks
    if ticket:
      initial, masks = ticket.initial, ticket.masks
    return constants.make_model(self.recipe, initial, masks, seed=0)

  def took(
    self,
    iterations: int,
    ticket: Any = None,
    *,
    save: bool = True,
    execution: str = 'dense',
  ) -> Took:
    """Trains and evaluates a network as often as the recipe says.

    With logs and summaries if it is saved. What a short run takes is taken off
    what a long one does; what it takes beyond its own iterations is start-up.
    """
    from lottery_ticket.foundations import trainer

    def train(length: int) -> float:
      model = self.make_model(ticket)
      with tempfile.TemporaryDirectory() as folder:
        return timing.seconds(
          lambda: trainer.train(
            self.dataset,
            model,
            self.recipe.optimizer_fn,
            ('iterations', length),
            os.path.join(folder, 'run') if save else None,
            test_interval=self.recipe.interval,
            validate_interval=self.recipe.interval,
            save_summaries=save,
            save_network=save,
            execution=execution,
          )
        )

    short, long = train(SHORT), train(SHORT + iterations)
    return Took(long - short, short - (long - short) * SHORT / iterations)


def main(**given: Any) -> None:
  """Measures how fast both recipes are, and prints it."""
  options = timing.OnMnist(**{'iterations': 3_000, **given})
  figures = []
  for name, bar in BARS.items():
    figures += measure(name, *options.sizes(), bar)
  options.report('speed', figures)


def measure(
  name: str, location: str, iterations: int, rounds: int, bar: float
) -> list[timing.Figure]:
  """Measures everything of a recipe; `bar` is the limit of its whole run."""
  from lottery_ticket.foundations import trainer

  runs = Runs(name, location)
  model, interval = runs.make_model(), runs.recipe.evaluation_interval
  sizes = {name: split.size for name, split in runs.dataset.splits.items()}
  train = sizes.pop('train')
  # One evaluation at iteration 0, and one of the training set at the end.
  evaluations = FULL_LENGTH / interval + 1 + train / sum(sizes.values())

  def whole(*, save: bool) -> float:
    took = runs.took(iterations, save=save)
    return took.iterations * FULL_LENGTH / iterations + took.start_up

  def products() -> float:
    steps, evaluation = map(timing.seconds, runs.bare)
    return FULL_LENGTH / interval * steps + evaluations * evaluation

  def evaluate() -> None:
    for split in sizes:
      trainer.evaluate(model, runs.dataset.splits[split])

  turns = np.array(
    [
      (whole(save=True), products(), whole(save=False))
      for _ in range(rounds + 1)  # The first one compiles.
    ][1:]
  )
  evaluated = timing.take_turns(evaluate, runs.bare.evaluation, 5 * rounds)
  fits = timing.take_turns(runs.fit, runs.bare.steps, rounds)
  fits = [(fit / KERAS_STEPS, steps / interval) for fit, steps in fits]
  compare = timing.compare
  return [
    compare(f'{name}: whole run, bare products', turns[:, :2], at_most=bar),
    compare(f'{name}: whole run, without logs and saving', turns[:, ::2]),
    compare(f'{name}: evaluation, bare products', evaluated, 'ms', 1e3),
    compare(f'{name}: step of Keras fit, bare products', fits, 'us', 1e6),
  ]


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.speed:main', timing.OnMnist, 'keras')

"""Whole runs, and the bare products that take turns with them."""

import os
import tempfile
import time
from typing import Any

import numpy as np

from lottery_ticket.benchmarks import bare as bare_lib
from lottery_ticket.benchmarks import timing
from lottery_ticket.foundations import callbacks
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import constants

FULL_LENGTH = 50_000  # Iterations.
STEADY_FROM = 1_000  # Iterations; the first epoch's short batch is behind.
# Iterations between two pauses. A callback wants the model's weights, which
# are copied for it: some milliseconds that no run without one takes.
PAUSE = 500
DENSITY = 0.5  # Of the masks.
KERAS_STEPS = 500


class Pauses:
  """A callback that does bare products whenever it is called.

  Attributes:
    iterations: Iteration of each pause.
    seconds: Seconds of the training since the pause before, of the bare
      products of an interval's steps, and of those of an evaluation.
  """

  def __init__(self, bare: bare_lib.Bare):
    self._bare = bare
    self.iterations: list[int] = []
    self.seconds: list[tuple[float, ...]] = []
    self._resumed = time.perf_counter()

  def __call__(self, iteration: int, model: model_base.ModelBase) -> None:
    """Makes a pause after `iteration` updates."""
    del model
    trained = time.perf_counter() - self._resumed
    self.iterations.append(iteration)
    self.seconds.append((trained, *map(timing.seconds, self._bare)))
    self._resumed = time.perf_counter()

  def whole(self) -> float:
    """Returns the seconds of `FULL_LENGTH` iterations, start-up included.

    It is called when the training has returned: what that does after its last
    iteration counts as start-up, as compiling does.
    """
    trained = np.array(self.seconds)[:, 0]
    total = trained.sum() + time.perf_counter() - self._resumed
    length = self.iterations[-1]
    steady = trained[np.array(self.iterations) > STEADY_FROM].sum()
    rest = (FULL_LENGTH - length) / (length - STEADY_FROM)
    return total + rest * steady


def measure(
  name: str, location: str, iterations: int, rounds: int, bar: float
) -> list[timing.Figure]:
  """Measures everything of a recipe; `bar` is the limit of its whole run."""
  recipe = constants.recipe(name)
  dataset = constants.make_dataset(recipe, location, 0)
  bare = bare_lib.of_recipe(recipe, dataset)
  model = make_model(recipe)
  splits = [split for name, split in dataset.splits.items() if name != 'train']

  def evaluate() -> None:
    for split in splits:
      trainer.evaluate(model, split)

  wholes, savings = [], []
  for _ in range(rounds):
    run, products = whole(recipe, dataset, bare, iterations, save=True)
    unsaved, _ = whole(recipe, dataset, bare, iterations, save=False)
    wholes.append((run, products))
    savings.append((run, unsaved))
  evaluations = timing.take_turns(evaluate, bare.evaluation, 5 * rounds)
  fit = bare_lib.keras_fit(recipe, dataset, KERAS_STEPS)
  fits = [
    (fitted / KERAS_STEPS, steps / recipe.evaluation_interval)
    for fitted, steps in timing.take_turns(fit, bare.steps, rounds)
  ]
  compare = timing.compare
  return [
    compare(f'{name}: whole run, bare products', wholes, at_most=bar),
    compare(f'{name}: whole run, without logs and saving', savings),
    compare(f'{name}: evaluation, bare products', evaluations, 'ms', 1e3),
    compare(f'{name}: step of Keras fit, bare products', fits, 'us', 1e6),
  ]


def whole(
  recipe: Any,
  dataset: dataset_base.DatasetBase,
  bare: bare_lib.Bare,
  iterations: int,
  *,
  save: bool,
) -> tuple[float, float]:
  """Trains a masked network and evaluates it as often as the recipe says.

  Returns:
    Seconds of `FULL_LENGTH` iterations, and of their bare products.
  """
  with tempfile.TemporaryDirectory() as folder:
    pauses = Pauses(bare)
    trainer.train(
      dataset,
      make_model(recipe),
      recipe.optimizer_fn,
      ('iterations', iterations),
      os.path.join(folder, 'run') if save else None,
      test_interval=recipe.interval,
      validate_interval=recipe.interval,
      save_summaries=save,
      save_network=save,
      callbacks=[callbacks.every(('iterations', PAUSE), pauses)],
    )
    seconds = pauses.whole()
  sizes = {name: split.size for name, split in dataset.splits.items()}
  train = sizes.pop('train')
  intervals = FULL_LENGTH / recipe.evaluation_interval
  # One evaluation at iteration 0, and one of the training set at the end.
  evaluations = intervals + 1 + train / sum(sizes.values())
  _, steps, evaluation = np.mean(pauses.seconds, axis=0)
  return seconds, intervals * steps + evaluations * evaluation


def make_model(recipe: Any, density: float = DENSITY) -> model_base.ModelBase:
  """Returns a recipe's network with random masks of that density."""
  generator = seeds.generator(0, 'masks')
  units = (28 * 28, *(units for units, _ in recipe.layers))
  masks = {
    f'layer{i}': (generator.random(units[i : i + 2]) < density).astype('f4')
    for i in range(len(recipe.layers))
  }
  return constants.make_model(recipe, masks=masks, seed=0)

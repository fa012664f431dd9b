"""Measures how long trainings take, beside their bare matrix products.

Other work on the machine slows both, so they take turns: bare products fill
the pauses in which a training reports its progress, every 100 iterations.
"""

import contextlib
import io
import os
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import figures
import keras
import lines
import numpy as np
import products
import tensorflow as tf

from lottery_ticket.datasets import dataset_mnist
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib
from lottery_ticket.mnist_fc import train

STEADY_FROM = 1_000  # Iterations; the first epoch's short batch is behind.
DENSITY = 0.5  # Of the masks.
PIXELS = 28 * 28
_KERAS_STEPS = 500
_EVALUATIONS = 5  # A round.


class Bare(NamedTuple):
  """The bare products of a recipe, ready to be timed.

  Attributes:
    steps: Does those of one evaluation interval's training steps.
    evaluation: Does those of one evaluation of test and validation set.
  """

  steps: Callable[[], None]
  evaluation: Callable[[], None]


class Pauses:
  """Listens to a training, and does bare products whenever it reports.

  Attributes:
    iterations: How many were done, at each report.
    seconds: {'library', or a name of `bare`: seconds spent on it up to each
      report, from the one before}.
  """

  def __init__(self, bare: dict[str, Callable[[], None]]):
    self._bare = bare
    self.iterations: list[int] = []
    self.seconds: dict[str, list[float]] = {'library': []}
    self.seconds |= {name: [] for name in bare}
    self._resumed = time.perf_counter()

  def __call__(self, name: str, done: int, iterations: int) -> None:
    """Is told of `done` of all `iterations`, see `progress.Listener`."""
    del name, iterations
    self.iterations.append(done)
    self.seconds['library'].append(time.perf_counter() - self._resumed)
    for key, function in self._bare.items():
      self.seconds[key].append(_time(function))
    self._resumed = time.perf_counter()

  def per_iteration(self, *names: str) -> float:
    """Returns the seconds of an iteration once a training runs steadily."""
    total = sum(
      seconds
      for name in names
      for done, seconds in zip(self.iterations, self.seconds[name], strict=True)
      if done > STEADY_FROM
    )
    return total / (self.iterations[-1] - STEADY_FROM)

  def start_up(self) -> float:
    """Returns the seconds of the training that are not per iteration.

    To be called when it has returned: compiling, saving and the evaluation of
    the training set count as well.
    """
    end = time.perf_counter() - self._resumed
    total = sum(self.seconds['library']) + end
    return total - self.iterations[-1] * self.per_iteration('library')


def of_recipe(
  name: str, mnist_location: str, iterations: int, rounds: int
) -> dict[str, Any]:
  """Measures everything of one recipe.

  Args:
    name: The recipe's.
    mnist_location: Folder with the data.
    iterations: Of a run; more than `STEADY_FROM`.
    rounds: How often each measurement is made.

  Returns:
    `process` (see `in_a_process`), `sizes` ({split: images}), `flops` of a
    step and of an evaluation, and `rounds`, a list of {measurement: {what:
    seconds}}.
  """
  recipe = constants.recipe(name)
  process = in_a_process(name, mnist_location, iterations)
  dataset = constants.make_dataset(recipe, mnist_location, 0)
  step, evaluations = products_of(recipe, dataset)
  bare = make_bare(step, evaluations, recipe.evaluation_interval)
  fit = make_keras_fit(recipe, dataset)
  return {
    'process': process,
    'sizes': {name: split.size for name, split in dataset.splits.items()},
    'flops': {
      'step': products.flops(step),
      'evaluation': sum(map(products.flops, evaluations)),
    },
    'rounds': [
      {
        'run': whole_run(name, mnist_location, iterations, bare),
        'step': steps_alone(recipe, dataset, iterations, bare),
        'evaluation': evaluation_alone(recipe, dataset, bare),
        'keras': keras_alone(fit, recipe, bare),
      }
      for _ in range(rounds)
    ],
  }


def whole_run(
  name: str, mnist_location: str, iterations: int, bare: Bare
) -> dict[str, float]:
  """Trains with everything on: masks, evaluations, logs, summaries, saving.

  Returns:
    Seconds: `iteration` (evaluations included), `start_up` (what a run takes
    beyond its iterations), `bare_step` and `bare_evaluation`.
  """
  recipe = constants.recipe(name)
  with tempfile.TemporaryDirectory() as folder:
    pauses = Pauses({'steps': bare.steps, 'evaluation': bare.evaluation})
    silence = contextlib.redirect_stdout(io.StringIO())
    with progress.send_to(pauses), silence:
      train.train(
        os.path.join(folder, 'run'),
        mnist_location,
        ('iterations', iterations),
        masks=make_masks(recipe),
        recipe=name,
        seed=0,
      )
    start_up = pauses.start_up()
  interval = recipe.evaluation_interval
  return {
    'iteration': pauses.per_iteration('library'),
    'start_up': start_up,
    'bare_step': pauses.per_iteration('steps'),
    'bare_evaluation': pauses.per_iteration('evaluation') * interval,
  }


def steps_alone(
  recipe: recipe_lib.Recipe,
  dataset: dataset_mnist.DatasetMnist,
  iterations: int,
  bare: Bare,
) -> dict[str, float]:
  """Trains, masked, and evaluates nothing on the way; seconds a step."""
  model = constants.make_model(recipe, masks=make_masks(recipe), seed=0)
  pauses = Pauses({'steps': bare.steps})
  with progress.send_to(pauses):
    trainer.train(
      dataset,
      model,
      recipe.optimizer_fn,
      ('iterations', iterations),
      None,
      train_interval=recipe.interval,
    )
  return {
    'library': pauses.per_iteration('library'),
    'bare': pauses.per_iteration('steps'),
  }


def evaluation_alone(
  recipe: recipe_lib.Recipe, dataset: dataset_mnist.DatasetMnist, bare: Bare
) -> dict[str, float]:
  """Evaluates test and validation set; seconds for both together."""
  model = constants.make_model(recipe, masks=make_masks(recipe), seed=0)
  model.build(dataset.test.inputs[:1])
  splits = [dataset.test, dataset.validate]

  def evaluate() -> None:
    for split in filter(None, splits):
      trainer.evaluate(model, split)

  return _taking_turns(evaluate, bare.evaluation, _EVALUATIONS)


def keras_alone(
  fit: Callable[[], None], recipe: recipe_lib.Recipe, bare: Bare
) -> dict[str, float]:
  """Trains with a plain Keras `fit`; seconds a step."""
  library = _time(fit) / _KERAS_STEPS
  turns = _KERAS_STEPS // recipe.evaluation_interval
  bare_seconds = sum(_time(bare.steps) for _ in range(turns))
  return {'library': library, 'bare': bare_seconds / _KERAS_STEPS}


def make_keras_fit(
  recipe: recipe_lib.Recipe, dataset: dataset_mnist.DatasetMnist
) -> Callable[[], None]:
  """Returns what fits the same network with Keras, without masks.

  It has been called once: what it takes from now on is training.
  """
  layers = [
    keras.layers.Dense(units, activation, kernel_initializer='glorot_normal')
    for units, activation in recipe.layers
  ]
  model = keras.Sequential([keras.Input((PIXELS,)), *layers])
  model.compile(
    recipe.optimizer_fn(),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=['accuracy'],
  )
  examples = _KERAS_STEPS * recipe.batch_size
  inputs = dataset.train.inputs[:examples].numpy()
  labels = dataset.train.labels[:examples].numpy()

  def fit(chosen: slice = slice(None)) -> None:
    model.fit(
      inputs[chosen], labels[chosen], batch_size=recipe.batch_size, verbose=0
    )

  fit(slice(2 * recipe.batch_size))
  return fit


def run_in(
  output_dir: str | None, name: str, mnist_location: str, iterations: int
) -> dict[str, float]:
  """Trains with all evaluations; saves everything, or nothing.

  Args:
    output_dir: Folder for all that a run leaves, or None.
    name: The recipe's.
    mnist_location: Folder with the data.
    iterations: Of the run; more than `STEADY_FROM`.

  Returns:
    Seconds: `iteration` (evaluations included) and `start_up` (what a run takes
    beyond its iterations).
  """
  recipe = constants.recipe(name)
  dataset = constants.make_dataset(recipe, mnist_location, 0)
  pauses = Pauses({})
  with progress.send_to(pauses):
    trainer.train(
      dataset,
      constants.make_model(recipe, masks=make_masks(recipe), seed=0),
      recipe.optimizer_fn,
      ('iterations', iterations),
      output_dir,
      test_interval=recipe.interval,
      validate_interval=recipe.interval,
      save_summaries=True,
      save_network=True,
    )
  start_up = pauses.start_up()
  return {'iteration': pauses.per_iteration('library'), 'start_up': start_up}


def bare_of(name: str, mnist_location: str) -> tuple[Bare, int]:
  """Returns the bare products of a recipe, and its evaluation interval."""
  recipe = constants.recipe(name)
  dataset = constants.make_dataset(recipe, mnist_location, 0)
  interval = recipe.evaluation_interval
  return make_bare(*products_of(recipe, dataset), interval), interval


def products_of(
  recipe: recipe_lib.Recipe, dataset: dataset_mnist.DatasetMnist
) -> tuple[list[products.Product], list[list[products.Product]]]:
  """Returns the products of a step, and those of each split's evaluation."""
  units = (PIXELS, *(units for units, _ in recipe.layers))
  evaluations = [
    products.of_evaluation(split.size, units)
    for name, split in dataset.splits.items()
    if name != 'train'
  ]
  return products.of_step(recipe.batch_size, units), evaluations


def make_bare(
  step: list[products.Product],
  evaluations: list[list[products.Product]],
  interval: int,
) -> Bare:
  """Returns the bare products, each done once so that its graph is made."""
  step_graph = products.graph(step)
  evaluation_graphs = [products.graph(products_) for products_ in evaluations]
  once, often = tf.constant(1), tf.constant(interval)

  def evaluate() -> None:
    for graph in evaluation_graphs:
      graph(once)[0].numpy()

  bare = Bare(lambda: step_graph(often)[0].numpy(), evaluate)
  for function in bare:
    function()
  return bare


def make_masks(recipe: recipe_lib.Recipe) -> masks_lib.Network:
  """Returns random masks that prune about half of each kernel."""
  generator = seeds.generator(0, 'masks')
  units = (PIXELS, *(units for units, _ in recipe.layers))
  return {
    f'layer{i}': (generator.random(units[i : i + 2]) < DENSITY).astype('f4')
    for i in range(len(recipe.layers))
  }


def save_masks(name: str, folder: str) -> str:
  """Saves a recipe's random masks in a folder there; returns that."""
  masks = os.path.join(folder, 'masks')
  save_restore.save_network(masks, make_masks(constants.recipe(name)))
  return masks


def in_a_process(
  name: str, mnist_location: str, iterations: int
) -> dict[str, Any]:
  """Trains once in a new process, and says what that took of it.

  Returns:
    `start_up`: seconds from its start until the first report, at iteration
    100; `peak_memory`: the most memory it had, in bytes; `machine`: see
    `figures.machine`.
  """
  with tempfile.TemporaryDirectory() as folder:
    run = os.path.join(folder, 'run')
    line = lines.line(
      'runners/train.py',
      output_dir=run,
      mnist_location=pathlib.Path(mnist_location).resolve(),
      training_len=f'iterations,{iterations}',
      masks=save_masks(name, folder),
      recipe=name,
      seed=0,
    )
    process = lines.run_alone(pathlib.Path(folder, 'process'), line)
    _, _, first = process.record.reports[0]
    return {
      'start_up': first - process.started,
      'peak_memory': process.record.peak_memory,
      'machine': figures.machine(run),
    }


@contextlib.contextmanager
def data(location: str) -> Iterator[tuple[str, str]]:
  """Yields where data is and what to say of it.

  Args:
    location: Where MNIST is, or is not: then random images are made.
  """
  if (pathlib.Path(location) / 'x_train.npy').is_file():
    yield location, location
    return
  with tempfile.TemporaryDirectory() as folder:
    save_random_mnist(folder)
    yield (
      folder,
      (
        f"random, in MNIST's shapes, as {location} has none;"
        ' time does not depend on it'
      ),
    )


def save_random_mnist(location: str) -> None:
  """Saves random images and classes in MNIST's shapes and types."""
  generator = np.random.default_rng(0)
  for name, size in (('train', 60_000), ('test', 10_000)):
    images = generator.integers(0, 256, (size, 28, 28), np.uint8)
    np.save(os.path.join(location, f'x_{name}.npy'), images)
    labels = generator.integers(0, dataset_mnist.CLASSES, size, np.uint8)
    np.save(os.path.join(location, f'y_{name}.npy'), labels)


def _taking_turns(
  library: Callable[[], None], bare: Callable[[], None], turns: int
) -> dict[str, float]:
  """Times two functions in turns, after one call of each; mean seconds."""
  library()
  bare()
  times = [(_time(library), _time(bare)) for _ in range(turns)]
  means = np.mean(times, axis=0).tolist()
  return dict(zip(('library', 'bare'), means, strict=True))


def _time(function: Callable[[], None]) -> float:
  """Returns the seconds that a call takes."""
  started = time.perf_counter()
  function()
  return time.perf_counter() - started

"""Measures how long trainings take, beside their bare matrix products.

Other work on the machine slows both, so they take turns: bare products fill
the pauses in which a training reports its progress, every 100 iterations.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import products
import tensorflow as tf

from lottery_ticket.cli import entry
from lottery_ticket.datasets import dataset_mnist
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import seeds
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import common
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib
from lottery_ticket.mnist_fc import train

STEADY_FROM = 1_000  # Iterations; the first epoch's short batch is behind.
DENSITY = 0.5  # Of the masks.
PIXELS = 28 * 28
_KERAS_STEPS = 500
_EVALUATIONS = 5  # A round.
_START = 'BENCHMARK_START'  # Environment variable: when the process started.


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
    `process` (see `one_run`), `sizes` ({split: images}), `flops` of a step and
    of an evaluation, and `rounds`, a list of {measurement: {what: seconds}}.
  """
  recipe = constants.recipe(name)
  process = in_a_process(name, mnist_location, iterations)
  dataset = common.make_dataset(recipe, mnist_location, 0, False)
  units = (PIXELS, *(units for units, _ in recipe.layers))
  step = products.of_step(recipe.batch_size, units)
  evaluations = [
    products.of_evaluation(split.size, units)
    for name, split in dataset.splits.items()
    if name != 'train'
  ]
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
    with progress.send_to(pauses):
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
  model = common.make_model(recipe, 0, masks=make_masks(recipe))
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
  model = common.make_model(recipe, 0, masks=make_masks(recipe))
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


def in_a_process(
  name: str, mnist_location: str, iterations: int
) -> dict[str, float]:
  """Calls `one_run` in a new process, and returns what it prints."""
  code = f'from {entry.__name__} import run; run("measure:one_run")'
  flags = [
    f'--recipe={name}',
    f'--mnist_location={pathlib.Path(mnist_location).resolve()}',
    f'--iterations={iterations}',
  ]
  done = subprocess.run(
    [sys.executable, '-c', code, *flags],
    cwd=pathlib.Path(__file__).parent,
    env=os.environ | {_START: str(time.time())},
    stdout=subprocess.PIPE,
    check=True,
  )
  return json.loads(done.stdout)


def one_run(*, recipe: str, mnist_location: str, iterations: int) -> None:
  """Trains once and prints, as JSON, what that took of a new process.

  `start_up`: seconds from its start until the first report, at iteration 100;
  `peak_memory`: the most memory it had, in bytes.
  """
  reports = []
  masks = make_masks(constants.recipe(recipe))
  with (
    progress.send_to(lambda *_: reports.append(time.time())),
    tempfile.TemporaryDirectory() as folder,
  ):
    train.train(
      os.path.join(folder, 'run'),
      mnist_location,
      ('iterations', iterations),
      masks=masks,
      recipe=recipe,
      seed=0,
    )
  unit = 1 if sys.platform == 'darwin' else 1024
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
  start_up = reports[0] - float(os.environ[_START])
  print(json.dumps({'start_up': start_up, 'peak_memory': peak}))


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

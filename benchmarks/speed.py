"""Compares whole runs with their bare matrix products, in time.

python benchmarks/speed.py [--rounds=N] [--iterations=N] [--json=FILE]

Takes about three minutes, and prints a table for each recipe. A whole run is
to stay within `BARS` times its bare products; see `products` for these.
"""

import statistics
from collections.abc import Sequence
from typing import Any

import figures

from lottery_ticket.cli import entry
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import locations

BARS = {'paper': 1.5, 'google': 1.3}
FULL_LENGTH = 50_000  # Iterations.
INTERVAL = 100  # Iterations between two evaluations.
SHORTEST = 1_200  # Iterations; fewer show no steady part.


def main(
  *,
  rounds: int = 3,
  iterations: int = 3_000,
  json: str = figures.FILE,
  mnist_location: str = locations.MNIST_LOCATION,
) -> None:
  """Measures how fast both recipes are, and prints it.

  Args:
    rounds: How often each measurement is made; the median counts.
    iterations: Length of the runs that are measured, a multiple of 100; what
      is said of 50,000 iterations is computed from these.
    json: File for the numbers measured, beside those of `many.py`.
    mnist_location: Folder with MNIST; if it is not there, random images of the
      same shapes do.

  Raises:
    InputError: If a number is of no use, or the file is damaged.
  """
  if rounds < 1:
    raise errors.InputError(f'rounds: wanted at least 1, got {rounds}')
  if iterations < SHORTEST or iterations % INTERVAL:
    raise errors.InputError(
      f'iterations: wanted a multiple of {INTERVAL} from {SHORTEST},'
      f' got {iterations}'
    )
  figures.read(json)
  surroundings = figures.surroundings()
  with entry.quiet():
    import measure  # Late: threads are limited before TensorFlow is imported.
  results = {}
  with measure.data(mnist_location) as (location, origin):
    print(f'Data: {origin}\n{_HEADING}', flush=True)
    for name, bar in BARS.items():
      measured = measure.of_recipe(name, location, iterations, rounds)
      machine = measured['process'].pop('machine')
      results[name] = measured | {'summary': summarize(measured)}
      print(report(name, bar, measured['sizes'], results[name]['summary']))
  section = {'machine': machine | surroundings, 'recipes': results}
  figures.save(json, 'speed', section)


_HEADING = f"""\
Bare products: tf.matmul in a graph, one thread, between the library's work.
Whole run: {FULL_LENGTH:,} iterations with masks, evaluations every {INTERVAL},
logs, summaries and saved networks; computed from the start-up and the time an
iteration takes of shorter runs.
"""


def run_seconds(
  iteration: float, start_up: float, iterations: int = FULL_LENGTH
) -> float:
  """Returns the seconds of a whole run of the library.

  Args:
    iteration: Seconds an iteration takes, evaluations included.
    start_up: Seconds that do not depend on the run's length.
    iterations: The run's length.
  """
  return start_up + iterations * iteration


def bare_seconds(
  step: float,
  evaluation: float,
  sizes: dict[str, int],
  iterations: int = FULL_LENGTH,
) -> float:
  """Returns the seconds of a whole run's bare products.

  Test and validation set are evaluated at iteration 0 and every `INTERVAL`,
  the training set once.

  Args:
    step: Seconds of the products of one training step.
    evaluation: Seconds of those of one evaluation.
    sizes: {split: images}.
    iterations: The run's length.
  """
  evaluated = sum(size for name, size in sizes.items() if name != 'train')
  times = iterations // INTERVAL + 1 + sizes['train'] / evaluated
  return iterations * step + times * evaluation


def summarize(measured: dict[str, Any]) -> dict[str, dict[str, float]]:
  """Returns {measurement: {'library', 'bare': seconds, 'ratio': of these}}.

  Each is the median over the rounds; a ratio is taken within its round.

  Args:
    measured: What `measure.of_recipe` returns.
  """
  rounds = measured['rounds']
  pairs = {
    name: [(each[name]['library'], each[name]['bare']) for each in rounds]
    for name in ('step', 'evaluation', 'keras')
  }
  runs = [each['run'] for each in rounds]
  pairs['run'] = [
    (
      run_seconds(run['iteration'], run['start_up']),
      bare_seconds(run['bare_step'], run['bare_evaluation'], measured['sizes']),
    )
    for run in runs
  ]
  summary = {name: _medians(pairs[name]) for name in pairs}
  for name in ('iteration', 'start_up', 'bare_step', 'bare_evaluation'):
    summary['run'][name] = statistics.median(run[name] for run in runs)
  flops = measured['flops']
  summary['bare_gflops'] = {
    'step': flops['step'] / summary['run']['bare_step'] / 1e9,
    'evaluation': flops['evaluation'] / summary['run']['bare_evaluation'] / 1e9,
  }
  return summary | {'process': measured['process']}


def _medians(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
  """Returns the medians of (library's, bare) seconds and of their ratio."""
  library, bare = zip(*pairs, strict=True)
  return {
    'library': statistics.median(library),
    'bare': statistics.median(bare),
    'ratio': statistics.median(a / b for a, b in pairs),
  }


def report(
  name: str,
  bar: float,
  sizes: dict[str, int],
  summary: dict[str, dict[str, float]],
) -> str:
  """Returns a recipe's numbers as text.

  Args:
    name: The recipe's.
    bar: What its whole run's ratio is to stay within.
    sizes: {split: images}.
    summary: What `summarize` returns.
  """
  run, gflops = summary['run'], summary['bare_gflops']
  evaluated = ' + '.join(
    f'{size:,} {split}' for split, size in sizes.items() if split != 'train'
  )
  verdict = 'pass' if run['ratio'] <= bar else 'over'
  rows = [
    ('', 'library', 'bare', 'ratio', f'bar {bar}'),
    _row('whole run', run, 1, 's', verdict),
    _row('training step alone', summary['step'], 1e6, 'us'),
    _row('evaluation alone', summary['evaluation'], 1e3, 'ms'),
    _row('step of Keras fit', summary['keras'], 1e6, 'us'),
  ]
  return '\n'.join(
    [
      f'Recipe {name!r}: evaluates {evaluated} images',
      *figures.align(rows),
      f'whole run: {run["start_up"]:.1f} s of start-up and'
      f' {run["iteration"] * 1e6:.0f} us an iteration, evaluations included',
      f'bare products: {gflops["step"]:.0f} GFLOP/s in steps,'
      f' {gflops["evaluation"]:.0f} in evaluations',
      f'new process: {summary["process"]["start_up"]:.1f} s from its start to'
      f' iteration {INTERVAL},'
      f' {summary["process"]["peak_memory"] / 2**20:.0f} MiB at most',
      '',
    ]
  )


def _row(
  label: str,
  numbers: dict[str, float],
  scale: float,
  unit: str,
  verdict: str = '',
) -> figures.Row:
  library, bare = (
    f'{numbers[key] * scale:.1f} {unit:2}' for key in ('library', 'bare')
  )
  return label, library, bare, f'{numbers["ratio"]:.2f}', verdict


if __name__ == '__main__':
  entry.run('speed:main')

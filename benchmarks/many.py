"""Measures what many runs take: side by side, one after the other, in memory.

python benchmarks/many.py [--only=[memory,scaling,overhead,level]] [--jobs=N]

A worker's first run brings TensorFlow with it and compiles the graphs. So what
a run takes of a worker is the time from the end of the run before it to its own
end, with all that happens in between. The whole takes about four minutes.
"""

import functools
import importlib
import itertools
import json as json_lib
import multiprocessing
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import util
from typing import Any, NamedTuple

from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import entry
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import constants

RECIPE = 'paper'
FULL_LENGTH = 50_000  # Iterations.
LENGTHS = (300, 900)  # Iterations; within an epoch, whose last batch is short.
RUNS = 3  # Of each length.
LEVELS = 3
TINY = 20  # Iterations of the runs whose memory is measured.
AGE = 10  # Runs of a worker after which its memory is looked at.
SCALING = 0.85  # Least throughput of a job beside others: 1.7 for two.
FLATNESS = 1.1  # Most growth of a worker's memory after `AGE` runs.
TRAIN = 'lottery_ticket.mnist_fc.train'
LADDER = 'lottery_ticket.mnist_fc.lottery_experiment'


class Took(NamedTuple):
  """What a run took."""

  pid: int
  ended: float  # In seconds since the epoch.
  memory: float  # The most that its process has had by then, in MiB.


class Setting(NamedTuple):
  """What to measure with; see `main`."""

  folder: pathlib.Path
  mnist_location: str
  jobs: int
  rounds: int
  iterations: int
  lines: int


def main(
  *,
  only: list[str] | None = None,
  jobs: int | None = None,
  rounds: int = 2,
  iterations: int = 1_500,
  lines: int = 30,
  json: str = timing.FILE,
  mnist_location: str = constants.MNIST_LOCATION,
) -> None:
  """Measures what many runs take, and prints it.

  Args:
    only: What to measure: some of memory, scaling, overhead and level; by
      default all.
    jobs: How many runs side by side are compared with one at a time; by
      default as many as there are processors.
    rounds: How often what takes turns is measured; the median counts.
    iterations: Length of the runs side by side.
    lines: How many tiny runs memory is measured over.
    json: File for the numbers, beside those of the other benchmarks.
    mnist_location: Folder with MNIST.

  Raises:
    InputError: If a number is of no use.
  """
  for name in only or ():
    if name not in MEASUREMENTS:
      raise errors.InputError(
        f'only: wanted some of {list(MEASUREMENTS)}, got {name!r}'
      )
  jobs = argfile_runner.processors() if jobs is None else jobs
  sizes = {'jobs': jobs, 'rounds': rounds, 'iterations': iterations}
  for name, count in (*sizes.items(), ('lines', lines)):
    errors.check_integer(name, count, 1)
  location = str(pathlib.Path(mnist_location).resolve())
  with tempfile.TemporaryDirectory(prefix='lottery_ticket_') as folder:
    setting = Setting(pathlib.Path(folder), location, lines=lines, **sizes)
    figures = [
      figure
      for name in only or MEASUREMENTS
      for figure in MEASUREMENTS[name](setting)
    ]
  timing.report(json, 'many', figures, **sizes)


def train_and_record(record: str, script: str, **arguments: Any) -> None:
  """Calls a script's `train`, and writes to a file what that took."""
  importlib.import_module(script).train(**arguments)
  took = Took(os.getpid(), time.time(), peak_memory())
  pathlib.Path(record).write_text(json_lib.dumps(took))


def peak_memory() -> float:
  """Returns the most memory that this process has had, in MiB.

  On Linux, `getrusage` knows no less than what the parent process had.
  """
  status = pathlib.Path('/proc/self/status')
  for line in status.read_text().splitlines() if status.exists() else ():
    if line.startswith('VmHWM'):
      return int(line.split()[1]) / 2**10
  unit = 2**20 if sys.platform == 'darwin' else 2**10
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run(
  setting: Setting,
  name: str,
  lengths: Sequence[int],
  script: str = TRAIN,
  *,
  jobs: int = 1,
  engine: str = 'local',
  **arguments: Any,
) -> list[list[Took]]:
  """Calls a script's `train` once for each length, in workers.

  Returns:
    What the runs took: a list for each worker, in the order of their ends.
  """
  folder = setting.folder / name
  folder.mkdir()
  files = [folder / f'{i}.json' for i in range(len(lengths))]
  todo = [
    jobs_lib.Job(
      'lottery_ticket.benchmarks.many:train_and_record',
      arguments={
        'record': str(file),
        'script': script,
        'output_dir': str(file.with_suffix('')),
        'mnist_location': setting.mnist_location,
        'training_len': ('iterations', length),
        'recipe': RECIPE,
        'seed': 1,
        **arguments,
      },
    )
    for file, length in zip(files, lengths, strict=True)
  ]
  if not argfile_runner.run_jobs(todo, jobs=jobs, engine=engine, quiet=True):
    raise RuntimeError(f'{name}: a run fails')
  workers: dict[int, list[Took]] = {}
  took = [Took(*json_lib.loads(file.read_text())) for file in files]
  for each in sorted(took, key=lambda each: each.ended):
    workers.setdefault(each.pid, []).append(each)
  return list(workers.values())


def periods(worker: Sequence[Took]) -> list[float]:
  """Returns the seconds of each run of a worker but its first."""
  return [
    after.ended - before.ended for before, after in itertools.pairwise(worker)
  ]


def divide(seconds: Sequence[float]) -> tuple[float, float]:
  """Returns the seconds of an iteration, and those that a run takes beside.

  Args:
    seconds: Seconds of runs of the two `LENGTHS`, in turns.
  """
  short, long = (statistics.median(seconds[i::2]) for i in (0, 1))
  iteration = (long - short) / (LENGTHS[1] - LENGTHS[0])
  return iteration, short - LENGTHS[0] * iteration


def memory(setting: Setting) -> list[timing.Figure]:
  """Measures the memory of workers over many tiny runs."""
  lengths = [TINY] * setting.lines
  workers = run(setting, 'memory', lengths, jobs=min(2, setting.jobs))
  first, aged, most = (
    max(worker[:age][-1].memory for worker in workers)
    for age in (1, AGE, setting.lines)
  )
  what = f'memory of a worker: after {AGE} runs, after 1'
  later = f'most of all in {setting.lines} runs, after {AGE}'
  return [
    timing.compare(what, [(aged, first)], 'MiB'),
    timing.compare(later, [(most, aged)], 'MiB', at_most=FLATNESS),
  ]


def scaling(setting: Setting) -> list[timing.Figure]:
  """Measures runs by one job and by all, then bare products; in turns."""
  count = setting.jobs

  def runs(name: str, jobs: int) -> float:
    lengths = [setting.iterations] * (2 * count + jobs)
    workers = run(setting, name, lengths, jobs=jobs)
    seconds = [each for worker in workers for each in periods(worker)]
    return jobs * len(seconds) / sum(seconds)

  pairs, bare = [], []
  rate = functools.partial(bare_rate, setting.mnist_location)
  context = multiprocessing.get_context('spawn')
  with context.Pool(count, rate, [1]) as pool:
    for i in range(setting.rounds):
      pairs.append((runs(f'all{i}', count), runs(f'one{i}', 1)))
      each = [setting.iterations] * count
      together = sum(pool.map(rate, each, chunksize=1))
      bare.append((together, pool.apply(rate, each[:1])))
  what = f'runs: {count} jobs, 1 job'
  loops = f'bare loops: {count} processes, 1 process'
  return [
    timing.compare(what, pairs, '/min', 60, at_least=SCALING * count),
    timing.compare(loops, bare, 'it/ms', 1e-3),
  ]


def bare_rate(mnist_location: str, iterations: int) -> float:
  """Returns how many iterations' bare products are done a second."""
  bare, interval = _bare(mnist_location)
  times = range(0, iterations, interval)
  return iterations / timing.seconds(lambda: [f() for _ in times for f in bare])


@functools.cache
def _bare(mnist_location: str) -> Any:
  """Returns the bare products, once a process, and their interval."""
  with entry.quiet():
    from lottery_ticket.benchmarks import bare
  recipe = constants.recipe(RECIPE)
  dataset = constants.make_dataset(recipe, mnist_location, 0)
  return bare.of_recipe(recipe, dataset), recipe.evaluation_interval


def overhead(setting: Setting) -> list[timing.Figure]:
  """Measures runs in a worker, in new processes and in Ray tasks."""

  def beyond(engine: str) -> float:
    (worker,) = run(setting, engine, (TINY, *LENGTHS * RUNS), engine=engine)
    return divide(periods(worker))[1]

  worker = beyond('local')
  alone = [train_alone(setting, i, n) for i, n in enumerate(LENGTHS * RUNS)]
  what = 'beyond training: in a worker, in a new process'
  figures = [timing.compare(what, [(worker, divide(alone)[1])])]
  if util.find_spec('ray'):
    what = 'beyond training: in a Ray task, in a worker'
    figures.append(timing.compare(what, [(beyond('ray'), worker)]))
  return figures


def train_alone(setting: Setting, number: int, length: int) -> float:
  """Trains in a process of its own, as a user would; returns the seconds."""
  command = [
    *(sys.executable, '-m', 'lottery_ticket.mnist_fc.runners.train'),
    f'--output_dir={setting.folder / f"alone{number}"}',
    f'--mnist_location={setting.mnist_location}',
    f'--training_len=iterations,{length}',
    f'--recipe={RECIPE}',
  ]
  train = functools.partial(subprocess.run, command, check=True)
  return timing.seconds(lambda: train(stdout=subprocess.DEVNULL))


def level(setting: Setting) -> list[timing.Figure]:
  """Measures the levels of short experiments."""
  lengths = (TINY, *LENGTHS * RUNS)
  (worker,) = run(setting, 'level', lengths, LADDER, iterations=LEVELS - 1)
  iteration, beside = divide([each / LEVELS for each in periods(worker)])
  loop = FULL_LENGTH * iteration
  return [timing.compare('a level, its training loop', [(loop + beside, loop)])]


MEASUREMENTS: dict[str, Callable[[Setting], list[timing.Figure]]] = {
  function.__name__: function for function in (memory, scaling, overhead, level)
}


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.many:main')

"""Measures what many runs take: side by side, one after the other, in memory.

python benchmarks/many.py [--only=[memory,scaling,overhead,level]] [--jobs=N]

A worker's first run brings TensorFlow with it and compiles the graphs. So what
a run takes of a worker is the time from the end of the run before it to its own
end, with all that happens in between. The whole takes about four minutes.
"""

import dataclasses
import functools
import importlib
import itertools
import json
import multiprocessing
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import util
from typing import Any, NamedTuple

from lottery_ticket.benchmarks import speed
from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import argfiles
from lottery_ticket.cli import entry
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import pool
from lottery_ticket.foundations import errors

RECIPE = 'paper'
LENGTHS = (300, 900)  # Iterations; within an epoch, whose last batch is short.
RUNS = 3  # Of each length.
LEVELS = 3
TINY = 20  # Iterations of the runs whose memory is measured.
AGE = 10  # Runs of a worker after which its memory is looked at.
SCALING = 0.85  # Least throughput of a job beside others: 1.7 for two.
FLATNESS = 1.1  # Most growth of a worker's memory after `AGE` runs.
MEASUREMENTS = ('memory', 'scaling', 'overhead', 'level')


class Took(NamedTuple):
  """What a run took."""

  pid: int
  ended: float  # In seconds since the epoch.
  memory: float  # The most that its process has had by then, in MiB.


@dataclasses.dataclass(frozen=True)
class Options(timing.OnMnist):
  """What is measured.

  Attributes:
    only: Some of memory, scaling, overhead and level; by default all.
    jobs: How many runs side by side are compared with one at a time; by
      default as many as there are processors.
    lines: How many tiny runs memory is measured over, by default 30.
  """

  only: list[str] = dataclasses.field(default_factory=lambda: [*MEASUREMENTS])
  jobs: int = dataclasses.field(default_factory=pool.processors)
  lines: int = 30

  def __post_init__(self) -> None:
    super().__post_init__()
    for name in self.only:
      errors.check_choice('only', name, MEASUREMENTS)
    for name in ('jobs', 'lines'):
      errors.check_integer(name, getattr(self, name), 1)


def main(**given: Any) -> None:
  """Measures what many runs take, and prints it."""
  options = Options(**{'rounds': 2, 'iterations': 1_500, **given})
  with tempfile.TemporaryDirectory(prefix='lottery_ticket_') as folder:
    many = Many(options, pathlib.Path(folder))
    figures = [each for name in options.only for each in getattr(many, name)()]
  options.report('many', figures)


def train_and_record(record: str, script: str, **arguments: Any) -> None:
  """Calls a script's `train`, and adds to a file what that took."""
  module = importlib.import_module(f'lottery_ticket.mnist_fc.{script}')
  module.train(**arguments)
  took = Took(os.getpid(), time.time(), peak_memory())
  with pathlib.Path(record).open('a') as file:
    file.write(f'{json.dumps(took)}\n')


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


def periods(worker: Sequence[Took]) -> list[float]:
  """Returns the seconds of each run of a worker but its first."""
  return [b.ended - a.ended for a, b in itertools.pairwise(worker)]


def divide(seconds: Sequence[float]) -> tuple[float, float]:
  """Returns the seconds of an iteration, and those that a run takes beside.

  Those that are given are of runs of the two `LENGTHS`, in turns.
  """
  short, long = (statistics.median(seconds[i::2]) for i in (0, 1))
  iteration = (long - short) / (LENGTHS[1] - LENGTHS[0])
  return iteration, short - LENGTHS[0] * iteration


class Many:
  """Many runs, in a folder."""

  def __init__(self, options: Options, folder: pathlib.Path):
    self._options = options
    self._folder = folder
    self._given = {
      'mnist_location': str(pathlib.Path(options.mnist_location).resolve()),
      'recipe': RECIPE,
    }

  def _run(
    self,
    name: str,
    lengths: Sequence[int],
    script: str = 'train',
    *,
    jobs: int = 1,
    engine: str = 'local',
    **arguments: Any,
  ) -> list[list[Took]]:
    """Returns what calls of a script's `train` took, by worker, in turn."""
    folder = self._folder / name
    folder.mkdir()
    record = folder / 'took.jsonl'
    given = {'record': str(record), 'script': script, 'seed': 1, **self._given}
    target, todo = 'lottery_ticket.benchmarks.many:train_and_record', []
    for i, length in enumerate(lengths):
      own = {'training_len': ('iterations', length), **given, **arguments}
      own['output_dir'] = str(folder / str(i))
      todo.append(jobs_lib.Job(target, arguments=own))
    if not argfile_runner.run_jobs(todo, jobs=jobs, engine=engine, quiet=True):
      raise RuntimeError(f'{name}: a run fails')
    workers: dict[int, list[Took]] = {}
    for line in record.read_text().splitlines():  # As they ended.
      took = Took(*json.loads(line))
      workers.setdefault(took.pid, []).append(took)
    return list(workers.values())

  def memory(self) -> list[timing.Figure]:
    """Measures the memory of workers over many tiny runs."""
    lines, jobs = self._options.lines, min(2, self._options.jobs)
    workers = self._run('memory', [TINY] * lines, jobs=jobs)
    first, aged, most = (
      max(worker[:age][-1].memory for worker in workers)
      for age in (1, AGE, lines)
    )
    what = f'memory of a worker: after {AGE} runs, after 1'
    later = f'most of all in {lines} runs, after {AGE}'
    return [
      timing.compare(what, [(aged, first)], 'MiB'),
      timing.compare(later, [(most, aged)], 'MiB', at_most=FLATNESS),
    ]

  def scaling(self) -> list[timing.Figure]:
    """Measures runs by one job and by all, then bare products; in turns."""
    count, iterations = self._options.jobs, self._options.iterations

    def runs(name: str, jobs: int) -> float:
      lengths = [iterations] * (2 * count + jobs)
      workers = self._run(name, lengths, jobs=jobs)
      seconds = [each for worker in workers for each in periods(worker)]
      return jobs * len(seconds) / sum(seconds)

    pairs, bare = [], []
    rate = functools.partial(bare_rate, self._given['mnist_location'])
    context = multiprocessing.get_context('spawn')
    with context.Pool(count, rate, [1]) as pool:
      for i in range(self._options.rounds):
        pairs.append((runs(f'all{i}', count), runs(f'one{i}', 1)))
        each = [iterations] * count
        together = sum(pool.map(rate, each, chunksize=1))
        bare.append((together, pool.apply(rate, each[:1])))
    what = f'runs: {count} jobs, 1 job'
    loops = f'bare loops: {count} processes, 1 process'
    return [
      timing.compare(what, pairs, '/min', 60, at_least=SCALING * count),
      timing.compare(loops, bare, 'it/ms', 1e-3),
    ]

  def overhead(self) -> list[timing.Figure]:
    """Measures runs in a worker, in new processes and in Ray tasks."""

    def beyond(engine: str) -> float:
      lengths = (TINY, *LENGTHS * RUNS)
      (worker,) = self._run(engine, lengths, engine=engine)
      return divide(periods(worker))[1]

    def alone(length: int) -> None:  # In a process of its own, as users would.
      flags = argfiles.flags(
        output_dir=str(self._folder / f'alone{time.monotonic_ns()}'),
        training_len=f'iterations,{length}',
        **self._given,
      )
      module = 'lottery_ticket.mnist_fc.runners.train'
      command = [sys.executable, '-m', module, *flags]
      subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    worker = beyond('local')
    each = [
      timing.seconds(functools.partial(alone, length), time.perf_counter)
      for length in LENGTHS * RUNS
    ]
    what = 'beyond training: in a worker, in a new process'
    figures = [timing.compare(what, [(worker, divide(each)[1])])]
    if util.find_spec('ray'):
      what = 'beyond training: in a Ray task, in a worker'
      figures.append(timing.compare(what, [(beyond('ray'), worker)]))
    return figures

  def level(self) -> list[timing.Figure]:
    """Measures the levels of short experiments."""
    lengths, script = (TINY, *LENGTHS * RUNS), 'lottery_experiment'
    (worker,) = self._run('level', lengths, script, iterations=LEVELS - 1)
    iteration, beside = divide([each / LEVELS for each in periods(worker)])
    loop = speed.FULL_LENGTH * iteration
    what = 'a level, its training loop'
    return [timing.compare(what, [(loop + beside, loop)])]


def bare_rate(mnist_location: str, iterations: int) -> float:
  """Returns how many iterations' bare products are done a second."""
  runs = _runs(mnist_location)
  times = range(0, iterations, runs.recipe.evaluation_interval)
  return iterations / timing.seconds(
    lambda: [f() for _ in times for f in runs.bare], time.perf_counter
  )


@functools.cache
def _runs(mnist_location: str) -> speed.Runs:  # Once a process.
  with entry.quiet():
    return speed.Runs(RECIPE, mnist_location)


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.many:main', Options)

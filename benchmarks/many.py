"""Measures what many runs take: side by side, one after the other, in memory.

python benchmarks/many.py [--only=[scaling,memory]] [--jobs=N] [--rounds=N]
  [--iterations=N] [--short=N] [--lines=N] [--json=FILE]

Takes about four minutes, and prints a table; see `ratios` for what is wanted.
"""

import pathlib
import tempfile
from collections.abc import Sequence
from importlib import util
from typing import Any, NamedTuple

import figures
import lines as lines_lib
import loops
import ratios

from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import argfiles
from lottery_ticket.cli import entry
from lottery_ticket.cli import local
from lottery_ticket.cli import pool
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import locations

RECIPE = 'paper'
INTERVAL = 100  # Iterations between two evaluations, and reports.
EPOCH = 900  # Iterations, all but its last ones.
SHORTEST = 1_200  # Iterations; fewer show no steady part.
RUNS_A_JOB = 2  # Of the scaling, behind the first.
SHORT_RUNS = 3
LEVELS = 3
TINY = 20  # Iterations of the runs whose memory is measured.
MEMORY_JOBS = 2


class Sizes(NamedTuple):
  """How much to measure.

  Attributes:
    jobs: How many runs side by side are compared with one.
    rounds: How often what takes turns is measured.
    iterations: Of a run.
    short: Iterations of a short run.
    lines: How many runs memory is measured over.
  """

  jobs: int
  rounds: int
  iterations: int
  short: int
  lines: int


class Setting(NamedTuple):
  """What to measure with.

  Attributes:
    folder: A new one, for all that the runs leave.
    mnist_location: Folder with the data.
    masks: Folder of the masks of the runs.
    sizes: How much to measure.
  """

  folder: pathlib.Path
  mnist_location: str
  masks: str
  sizes: Sizes

  def trainings(
    self, name: str, count: int, iterations: int
  ) -> list[lines_lib.Line]:
    """Returns the lines of runs, which leave their folders in `name`."""
    return [
      lines_lib.line(
        'runners/train.py',
        output_dir=self.folder / name / f'run{i}',
        mnist_location=self.mnist_location,
        training_len=f'iterations,{iterations}',
        masks=self.masks,
        recipe=RECIPE,
        seed=i,
      )
      for i in range(count)
    ]

  def run(
    self, name: str, engine: pool.Engine, count: int, iterations: int
  ) -> list[lines_lib.Record]:
    """Runs trainings on an engine."""
    lines = self.trainings(name, count, iterations)
    return lines_lib.run(self.folder / name, engine, lines)


def main(
  *,
  only: list | None = None,
  jobs: int | None = None,
  rounds: int = 2,
  iterations: int = 1_500,
  short: int = 500,
  lines: int = 30,
  json: str = figures.FILE,
  mnist_location: str = locations.MNIST_LOCATION,
) -> None:
  """Measures what many runs take, and prints it.

  Args:
    only: What to measure: some of memory, scaling, overhead, logging and level;
      by default all.
    jobs: How many runs side by side are compared with one at a time; by
      default as many as there are processors.
    rounds: How often what takes turns is measured; the median counts.
    iterations: Length of runs, a multiple of 100; what is said of 50,000
      iterations is computed from these.
    short: Length of short runs, a multiple of 100 within an epoch.
    lines: How many tiny runs memory is measured over.
    json: File for the numbers measured, beside those of `speed.py`.
    mnist_location: Folder with MNIST; if it is not there, random images of the
      same shapes do.

  Raises:
    InputError: If a number is of no use, or the file is damaged.
  """
  names = _check_names(only)
  jobs = argfile_runner.processors() if jobs is None else jobs
  for name, count in (('jobs', jobs), ('rounds', rounds), ('lines', lines)):
    argfiles.check_count(name, count)
  _check_length('iterations', iterations, SHORTEST)
  _check_length('short', short, 2 * INTERVAL, EPOCH)
  figures.read(json)
  sizes = Sizes(jobs, rounds, iterations, short, lines)
  section = _measure(names, sizes, mnist_location)
  figures.save(json, 'many', section)


def _measure(
  names: Sequence[str], sizes: Sizes, mnist_location: str
) -> dict[str, Any]:
  """Measures all that is named, and prints it; returns it for JSON."""
  surroundings = figures.surroundings()
  with entry.quiet():
    import measure  # Late: threads are limited before TensorFlow is imported.
  with (
    tempfile.TemporaryDirectory(prefix='lottery_ticket_') as folder,
    measure.data(mnist_location) as (location, origin),
  ):
    print(f'Data: {origin}\nMany runs of recipe {RECIPE!r}', flush=True)
    masks = measure.save_masks(RECIPE, folder)
    location = str(pathlib.Path(location).resolve())
    setting = Setting(pathlib.Path(folder), location, masks, sizes)
    measured = {name: MEASUREMENTS[name](setting) for name in names}
    machine = figures.machine(_a_run(setting.folder))
  rows = [
    row for name in names for row in getattr(ratios, name)(measured[name])
  ]
  print(*figures.table(rows), '', sep='\n')
  return {
    'machine': machine | surroundings,
    'sizes': sizes._asdict(),
    'figures': [row._asdict() for row in rows],
    'measured': measured,
  }


def _check_names(only: Any) -> list[str]:
  names = list(MEASUREMENTS) if only is None else only
  if isinstance(names, str):
    names = [names]
  if not isinstance(names, (list, tuple)) or not names:
    raise errors.InputError(f'only: wanted a list of names, got {only!r}')
  for name in names:
    if name not in MEASUREMENTS:
      raise errors.InputError(
        f'only: wanted some of {list(MEASUREMENTS)}, got {name!r}'
      )
  return list(names)


def _check_length(
  name: str, iterations: int, least: int, most: int | None = None
) -> None:
  too_long = most is not None and iterations > most
  if iterations < least or too_long or iterations % INTERVAL:
    limits = f'from {least}' + (f' to {most}' if most else '')
    raise errors.InputError(
      f'{name}: wanted a multiple of {INTERVAL} {limits}, got {iterations}'
    )


def _a_run(folder: pathlib.Path) -> str:
  """Returns the folder of one of the runs that were made."""
  return str(next(folder.rglob('run.json')).parent)


def scaling(setting: Setting) -> dict[str, Any]:
  """Measures as many runs by one job and by all, then bare products; in turns.

  Returns:
    See `ratios.scaling`.
  """
  rounds = []
  count = RUNS_A_JOB * setting.sizes.jobs

  def runs(jobs: int) -> float:
    name = f'scaling{len(rounds)}_{jobs}'
    records = setting.run(
      name, local.Local(jobs), count + jobs, setting.sizes.iterations
    )
    periods = lines_lib.periods(records)
    return jobs * len(periods) / sum(periods)

  with loops.processes(
    setting.sizes.jobs, RECIPE, setting.mnist_location
  ) as bare:
    for _ in range(setting.sizes.rounds):
      rounds.append(
        {
          'runs': (runs(1), runs(setting.sizes.jobs)),
          'bare': (
            bare.one(setting.sizes.iterations),
            bare.all(setting.sizes.iterations),
          ),
        }
      )
  return {'jobs': setting.sizes.jobs, 'rounds': rounds}


def overhead(setting: Setting) -> dict[str, Any]:
  """Measures short runs one by one: in a worker, in processes and with Ray.

  Returns:
    See `ratios.overhead`.
  """
  many = {'worker': lambda: local.Local(1)}
  if util.find_spec('ray') is not None:
    from lottery_ticket.cli import cluster  # Late: an extra.

    many['ray'] = lambda: cluster.Cluster(jobs=1)
  seconds = {
    name: lines_lib.overheads(
      setting.run(name, make_engine(), SHORT_RUNS + 1, setting.sizes.short)
    )
    for name, make_engine in many.items()
  }
  processes = [
    lines_lib.run_alone(setting.folder / f'process{i}', line)
    for i, line in enumerate(
      setting.trainings('processes', SHORT_RUNS, setting.sizes.short)
    )
  ]
  seconds['process'] = [
    process.ended - process.started - lines_lib.training(process.record)
    for process in processes
  ]
  return seconds


def logging(setting: Setting) -> dict[str, Any]:
  """Measures runs that leave everything, and such as leave nothing; in turns.

  Returns:
    See `ratios.logging`.
  """
  import measure

  def run(output_dir: str | None) -> dict[str, float]:
    return measure.run_in(
      output_dir, RECIPE, setting.mnist_location, setting.sizes.iterations
    )

  run(None)  # The first one in a process takes longer.
  folders = [
    str(setting.folder / f'logging{i}') for i in range(setting.sizes.rounds)
  ]
  return {
    'rounds': [
      {'with': run(folder), 'without': run(None)} for folder in folders
    ]
  }


def level(setting: Setting) -> dict[str, Any]:
  """Measures the levels of a short experiment.

  Returns:
    See `ratios.level`.
  """
  line = lines_lib.line(
    'runners/lottery_experiment.py',
    output_dir=setting.folder / 'level' / 'trial',
    mnist_location=setting.mnist_location,
    training_len=f'iterations,{setting.sizes.short}',
    iterations=LEVELS,
    recipe=RECIPE,
    seed=0,
  )
  process = lines_lib.run_alone(setting.folder / 'level', line)
  return {
    'iterations': setting.sizes.short,
    'levels': lines_lib.levels(process.record),
  }


def memory(setting: Setting) -> dict[str, Any]:
  """Measures the memory of workers over many tiny runs.

  Returns:
    See `ratios.memory`.
  """
  jobs = min(MEMORY_JOBS, setting.sizes.jobs)
  records = setting.run('memory', local.Local(jobs), setting.sizes.lines, TINY)
  return {'workers': lines_lib.memory(records)}


MEASUREMENTS = {
  measurement.__name__: measurement
  for measurement in (memory, scaling, overhead, logging, level)
}


if __name__ == '__main__':
  entry.run('many:main')

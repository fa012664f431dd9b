"""What the measurements of many runs come to, and whether that will do."""

import statistics
from collections.abc import Sequence
from typing import Any

import figures
import speed

SCALING = 0.85  # At least, a job: 1.7 for two.
OVERHEAD = 3.0  # At most; seconds of a short run in a worker.
FLATNESS = 1.1  # At most.
AGE = 10  # Lines of a worker after which its memory is looked at.
_MIB = 2**20

Figure = figures.Figure


def scaling(measured: dict[str, Any]) -> list[Figure]:
  """Returns how much more many jobs do than one: runs, and bare products.

  Args:
    measured: `jobs` and `rounds`, a list of {'runs' or 'bare': (a second with
      one job, a second with all)}.
  """
  jobs, rounds = measured['jobs'], measured['rounds']
  runs = _throughput(
    f'runs: {jobs} jobs, 1 job', 'a minute', 60, [r['runs'] for r in rounds]
  )
  bare = _throughput(
    f'bare loops: {jobs} processes, 1 process',
    'it./ms',
    1e-3,
    [r['bare'] for r in rounds],
  )
  bar = SCALING * jobs
  return [runs._replace(bar=f'>= {bar:.2f}', met=runs.ratio >= bar), bare]


def _throughput(
  what: str, unit: str, scale: float, pairs: Sequence[Sequence[float]]
) -> Figure:
  one, all_ = zip(*pairs, strict=True)
  return Figure(
    what,
    statistics.median(all_) * scale,
    statistics.median(one) * scale,
    unit,
    statistics.median(b / a for a, b in pairs),
  )


def overhead(measured: dict[str, Any]) -> list[Figure]:
  """Returns what a short run takes beyond its iterations, here and there.

  Args:
    measured: {'worker', 'process', 'ray': seconds of each run}; the last one
      may be missing.
  """
  seconds = {name: statistics.median(runs) for name, runs in measured.items()}
  worker = seconds['worker']
  pairs = [('in a worker, in a new process', worker, seconds['process'])]
  if 'ray' in seconds:
    pairs.append(('in a Ray task, in a worker', seconds['ray'], worker))
  rows = [
    Figure(f'beyond training: {what}', this, that, 's', this / that)
    for what, this, that in pairs
  ]
  rows[0] = rows[0]._replace(bar=f'<= {OVERHEAD:g} s', met=worker <= OVERHEAD)
  return rows


def logging(measured: dict[str, Any]) -> list[Figure]:
  """Returns a full run with logs, summaries and networks, and without.

  Args:
    measured: `rounds`, a list of {'with' or 'without': {'iteration',
      'start_up': seconds}}.
  """
  pairs = [
    tuple(speed.run_seconds(**round_[name]) for name in ('with', 'without'))
    for round_ in measured['rounds']
  ]
  this, that = zip(*pairs, strict=True)
  return [
    Figure(
      f'{speed.FULL_LENGTH:,} iterations: with logs and saving, without',
      statistics.median(this),
      statistics.median(that),
      's',
      statistics.median(a / b for a, b in pairs),
    )
  ]


def level(measured: dict[str, Any]) -> list[Figure]:
  """Returns a full level and its training loop alone.

  Args:
    measured: `iterations` of the levels measured, and `levels`, a list of
      (seconds, seconds of an iteration).
  """
  loops = [speed.FULL_LENGTH * iteration for _, iteration in measured['levels']]
  beyond = [
    seconds - measured['iterations'] * iteration
    for seconds, iteration in measured['levels']
  ]
  loop, rest = statistics.median(loops), statistics.median(beyond)
  return [
    Figure(
      f'{speed.FULL_LENGTH:,} iterations: a level, its training loop',
      loop + rest,
      loop,
      's',
      (loop + rest) / loop,
    )
  ]


def memory(measured: dict[str, Any]) -> list[Figure]:
  """Returns how the memory of workers grows.

  Args:
    measured: `workers`, a list of the peaks of each in bytes, line after line.
  """
  workers = measured['workers']
  age = min(AGE, max(map(len, workers)))
  first = max(peaks[0] for peaks in workers)
  aged = max(peaks[:age][-1] for peaks in workers)
  most = max(peaks[-1] for peaks in workers)
  lines = sum(map(len, workers))
  return [
    _mib(f'memory of a worker: after {age} lines, after 1', aged, first),
    _mib(f'most of all in {lines} lines, after {age}', most, aged)._replace(
      bar=f'<= {FLATNESS}', met=most <= FLATNESS * aged
    ),
  ]


def _mib(what: str, this: int, that: int) -> Figure:
  return Figure(what, this / _MIB, that / _MIB, 'MiB', this / that)

"""Runs lines of flags in workers or processes, and says what they took.

A worker's first line brings TensorFlow with it. So what a line takes of a
worker is the time from the end of the line before it to its own end: with all
that the pool does in between.
"""

import io
import itertools
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import pool
from lottery_ticket.foundations import save_restore

LINE = pathlib.Path(__file__).with_name('line.py')

Line = tuple[str, ...]
"""A script and its flags."""


class Record(NamedTuple):
  """What a line took.

  Attributes:
    pid: Of its process.
    began: When, in seconds since the epoch.
    ended: When.
    reports: (run, iterations done, when), each time a training said so.
    peak_memory: The most its process has had by its end, in bytes.
  """

  pid: int
  began: float
  ended: float
  reports: Sequence[tuple[str, int, float]]
  peak_memory: int


class Process(NamedTuple):
  """What a line took that had a process of its own.

  Attributes:
    started: When the process was started, in seconds since the epoch.
    ended: When it was gone.
    record: Of the line.
  """

  started: float
  ended: float
  record: Record


def line(script: str, **flags: object) -> Line:
  """Returns the line of an experiment's script, like `runners/train.py`."""
  given = (f'--{name}={value}' for name, value in flags.items())
  return str(argfiles.find(script, 'mnist_fc')), *given


def run(
  folder: pathlib.Path, engine: pool.Engine, lines: Sequence[Line]
) -> list[Record]:
  """Runs lines on an engine.

  Args:
    folder: A new one, for what they say.
    engine: What runs them.
    lines: What to run.

  Returns:
    Their records, in the order in which they ended.

  Raises:
    RuntimeError: If one fails.
  """
  folder.mkdir()
  jobs = [
    jobs_lib.Job(
      str(LINE),
      (str(folder / f'{i}.json'), *line),
      log=str(folder / f'{i}.log'),
      status=str(folder / f'{i}.status'),
      folder=str(folder),
    )
    for i, line in enumerate(lines)
  ]
  display = display_lib.Display(len(jobs), io.StringIO())
  for outcome in pool.run(jobs, engine, display):
    if outcome.reason:
      raise RuntimeError(f'{outcome.reason}: {" ".join(outcome.job.argv)}')
  records = [_read(job.argv[0]) for job in jobs]
  return sorted(records, key=lambda record: record.ended)


def run_alone(folder: pathlib.Path, line: Line) -> Process:
  """Runs a line in a process of its own, as a user would.

  Args:
    folder: A new one, for what it says.
    line: What to run.

  Raises:
    CalledProcessError: If it fails.
  """
  folder.mkdir()
  record = str(folder / 'record.json')
  started = time.time()
  command = [sys.executable, str(LINE), record, *line]
  subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
  return Process(started, time.time(), _read(record))


def _read(path: str) -> Record:
  return Record(**save_restore.read_json(path))


def followers(records: Sequence[Record]) -> Iterator[tuple[Record, float]]:
  """Yields each line but its worker's first, and the seconds that it took."""
  by_worker = sorted(records, key=lambda record: (record.pid, record.ended))
  for previous, record in itertools.pairwise(by_worker):
    if previous.pid == record.pid:
      yield record, record.ended - previous.ended


def periods(records: Sequence[Record]) -> list[float]:
  """Returns the seconds of each line but its worker's first."""
  return [seconds for _, seconds in followers(records)]


def training(record: Record) -> float:
  """Returns the seconds of the iterations of a line with one run.

  Those up to the first report would take as long as the later ones do, were
  nothing to be compiled.
  """
  return record.reports[-1][1] * iteration(record.reports)


def iteration(reports: Sequence[tuple[str, int, float]]) -> float:
  """Returns the seconds of an iteration after the first report of a run."""
  (_, first, begun), (_, last, done) = reports[0], reports[-1]
  return (done - begun) / (last - first)


def overheads(records: Sequence[Record]) -> list[float]:
  """Returns the seconds that lines took beyond their iterations.

  Of each but its worker's first.
  """
  return [seconds - training(record) for record, seconds in followers(records)]


def levels(record: Record) -> list[tuple[float, float]]:
  """Returns (seconds, seconds of an iteration) of an experiment's levels.

  A level is what lies between the last iterations of two runs: saving one,
  pruning, and making, compiling and training the next. Level 0 is left out.

  Args:
    record: Of a line with an experiment.
  """
  runs = [
    list(reports)
    for _, reports in itertools.groupby(record.reports, lambda each: each[0])
  ]
  return [
    (run[-1][2] - previous[-1][2], iteration(run))
    for previous, run in itertools.pairwise(runs)
  ]


def memory(records: Sequence[Record]) -> list[list[int]]:
  """Returns each worker's peaks of memory in bytes, line after line."""
  by_worker: dict[int, list[int]] = {}
  for record in records:
    by_worker.setdefault(record.pid, []).append(record.peak_memory)
  return list(by_worker.values())

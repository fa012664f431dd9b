"""Runs jobs side by side, on this machine or a cluster."""

import bisect
import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, NamedTuple, Protocol

import pebble

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import worker

JOBS_A_WORKER = 20
"""TensorFlow never frees what it compiled: 10 MB a run."""
_POLL = 0.5  # Seconds between two looks at the workers.


def processors() -> int:
  """Returns how many processors this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


class DiedError(Exception):
  """A job's worker died or hung: the message says which."""


class Engine(contextlib.AbstractContextManager, Protocol):
  """Worker processes somewhere; a context manager that ends all it began."""

  attempts: int  # How often a job may begin if its workers die.

  def capacity(self) -> int:
    """Returns how many jobs to hand over at a time."""

  def submit(self, job: jobs_lib.Job) -> futures.Future:
    """Begins a job; what is done of the future goes to `result`."""

  def result(self, future: futures.Future) -> worker.Result:
    """Returns what came of a job; a `DiedError` says that its worker died."""


class Local(Engine):
  """Worker processes that import TensorFlow once and take job after job."""

  attempts = 2

  def __init__(self, workers: int, timeout: float | None = None):
    self._workers = workers
    self._timeout = timeout
    self._pool = pebble.ProcessPool(
      max_workers=workers,
      max_tasks=JOBS_A_WORKER,
      context=multiprocessing.get_context('spawn'),
      initializer=worker.begin,
      initargs=[os.getpid()],
    )

  def __exit__(self, error: object, *_: object) -> None:
    """Waits for the workers to end; ends them where there was an error."""
    if error is not None:
      self._pool.stop()
    self._pool.close()
    self._pool.join()

  def capacity(self) -> int:
    """Returns twice the number of workers: so none waits for its next job."""
    return 2 * self._workers

  def submit(self, job: jobs_lib.Job) -> futures.Future:
    """Begins a job."""
    return self._pool.schedule(worker.run, args=[job], timeout=self._timeout)

  def result(self, future: futures.Future) -> worker.Result:
    """Returns what came of a job, or raises why its worker died."""
    try:
      return future.result()
    except (futures.TimeoutError, TimeoutError):
      raise DiedError(f'took longer than {self._timeout} s') from None
    except pebble.ProcessExpired as error:
      raise DiedError(f'its worker died (exit code {error.exitcode})') from None


class Outcome(NamedTuple):
  """What came of a job."""

  job: jobs_lib.Job
  result: worker.Result | None  # None if its worker died or hung.
  reason: str  # Why it failed, in one line; empty if it did not.


def run(
  jobs: Sequence[jobs_lib.Job], engine: Engine, display: display_lib.Display
) -> list[Outcome]:
  """Runs jobs, each as soon as its input is there.

  A job that ends because its input is missing is put back until that is there,
  or, where its path is not known, until another job has ended. When nothing
  else is left that might make the input, the job has failed. Returns what came
  of each, in the order in which they ended.
  """
  outcomes: list[Outcome] = []
  turns = [_Turn(place, job) for place, job in enumerate(jobs)]
  with _terminated_as_interrupted(), display, engine:
    for outcome in _Run(engine, display, turns).outcomes():
      display.ended(outcome.job, outcome.reason)
      outcomes.append(outcome)
  return outcomes


@dataclasses.dataclass(eq=False)
class _Turn:
  """A job on its way, at its place among all."""

  place: int
  job: jobs_lib.Job
  attempt: int = 1  # Without those that ended because input was missing.
  ended: int = 0  # How many jobs had ended when it last began.
  missing: Outcome | None = None  # What came of it if input was missing.
  path: str = ''  # Where that input will be, if that is known.


@dataclasses.dataclass
class _Run:
  """Jobs on their way through an engine."""

  engine: Engine
  display: display_lib.Display
  waiting: list[_Turn]
  under_way: dict[Any, _Turn] = dataclasses.field(default_factory=dict)
  ended: set[int] = dataclasses.field(default_factory=set)

  def outcomes(self) -> Iterator[Outcome]:
    """Yields what comes of each job, with more attempts where one died."""
    while self.waiting or self.under_way:
      self._submit()
      if not self.under_way:  # Nobody is left who might make what is missing.
        lost = [turn for turn in self.waiting if turn.missing]
        self.waiting = [turn for turn in self.waiting if not turn.missing]
        self.ended.update(turn.place for turn in lost)
        yield from (turn.missing for turn in lost if turn.missing)
        continue
      done, _ = futures.wait(self.under_way, _POLL, futures.FIRST_COMPLETED)
      for future in sorted(done, key=lambda done: self.under_way[done].place):
        turn = self.under_way.pop(future)
        outcome = self._outcome(turn, future)
        if outcome:
          self.ended.add(turn.place)
          yield outcome
        else:
          bisect.insort(self.waiting, turn, key=lambda turn: turn.place)
      self.display.look([turn.job for turn in self.under_way.values()])

  def _submit(self) -> None:
    """Hands over as many jobs as the engine takes, in order."""
    free = self.engine.capacity() - len(self.under_way)
    ready = (turn for turn in self.waiting if self._may_begin(turn))
    for turn in list(itertools.islice(ready, max(free, 0))):
      self.waiting.remove(turn)
      turn.missing, turn.ended = None, len(self.ended)
      self.under_way[self.engine.submit(turn.job)] = turn

  def _may_begin(self, turn: _Turn) -> bool:
    if not turn.missing:
      return self.ended.issuperset(turn.job.after)
    if turn.path:
      return os.path.exists(turn.path)
    return len(self.ended) > turn.ended

  def _outcome(self, turn: _Turn, future: futures.Future) -> Outcome | None:
    """Returns what came of a job, or None if it gets one more attempt."""
    job = turn.job
    try:
      result = self.engine.result(future)
    except DiedError as error:
      if turn.attempt == self.engine.attempts:
        return Outcome(job, None, str(error))
      turn.attempt += 1
      self.display.note(f'{error}; trying again: {job}')
      return None
    failure = result.last_line or f'exit code {result.code}'
    outcome = Outcome(job, result, failure if result.code else '')
    if result.missing is None:
      return outcome
    path = os.path.join(job.folder, result.missing)
    turn.path = '' if os.path.exists(path) else path  # It came meanwhile.
    turn.missing = outcome
    return None


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
  """Treats SIGTERM like Ctrl-C: workers end, finished runs stay finished.

  And Ctrl-C like itself, also where the parent process ignores it.
  """
  previous = {
    number: signal.signal(number, signal.default_int_handler)
    for number in (signal.SIGINT, signal.SIGTERM)
  }
  try:
    yield
  finally:
    for number, handler in previous.items():
      signal.signal(number, handler)

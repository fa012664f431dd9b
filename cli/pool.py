"""Runs jobs side by side, on this machine or a cluster."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, NamedTuple, Protocol

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import worker

_POLL = 0.5  # Seconds between two looks at the workers.


class DiedError(Exception):
  """A job's worker died or hung: the message says which."""


class Engine(contextlib.AbstractContextManager, Protocol):
  """Worker processes somewhere; a context manager that ends all it began.

  Attributes:
    attempts: How often a job may be begun if its workers die.
  """

  attempts: int

  def capacity(self) -> int:
    """Returns how many jobs to hand over at a time."""

  def submit(self, job: jobs_lib.Job) -> futures.Future:
    """Begins a job; what is done of the future goes to `result`."""

  def result(self, future: futures.Future) -> worker.Result:
    """Returns what came of a job.

    Raises:
      DiedError: If its worker died or hung.
    """


class Outcome(NamedTuple):
  """What came of a job.

  Attributes:
    job: The job.
    result: What its worker said, or None if that died or hung.
    reason: Why it failed, in one line; empty if it did not.
  """

  job: jobs_lib.Job
  result: worker.Result | None
  reason: str

  @property
  def loaded(self) -> bool:
    """Whether it found all its runs finished."""
    result = self.result
    return bool(result and result.loaded and not result.iterations)


def run(
  jobs: Sequence[jobs_lib.Job], engine: Engine, display: display_lib.Display
) -> list[Outcome]:
  """Runs jobs, each as soon as its input is there.

  A job that ends because its input is missing is put back until that is there,
  or, where its path is not known, until another job has ended. When nothing
  else is left that might make the input, the job has failed.

  Args:
    jobs: What to run, with a log and a status of each.
    engine: What runs them.
    display: Shows how far they are.

  Returns:
    What came of each job, in the order in which they ended.
  """
  outcomes: list[Outcome] = []
  with _terminated_as_interrupted(), display, engine:
    for outcome in _Run(jobs, engine, display).outcomes():
      display.ended(outcome.job, outcome.reason)
      outcomes.append(outcome)
  return outcomes


class _Missing(NamedTuple):
  """Why a job was put back, and until when."""

  outcome: Outcome
  path: str
  ended: int  # How many jobs had ended when it began.


class _Run:
  """Jobs on their way through an engine; each is known by its place."""

  def __init__(
    self,
    jobs: Sequence[jobs_lib.Job],
    engine: Engine,
    display: display_lib.Display,
  ):
    self._jobs = jobs
    self._engine = engine
    self._display = display
    self._waiting = dict.fromkeys(range(len(jobs)), 1)  # Attempts, by place.
    self._missing: dict[int, _Missing] = {}  # Some of those that wait.
    self._under_way: dict[futures.Future, tuple[int, int, int]] = {}
    self._ended: set[int] = set()

  def outcomes(self) -> Iterator[Outcome]:
    """Yields what comes of each job, with more attempts where one died."""
    while self._waiting or self._under_way:
      self._submit()
      if not self._under_way:
        yield from self._give_up()
        continue
      done, _ = futures.wait(
        self._under_way, timeout=_POLL, return_when=futures.FIRST_COMPLETED
      )
      for future in sorted(done, key=self._under_way.__getitem__):
        outcome = self._end(future)
        if outcome:
          yield outcome
      self._display.look(
        [self._jobs[place] for place, *_ in self._under_way.values()]
      )

  def _submit(self) -> None:
    """Hands over as many jobs as the engine takes, in order."""
    free = self._engine.capacity() - len(self._under_way)
    for place in sorted(self._waiting):
      if free <= 0:
        return
      if self._may_begin(place):
        self._missing.pop(place, None)
        future = self._engine.submit(self._jobs[place])
        attempt = self._waiting.pop(place)
        self._under_way[future] = place, attempt, len(self._ended)
        free -= 1

  def _may_begin(self, place: int) -> bool:
    missing = self._missing.get(place)
    if missing and missing.path:
      return os.path.exists(missing.path)
    if missing:
      return len(self._ended) > missing.ended
    return self._ended.issuperset(self._jobs[place].after)

  def _give_up(self) -> Iterator[Outcome]:
    """Yields the failures of all that waits for what nobody makes."""
    for place, missing in sorted(self._missing.items()):
      del self._waiting[place]
      self._ended.add(place)
      yield missing.outcome
    self._missing.clear()

  def _end(self, future: futures.Future) -> Outcome | None:
    """Returns what came of a job, or None if it gets one more attempt."""
    place, attempt, ended = self._under_way.pop(future)
    job = self._jobs[place]
    try:
      result = self._engine.result(future)
    except DiedError as error:
      if attempt < self._engine.attempts:
        self._waiting[place] = attempt + 1
        self._display.note(f'{error}; trying again: {job}')
        return None
      outcome = Outcome(job, None, str(error))
    else:
      failure = result.last_line or f'exit code {result.code}'
      outcome = Outcome(job, result, failure if result.code else '')
      if result.missing is not None:
        path = os.path.join(job.folder, result.missing)
        path = '' if os.path.exists(path) else path  # It came meanwhile.
        self._waiting[place] = attempt
        self._missing[place] = _Missing(outcome, path, ended)
        return None
    self._ended.add(place)
    return outcome


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
  """Treats SIGTERM like Ctrl-C: workers end, finished runs stay finished.

  And Ctrl-C like itself, also where the parent process ignores it.
  """

  def interrupt(*_: object) -> None:
    raise KeyboardInterrupt

  numbers = (signal.SIGINT, signal.SIGTERM)
  previous: list[Any] = [signal.signal(n, interrupt) for n in numbers]
  try:
    yield
  finally:
    for number, handler in zip(numbers, previous, strict=True):
      signal.signal(number, handler)

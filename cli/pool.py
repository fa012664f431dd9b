"""Runs the lines of argfiles side by side, on one engine or another."""

import contextlib
import signal
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, NamedTuple

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import engines
from lottery_ticket.cli import worker

_POLL = 0.5  # Seconds between two looks at the workers.


class Outcome(NamedTuple):
  """What came of a line.

  Attributes:
    job: The line.
    result: What its worker said, or None if that died or hung.
    reason: Why it failed, in one line; empty if it did not.
  """

  job: worker.Job
  result: worker.Result | None
  reason: str

  @property
  def loaded(self) -> bool:
    """Whether it found all its runs finished."""
    result = self.result
    return bool(result and result.loaded and not result.iterations)


def run(
  jobs: Sequence[worker.Job],
  engine: engines.Engine,
  display: display_lib.Display,
) -> list[Outcome]:
  """Runs jobs, each as soon as those that it comes after have ended.

  Args:
    jobs: What to run.
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


class _Run:
  """Jobs on their way through an engine."""

  def __init__(
    self,
    jobs: Sequence[worker.Job],
    engine: engines.Engine,
    display: display_lib.Display,
  ):
    self._jobs = jobs
    self._engine = engine
    self._display = display
    self._waiting = dict.fromkeys(range(len(jobs)), 1)  # Attempts, by place.
    self._under_way: dict[futures.Future, tuple[int, int]] = {}
    self._ended: set[int] = set()

  def outcomes(self) -> Iterator[Outcome]:
    """Yields what comes of each job, with more attempts where one died."""
    while self._waiting or self._under_way:
      self._submit()
      done, _ = futures.wait(
        self._under_way, timeout=_POLL, return_when=futures.FIRST_COMPLETED
      )
      for future in sorted(done, key=self._under_way.__getitem__):
        outcome = self._end(future)
        if outcome:
          yield outcome
      self._display.look(
        [self._jobs[place] for place, _ in self._under_way.values()]
      )

  def _submit(self) -> None:
    """Hands over as many jobs as the engine takes, in order."""
    free = self._engine.capacity() - len(self._under_way)
    for place, attempt in list(self._waiting.items()):
      if free <= 0:
        return
      if self._ended.issuperset(self._jobs[place].after):
        del self._waiting[place]
        future = self._engine.submit(self._jobs[place])
        self._under_way[future] = place, attempt
        free -= 1

  def _end(self, future: futures.Future) -> Outcome | None:
    """Returns what came of a job, or None if it gets one more attempt."""
    place, attempt = self._under_way.pop(future)
    job = self._jobs[place]
    try:
      result = self._engine.result(future)
    except engines.DiedError as error:
      if attempt < self._engine.attempts:
        self._waiting = {place: attempt + 1, **self._waiting}
        flags = ' '.join(job.flags)
        self._display.note(f'{error}; trying again: {flags}')
        return None
      outcome = Outcome(job, None, str(error))
    else:
      failure = result.last_line or f'exit code {result.code}'
      outcome = Outcome(job, result, failure if result.code else '')
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

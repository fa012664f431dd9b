"""A pool of worker processes that run the lines of an argfile side by side."""

import contextlib
import multiprocessing
import os
import pathlib
import signal
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, NamedTuple

import pebble

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import worker

_POLL = 0.5  # Seconds between two looks at the workers.
_ATTEMPTS = 2  # A line whose worker died gets one more.
_LINES_A_WORKER = 10  # TensorFlow never frees what it compiled: 10 MB a run.


class Outcome(NamedTuple):
  """What came of a line.

  Attributes:
    job: The line.
    code: The runner's exit code, or None if its worker died or hung.
    reason: Why it failed, in one line; empty if it did not.
  """

  job: worker.Job
  code: int | None
  reason: str


def run(
  jobs: Sequence[worker.Job],
  workers: int,
  timeout: float | None,
  display: display_lib.Display,
) -> list[Outcome]:
  """Runs jobs on worker processes, each of which takes job after job.

  Args:
    jobs: What to run.
    workers: The number of processes.
    timeout: Seconds after which a job counts as hung; None for never.
    display: Shows how far they are.

  Returns:
    What came of each job, in the order in which they ended.
  """
  outcomes: list[Outcome] = []
  pool = pebble.ProcessPool(
    max_workers=workers,
    max_tasks=_LINES_A_WORKER,
    context=multiprocessing.get_context('spawn'),
    initializer=worker.begin,
    initargs=[os.getpid()],
  )
  with _terminated_as_interrupted(), display:
    try:
      for outcome in _outcomes(pool, jobs, timeout, display):
        display.ended(outcome.job, outcome.reason)
        outcomes.append(outcome)
    except BaseException:
      pool.stop()
      raise
    finally:
      pool.close()
      pool.join()
  return outcomes


def _outcomes(
  pool: pebble.ProcessPool,
  jobs: Sequence[worker.Job],
  timeout: float | None,
  display: display_lib.Display,
) -> Iterator[Outcome]:
  """Yields what comes of each job, with a second attempt where one died."""

  def submit(job: worker.Job, attempt: int) -> None:
    future = pool.schedule(worker.run, args=[job], timeout=timeout)
    pending[future] = job, attempt

  pending: dict[Any, tuple[worker.Job, int]] = {}
  for job in jobs:
    submit(job, 1)
  while pending:
    done, _ = futures.wait(
      pending, timeout=_POLL, return_when=futures.FIRST_COMPLETED
    )
    running = [job for future, (job, _) in pending.items() if future.running()]
    display.look(running)
    for future in done:
      job, attempt = pending.pop(future)
      outcome = _outcome(job, future, timeout)
      if outcome.code is None and attempt < _ATTEMPTS:
        display.note(f'{outcome.reason}; trying again: {" ".join(job.flags)}')
        submit(job, attempt + 1)
      else:
        yield outcome


def _outcome(
  job: worker.Job, future: futures.Future, timeout: float | None
) -> Outcome:
  try:
    code = future.result()
  except (futures.TimeoutError, TimeoutError):
    return Outcome(job, None, f'took longer than {timeout} s')
  except pebble.ProcessExpired as error:
    return Outcome(job, None, f'its worker died (exit code {error.exitcode})')
  return Outcome(job, code, _last_line(job.log, code) if code else '')


def _last_line(log: str, code: int) -> str:
  """Returns the last line that a failed job printed: its error."""
  text = pathlib.Path(log).read_text(encoding='utf-8', errors='replace')
  lines = text.strip().splitlines()
  return lines[-1] if lines else f'exit code {code}'


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
  """Treats SIGTERM like Ctrl-C: workers end, finished runs stay finished.

  And Ctrl-C like itself, also where the parent process ignores it.
  """

  def interrupt(*_: object) -> None:
    raise KeyboardInterrupt

  numbers = (signal.SIGINT, signal.SIGTERM)
  previous = [signal.signal(number, interrupt) for number in numbers]
  try:
    yield
  finally:
    for number, handler in zip(numbers, previous, strict=True):
      signal.signal(number, handler)

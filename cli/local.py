"""Runs jobs on worker processes of this machine."""

import multiprocessing
import os
from concurrent import futures

import pebble

from lottery_ticket.cli import jobs
from lottery_ticket.cli import pool
from lottery_ticket.cli import worker

_JOBS_A_WORKER = 20  # TensorFlow never frees what it compiled: 10 MB a run.


class Local(pool.Engine):
  """Worker processes that import TensorFlow once and take job after job."""

  attempts = 2

  def __init__(self, workers: int, timeout: float | None = None):
    self._workers = workers
    self._timeout = timeout
    self._pool = pebble.ProcessPool(
      max_workers=workers,
      max_tasks=_JOBS_A_WORKER,
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

  def submit(self, job: jobs.Job) -> futures.Future:
    """Begins a job."""
    return self._pool.schedule(worker.run, args=[job], timeout=self._timeout)

  def result(self, future: futures.Future) -> worker.Result:
    """Returns what came of a job, or raises why its worker died."""
    try:
      return future.result()
    except (futures.TimeoutError, TimeoutError):
      raise pool.DiedError(f'took longer than {self._timeout} s') from None
    except pebble.ProcessExpired as error:
      raise pool.DiedError(
        f'its worker died (exit code {error.exitcode})'
      ) from None

"""What runs jobs: worker processes of this machine, or a cluster."""

import contextlib
from concurrent import futures
from typing import Protocol

from lottery_ticket.cli import worker


class DiedError(Exception):
  """A job's worker died or hung: the message says which."""


class Engine(contextlib.AbstractContextManager, Protocol):
  """Runs jobs side by side; a context manager that ends all it began.

  Attributes:
    attempts: How often a job may be begun if its workers die.
  """

  attempts: int

  def capacity(self) -> int:
    """Returns how many jobs to hand over at a time."""

  def submit(self, job: worker.Job) -> futures.Future:
    """Begins a job; what is done of the future goes to `result`."""

  def result(self, future: futures.Future) -> worker.Result:
    """Returns what came of a job.

    Raises:
      DiedError: If its worker died or hung.
    """

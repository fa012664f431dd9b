"""Loops of bare matrix products, in one process and in many at a time."""

import contextlib
import functools
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent import futures
from multiprocessing import synchronize

from lottery_ticket.cli import entry
from lottery_ticket.cli import worker

_PATIENCE = 600  # Seconds in which all processes have to be there.
_barriers: list[synchronize.Barrier] = []  # Of a worker.


class Loops:
  """Processes with the bare products of a recipe.

  Args:
    executor: Runs them.
    count: How many there are.
    recipe: The recipe's name.
    mnist_location: Folder with the data.
  """

  def __init__(
    self,
    executor: futures.Executor,
    count: int,
    recipe: str,
    mnist_location: str,
  ):
    self._executor = executor
    self._count = count
    self._task = functools.partial(_loop, recipe, mnist_location)

  def one(self, iterations: int) -> float:
    """Returns how many iterations' products one process does a second."""
    task = self._executor.submit(self._task, iterations, together=False)
    return iterations / task.result()

  def all(self, iterations: int) -> float:
    """Returns the same for all processes together, each doing `iterations`."""
    tasks = [
      self._executor.submit(self._task, iterations, together=True)
      for _ in range(self._count)
    ]
    return sum(iterations / task.result() for task in tasks)


@contextlib.contextmanager
def processes(count: int, recipe: str, mnist_location: str) -> Iterator[Loops]:
  """Yields loops in new processes, each of which has its graphs.

  Args:
    count: How many processes.
    recipe: The recipe's name.
    mnist_location: Folder with the data.
  """
  context = multiprocessing.get_context('spawn')
  with futures.ProcessPoolExecutor(
    count,
    context,
    initializer=_begin,
    initargs=(os.getpid(), context.Barrier(count, timeout=_PATIENCE)),
  ) as executor:
    loops = Loops(executor, count, recipe, mnist_location)
    loops.all(1)
    yield loops


def _begin(parent: int, barrier: synchronize.Barrier) -> None:
  worker.begin(parent)
  _barriers.append(barrier)


def _loop(
  recipe: str, mnist_location: str, iterations: int, *, together: bool
) -> float:
  """Does the products of so many iterations; returns the seconds."""
  bare, interval = _bare(recipe, mnist_location)
  if together:
    _barriers[0].wait()
  started = time.perf_counter()
  for _ in range(0, iterations, interval):
    bare.steps()
    bare.evaluation()
  return time.perf_counter() - started


@functools.cache
def _bare(name: str, mnist_location: str) -> tuple:
  """Returns the bare products of a recipe, and its evaluation interval."""
  with entry.quiet():
    import measure  # Late: threads are limited by now.
  return measure.bare_of(name, mnist_location)

"""How a long training says where it is.

By default a bar on the terminal, and nothing where there is none. A process
that runs trainings for somebody else passes on what they say with `send_to`.
"""

import contextlib
from collections.abc import Callable, Iterator

import tqdm

Listener = Callable[[str, int, int], None]
"""Called with a run's name, the iterations done, and how many there will be.

A run that was finished before has 0 of 0 to do.
"""

_listeners: list[Listener] = []


@contextlib.contextmanager
def send_to(listener: Listener) -> Iterator[None]:
  """Sends what trainings say to `listener` instead of the terminal."""
  _listeners.append(listener)
  try:
    yield
  finally:
    _listeners.remove(listener)


@contextlib.contextmanager
def of_run(name: str, iterations: int) -> Iterator[Callable[[int], None]]:
  """Yields what to call with the number of iterations done so far.

  Args:
    name: What to call the run.
    iterations: How many there will be.
  """
  if _listeners:
    yield lambda done: _listeners[-1](name, done, iterations)
    return
  with tqdm.tqdm(
    total=iterations, desc=name, unit='it', disable=None, leave=False
  ) as bar:
    yield lambda done: bar.update(done - bar.n) and None


def loaded(name: str) -> None:
  """Says that a run was finished before, and is not repeated.

  Args:
    name: What to call the run.
  """
  if _listeners:
    _listeners[-1](name, 0, 0)

"""How a long training says where it is.

By default a bar on the terminal, and a line a minute where there is none. A
process that runs trainings for another passes on what they say (`send_to`).
"""

import contextlib
import datetime
import sys
import time
from collections.abc import Callable, Iterator

import tqdm

Listener = Callable[[str, int, int], None]
"""Called with a run's name, the iterations done, and how many there will be.

A run that was finished before has 0 of 0 to do. `summary` says more.
"""

_A_LINE = 60  # Seconds between two lines where there is no terminal.

_listeners: list[Listener] = []
_known: dict[str, float] = {}


@contextlib.contextmanager
def send_to(listener: Listener) -> Iterator[None]:
  """Sends what trainings say to `listener` instead of the terminal."""
  _listeners.append(listener)
  _known.clear()
  try:
    yield
  finally:
    _listeners.remove(listener)


def note(**facts: float) -> None:
  """Notes level, last_level, density, loss or accuracy for `summary`."""
  _known.update(facts)


def done_before() -> int:
  """Returns how many iterations were done before an interruption, mostly 0."""
  return int(_known.get('before', 0))


def levels(last: int) -> Iterator[int]:
  """Yields the levels of an experiment, and notes which is under way."""
  try:
    for level in range(last + 1):
      note(level=level, last_level=last)
      yield level
  finally:
    _known.clear()


def summary(done: int, total: int, seconds: float) -> str:
  """Returns a line on the training under way: iterations done, of how many."""
  parts, ahead = [], total - done
  if 'level' in _known:
    level, last = _known['level'], _known['last_level']
    parts.append(f'level {level} of {last}')
    ahead += int(last - level) * total
  if 'density' in _known:
    parts.append(f'{100 * _known["density"]:.1f}% of the weights')
  if 'loss' in _known:
    parts.append(f'loss {_known["loss"]:.4f}')
    parts.append(f'accuracy {100 * _known["accuracy"]:.2f}%')
  if done > done_before():
    rate = seconds / (done - done_before())
    left = datetime.timedelta(seconds=round(rate * ahead))
    parts.append(f'{left} left')
  return ', '.join(parts)


@contextlib.contextmanager
def of_run(
  name: str, iterations: int, before: int = 0
) -> Iterator[Callable[[int], None]]:
  """Yields a function to call with the number of iterations done so far.

  Of these, `before` were done before an interruption.
  """
  note(before=before)
  if _listeners:
    yield lambda done: _listeners[-1](name, done, iterations)
    return
  began = time.monotonic()
  # The levels of an experiment, each of which may be short, have one clock.
  clock = _known if 'level' in _known else {}
  clock.setdefault('told', began)
  # A notebook is no terminal, and shows bars all the same.
  shown = {} if 'ipykernel' in sys.modules else {'disable': None}
  with tqdm.tqdm(
    total=iterations, desc=name, unit='it', leave=False, **shown
  ) as bar:

    def report(done: int) -> None:
      now = time.monotonic()
      if not bar.disable:
        bar.set_postfix_str(summary(done, iterations, now - began), False)
        bar.update(done - bar.n)
      elif now - clock['told'] >= _A_LINE:
        clock['told'] = now
        said = summary(done, iterations, now - began)
        print(f'{name}: {done:,} of {iterations:,}, {said}', file=sys.stderr)

    yield report


def loaded(name: str) -> None:
  """Tells the listener that a run was finished before, and is not repeated."""
  if _listeners:
    _listeners[-1](name, 0, 0)

"""Functions that are called during a training, and when.

A callback gets the iteration (the number of updates made) and the model, which
holds the weights of that iteration. What it assigns to them is what training
goes on from. It is called before the network is measured and saved.

>>> import numpy as np
>>> def print_norm(iteration, model):
...   print(iteration, np.linalg.norm(model.weights['layer0'].numpy()))
>>> my_callbacks = [every(('iterations', 100), print_norm)]
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule

Function = Callable[[int, model_base.ModelBase], Any]
"""Called with the iteration and the model."""


@dataclasses.dataclass(frozen=True)
class Callback:
  """A function, and when it is called: at an interval, or at iterations."""

  function: Function
  interval: schedule.Length | None = None
  iterations: Sequence[int] = ()

  def when(
    self, batches_per_epoch: int, plan: schedule.Schedule
  ) -> schedule.When:
    """Returns when the function is due, or raises InputError if it never is."""
    name = f'callback {self.name}'
    if self.interval is None:
      points = schedule.points(self.iterations, plan.first, plan.last, name)
      return schedule.at(points)
    interval = schedule.iterations(self.interval, batches_per_epoch, name)
    return schedule.every(interval, plan.last, plan.first)

  @property
  def name(self) -> str:
    """The name of the function, or of its class."""
    function = _unbound(self.function)
    return getattr(function, '__qualname__', type(function).__qualname__)

  def configuration(self) -> dict[str, Any]:
    """Returns what a run's record says of the callback."""
    function = _unbound(self.function)
    source = function if inspect.isroutine(function) else type(function)
    found = {'name': self.name, 'source': records.source(source)}
    if isinstance(self.function, functools.partial):
      bound = self.function.args, self.function.keywords
      found['arguments'] = save_restore.plain(bound)
    if self.interval is None:
      return found | {'at': save_restore.plain([*self.iterations])}
    return found | {'every': save_restore.plain(self.interval)}


def _unbound(function: Function) -> Any:
  while isinstance(function, functools.partial):
    function = function.func
  return function


def every(interval: schedule.Length, function: Function) -> Callback:
  """Calls a function at the start, at every interval and at the end.

  The interval is ('iterations', n) or ('epochs', n).
  """
  return Callback(function, interval=interval)


def at(iterations: Sequence[int], function: Function) -> Callback:
  """Calls a function after these iterations, from the first to the last."""
  return Callback(function, iterations=iterations)


def check(
  callbacks: Any, batches_per_epoch: int, plan: schedule.Schedule
) -> list[Callback]:
  """Returns the callbacks of a training, or raises InputError."""
  if not isinstance(callbacks, (list, tuple)):
    callbacks = [callbacks]
  for callback in callbacks:
    is_one = isinstance(callback, Callback) and callable(callback.function)
    wanted = 'callbacks.every(interval, function) or'
    wanted += ' callbacks.at(iterations, function)'
    errors.require(is_one, 'callbacks', wanted, repr(callback))
    callback.when(batches_per_epoch, plan)
  return list(callbacks)

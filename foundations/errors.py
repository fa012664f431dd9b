"""The errors for input that cannot be used, and checks of plain numbers."""

import contextlib
import math
import numbers
import operator
from collections.abc import Iterator, Sequence
from typing import Any

OVERWRITE = 'pass --overwrite (in Python overwrite=True)'
"""How to say that something there may be lost."""


class InputError(ValueError):
  """Input that cannot be used; the message is one line, without a traceback.

  It is raised before any work is done. Commands then exit with code 2.
  """


class MissingInputError(InputError):
  """Input that is not there, or not there yet: another job may make it.

  A job that ends with it is tried again once `path`, if known, appears.
  """

  def __init__(self, message: str, path: str = ''):
    super().__init__(message)
    self.path = path


class DivergedError(ArithmeticError):
  """A training whose loss or weights are no longer finite.

  It is raised once what came of the training is recorded, and again wherever
  the run would be loaded. The command line exits with code 1.
  """


def require(
  holds: Any, name: str, wanted: str, got: object, do: str = ''
) -> None:
  """Raises InputError, `NAME: wanted X, got Y; do Z`, unless it holds."""
  if not holds:
    advice = f'; {do}' if do else ''
    raise InputError(f'{name}: wanted {wanted}, got {got}{advice}')


@contextlib.contextmanager
def refusing(what: str, *kinds: type[BaseException]) -> Iterator[None]:
  """Turns errors of some kinds within the block into InputError, of `what`."""
  try:
    yield
  except InputError:
    raise
  except kinds as error:
    raise InputError(f'{what}: {why(error)}') from error


def why(error: BaseException) -> str:
  """Says in one short line what went wrong."""
  text = getattr(error, 'strerror', None) or str(error)
  return ' '.join(text.split())[:200] or type(error).__name__


def read_integer(value: Any) -> int | None:
  """Returns an integer of any type as an int, and None for anything else."""
  if isinstance(value, bool):
    return None
  try:
    return operator.index(value)
  except (AttributeError, TypeError):  # NumPy's booleans, and tensors of them.
    return None


def check_integer(name: str, value: Any, least: int) -> int:
  """Returns an integer of at least `least` as an int, or raises InputError."""
  integer = read_integer(value)
  holds = integer is not None and integer >= least
  require(holds, name, f'an integer of at least {least}', repr(value))
  return int(value)


def check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
  """Returns a value that is among the choices, or raises InputError."""
  is_known = isinstance(value, str) and value in choices
  require(is_known, name, f'one of {choices}', repr(value))
  return value


def read_number(value: Any) -> float | None:
  """Returns a finite number as a float, and None for anything else."""
  if not isinstance(value, numbers.Real) or isinstance(value, bool):
    return None
  try:
    number = float(value)
  except OverflowError:  # An integer beyond all floats.
    return None
  return number if math.isfinite(number) else None


def check_number(
  name: str, value: Any, least: float = 0, *, is_open: bool = False
) -> float:
  """Returns a finite number from `least`, or above, or raises InputError."""
  number = read_number(value)
  if number is None or number < least or (is_open and number == least):
    bound = f'above {least}' if is_open else f'of at least {least}'
    raise InputError(f'{name}: wanted a finite number {bound}, got {value!r}')
  return number

"""Integers of whichever type: Python's, NumPy's, or a tensor's."""

import operator
from typing import Any

from lottery_ticket.foundations import errors


def read(value: Any) -> int | None:
  """Returns an integer as an int, and None for anything else.

  >>> import numpy as np
  >>> read(np.int64(3)), read(3.0), read(True)
  (3, None, None)
  """
  if isinstance(value, bool):
    return None
  try:
    return operator.index(value)
  except (AttributeError, TypeError):  # NumPy's booleans, and tensors of them.
    return None


def check(name: str, value: Any, least: int) -> int:
  """Returns an integer as an int.

  Args:
    name: What it is called, for the error's message.
    value: An integer of any type.
    least: The least that it may be.

  Raises:
    InputError: If it is anything else.
  """
  integer = read(value)
  if integer is None or integer < least:
    raise errors.InputError(
      f'{name}: wanted an integer of at least {least}, got {value!r}'
    )
  return integer

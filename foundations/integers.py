"""Integers of whichever type: Python's, NumPy's, or a tensor's."""

import operator
from typing import Any


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

"""Random seeds that name what they are for.

Every random draw of a trial comes from a named child of the trial's one seed:
adding a draw never changes another one, and any can be repeated on its own.
"""

import hashlib
from typing import Any

import numpy as np

from lottery_ticket.foundations import errors

LIMIT = 2**63  # Seeds are integers in [0, LIMIT).


def fresh() -> int:
  """Returns a new seed from the operating system's randomness."""
  return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])


def check(seed: Any, name: str = 'seed') -> int:
  """Returns a seed in [0, 2**63) as an int, or raises InputError."""
  number = errors.read_integer(seed)
  is_seed = number is not None and 0 <= number < LIMIT
  errors.require(is_seed, name, 'an integer in [0, 2**63)', repr(seed))
  return int(seed)


def sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
  """Returns the child of `seed` that `names` lead to."""
  key = []
  for name in names:  # 32 bits stand for each.
    name = int(name) if isinstance(name, np.integer) else name
    text = f'{type(name).__name__}:{name}'
    word = hashlib.sha256(text.encode()).digest()[:4]
    key.append(int.from_bytes(word, 'big'))
  return np.random.SeedSequence(check(seed), spawn_key=key)


def generator(seed: int, *names: str | int) -> np.random.Generator:
  """Returns a NumPy generator for the child that `names` lead to."""
  return np.random.default_rng(sequence(seed, *names))


def integer(seed: int, *names: str | int) -> int:
  """Returns an integer in [0, 2**32) for libraries that want a plain seed."""
  return int(sequence(seed, *names).generate_state(1, np.uint32)[0])

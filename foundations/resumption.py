"""The state of a training, for one that is interrupted to go on from.

It is one file in the folder `{run}.part`, written aside and renamed: a process
that is killed leaves the older state or the newer one. A digest comes first, so
that a damaged one is not taken for a state.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

SECONDS = 120.0
"""How long a training goes on before it saves its state, again and again."""

_DIGEST = hashlib.sha256


class State(NamedTuple):
  """Where a training is, before what is due at its iteration."""

  iteration: int
  seconds: float = 0.0  # Spent so far, on what was measured, too.
  # Losses, right answers and examples since the last average was taken.
  sums: Sequence[float] = (0.0, 0, 0)
  measured: Sequence[Sequence[Any]] = ()  # Rows of `Measurements`.
  arrays: Sequence[np.ndarray] = ()  # What the steps need to go on.


def save(path: str, state: State) -> None:
  """Replaces the state in a file by another one."""
  *others, arrays = state
  content = io.BytesIO()
  np.savez(content, np.array(json.dumps(others)), *arrays)
  with save_restore.written_aside(path) as aside:
    digest = _DIGEST(content.getbuffer()).digest()
    save_restore.write_file(aside, digest + content.getbuffer())


def load(path: str) -> State:
  """Returns the state in a file, or raises InputError if it is damaged."""
  with save_restore.opened(path) as stream:
    digest, content = stream.read(_DIGEST().digest_size), stream.read()
  is_whole = _DIGEST(content).digest() == digest
  errors.require(is_whole, path, 'a whole file', 'a damaged one')
  others, *arrays = np.load(io.BytesIO(content), allow_pickle=False).values()
  return State(*json.loads(others.item()))._replace(arrays=arrays)

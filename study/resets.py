"""Resets: what each level starts from, by the names of the literature.

Training takes T iterations. The weights that are left start from

  initial    level 0's initial ones, and train from 0 to T (Frankle & Carbin,
             arXiv 1803.03635, Section 2)
  K          level 0's after iteration K, and train from K to T: rewinding
             (Frankle et al., arXiv 1903.01611)
  lr_rewind  the last level's trained ones, and train from 0 to T: learning-rate
             rewinding (Renda et al., arXiv 2003.02389)
  final      the same, by the paper's name: never reset (Appendix B)
  fine_tune  the last level's trained ones, and train from T to T + n at the
             last rate: fine-tuning (Renda et al.)
"""

import math
from collections.abc import Mapping
from typing import Any

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import schedule

NAMES = ('initial', 'lr_rewind', 'final', 'fine_tune')


def check(
  recipe: Any, reset: Any, fine_tuning_len: schedule.Length | None = None
) -> dict[str, Any]:
  """Checks a reset, and returns its settings as a record has them."""
  if (reset == 'fine_tune') != (fine_tuning_len is not None):
    raise errors.InputError(
      'fine_tuning_len: wanted with reset=fine_tune and with no other, like'
      f' --fine_tuning_len=iterations,5000, got {fine_tuning_len!r}'
    )
  if fine_tuning_len is not None:
    schedule.iterations(fine_tuning_len, 1, 'fine_tuning_len')
    return {'reset': reset, 'fine_tuning_len': list(fine_tuning_len)}
  if isinstance(reset, str):
    if reset in NAMES:
      return {'reset': 'final' if reset == 'lr_rewind' else reset}
    reset = int(reset) if reset.isdecimal() else reset
  return {'reset': check_rewinding(recipe, 'reset', reset, [*NAMES])}


def check_rewinding(
  recipe: Any, name: str, iteration: Any, others: list[str] | None = None
) -> int:
  """Returns an iteration before the last, or raises InputError of `name`."""
  unit, count = recipe.training_len
  limit = count if unit == 'iterations' else math.inf
  found = errors.read_integer(iteration)
  if found is None or not 1 <= found < limit:
    end = f' to {count - 1}' if unit == 'iterations' else ''
    raise errors.InputError(
      f'{name}: wanted {f"one of {others}, or " if others else ""}an iteration'
      f' from 1{end}, got {iteration!r}'
    )
  return found


def iterations(
  recipe: Any, settings: Mapping[str, Any], level: int, batches_per_epoch: int
) -> dict[str, Any]:
  """Returns arguments of `trainer.train`, if a run's are not from 0 to T."""
  reset = settings.get('reset') if level else None
  first = settings.get('rewind_to', reset)  # The control's, or the ladder's.
  if isinstance(first, int):
    return {'first_iteration': first}
  if reset != 'fine_tune':
    return {}
  length, more = (
    schedule.iterations(given, batches_per_epoch, 'fine_tuning_len')
    for given in (recipe.training_len, settings['fine_tuning_len'])
  )
  return {'first_iteration': length, 'last_iteration': length + more}

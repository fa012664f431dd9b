"""Names of runs' folders, as flags have them."""

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

TICKET = 'same_init'
"""The usual name of the folders of a trial's tickets."""
NO_RESET = 'no_reset'
"""The usual name of those of an experiment without resets."""


def check(flag: str, name: str) -> None:
  """Checks a name of runs' folders.

  Args:
    flag: What to call it in the error.
    name: The name.

  Raises:
    InputError: If it is empty, a path, hidden or has odd characters.
  """
  try:
    save_restore.check_name(name)
  except errors.InputError:
    raise errors.InputError(
      f'{flag}: wanted letters, digits, "_", "-" and ".", got {name!r}'
    ) from None


def check_experiment(name: str) -> None:
  """Checks the name of an experiment's runs, which have no `run_id`.

  Raises:
    InputError: If it is not a name of folders, or `paths.find_runs` would take
      its end for a `run_id`.
  """
  check('experiment_name', name)
  if name[-1].isdecimal():
    raise errors.InputError(
      'experiment_name: wanted a name that does not end in a digit,'
      f' got {name!r}'
    )

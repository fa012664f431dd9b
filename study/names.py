"""Names of runs' folders, as flags have them."""

import pathlib

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

TICKET = 'same_init'
"""The usual name of the folders of a trial's tickets."""
NO_RESET = 'no_reset'
"""The usual name of those of an experiment without resets."""


def check(flag: str, name: str) -> None:
  """Refuses a name of runs' folders that is a path, hidden or odd."""
  try:
    save_restore.check_name(name)
  except errors.InputError:
    wanted = 'letters, digits, "_", "-" and "."'
    raise errors.InputError(f'{flag}: wanted {wanted}, got {name!r}') from None


def check_experiment(name: str) -> None:
  """Refuses a name whose end `paths.find_runs` would take for a `run_id`."""
  flag, wanted = 'experiment_name', 'a name that does not end in a digit'
  check(flag, name)
  errors.require(not name[-1].isdecimal(), flag, wanted, repr(name))


def trials(
  experiment_path: str, given: list[int | str] | None = None
) -> list[str]:
  """Returns the names of the trials that are meant: by default of all."""
  if given is None:
    folders = pathlib.Path(experiment_path).glob('trial*')
    found = [folder.name.removeprefix('trial') for folder in folders]
    given = [*sorted(found, key=lambda name: (len(name), name))]
  if not given:
    raise errors.InputError(f'{experiment_path}: wanted folders trial*')
  return [str(name) for name in given]

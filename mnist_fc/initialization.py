"""Pools the initial weights that survived, over all trials of an experiment."""

import pathlib

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import common
from lottery_ticket.mnist_fc import constants


def pool(
  level: int,
  experiment_path: str = constants.EXPERIMENT_PATH,
  experiment_name: str = 'same_init',
  *,
  trials: list[int | str] | None = None,
  overwrite: bool = False,
) -> masks_lib.Network:
  """Pools a level's surviving initial weights: the `reuse` distribution.

  Writes them to `{experiment_path}/weights/{level}/initialization`.

  Args:
    level: The number of pruning rounds done.
    experiment_path: The folder of all trials.
    experiment_name: Name of the runs' folders.
    trials: Names of the trials; by default all that are there.
    overwrite: Whether another distribution there may be replaced.

  Returns:
    {layer name: float32 array of shape [survivors of all trials]}.

  Raises:
    InputError: If a trial has not finished that level, there is none, or the
      folder has another distribution already.
  """
  if trials is not None and not isinstance(trials, (list, tuple)):
    raise errors.InputError(
      f'trials: wanted a list of names, like [1,2], got {trials!r}'
    )
  constants.check_name('experiment_name', experiment_name)
  names = _find_trials(experiment_path) if trials is None else trials
  if not names:
    raise errors.InputError(f'{experiment_path}: wanted folders trial*')
  pooled = controls.pool_weights(
    [
      common.read_ticket(
        paths.run(paths.trial(experiment_path, name), level, experiment_name)
      )
      for name in names
    ]
  )
  _save(paths.initialization(experiment_path, level), pooled, overwrite)
  return pooled


def _find_trials(experiment_path: str) -> list[str]:
  folders = pathlib.Path(experiment_path).glob('trial*')
  names = [folder.name.removeprefix('trial') for folder in folders]
  return sorted(names, key=lambda name: (len(name), name))


def _save(location: str, pooled: masks_lib.Network, overwrite: bool) -> None:
  if pathlib.Path(location).exists() and not overwrite:
    there = save_restore.restore_network(location)
    if save_restore.checksum(there) == save_restore.checksum(pooled):
      return
    raise errors.InputError(
      f'{location}: holds another distribution; move it away, or'
      f' {errors.OVERWRITE}'
    )
  save_restore.save_network(location, pooled)

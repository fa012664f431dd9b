"""Tickets as one file: written from a finished run, and unpacked again."""

import os
import shlex
from collections.abc import Mapping

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import ticket as ticket_lib
from lottery_ticket.study import task as task_lib

Task = task_lib.Task


def export(
  task: Task, /, run: str, ticket: str, *, overwrite: bool = False
) -> None:
  """Writes a ticket (masks, initial weights and configuration) as one file.

  `foundations.ticket.read_ticket` reads it back, and so does `numpy.load`.

  Args:
    run: The run's folder, like `experiments/trial1/9/same_init`.
    ticket: The file to write, like `ticket.npz`.
    overwrite: Whether another file there may be lost.

  Examples:
    --run=experiments/trial1/9/same_init --ticket=ticket.npz
    --run=experiments/trial1/9/same_init --ticket=ticket.npz --overwrite
  """
  found = read(run)
  ticket_lib.save_ticket(ticket, found, overwrite=overwrite)
  _say(ticket, found)


def read(run: str) -> ticket_lib.Ticket:
  """Returns the ticket that a finished run trained, if nobody changed it."""
  record, networks = records.read(run), {}
  identity = {key: record.get(key, {}) for key in ('description', 'inputs')}
  for name in ('masks', 'initial'):
    networks[name] = save_restore.restore_network(os.path.join(run, name))
    found = save_restore.checksum(networks[name])
    is_same = identity['inputs'].get(name) == found
    errors.require(is_same, f'{run}: {name}', 'those of the run', 'others')
  return ticket_lib.Ticket(**networks, configuration=identity)


def unpack(
  task: Task, /, ticket: str, output_dir: str, *, overwrite: bool = False
) -> ticket_lib.Ticket:
  """Writes a ticket's masks and initial weights as folders of .npy files.

  The runners train and lottery_experiment take them, by the flags it prints.

  Args:
    ticket: The file, as `export_ticket` or `ticket.save_ticket` wrote it.
    output_dir: A folder for the folders `masks` and `initial`.
    overwrite: Whether other networks in these may be lost.

  Examples:
    --ticket=ticket.npz --output_dir=ticket
    --ticket=ticket.npz --output_dir=ticket --overwrite

  Returns:
    What is in the file.
  """
  found = ticket_lib.read_ticket(ticket)
  networks = {paths.masks(output_dir): found.masks}
  networks[paths.initial(output_dir)] = found.initial
  save_new(networks, overwrite=overwrite)
  _say(ticket, found)
  for name, location in zip(('masks', 'presets'), networks, strict=True):
    print(f'--{name}={shlex.quote(os.path.normpath(location))}')
  return found


def save_new(
  networks: Mapping[str, masks_lib.Network], *, overwrite: bool
) -> None:
  """Saves {folder: network}, unless a folder has another one to lose."""
  missing = dict(networks)
  for location, network in networks.items():
    if overwrite or not os.path.lexists(location):
      continue
    there = save_restore.restore_network(location)
    if save_restore.checksum(there) != save_restore.checksum(network):
      said = f'holds another network; move it away, or {errors.OVERWRITE}'
      raise errors.InputError(f'{location}: {said}')
    del missing[location]
  for location, network in missing.items():
    save_restore.save_network(location, network)


def _say(path: str, ticket: ticket_lib.Ticket) -> None:
  weights = sum(mask.size for mask in ticket.masks.values())
  print(f'{path}: {100 * ticket.density:.2f}% of {weights:,} weights')

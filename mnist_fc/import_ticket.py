"""Unpacks a ticket that is one file, so that the scripts can train it."""

import os
import shlex

from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import ticket as ticket_lib
from lottery_ticket.mnist_fc import common


def unpack(
  ticket: str, output_dir: str, *, overwrite: bool = False
) -> ticket_lib.Ticket:
  """Writes a ticket's masks and initial weights as folders of .npy files.

  The runners take them: `train --masks=DIR/masks --presets=DIR/initial`.

  Args:
    ticket: The file, as `export_ticket` or `ticket.save_ticket` wrote it.
    output_dir: A folder for the folders `masks` and `initial`.
    overwrite: Whether other networks in these may be lost.

  Returns:
    What is in the file.

  Raises:
    InputError: If it is no ticket or damaged, or one of the folders cannot be
      written or holds another network.
  """
  found = ticket_lib.read_ticket(ticket)
  networks = {
    paths.masks(output_dir): found.masks,
    paths.initial(output_dir): found.initial,
  }
  missing = [
    location
    for location, network in networks.items()
    if not common.is_saved(location, network, overwrite=overwrite)
  ]
  for location in missing:
    save_restore.save_network(location, networks[location])
  weights = sum(mask.size for mask in found.masks.values())
  print(f'{ticket}: {100 * found.density:.2f}% of {weights:,} weights')
  for name, place in (('masks', paths.masks), ('presets', paths.initial)):
    print(f'--{name}={shlex.quote(os.path.normpath(place(output_dir)))}')
  return found

"""Writes a finished run's ticket as one file, to train it elsewhere."""

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import ticket as ticket_lib


def export(run: str, ticket: str, *, overwrite: bool = False) -> None:
  """Writes a ticket (masks, initial weights and configuration) as one file.

  `foundations.ticket.read_ticket` reads it back, and so does `numpy.load`.

  Args:
    run: The run's folder, like `experiments/trial1/9/same_init`.
    ticket: The file to write, like `ticket.npz`.
    overwrite: Whether another file there may be lost.

  Raises:
    InputError: If the folder holds no finished run, or its networks are
      missing, damaged or others than the run's; as in `save_ticket`.
  """
  found = read(run)
  ticket_lib.save_ticket(ticket, found, overwrite=overwrite)
  weights = sum(mask.size for mask in found.masks.values())
  print(f'{ticket}: {100 * found.density:.2f}% of {weights:,} weights')


def read(run: str) -> ticket_lib.Ticket:
  """Returns the ticket that a finished run trained.

  Args:
    run: The run's folder.

  Raises:
    InputError: If the folder holds no finished run, or its networks are
      missing, damaged or others than the run's.
  """
  record = records.read(run)
  ticket = ticket_lib.Ticket(
    save_restore.restore_network(paths.masks(run)),
    save_restore.restore_network(paths.initial(run)),
    {key: record.get(key, {}) for key in ('description', 'inputs')},
  )
  for name in ('masks', 'initial'):
    checksum = record.get('inputs', {}).get(name)
    if checksum != save_restore.checksum(getattr(ticket, name)):
      raise errors.InputError(
        f'{run}: {name}: wanted those of the run, got others'
      )
  return ticket

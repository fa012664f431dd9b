"""Trains a ticket with something about it changed.

The flags are the arguments of `train` in mnist_fc/control.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.control:train')

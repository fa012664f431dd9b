"""Trains a ticket's masks from other initial weights.

The flags are the arguments of `train` in mnist_fc/reinitialize.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.reinitialize:train')

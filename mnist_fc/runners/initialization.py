"""Pools the initial weights that survived, over all trials.

The flags are the arguments of `pool` in mnist_fc/initialization.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.initialization:pool')

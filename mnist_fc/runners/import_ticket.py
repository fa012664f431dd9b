"""Unpacks a ticket that is one file, so that the runners can train it.

The flags are the arguments of `unpack` in mnist_fc/import_ticket.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.import_ticket:unpack')

"""Writes a finished run's ticket as one file.

The flags are the arguments of `export` in mnist_fc/export_ticket.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.export_ticket:export')

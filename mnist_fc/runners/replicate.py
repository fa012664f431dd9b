"""Replicates Section 2 of the paper: tickets, controls, and a report.

The flags are the arguments of `replicate` in mnist_fc/replicate.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.replicate:replicate')

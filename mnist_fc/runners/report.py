"""Writes a page that says what an experiment found.

The flags are the arguments of `report` in mnist_fc/report.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.report:report')

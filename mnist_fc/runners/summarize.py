"""Prints a table of an experiment's results and draws a figure of them.

The flags are the arguments of `summarize` in mnist_fc/summarize.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.summarize:summarize')

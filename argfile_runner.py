"""Runs a runner for each line that an argfile prints.

python argfile_runner.py RUNNER ARGFILE [--jobs=N] [--dry_run]
"""

from lottery_ticket.cli import argfile_runner

if __name__ == '__main__':
  argfile_runner.main(task='mnist_fc')

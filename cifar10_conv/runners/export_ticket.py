"""Writes a finished run's ticket as one file."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.run(constants.TASK, 'export_ticket')

"""Replicates Section 3 and 4 of the paper: tickets, controls, and a report."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.run(constants.TASK, 'replicate')

"""Prints flags for runners/initialization.py: one level a line."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.show(constants.TASK, 'initialization')

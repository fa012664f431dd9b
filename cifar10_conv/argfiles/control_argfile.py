"""Prints flags for runners/control.py: one control of one ticket a line."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.show(constants.TASK, 'control')

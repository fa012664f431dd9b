"""Prints a table of an experiment's results and draws a figure of them."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.run(constants.TASK, 'summarize')

"""Prints flags for runners/lottery_experiment.py: one trial a line."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.show(constants.TASK, 'lottery_experiment')

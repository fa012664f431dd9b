"""Performs the lottery ticket experiment on CIFAR-10."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.run(constants.TASK, 'lottery_experiment')

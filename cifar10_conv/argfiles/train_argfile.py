"""Prints flags for runners/train.py: one dense network a line."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.show(constants.TASK, 'train')

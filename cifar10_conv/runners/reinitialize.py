"""Trains a ticket's masks from other initial weights."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.run(constants.TASK, 'reinitialize')

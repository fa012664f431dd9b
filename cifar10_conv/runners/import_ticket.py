"""Unpacks a ticket that is one file, so that the runners can train it."""

from lottery_ticket.cifar10_conv import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.run(constants.TASK, 'import_ticket')

"""Measures the barrier between copies trained on data in other orders."""

from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import scripts

if __name__ == '__main__':
  scripts.run(constants.TASK, 'stability')

"""Trains a single network on MNIST.

The flags are the arguments of `train` in mnist_fc/train.py.
`--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.train:train')

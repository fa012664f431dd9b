"""Research library for the Lottery Ticket Hypothesis (Frankle & Carbin, 2019).

The parts, each importing only those before it:

* `lottery_ticket.foundations`: masked models, data sets, the trainer, the
  pruner and the experiment loop.
* `lottery_ticket.models`: LeNet-5, Conv-2, Conv-4, Conv-6, VGG and ResNets.
* `lottery_ticket.datasets`: MNIST, Fashion-MNIST and CIFAR-10.
* `lottery_ticket.analysis`: what finished runs say.
* `lottery_ticket.cli`: strict flags, argfiles and the pool that runs them.
* `lottery_ticket.mnist_fc`: the fully-connected MNIST experiments.
* `lottery_ticket.cifar10_conv`: the convolutional CIFAR-10 experiments.
"""

from importlib import metadata

__version__ = metadata.version('lottery-ticket')

"""Maps the repository's folders into the `lottery_ticket` namespace."""

import setuptools

FOLDERS = {
  'lottery_ticket': 'package',
  'lottery_ticket.foundations': 'foundations',
  'lottery_ticket.models': 'models',
  'lottery_ticket.datasets': 'datasets',
  'lottery_ticket.analysis': 'analysis',
  'lottery_ticket.cli': 'cli',
  'lottery_ticket.study': 'study',
  'lottery_ticket.benchmarks': 'benchmarks',
  'lottery_ticket.cifar10_conv': 'cifar10_conv',
  'lottery_ticket.cifar10_conv.runners': 'cifar10_conv/runners',
  'lottery_ticket.cifar10_conv.argfiles': 'cifar10_conv/argfiles',
  'lottery_ticket.mnist_fc': 'mnist_fc',
  'lottery_ticket.mnist_fc.runners': 'mnist_fc/runners',
  'lottery_ticket.mnist_fc.argfiles': 'mnist_fc/argfiles',
}

setuptools.setup(packages=list(FOLDERS), package_dir=FOLDERS)

"""Where data sets and the results of experiments are stored.

Edit this file, or set the environment variables that it names. Locations are
anchored at the checkout; where the library is installed without one, at the
current folder.
"""

import functools

from lottery_ticket.study import locations

_find = functools.partial(locations.find, __file__)

MNIST_LOCATION = _find('LOTTERY_TICKET_MNIST', 'data', 'mnist')
FASHIONMNIST_LOCATION = _find(
  'LOTTERY_TICKET_FASHION_MNIST', 'data', 'fashion_mnist'
)
EXPERIMENT_PATH = _find('LOTTERY_TICKET_EXPERIMENTS', 'experiments')

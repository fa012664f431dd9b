"""Where CIFAR-10 and the results of its experiments are stored.

Edit this file, or set the environment variables that it names. Locations are
anchored as those of `mnist_fc`.
"""

import functools
import os

from lottery_ticket.study import locations

_find = functools.partial(locations.find, __file__)

CIFAR10_LOCATION = _find('LOTTERY_TICKET_CIFAR10', 'data', 'cifar10')
EXPERIMENT_PATH = os.path.join(
  _find('LOTTERY_TICKET_EXPERIMENTS', 'experiments'), 'cifar10_conv'
)

"""Where data sets and the results of experiments are stored.

Edit this file, or set the environment variables that it names. Locations are
anchored at the checkout; where the library is installed without one, at the
current folder.
"""

import os
import pathlib


def _anchor() -> pathlib.Path:
  """Returns the checkout, or else the current folder."""
  checkout = pathlib.Path(__file__).resolve().parent.parent
  is_checkout = (checkout / 'setup.py').is_file()
  return checkout if is_checkout else pathlib.Path.cwd()


def _location(variable: str, *parts: str) -> str:
  """Returns a location: the environment's, or the one under the anchor."""
  location = os.environ.get(variable) or str(_anchor().joinpath(*parts))
  return os.path.expanduser(location)


MNIST_LOCATION = _location('LOTTERY_TICKET_MNIST', 'data', 'mnist')
FASHIONMNIST_LOCATION = _location(
  'LOTTERY_TICKET_FASHION_MNIST', 'data', 'fashion_mnist'
)
EXPERIMENT_PATH = _location('LOTTERY_TICKET_EXPERIMENTS', 'experiments')

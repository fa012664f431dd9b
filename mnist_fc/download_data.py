r"""Brings MNIST and Fashion-MNIST to where the experiments look for them.

    python mnist_fc/download_data.py
    python mnist_fc/download_data.py --datasets=mnist --source=my_idx_files
    python mnist_fc/download_data.py --datasets=kmnist --source=my_kmnist \
      --location=data/kmnist

It takes seconds, needs no network where the data are there or `--source` has
them, and never overwrites anything.
"""

import os

from lottery_ticket.cli import flags
from lottery_ticket.datasets import sources
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import locations


def download(
  datasets: str = 'all',
  mnist_location: str = locations.MNIST_LOCATION,
  fashion_mnist_location: str = locations.FASHIONMNIST_LOCATION,
  source: str | None = None,
  *,
  location: str | None = None,
) -> None:
  """Brings the data sets into their locations, unless they are there.

  Prints a line for each: where it came from and where it is. Experiments run on
  another data set of ten classes by `--mnist_location`.

  Args:
    datasets: 'mnist', 'fashion_mnist', 'all' for both, or 'kmnist',
      'emnist_digits' or 'other' for another data set in MNIST's layout.
    mnist_location: Folder for MNIST.
    fashion_mnist_location: Folder for Fashion-MNIST.
    source: Folder that has the data, as IDX files, .npz, .npy or CSV; for
      'all', with a folder for each. None: the public mirrors and packages.
    location: Folder for the one data set that `datasets` names.

  Examples:
    --datasets=mnist
    --datasets=kmnist --source=downloads --location=data/kmnist
  """
  places = {'mnist': mnist_location, 'fashion_mnist': fashion_mnist_location}
  if datasets != 'all':
    places = {datasets: location or places.get(datasets, '')}
  else:
    wanted = '--datasets to name one data set'
    errors.require(location is None, 'location', wanted, repr(location))
  are_two = len(set(map(os.path.realpath, places.values()))) == len(places)
  what, got = 'fashion_mnist_location', repr(fashion_mnist_location)
  errors.require(are_two, what, 'another folder than mnist_location', got)
  for name, place in places.items():  # All, before anything is fetched.
    sources.check(name, place, source)
  for name, place in places.items():
    print(sources.install(name, place, source))


if __name__ == '__main__':
  flags.call(download)

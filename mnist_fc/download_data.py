r"""Brings MNIST and Fashion-MNIST to where the experiments look for them.

    python mnist_fc/download_data.py
    python mnist_fc/download_data.py --datasets=mnist --source=my_idx_files

It takes seconds, needs no network where the data are there or `--source` has
them, and never overwrites anything.
"""

import pathlib

from lottery_ticket.cli import flags
from lottery_ticket.datasets import sources
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import locations


def download(
  datasets: str = 'all',
  mnist_location: str = locations.MNIST_LOCATION,
  fashion_mnist_location: str = locations.FASHIONMNIST_LOCATION,
  source: str | None = None,
) -> None:
  """Brings the data sets into their locations, unless they are there.

  Prints a line for each: where it came from and where it is.

  Args:
    datasets: 'mnist', 'fashion_mnist', or 'all' for both.
    mnist_location: The folder for MNIST.
    fashion_mnist_location: The folder for Fashion-MNIST.
    source: A folder that has the data, as IDX files, as .npz or as .npy; for
      'all', with a folder `mnist` and a folder `fashion_mnist`. None: the
      public mirrors and packages.

  Raises:
    InputError: An argument cannot be used, a location holds other data or
      cannot be written (all before anything is fetched), or no source has a
      data set.
  """
  places = {'mnist': mnist_location, 'fashion_mnist': fashion_mnist_location}
  if datasets != 'all' and datasets not in places:
    raise errors.InputError(
      f'datasets: got {datasets!r}, wanted all or {" or ".join(places)}'
    )
  names = list(places) if datasets == 'all' else [datasets]
  _check_distinct([places[name] for name in names])
  for name in names:
    sources.check(name, places[name], source)
  for name in names:
    sources.install(name, places[name], source)


def _check_distinct(places: list[str]) -> None:
  if len({pathlib.Path(place).resolve() for place in places}) < len(places):
    raise errors.InputError(
      f'fashion_mnist_location: got {places[-1]!r}, which is mnist_location '
      'too: wanted another folder'
    )


if __name__ == '__main__':
  flags.call(download)

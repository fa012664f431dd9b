r"""Brings CIFAR-10 to where the experiments look for it.

    python cifar10_conv/download_data.py
    python cifar10_conv/download_data.py --source=my_folder

MNIST and Fashion-MNIST come by `mnist_fc/download_data.py`.
"""

from lottery_ticket.cifar10_conv import locations
from lottery_ticket.cli import flags
from lottery_ticket.datasets import dataset_cifar10


def download(
  data_location: str = locations.CIFAR10_LOCATION, source: str | None = None
) -> None:
  """Brings CIFAR-10 into its location, unless it is there.

  Args:
    data_location: Folder for the six binary files.
    source: Folder that has these, or the archive cifar-10-binary.tar.gz; by
      default the archive is downloaded.
  """
  print(dataset_cifar10.install(data_location, source))


if __name__ == '__main__':
  flags.call(download)

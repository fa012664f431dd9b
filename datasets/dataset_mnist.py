"""MNIST and Fashion-MNIST."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from lottery_ticket.datasets import formats
from lottery_ticket.datasets import splits
from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds


def _l2(images: np.ndarray) -> np.ndarray:
  """Divides each image by its L2 norm; a black one stays black."""
  images = images.astype(np.float32)
  norms = np.sqrt(np.sum(images**2, axis=(1, 2), keepdims=True))
  return images / np.maximum(norms, 1)


SCALINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  'unit': lambda images: images / np.float32(255),
  # By the mean and the standard deviation of MNIST's training set.
  'standard': lambda images: (
    (images / np.float32(255) - np.float32(0.1307)) / np.float32(0.3081)
  ),
  'l2': _l2,
}
"""Scalings of images, uint8 [n, 28, 28] to float32 of the same shape."""


class DatasetMnist(dataset_base.DatasetBase):
  """MNIST: 28x28 gray images of ten classes of handwritten digits.

  Args:
    mnist_location: Folder with `x_train.npy`, `y_train.npy`, `x_test.npy` and
      `y_test.npy`: uint8 images [n, 28, 28] and their classes [n].
    flatten: Whether inputs have shape [n, 784] rather than [n, 28, 28].
    permute_labels: Whether to rename the ten classes by a random permutation,
      the same for all splits and every data set with this `seed`.
    train_order_seed: As in `DatasetBase`.
    train_batch_size: As in `DatasetBase`.
    seed: Seed of the validation split and the permutation of labels; None
      draws one, to be found in the attribute `seed`.
    scaling: One of `SCALINGS`: `unit` (pixels / 255), `standard` (those minus
      0.1307, divided by 0.3081), `l2` (each image divided by its L2 norm).
    validation_size: How many training examples, chosen at random, make the
      validation set instead; 0 for no validation set.

  Raises:
    InputError: If the data are missing or damaged, or another argument is of
      no use.
  """

  def __init__(
    self,
    mnist_location: str,
    flatten: bool = True,
    permute_labels: bool = False,
    train_order_seed: int | None = None,
    *,
    train_batch_size: int = 60,
    seed: int | None = None,
    scaling: str = 'unit',
    validation_size: int = 5_000,
  ):
    self.seed = seeds.fresh() if seed is None else seeds.check(seed)
    scale = SCALINGS[errors.check_choice('scaling', scaling, sorted(SCALINGS))]
    train, test = (load(mnist_location, name) for name in ('train', 'test'))
    parts: dict[str, Any] = splits.draw(
      train, test, self.seed, validation_size, permute_labels
    )
    for name, (images, labels) in parts.items():
      inputs = scale(images)
      inputs = inputs.reshape(len(inputs), -1) if flatten else inputs
      parts[name] = inputs, labels
    super().__init__(
      train_batch_size=train_batch_size,
      train_order_seed=train_order_seed,
      **parts,
    )


def load(location: str, name: str) -> tuple[np.ndarray, np.ndarray]:
  """Reads the images [n, 28, 28], uint8, and classes [n] of 'train' or 'test'.

  Raises:
    InputError: If the files are missing or damaged.
  """
  folder = pathlib.Path(location)
  files = [folder / f'{kind}_{name}.npy' for kind in 'xy']
  for file in files:
    if not file.is_file():
      hint = 'mnist_fc/download_data.py brings it'
      raise errors.InputError(f'{file}: not there; {hint}')
  images, labels = map(save_restore.read_array, files)
  formats.check_images(images, str(files[0]))
  formats.check_labels(labels, len(images), str(files[1]))
  return images, labels

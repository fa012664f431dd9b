"""The parts of a data set: a validation set is drawn from the training set."""

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import seeds

CLASSES = 10

Pair = tuple[np.ndarray, np.ndarray]


def draw(
  train: Pair, test: Pair, seed: int, validation_size: int, permute_labels: bool
) -> dict[str, Pair]:
  """Returns {part: (images, classes)}, in the order of the files.

  There is a part `validate` if it has a size, or InputError if that is of no
  use. Arguments are as in `DatasetMnist`.
  """
  size, examples = errors.read_integer(validation_size), len(train[0])
  is_right = size is not None and 0 <= size < examples
  wanted = f'an integer from 0 to {examples - 1}'
  errors.require(is_right, 'validation_size', wanted, repr(validation_size))
  classes = np.arange(CLASSES)
  if permute_labels:
    classes = seeds.generator(seed, 'labels').permutation(CLASSES)
  shuffled = seeds.generator(seed, 'split').permutation(examples)
  # In the files' order: an epoch's order is drawn elsewhere.
  places = {'train': np.sort(shuffled[size:])}
  if size:
    places['validate'] = np.sort(shuffled[:size])
  parts = {
    name: (train[0][at], classes[train[1][at]]) for name, at in places.items()
  }
  return parts | {'test': (test[0], classes[test[1]])}

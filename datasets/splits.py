"""The parts of a data set: a validation set is drawn from the training set."""

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import seeds

CLASSES = 10

Pair = tuple[np.ndarray, np.ndarray]


def draw(
  train: Pair,
  test: Pair,
  seed: int,
  validation_size: int,
  permute_labels: bool,
) -> dict[str, Pair]:
  """Returns {part: (images, classes)}, in the order of the files.

  Args:
    train: Images, shape [n, ...], and their classes, shape [n].
    test: The same of the test set.
    seed: Seed of what is drawn.
    validation_size: How many training examples, chosen at random, make the
      part `validate` instead; 0 for none.
    permute_labels: Whether to rename the ten classes by a random permutation.

  Raises:
    InputError: If there are not enough examples for the validation set.
  """
  size, examples = errors.read_integer(validation_size), len(train[0])
  errors.require(
    size is not None and 0 <= size < examples,
    'validation_size',
    f'an integer from 0 to {examples - 1}',
    repr(validation_size),
  )
  classes = np.arange(CLASSES)
  if permute_labels:
    classes = seeds.generator(seed, 'labels').permutation(CLASSES)
  shuffled = seeds.generator(seed, 'split').permutation(examples)
  # In the files' order: an epoch's order is drawn elsewhere.
  places = {'train': np.sort(shuffled[size:])}
  if size:
    places['validate'] = np.sort(shuffled[:size])
  parts = {name: (train[0][at], train[1][at]) for name, at in places.items()}
  return {
    name: (images, classes[labels])
    for name, (images, labels) in (parts | {'test': test}).items()
  }

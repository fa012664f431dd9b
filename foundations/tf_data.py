"""Reads a `tf.data.Dataset` of (input, label) pairs into two arrays."""

import itertools
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from lottery_ticket.foundations import errors

MAX_BYTES = 2**31

Pair = tuple[np.ndarray, np.ndarray]


def read(dataset: tf.data.Dataset, name: str) -> Pair:
  """Reads (input, label) pairs, or batches of them, into two arrays.

  Reads them twice, as training needs them to stay the same.

  Raises:
    InputError: If the pipeline is infinite, has over `MAX_BYTES`, gives other
      examples at a second reading, or holds anything else than such pairs.
  """
  spec = dataset.element_spec
  is_pair = isinstance(spec, tuple) and len(spec) == 2
  is_flat = is_pair and not any(map(tf.nest.is_nested, spec))
  wanted = 'a tf.data.Dataset of (input, label) pairs'
  got = f'elements {" ".join(str(spec).split())[:200]}'
  errors.require(is_flat, name, wanted, got, 'make pairs by .map')
  if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
    hint = 'remove .repeat() or add .take(n)'
    raise errors.InputError(f'{name}: wanted a finite tf.data.Dataset; {hint}')
  elements, size = [], 0
  for pair in _elements(dataset, name):
    elements.append(pair)
    size += sum(array.nbytes for array in pair)
    if size > MAX_BYTES:
      raise errors.InputError(
        f'{name}: wanted at most {MAX_BYTES} bytes in a tf.data.Dataset, which'
        ' is read into memory; add .take(n), or make inputs smaller'
      )
  again = _elements(dataset, name)
  for pairs in itertools.zip_longest(elements, again, fillvalue=()):
    first, second = (
      [(array.shape, array.tobytes()) for array in pair] for pair in pairs
    )
    if first != second:
      raise errors.InputError(
        f'{name}: gives other examples at a second reading; remove .shuffle()'
        ' and random maps: the trainer shuffles, and repeats runs exactly'
      )
  return _joined(elements, name)


def _elements(dataset: tf.data.Dataset, name: str) -> Iterator[Pair]:
  what = f'{name}: the tf.data.Dataset cannot be read'
  with errors.refusing(what, tf.errors.OpError):
    for inputs, labels in dataset.as_numpy_iterator():
      yield np.asarray(inputs), np.asarray(labels)


def _joined(elements: list[Pair], name: str) -> Pair:
  """Makes arrays of all examples, of elements that may be batches of them."""
  if not elements:
    raise errors.InputError(f'{name}: the tf.data.Dataset has no examples')
  inputs, labels = elements[0]
  # Classes are integers. A vector of numbers is one example's distribution.
  is_batch = labels.ndim > 1 or (
    labels.dtype.kind in 'iu' and inputs.shape[:1] == labels.shape != ()
  )
  join = np.concatenate if is_batch else np.stack
  with errors.refusing(f'{name}: wanted examples of one shape', ValueError):
    inputs, labels = (join(arrays) for arrays in zip(*elements, strict=True))
  return inputs, labels

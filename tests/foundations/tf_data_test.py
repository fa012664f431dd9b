"""Tests of lottery_ticket.foundations.tf_data."""

import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import tf_data

X = np.arange(40.0, dtype=np.float32).reshape(10, 2, 2)
Y = np.arange(10) % 3
PAIRS = tf.data.Dataset.from_tensor_slices((X, Y))


@pytest.mark.parametrize('inputs', [X, X[:, 0], (X * 5).astype(np.uint8)])
@pytest.mark.parametrize('labels', [Y, np.eye(3)[Y], np.eye(2)[Y % 2]])
@pytest.mark.parametrize('batch', [None, 1, 2, 3, 10])
@pytest.mark.parametrize('drop_remainder', [False, True])
def test_gives_the_arrays_batched_or_not(inputs, labels, batch, drop_remainder):
  dataset = tf.data.Dataset.from_tensor_slices((inputs, labels))
  if batch:
    dataset = dataset.batch(batch, drop_remainder=drop_remainder)
  size = 9 if batch == 3 and drop_remainder else 10
  got_inputs, got_labels = tf_data.read(dataset, 'train')
  np.testing.assert_array_equal(got_inputs, inputs[:size])
  np.testing.assert_array_equal(got_labels, labels[:size])
  assert got_inputs.dtype == inputs.dtype


def test_stands_for_a_pair_of_arrays():
  arrays = dataset_base.DatasetBase((X, Y), 4, (X, Y), (X, Y))
  read = dataset_base.DatasetBase(PAIRS, 4, PAIRS.batch(4), PAIRS.batch(20))
  for name, split in arrays.splits.items():
    assert read.splits[name].checksum == split.checksum


def test_a_fixed_shuffle_is_no_other_data():
  fixed = PAIRS.shuffle(10, seed=1, reshuffle_each_iteration=False)
  _, labels = tf_data.read(fixed, 'train')
  assert sorted(labels) == sorted(Y)


def endless():
  while True:
    yield X[0], 1


def of_another_shape():
  yield X[0], 1
  yield X[:, 0], 1


def generated(function, shape):
  signature = (tf.TensorSpec(shape), tf.TensorSpec((), tf.int32))
  return tf.data.Dataset.from_generator(function, output_signature=signature)


def fail(x, y):
  return tf.io.parse_tensor(b'rubbish', tf.float32), y


@pytest.mark.parametrize(
  ('dataset', 'complaint'),
  [
    (PAIRS.repeat(), 'wanted a finite tf.data.Dataset; remove .repeat()'),
    (generated(endless, (2, 2)), 'wanted at most 1000 bytes'),
    (PAIRS.shuffle(10), 'gives other examples at a second reading'),
    (
      PAIRS.map(lambda x, y: (x + tf.random.uniform([]), y)),
      'gives other examples at a second reading',
    ),
    (PAIRS.map(lambda x, y: x), 'wanted a tf.data.Dataset of (input, label)'),
    (
      PAIRS.map(lambda x, y: (x, y, 1.0)),
      'wanted a tf.data.Dataset of (input, label) pairs',
    ),
    (
      PAIRS.map(lambda x, y: ({'image': x}, y)),
      'wanted a tf.data.Dataset of (input, label) pairs',
    ),
    (PAIRS.take(0), 'the tf.data.Dataset has no examples'),
    (generated(of_another_shape, None), 'wanted examples of one shape'),
    (PAIRS.map(fail), 'the tf.data.Dataset cannot be read'),
  ],
)
def test_other_pipelines_are_refused(dataset, complaint, monkeypatch):
  monkeypatch.setattr(tf_data, 'MAX_BYTES', 1000)
  with pytest.raises(errors.InputError) as caught:
    dataset_base.DatasetBase(dataset, 4, (X, Y))
  assert str(caught.value).startswith(f'train: {complaint}')
  assert len(str(caught.value).splitlines()) == 1

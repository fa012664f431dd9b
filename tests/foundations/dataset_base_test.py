"""Tests of lottery_ticket.foundations.dataset_base."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lottery_ticket.foundations import dataset_base
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import trainer

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10) % 3


def make(batch_size=4, seed=1, **kwargs):
  return dataset_base.DatasetBase(
    (X, Y), batch_size, (X[:3], Y[:3]), train_order_seed=seed, **kwargs
  )


def test_splits_hold_what_they_are_given():
  dataset = make(validate=(X[5:], Y[5:]))
  assert list(dataset.splits) == ['train', 'test', 'validate']
  for name, start, stop in (
    ('train', 0, 10),
    ('test', 0, 3),
    ('validate', 5, 10),
  ):
    split = dataset.splits[name]
    assert split.size == stop - start
    assert (split.inputs.dtype, split.labels.dtype) == ('float32', 'int32')
    np.testing.assert_array_equal(split.inputs, X[start:stop])
    np.testing.assert_array_equal(split.labels, Y[start:stop])
  assert dataset.splits['train'] is dataset.train
  assert list(make().splits) == ['train', 'test']
  assert make().validate is None


def test_later_changes_of_the_arrays_do_not_reach_the_data():
  inputs, labels = X.astype(np.float32), Y.astype(np.int32)
  split = dataset_base.DatasetSplit(inputs, labels)
  inputs[:], labels[:] = -1, -1
  np.testing.assert_array_equal(split.inputs, X)
  np.testing.assert_array_equal(split.labels, Y)


def test_labels_may_be_distributions():
  one_hot = np.eye(3)[Y]
  dataset = dataset_base.DatasetBase((X, one_hot), 4, (X, one_hot))
  assert dataset.train.labels.dtype == 'float32'
  np.testing.assert_array_equal(dataset.train.labels, one_hot)


@pytest.mark.parametrize(
  ('batch_size', 'batches'), [(1, 10), (3, 4), (5, 2), (9, 2), (10, 1), (99, 1)]
)
def test_batches_per_epoch_counts_the_short_one(batch_size, batches):
  assert make(batch_size).batches_per_epoch == batches
  assert make(np.int64(batch_size)).batches_per_epoch == batches


def test_an_epochs_order_is_a_permutation():
  for epoch in range(5):
    order = make().train_order(epoch)
    assert order.dtype == np.int32
    assert sorted(order) == list(range(10))


def test_the_order_is_a_function_of_seed_and_epoch():
  first, again = make(), make(batch_size=5)
  later = again.train_order(3)  # Whatever was asked for before.
  np.testing.assert_array_equal(first.train_order(3), later)
  np.testing.assert_array_equal(first.train_order(np.int64(3)), later)
  orders = {
    tuple(make(seed=seed).train_order(epoch))
    for seed in range(4)
    for epoch in range(4)
  }
  assert len(orders) == 16


def test_a_seed_not_given_is_drawn_and_kept():
  dataset, other = make(seed=None), make(seed=None)
  assert dataset.train_order_seed != other.train_order_seed
  again = make(seed=dataset.train_order_seed)
  np.testing.assert_array_equal(dataset.train_order(0), again.train_order(0))


def test_with_order_shares_the_data():
  dataset = make(seed=1, validate=(X, Y))
  other = dataset.with_order(2)
  assert other.train is dataset.train
  assert other.test is dataset.test
  assert other.validate is dataset.validate
  assert (dataset.train_order_seed, other.train_order_seed) == (1, 2)
  np.testing.assert_array_equal(
    other.train_order(0), make(seed=2).train_order(0)
  )
  np.testing.assert_array_equal(dataset.train_order(0), make().train_order(0))


def test_checksums_tell_splits_apart():
  def checksum(inputs, labels):
    return dataset_base.DatasetSplit(inputs, labels).checksum

  assert checksum(X, Y) == checksum(X.astype(np.float16), Y.astype(np.uint8))
  other = X.copy()
  other[9, 1] += 1
  different = [
    (X, Y),
    (other, Y),
    (X, Y[::-1]),
    (X[:, :1], Y),
    (X, np.eye(3)[Y]),
  ]
  assert len({checksum(*pair) for pair in different}) == len(different)


@pytest.mark.parametrize(
  ('inputs', 'labels', 'complaint'),
  [
    (
      X[:, 0],
      Y,
      ' inputs: wanted shape [n, features...] with n > 0, got (10,)',
    ),
    (
      X[:0],
      Y[:0],
      ' inputs: wanted shape [n, features...] with n > 0, got (0, 2)',
    ),
    *(
      (
        X,
        labels,
        ' labels: wanted shape [10], or [10, classes] with two classes or more,'
        f' as there are 10 inputs, got {got}',
      )
      for labels, got in (
        (Y[:9], '(9,)'),
        (Y[0], '()'),
        (np.zeros((10, 2, 2)), '(10, 2, 2)'),
        (Y[:, np.newaxis], '(10, 1); use labels[:, 0]'),
      )
    ),
    *(
      (X, labels, f' labels: wanted integers from 0, below 2**31, got {got}')
      for labels, got in (
        (Y - 1, 'int64 from -1 to 1'),
        (Y / 2, 'float64 from 0.0 to 1.0'),
        (Y + 2**32, 'int64 from 4294967296 to 4294967298'),
      )
    ),
    (
      np.where(X == 7, np.nan, X),
      Y,
      ' inputs: wanted finite numbers in float32, example 3 has others',
    ),
    (
      np.where(X == 19, 1e39, X),
      Y,
      ' inputs: wanted finite numbers in float32, example 9 has others',
    ),
    (
      X,
      np.full((10, 3), np.inf),
      ' labels: wanted finite numbers in float32, example 0 has others',
    ),
    (
      X,
      np.eye(3)[Y] * np.where(np.arange(10) == 4, 2, 1)[:, np.newaxis],
      ' labels: wanted each row to be a distribution, not negative and of sum'
      ' 1, got 0 as the least and 2 as the sum of row 4',
    ),
    (
      X,
      np.tile([1.5, -0.5], (10, 1)),
      ' labels: wanted each row to be a distribution, not negative and of sum'
      ' 1, got -0.5 as the least and 1 as the sum of row 0',
    ),
    (
      X.astype(str),
      Y,
      ': wanted arrays of numbers, got <U32 inputs and int64 labels',
    ),
    (
      X,
      Y.astype(object),
      ': wanted arrays of numbers, got float64 inputs and object labels',
    ),
  ],
)
def test_arrays_that_make_no_split_are_refused(
  inputs, labels, complaint, refused
):
  pair = (inputs, labels)
  with refused(f'split{complaint}'):
    dataset_base.DatasetSplit(*pair)
  with refused(f'train{complaint}'):
    dataset_base.DatasetBase(pair, 4, (X, Y))
  with refused(f'test{complaint}'):
    dataset_base.DatasetBase((X, Y), 4, pair)
  with refused(f'validate{complaint}'):
    make(validate=pair)


def test_soft_labels_may_be_rounded():
  soft = np.random.default_rng(0).dirichlet(np.ones(1000), 10)
  for dtype in (np.float16, np.float32, np.float64):
    dataset_base.DatasetSplit(X, soft.astype(dtype))
  dataset_base.DatasetSplit(X, np.eye(3, dtype=int)[Y])
  dataset_base.DatasetSplit(X, np.eye(3, dtype=bool)[Y])


@pytest.mark.parametrize('examples', [X, (X, Y, Y), {'x': X}, 'x', 3])
def test_what_is_no_pair_is_refused(examples, refused):
  with refused(
    'test: wanted a pair of arrays (inputs, labels) or a tf.data.Dataset of'
    f' such pairs, got {type(examples).__name__}'
  ):
    dataset_base.DatasetBase((X, Y), 4, examples)


BYTES = np.arange(10 * 4 * 3).reshape(10, 2, 2, 3).astype(np.uint8)
UNIT = np.arange(256, dtype=np.float32) / np.float32(255)
CHANNELS = (UNIT[:, np.newaxis] - np.float32(0.49)) / np.float32(
  [0.25, 0.24, 0.26]
)


@pytest.mark.parametrize('jit_compile', [False, True])
@pytest.mark.parametrize('table', [UNIT, CHANNELS])
def test_bytes_stay_bytes_and_get_numpys_values(table, jit_compile):
  channels = np.arange(3) if table.ndim == 2 else ()
  every = np.arange(256 * 3).reshape(1, 256, 3).astype(np.uint8)
  look_up = tf.function(
    lambda inputs: dataset_base.look_up(inputs, table), jit_compile=jit_compile
  )
  wanted = table[every, channels] if table.ndim == 2 else table[every]
  got = look_up(tf.constant(every))
  np.testing.assert_array_equal(got, wanted.astype(np.float32))
  split = dataset_base.DatasetSplit(BYTES, Y, byte_values=table)
  assert split.inputs.dtype == 'uint8'
  np.testing.assert_array_equal(split.inputs, BYTES)
  np.testing.assert_array_equal(
    split.values(slice(2, 4)), look_up(tf.constant(BYTES[2:4]))
  )
  other = dataset_base.DatasetSplit(BYTES, Y, byte_values=table * 2)
  assert other.checksum != split.checksum


@pytest.mark.parametrize('interval', [None, ('iterations', 3)])
def test_trains_on_bytes_as_on_their_values(interval, tmp_path):
  table = CHANNELS
  pairs = {
    None: (table[BYTES, np.arange(3)].reshape(10, -1), Y),
    'bytes': (BYTES, Y),
  }

  class Model(model_base.ModelBase):
    def __call__(self, inputs):
      flat = tf.reshape(inputs, [-1, 12])
      return self.dense('layer0', flat, 3)

  results = [
    trainer.train(
      dataset_base.DatasetBase(
        pair, 4, pair, train_order_seed=1, byte_values=table if kind else None
      ),
      Model(seed=1),
      lambda: keras.optimizers.SGD(0.1),
      ('epochs', 3),
      str(tmp_path / f'{kind}'),
      test_interval=interval,
    )
    for kind, pair in pairs.items()
  ]
  for name, array in results[0][1].items():
    np.testing.assert_array_equal(results[1][1][name], array)
  logs = [
    save_restore.read_log(str(tmp_path / f'{kind}'), 'test') for kind in pairs
  ]
  np.testing.assert_equal(logs[0], logs[1])


@pytest.mark.parametrize(
  ('inputs', 'table', 'complaint'),
  [
    (BYTES / 255, UNIT, 'float64 inputs and (256,)'),
    (BYTES, UNIT[:255], 'uint8 inputs and (255,)'),
    (BYTES, CHANNELS[:, :2], 'uint8 inputs and (256, 2)'),
  ],
)
def test_other_values_of_bytes_are_refused(inputs, table, complaint, refused):
  with refused(
    'test byte_values: wanted uint8 inputs and finite numbers of shape [256] or'
    f' [256, 3], got {complaint}'
  ):
    dataset_base.DatasetSplit(inputs, Y, 'test', table)


def test_splits_of_different_form_are_refused(refused):
  with refused(
    'test inputs: wanted shape [n, *[2]] like the training set, got [n, *[1]]'
  ):
    dataset_base.DatasetBase((X, Y), 4, (X[:, :1], Y))
  with refused(
    'validate labels: wanted shape [n, *[]] like the training set,'
    ' got [n, *[3]]'
  ):
    make(validate=(X, np.eye(3)[Y]))


def test_labels_keep_their_value_as_far_as_int32_goes():
  for labels in (np.array([0, 2**31 - 1]), np.array([0, 9], np.uint64)):
    split = dataset_base.DatasetSplit(X[:2], labels)
    assert split.labels.numpy().tolist() == labels.tolist()


@pytest.mark.parametrize('size', [0, -1, 1.5, 4.0, True, '4', None])
def test_other_batch_sizes_are_refused(size, refused):
  with refused(f'batch size: wanted an integer of at least 1, got {size!r}'):
    make(size)


@pytest.mark.parametrize('seed', [-1, 1.5, 'x', True])
def test_other_order_seeds_are_refused(seed, refused):
  message = f'train_order_seed: wanted an integer in [0, 2**63), got {seed!r}'
  with refused(message):
    make(seed=seed)
  with refused(message):
    make().with_order(seed)


def test_labels_must_fit_the_models_outputs(refused):
  dataset = make(validate=(X, Y + 1))
  dataset.check_classes(4)
  dataset.check_classes(99)
  with refused('validate labels: go up to 3, the model has 3 outputs'):
    dataset.check_classes(3)
  one_hot = dataset_base.DatasetBase((X, np.eye(3)[Y]), 4, (X, np.eye(3)[Y]))
  one_hot.check_classes(3)
  for classes in (2, 4):
    with refused(
      f'train labels: are of 3 classes, the model has {classes} outputs'
    ):
      one_hot.check_classes(classes)

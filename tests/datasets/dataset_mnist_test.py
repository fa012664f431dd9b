"""Tests of lottery_ticket.datasets.dataset_mnist."""

import pathlib

import numpy as np
import pytest

from lottery_ticket.datasets import dataset_mnist
from lottery_ticket.foundations import errors


@pytest.fixture
def make(mnist):
  """Makes a data set of the sample, with 100 examples for validation."""

  def call(**kwargs):
    arguments = {'seed': 1, 'validation_size': 100} | kwargs
    return dataset_mnist.DatasetMnist(mnist, **arguments)

  return call


@pytest.fixture
def damaged(sample):
  """A location of one's own, of which a file is replaced."""

  def make(**arrays):
    folder = pathlib.Path('damaged')
    folder.mkdir(exist_ok=True)
    for name, array in (sample | arrays).items():
      np.save(folder / f'{name}.npy', array)
    return str(folder)

  return make


def refuses(message, function, *args, **kwargs):
  with pytest.raises(errors.InputError) as caught:
    function(*args, **kwargs)
  assert str(caught.value) == message


def rows(split):
  """The examples of a split as a set; those of the sample all differ."""
  pairs = zip(split.inputs.numpy(), split.labels.numpy(), strict=True)
  return {(image.tobytes(), int(label)) for image, label in pairs}


def test_is_what_the_files_hold(mnist, sample):
  dataset = dataset_mnist.DatasetMnist(mnist, validation_size=0)
  assert dataset.validate is None
  assert dataset.train_batch_size == 60
  for name, split in (('train', dataset.train), ('test', dataset.test)):
    images = sample[f'x_{name}']
    assert split.inputs.shape == (len(images), 784)
    expected = images.reshape(-1, 784).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(split.inputs, expected)
    np.testing.assert_array_equal(split.labels, sample[f'y_{name}'])


def test_images_may_stay_images(make):
  flat, whole = make(), make(flatten=False)
  for name, split in whole.splits.items():
    assert split.inputs.shape == (split.size, 28, 28)
    np.testing.assert_array_equal(
      split.inputs.numpy().reshape(-1, 784), flat.splits[name].inputs
    )


def test_the_validation_set_is_taken_from_the_training_set(make, sample):
  dataset = make()
  assert {k: v.size for k, v in dataset.splits.items()} == {
    'train': 500,
    'test': 200,
    'validate': 100,
  }
  train, held_out = rows(dataset.train), rows(dataset.validate)
  whole = rows(make(validation_size=0).train)
  assert len(whole) == len(sample['x_train'])
  assert not train & held_out
  assert train | held_out == whole
  np.testing.assert_array_equal(dataset.test.labels, sample['y_test'])


def test_the_split_is_the_seeds_and_random(make):
  chosen = rows(make(seed=1).validate)
  assert chosen == rows(make(seed=1, train_order_seed=9).validate)
  others = rows(make(seed=2).validate)
  assert chosen != others
  assert chosen & others  # Independent choices of a sixth share some.
  first = rows(make(validation_size=0).train) - rows(make(seed=1).train)
  assert first == chosen


def test_the_split_does_not_depend_on_scaling_or_labels(make):
  labels = make().validate.labels.numpy()
  for scaling in dataset_mnist.SCALINGS:
    np.testing.assert_array_equal(make(scaling=scaling).validate.labels, labels)
  np.testing.assert_array_equal(
    make(permute_labels=True).validate.inputs, make().validate.inputs
  )


def renaming(dataset, plain):
  """Returns {class: what it is called now}, over all splits."""
  names = set()
  for name, split in plain.splits.items():
    renamed = dataset.splits[name].labels.numpy()
    names |= set(zip(split.labels.numpy(), renamed, strict=True))
  assert len(names) == 10  # One name for each class, in every split.
  return dict(names)


def test_labels_are_permuted_alike_in_all_splits(make):
  found = renaming(make(permute_labels=True), make())
  assert sorted(found) == sorted(found.values()) == list(range(10))
  assert any(old != new for old, new in found.items())


def test_the_permutation_is_the_seeds_alone(make):
  found = renaming(make(permute_labels=True), make())
  again = make(permute_labels=True, train_order_seed=3, validation_size=300)
  assert renaming(again, make(validation_size=300)) == found
  others = [
    renaming(make(seed=seed, permute_labels=True), make(seed=seed))
    for seed in (2, 3)
  ]
  assert found not in others
  assert others[0] != others[1]


def test_a_seed_not_given_is_drawn_and_kept(make):
  dataset = make(seed=None, permute_labels=True)
  assert dataset.seed != make(seed=None).seed
  again = make(seed=dataset.seed, permute_labels=True)
  for name, split in dataset.splits.items():
    assert again.splits[name].checksum == split.checksum


def test_the_order_has_a_seed_of_its_own(make):
  one, other = (make(seed=seed, train_order_seed=7) for seed in (1, 2))
  np.testing.assert_array_equal(one.train_order(4), other.train_order(4))


def image(*pixels):
  """One image whose first pixels are given, the others 0."""
  flat = np.zeros(784, np.uint8)
  flat[: len(pixels)] = pixels
  return flat.reshape(1, 28, 28)


def test_scalings_by_hand():
  def scaled(name, *pixels):
    got = dataset_mnist.SCALINGS[name](image(*pixels))
    assert got.dtype == np.float32
    assert got.shape == (1, 28, 28)
    return got.ravel()[:3]

  np.testing.assert_allclose(scaled('unit', 0, 51, 255), [0, 0.2, 1], rtol=1e-6)
  np.testing.assert_allclose(
    scaled('standard', 0, 51, 255),
    [-0.1307 / 0.3081, (0.2 - 0.1307) / 0.3081, 0.8693 / 0.3081],
    rtol=1e-5,
  )
  np.testing.assert_allclose(scaled('l2', 30, 40, 0), [0.6, 0.8, 0], rtol=1e-6)
  np.testing.assert_array_equal(scaled('l2', 0, 0, 0), [0, 0, 0])
  np.testing.assert_array_equal(scaled('l2', 1, 0, 0), [1, 0, 0])


def test_l2_gives_every_image_unit_length(make):
  norms = np.linalg.norm(make(scaling='l2').train.inputs.numpy(), axis=1)
  np.testing.assert_allclose(norms, 1, rtol=1e-5)


def test_scaling_does_not_change_the_images(sample):
  images = sample['x_train'].copy()
  for scale in dataset_mnist.SCALINGS.values():
    scale(images)
  np.testing.assert_array_equal(images, sample['x_train'])


def test_missing_data_are_refused(damaged):
  refuses(
    'nowhere/x_train.npy: not there; mnist_fc/download_data.py brings it',
    dataset_mnist.DatasetMnist,
    'nowhere',
  )
  location = damaged()
  pathlib.Path(location, 'y_test.npy').unlink()
  refuses(
    f'{location}/y_test.npy: not there; mnist_fc/download_data.py brings it',
    dataset_mnist.DatasetMnist,
    location,
  )


@pytest.mark.parametrize(
  ('name', 'array', 'complaint'),
  [
    (
      'x_train',
      np.zeros((600, 784), np.uint8),
      'wanted uint8 images of shape [n, 28, 28] with n > 0,'
      ' got uint8 [600, 784]',
    ),
    (
      'x_test',
      np.zeros((0, 28, 28), np.uint8),
      'wanted uint8 images of shape [n, 28, 28] with n > 0,'
      ' got uint8 [0, 28, 28]',
    ),
    (
      'x_test',
      np.zeros((200, 28, 28)),
      'wanted uint8 images of shape [n, 28, 28] with n > 0,'
      ' got float64 [200, 28, 28]',
    ),
    (
      'y_train',
      np.zeros(599, np.uint8),
      'wanted integers of shape [600], got uint8 [599]',
    ),
    (
      'y_test',
      np.zeros((200, 1), np.uint8),
      'wanted integers of shape [200], got uint8 [200, 1]',
    ),
    (
      'y_test',
      np.zeros(200),
      'wanted integers of shape [200], got float64 [200]',
    ),
    (
      'y_train',
      np.full(600, 10, np.uint8),
      'wanted classes 0 to 9, got 10 to 10',
    ),
    (
      'y_test',
      np.arange(-1, 199),
      'wanted classes 0 to 9, got -1 to 198',
    ),
  ],
)
def test_data_of_another_form_are_refused(name, array, complaint, damaged):
  location = damaged(**{name: array})
  refuses(
    f'{location}/{name}.npy: {complaint}', dataset_mnist.DatasetMnist, location
  )


def test_damaged_files_are_refused(damaged):
  location = damaged()
  path = pathlib.Path(location, 'x_train.npy')
  path.write_bytes(path.read_bytes()[:-1])
  refuses(
    f'{location}/x_train.npy: wanted a whole .npy file without pickles, at most'
    ' 1073741824 bytes',
    dataset_mnist.DatasetMnist,
    location,
  )


@pytest.mark.parametrize('size', [-1, 600, 1.5, True, '100', None])
def test_other_validation_sizes_are_refused(size, make):
  refuses(
    f'validation_size: wanted an integer from 0 to 599, got {size!r}',
    make,
    validation_size=size,
  )


def test_a_single_example_may_be_left_to_train_on(make):
  dataset = make(validation_size=599)
  assert (dataset.train.size, dataset.validate.size) == (1, 599)


def test_other_arguments_are_refused(make):
  refuses(
    "scaling: wanted one of ['l2', 'standard', 'unit'], got 'none'",
    make,
    scaling='none',
  )
  refuses('seed: wanted an integer in [0, 2**63), got -1', make, seed=-1)
  refuses(
    "train_order_seed: wanted an integer in [0, 2**63), got 'x'",
    make,
    train_order_seed='x',
  )
  refuses(
    'batch size: wanted an integer of at least 1, got 0',
    make,
    train_batch_size=0,
  )

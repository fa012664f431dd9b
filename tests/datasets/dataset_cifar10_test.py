"""Tests of lottery_ticket.datasets.dataset_cifar10, with tiny files."""

import functools
import hashlib
import http.server
import pathlib
import tarfile
import threading

import numpy as np
import pytest

from lottery_ticket.datasets import dataset_cifar10
from lottery_ticket.foundations import errors

FILES = dataset_cifar10.TRAIN + dataset_cifar10.TEST
INNER = dataset_cifar10.FOLDER


@pytest.fixture
def archive(cifar10, tmp_path, monkeypatch):
  """A folder with the archive of the tiny files, as if that were published."""
  folder = tmp_path / 'web'
  folder.mkdir()
  path = folder / dataset_cifar10.ARCHIVE
  with tarfile.open(path, 'w:gz') as files:
    for name in FILES:
      files.add(pathlib.Path(cifar10, name), f'{INNER}/{name}')
  digest = hashlib.sha256(path.read_bytes()).hexdigest()
  monkeypatch.setattr(dataset_cifar10, 'SHA256', digest)
  return folder


def same(location, cifar10):
  return all(
    pathlib.Path(location, name).read_bytes()
    == pathlib.Path(cifar10, name).read_bytes()
    for name in FILES
  )


def refusal(function, *args, **kwargs):
  with pytest.raises(errors.InputError) as caught:
    function(*args, **kwargs)
  return str(caught.value)


def test_bytes_stay_bytes_and_are_seen_as_numpy_scales_them(cifar10):
  dataset = dataset_cifar10.DatasetCifar10(
    cifar10, seed=1, validation_size=10, train_batch_size=10
  )
  assert [split.size for split in dataset.splits.values()] == [90, 20, 10]
  images = dataset.test.inputs.numpy()
  assert (images.dtype, images.shape) == (np.uint8, (20, 32, 32, 3))
  mean = np.float32([0.4914, 0.4822, 0.4465])
  deviation = np.float32([0.2470, 0.2435, 0.2616])
  scaled = (images.astype(np.float32) / np.float32(255) - mean) / deviation
  np.testing.assert_array_equal(dataset.test.values(), scaled)


def test_planes_are_red_green_and_blue_by_rows(cifar10):
  images, classes = dataset_cifar10.load(cifar10, dataset_cifar10.TEST)
  record = np.frombuffer(
    pathlib.Path(cifar10, 'test_batch.bin').read_bytes()[:3073], np.uint8
  )
  assert classes[0] == record[0]
  for channel in range(3):
    plane = record[1 + 1024 * channel :][:1024].reshape(32, 32)
    np.testing.assert_array_equal(images[0, :, :, channel], plane)


def test_validation_and_names_of_classes_come_from_the_seed(cifar10):
  make = functools.partial(
    dataset_cifar10.DatasetCifar10, cifar10, validation_size=10
  )
  one, again, other = make(seed=1), make(seed=1), make(seed=2)
  assert one.validate.checksum == again.validate.checksum
  assert one.validate.checksum != other.validate.checksum
  renamed = make(seed=1, permute_labels=True)
  np.testing.assert_array_equal(renamed.train.inputs, one.train.inputs)
  assert (renamed.train.labels != one.train.labels).numpy().any()
  assert 'wanted one of' in refusal(make, scaling='l2')


@pytest.mark.parametrize('inner', ['', INNER])
def test_files_of_a_folder_are_taken_as_they_are(cifar10, tmp_path, inner):
  source = tmp_path / 'source'
  (source / inner).mkdir(parents=True)
  for name in FILES:
    data = pathlib.Path(cifar10, name).read_bytes()
    (source / inner / name).write_bytes(data)
  said = dataset_cifar10.install('data', str(source))
  assert 'copied as they are' in said
  assert same('data', cifar10)
  assert sorted(path.name for path in pathlib.Path('data').iterdir()) == sorted(
    FILES
  )
  assert 'already in' in dataset_cifar10.install('data')


def test_an_archive_is_unpacked_if_it_is_the_published_one(archive, cifar10):
  said = dataset_cifar10.install('data', str(archive))
  assert 'as it was published' in said
  assert same('data', cifar10)
  with open(archive / dataset_cifar10.ARCHIVE, 'ab') as file:
    file.write(b'\0')
  message = refusal(dataset_cifar10.install, 'other', str(archive))
  assert 'is not the published one' in message


def test_it_is_downloaded(archive, cifar10, monkeypatch):
  handler = functools.partial(
    http.server.SimpleHTTPRequestHandler, directory=str(archive)
  )
  server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
  url = f'http://127.0.0.1:{server.server_port}/'
  monkeypatch.setattr(dataset_cifar10, 'URL', url)
  thread = threading.Thread(target=server.serve_forever, args=(0.05,))
  thread.start()
  try:
    said = dataset_cifar10.install('data')
  finally:
    server.shutdown()
    thread.join()
    server.server_close()
  assert said.startswith(f'cifar10: from {url}')
  assert same('data', cifar10)
  message = refusal(dataset_cifar10.install, 'elsewhere')
  assert message.startswith(
    'cifar10: cannot be downloaded: put cifar-10-binary'
  )
  assert not list(pathlib.Path('elsewhere').iterdir())


@pytest.mark.parametrize(
  ('data', 'message'),
  [
    (b'', 'wanted records of 3073 bytes, got 0 bytes'),
    (bytes(3072), 'wanted records of 3073 bytes, got 3072 bytes'),
    (b'\x0a' + bytes(3072), 'wanted classes 0 to 9, got 10'),
    (None, 'not there; cifar10_conv/download_data.py brings it'),
  ],
)
def test_refuses_damaged_files(cifar10, tmp_path, data, message):
  for name in FILES:
    whole = pathlib.Path(cifar10, name).read_bytes()
    (tmp_path / name).write_bytes(whole)
  last = tmp_path / FILES[-1]
  last.unlink()
  if data is not None:
    last.write_bytes(data)
  for found in (
    refusal(dataset_cifar10.DatasetCifar10, str(tmp_path)),
    refusal(dataset_cifar10.install, 'data', str(tmp_path)),
  ):
    assert found == f'{last}: {message}'

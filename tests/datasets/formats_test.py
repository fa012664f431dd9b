"""Tests of lottery_ticket.datasets.formats."""

import gzip
import hashlib
import pathlib

import numpy as np
import pytest

from lottery_ticket.datasets import formats
from lottery_ticket.foundations import errors

# Two images of 1 x 3 pixels, written by hand from the format's description.
ENCODED = bytes.fromhex('00000803 00000002 00000001 00000003 000102 fdfeff')
GZIPPED = gzip.compress(ENCODED, mtime=0)  # Test names must not depend on time.
WANTED = 'wanted 6 bytes after the IDX header, at most 268435456'
DECODED = np.array([[[0, 1, 2]], [[253, 254, 255]]], np.uint8)


def read(content, name='a', key='x_train'):
  pathlib.Path(name).write_bytes(content)
  return formats.read(pathlib.Path(name), key)


def refusal(content, name='a', key='x_train'):
  with pytest.raises(errors.InputError) as caught:
    read(content, name, key)
  message = str(caught.value)
  assert message.startswith(f'{name}: ') and len(message.splitlines()) == 1
  return message.removeprefix(f'{name}: ')


@pytest.mark.parametrize('pack', [bytes, gzip.compress])
def test_reads_idx_whatever_the_name(pack):
  array = read(pack(ENCODED))
  assert array.dtype == np.uint8
  np.testing.assert_array_equal(array, DECODED)


def test_checksum_is_that_of_the_file():
  wanted = hashlib.sha256(ENCODED).hexdigest()
  assert formats.checksum(DECODED) == wanted
  assert formats.checksum(np.asfortranarray(DECODED)) == wanted
  assert formats.checksum(DECODED.astype(int)) == '-'
  assert formats.checksum(np.uint8(3)) == '-'


@pytest.mark.parametrize('dtype', ['uint8', 'int32', 'int64', '>i8'])
def test_reads_integers_of_any_type(dtype):
  labels = np.array([3, 0, 9])
  np.save('y.npy', labels.astype(dtype))
  np.savez('mnist.npz', y_train=labels.astype(dtype))
  for name in ('y.npy', 'mnist.npz'):
    array = formats.read(pathlib.Path(name), 'y_train')
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, labels)


@pytest.mark.parametrize('titles', ['', 'label,1x1,1x2\n', 'a,"b"\r\n'])
def test_reads_csv(titles):
  rows = np.arange(2 * 785).reshape(2, 785) % 256
  text = titles + ''.join(','.join(map(str, row)) + '\n' for row in rows)
  images = read(text.encode(), 'a.csv')
  np.testing.assert_array_equal(images, rows[:, 1:].reshape(2, 28, 28))
  labels = read(text.encode(), 'a.csv', 'y_train')
  np.testing.assert_array_equal(labels, rows[:, 0])
  assert images.dtype == labels.dtype == np.uint8


def test_refuses_another_csv():
  assert refusal(b'1,2,3\n', 'a.csv') == (
    'wanted 785 columns, the class and the pixels, got 3'
  )
  assert "could not convert string '256'" in refusal(b'1,256\n', 'a.csv')
  assert 'columns changed from 2 to 3' in refusal(b'1,2\n1,2,3\n', 'a.csv')


@pytest.mark.parametrize('name', ['x_train.npy', 'mnist.npz', 'a.csv', 'a.gz'])
@pytest.mark.parametrize('page', [b'<!DOCTYPE html>', b'\n <html><body>No'])
def test_calls_a_web_page_a_web_page(name, page):
  for pack in (bytes, gzip.compress):
    assert refusal(pack(page), name) == (
      'is a web page (HTML), not data; download the file itself'
    )


def test_says_that_a_file_is_gzipped_twice():
  twice = gzip.compress(gzip.compress(ENCODED))
  assert refusal(twice) == 'is gzipped twice; unpack it once'


@pytest.mark.parametrize(
  ('content', 'why'),
  [
    (b'', 'wanted a whole .npy file'),
    (b'\x00\x00\x0d\x01' + ENCODED[4:], 'wanted a whole .npy file'),  # Floats.
    (b'rubbish', 'wanted a whole .npy file'),
    (ENCODED[:15], 'cannot be read: unpack requires a buffer of 12 bytes'),
    (ENCODED[:-1], f'{WANTED}, got 5 bytes'),
    (ENCODED + b'\x00', f'{WANTED}, got more'),
    (
      b'\x00\x00\x08\x02' + b'\xff' * 8,
      'wanted 18446744065119617025 bytes after the IDX header, at most',
    ),
    (GZIPPED[:-4], 'cannot be read: Compressed file ended'),
    (GZIPPED + b'more', 'cannot be read: Not a gzipped file'),
    (b'PK\x03\x04', 'cannot be read: File is not a zip file'),
  ],
)
def test_refuses_other_and_damaged_files(content, why):
  assert refusal(content).startswith(why)


def test_says_which_file_cannot_be_read():
  with pytest.raises(errors.InputError, match=r'^none: no such file$'):
    formats.read(pathlib.Path('none'), 'x_train')


def test_never_unpickles():
  class Harmful:
    def __reduce__(self):
      return pathlib.Path.touch, (pathlib.Path('harmed'),)

  np.savez('mnist.npz', x_train=np.array([Harmful()]))
  content = pathlib.Path('mnist.npz').read_bytes()
  assert 'without pickles' in refusal(content)
  assert not pathlib.Path('harmed').exists()

"""Tests of lottery_ticket.datasets.idx."""

import gzip
import hashlib
import io
import re
import struct

import numpy as np
import pytest

from lottery_ticket.datasets import idx
from lottery_ticket.foundations import errors

# Two images of 1 x 3 pixels, written by hand from the format's description.
ENCODED = bytes.fromhex('00000803 00000002 00000001 00000003 000102 fdfeff')
DECODED = np.array([[[0, 1, 2]], [[253, 254, 255]]], np.uint8)


def load(data, name='images'):
  return idx.load(io.BytesIO(data), name)


def check_refused(data, message):
  with pytest.raises(errors.InputError) as caught:
    load(data)
  assert str(caught.value) == message


@pytest.mark.parametrize('pack', [bytes, gzip.compress])
def test_reads_plain_and_gzipped_files(tmp_path, pack):
  path = tmp_path / 'a file whose name tells nothing'
  path.write_bytes(pack(ENCODED))
  for array in (idx.read(path), idx.read(str(path))):
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, DECODED)


def test_encodes_what_the_format_says():
  assert idx.encode(DECODED) == ENCODED


@pytest.mark.parametrize('shape', [(0,), (5,), (2, 0, 3), (2, 3, 4), (1,) * 32])
def test_encoding_is_undone_by_loading(shape):
  array = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
  loaded = load(idx.encode(array))
  assert loaded.shape == shape
  np.testing.assert_array_equal(loaded, array)


def test_encodes_the_values_and_not_the_order_in_memory():
  assert idx.encode(np.asfortranarray(DECODED)) == ENCODED
  assert idx.encode(DECODED[::-1][::-1]) == ENCODED


def test_checksum_is_that_of_the_file():
  assert idx.checksum(DECODED) == hashlib.sha256(ENCODED).hexdigest()


@pytest.mark.parametrize(
  ('array', 'came'),
  [
    (np.zeros(3, np.int64), 'int64 with 1 dimensions'),
    (np.zeros((), np.uint8), 'uint8 with 0 dimensions'),
  ],
)
def test_refuses_to_encode_other_arrays(array, came):
  wanted = f'array: got {came}, wanted uint8 with 1 to 32'
  with pytest.raises(errors.InputError, match=f'^{re.escape(wanted)}$'):
    idx.encode(array)


@pytest.mark.parametrize(
  ('data', 'came'),
  [
    (b'', 'nothing'),
    (b'\x00\x00\x08', '000008'),
    (b'\x00\x00\x0d\x01' + ENCODED[4:], '00000d01'),  # Floats.
    (b'\x00\x00\x08\x00', '00000800'),  # No dimension.
    (b'\x00\x00\x08\x21' + bytes(200), '00000821'),  # 33 dimensions.
    (b'<html>', '3c68746d'),
  ],
)
def test_refuses_another_magic_number(data, came):
  wanted = 'wanted 000008 and 1 to 32 dimensions'
  check_refused(data, f"IDX file 'images': starts with {came}, {wanted}")


def test_refuses_a_truncated_header():
  check_refused(ENCODED[:15], "IDX file 'images': ends inside its header")


@pytest.mark.parametrize('pack', [bytes, gzip.compress])
def test_refuses_another_length(pack):
  after = "IDX file 'images': got {} after the header, wanted 6 bytes"
  check_refused(pack(ENCODED[:-1]), after.format('5 bytes'))
  check_refused(pack(ENCODED[:16]), after.format('0 bytes'))
  check_refused(pack(ENCODED + b'\x00'), after.format('more'))


@pytest.mark.parametrize(
  'shape', [(2**32 - 1, 2**32 - 1), (idx.MAX_BYTES + 1,), (2**32 - 1, 0)]
)
def test_refuses_huge_dimensions_before_it_reads_or_allocates(shape):
  header = b'\x00\x00\x08' + struct.pack(f'>B{len(shape)}I', len(shape), *shape)
  wanted = f'wanted at most {idx.MAX_BYTES} bytes'
  came = f"IDX file 'images': got the shape {list(shape)}"
  check_refused(header, f'{came}, {wanted}')


def test_inflates_no_more_than_the_header_says(monkeypatch):
  inflated = []

  class Counting(gzip.GzipFile):
    def read(self, size=-1):
      data = super().read(size)
      inflated.append(len(data))
      return data

  bomb = gzip.compress(ENCODED + bytes(10_000_000))
  monkeypatch.setattr(gzip, 'GzipFile', Counting)
  with pytest.raises(errors.InputError):
    load(bomb)
  assert sum(inflated) == len(ENCODED) + 1


@pytest.mark.parametrize(
  ('damage', 'reason'),
  [
    (lambda data: data[:-4], 'Compressed file ended before'),
    (lambda data: data[:12], 'Compressed file ended before'),
    (lambda data: data[:-8] + bytes(8), 'CRC check failed'),
    (lambda data: data[:10] + b'\xff' * 20, 'Error -3 while decompressing'),
    (lambda data: data + b'more', 'Not a gzipped file'),
  ],
)
def test_refuses_damaged_gzip_data(damage, reason):
  with pytest.raises(errors.InputError) as caught:
    load(damage(gzip.compress(ENCODED)))
  message = str(caught.value)
  assert message.startswith(f"IDX file 'images': damaged gzip data: {reason}")
  assert '\n' not in message


def test_says_which_file_cannot_be_read(tmp_path):
  for path, reason in [
    (tmp_path / 'none', 'No such file or directory'),
    (tmp_path, 'Is a directory'),
  ]:
    with pytest.raises(errors.InputError) as caught:
      idx.read(path)
    wanted = f"IDX file '{path}': cannot be read: {reason}"
    assert str(caught.value) == wanted

"""Hostile input of lottery_ticket.datasets.formats."""

import gzip
import io
import os
import pathlib
import struct
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from lottery_ticket.datasets import formats
from lottery_ticket.foundations import errors

PACKS = st.sampled_from([bytes, gzip.compress])
ENCODED = b'\x00\x00\x08\x03' + struct.pack('>3I', 2, 3, 4) + bytes(range(24))
SIZES = st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), max_size=40)
MAGIC = [
  b'',
  b'PK\x03\x04',
  b'PK\x05\x06',
  b'\x93NUMPY\x01\x00',
  b'\x1f\x8b\x08',
]


def npz(content, method=zipfile.ZIP_DEFLATED):
  stream = io.BytesIO()
  with zipfile.ZipFile(stream, 'w', method) as archive:
    archive.writestr('x_train.npy', content)
  return stream.getvalue()


def npy(array):
  stream = io.BytesIO()
  np.save(stream, array)
  return stream.getvalue()


def read(content, name='file'):
  path = pathlib.Path(name)
  path.write_bytes(content)
  array = formats.read(path, 'x_train')
  assert array.nbytes <= formats.MAX_BYTES
  return array


def damage(data, content):
  content = bytearray(content)
  for _ in range(data.draw(st.integers(1, 4))):
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
  return bytes(content)


@hypothesis.given(
  st.sampled_from(['file', 'a.csv']),
  st.sampled_from([*MAGIC, b'\x00\x00\x08']),
  st.binary(max_size=100),
  PACKS,
)
def test_any_bytes(tame, name, magic, content, pack):
  tame(read, pack(magic + content), name)


@hypothesis.given(SIZES, st.binary(max_size=30), PACKS)
def test_any_dimensions(tame, sizes, data, pack):
  header = struct.pack(f'>B{len(sizes)}I', len(sizes), *sizes)
  array = tame(read, pack(b'\x00\x00\x08' + header + data))
  if array is not None:
    assert array.shape == tuple(sizes) and array.tobytes() == data


@hypothesis.given(st.data())
def test_damaged_bytes(tame, data):
  whole = [ENCODED, gzip.compress(ENCODED), npz(npy(np.arange(9)))]
  tame(read, damage(data, data.draw(st.sampled_from(whole))))


@hypothesis.given(PACKS, st.data())
def test_truncated_bytes(pack, data):
  content = pack(ENCODED)
  with pytest.raises(errors.InputError):
    read(content[: data.draw(st.integers(0, len(content) - 1))])


def test_a_bomb_is_inflated_no_further_than_it_announces(tame, peak):
  halves = gzip.compress(ENCODED[:20]) + gzip.compress(ENCODED[20:])
  assert read(halves).shape == (2, 3, 4)
  claims = npy(np.zeros(90_000, np.uint8)) + bytes(9_000_000)
  for bomb in (
    gzip.compress(ENCODED + bytes(9_000_000)),
    gzip.compress(ENCODED) + gzip.compress(bytes(9_000_000)),
    npz(claims),
    npz(claims, zipfile.ZIP_BZIP2),
    npz(claims, zipfile.ZIP_LZMA),
  ):
    assert peak(tame, read, bomb) < 5_000_000
    assert tame(read, bomb) is None


def test_a_header_allocates_no_more_than_the_limit(tame, peak):
  stream = io.BytesIO()
  header = {'descr': '|u1', 'fortran_order': False, 'shape': (2**40,)}
  np.lib.format.write_array_header_1_0(stream, header)
  assert peak(tame, read, stream.getvalue()) < 1_000_000


@pytest.mark.parametrize(
  'make', [os.mkfifo, os.mkdir, lambda path: os.symlink('/dev/zero', path)]
)
def test_what_is_no_file_is_not_waited_for(make):
  make('thing')
  with pytest.raises(errors.InputError, match=r'^thing: cannot be read: '):
    formats.read(pathlib.Path('thing'), 'x_train')

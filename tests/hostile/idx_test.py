"""Hostile input of lottery_ticket.datasets.idx."""

import gzip
import io
import os
import struct

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from lottery_ticket.datasets import idx
from lottery_ticket.foundations import errors

PACKS = st.sampled_from([bytes, gzip.compress])
ENCODED = idx.encode(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
SIZES = st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), max_size=40)


def load(content):
  array = idx.load(io.BytesIO(content), 'x')
  assert array.dtype == np.uint8 and array.nbytes <= idx.MAX_BYTES
  return array


@hypothesis.given(st.binary(max_size=60), PACKS)
def test_any_bytes(tame, content, pack):
  tame(load, pack(content))
  tame(load, pack(b'\x00\x00\x08' + content))


@hypothesis.given(st.binary(max_size=60))
def test_any_bytes_that_begin_like_gzip(tame, content):
  tame(load, b'\x1f\x8b\x08' + content)


@hypothesis.given(SIZES, st.binary(max_size=30), PACKS)
def test_any_dimensions(tame, sizes, data, pack):
  header = struct.pack(f'>B{len(sizes)}I', len(sizes), *sizes)
  array = tame(load, pack(b'\x00\x00\x08' + header + data))
  if array is not None:
    assert array.shape == tuple(sizes) and array.tobytes() == data


@hypothesis.given(PACKS, st.data())
def test_damaged_bytes(tame, pack, data):
  content = bytearray(pack(ENCODED))
  for _ in range(data.draw(st.integers(1, 4))):
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
  tame(load, bytes(content))


@hypothesis.given(PACKS, st.data())
def test_truncated_bytes(pack, data):
  content = pack(ENCODED)
  with pytest.raises(errors.InputError):
    load(content[: data.draw(st.integers(0, len(content) - 1))])


def test_a_bomb_is_inflated_no_further_than_its_header(tame, peak):
  bomb = gzip.compress(ENCODED + bytes(9_000_000))
  assert peak(tame, load, bomb) < 5_000_000


def test_several_members_are_one_file_and_no_way_around_the_limit(tame, peak):
  halves = gzip.compress(ENCODED[:20]) + gzip.compress(ENCODED[20:])
  assert load(halves).shape == (2, 3, 4)
  bombs = gzip.compress(ENCODED) + gzip.compress(bytes(9_000_000))
  assert peak(tame, load, bombs) < 5_000_000


@pytest.mark.parametrize(
  'make',
  [os.mkfifo, lambda path: os.symlink('/dev/zero', path)],
)
def test_what_is_no_file_is_not_waited_for(make):
  make('thing')
  with pytest.raises(errors.InputError, match='Not a regular file'):
    idx.read('thing')


@pytest.mark.parametrize('path', ['', 'a\0b', '\ud800', 'x' * 5000])
def test_paths_that_cannot_be(tame, path):
  assert tame(idx.read, path) is None

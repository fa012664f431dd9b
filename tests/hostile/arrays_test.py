"""Hostile .npy files for lottery_ticket.foundations.save_restore."""

import io
import pickle

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

ARRAYS = st_numpy.arrays(
  st.sampled_from([bool, 'u1', '<i2', '>i4', '<f2', '>f4', '<f8', '<c8']),
  st_numpy.array_shapes(min_dims=0, max_side=4, min_side=0),
)
DESCRIPTIONS = st.sampled_from(
  ['<f4', '|u1', '|b1', '|O', '|V0', '|V8', '<U0', '|S0', '<M8[s]', 'x', '']
) | st.lists(st.tuples(st.text('ab', max_size=2), st.just('<f4')), max_size=2)
SIZES = st.integers(-2, 5) | st.sampled_from([2**31, 10**12, 2**63, 2**64])
HEADERS = st.fixed_dictionaries(
  {
    'descr': DESCRIPTIONS,
    'fortran_order': st.booleans() | st.none(),
    'shape': st.lists(SIZES, max_size=70).map(tuple) | SIZES,
  }
)


def encoded(array, version=None):
  stream = io.BytesIO()
  np.lib.format.write_array(stream, array, version)
  return stream.getvalue()


def with_header(header, data=b''):
  text = header.encode('latin1', 'replace')
  length = len(text).to_bytes(2, 'little')
  return b'\x93NUMPY\x01\x00' + length + text + data


def load(content, max_bytes=1000):
  """Loads, and checks that what comes is no more than there was."""
  array = save_restore.load_array(io.BytesIO(content), 'a.npy', max_bytes)
  assert array.nbytes <= min(len(content), max_bytes)
  assert array.dtype.kind in 'biufcSU'
  assert array.flags.writeable
  return array


@hypothesis.given(ARRAYS, st.booleans(), st.sampled_from([(1, 0), (2, 0)]))
def test_whole_files_are_what_was_written(array, fortran, version):
  array = np.asfortranarray(array) if fortran and array.ndim else array
  got = load(encoded(array, version))
  assert got.dtype == array.dtype and got.shape == array.shape
  assert got.tobytes() == array.tobytes()


@hypothesis.given(st.binary(max_size=200), st.booleans())
def test_any_bytes(tame, content, magic):
  tame(load, (b'\x93NUMPY\x01\x00' if magic else b'') + content)


@hypothesis.given(HEADERS.map(repr), st.binary(max_size=40))
def test_any_header(tame, header, data):
  tame(load, with_header(header, data))


@hypothesis.given(
  st.text('{}()[]\'",:0123456789 defhiloprstuan_<\\\n#-+*', max_size=80)
)
def test_any_text_as_header(tame, header):
  tame(load, with_header(header))


@hypothesis.given(ARRAYS, st.data())
def test_a_file_with_another_length_is_refused(array, data):
  content = encoded(array)
  change = data.draw(st.integers(-len(content), 20).filter(bool))
  content = content[:change] if change < 0 else content + bytes(change)
  with pytest.raises(errors.InputError):
    load(content)


@hypothesis.given(ARRAYS, st.data())
def test_damaged_bytes(tame, array, data):
  content = bytearray(encoded(array))
  for _ in range(data.draw(st.integers(1, 4))):
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
  tame(load, bytes(content))


@pytest.mark.parametrize('shape', [(10**12,), (2**31, 2**31), (2**62,) * 3])
def test_a_huge_shape_takes_no_memory(tame, peak, shape):
  header = {'descr': '<f4', 'fortran_order': False, 'shape': shape}
  content = with_header(repr(header), bytes(100))
  assert peak(tame, load, content) < 1_000_000


def test_a_huge_header_is_not_read(tame, peak):
  content = b'\x93NUMPY\x02\x00\xff\xff\xff\xff' + bytes(10_000_000)
  stream = io.BytesIO(content)
  assert peak(tame, save_restore.load_array, stream, 'a.npy') < 1_000_000


@pytest.mark.parametrize(
  'text', ['[' * 9000, '(' * 9000, '-' * 9000 + '1', '1+' * 4000 + '1']
)
def test_deep_headers_are_refused(text):
  with pytest.raises(errors.InputError, match='wanted a whole'):
    load(with_header(text))


@pytest.mark.parametrize('version', [(0, 0), (1, 1), (3, 0), (255, 255)])
def test_other_versions_are_refused(version):
  content = bytearray(encoded(np.ones(2)))
  content[6:8] = version
  with pytest.raises(errors.InputError, match='wanted a whole'):
    load(bytes(content))


def test_pickles_stay_closed(tmp_path):
  class Trap:
    def __reduce__(self):
      return type(tmp_path).touch, (tmp_path / 'sprung',)

  stream = io.BytesIO()
  np.save(stream, np.array([Trap()]), allow_pickle=True)
  for content in (stream.getvalue(), pickle.dumps(Trap())):
    with pytest.raises(errors.InputError):
      load(content)
  assert not (tmp_path / 'sprung').exists()

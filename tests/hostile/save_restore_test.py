"""Hostile input of lottery_ticket.foundations.save_restore."""

import json
import os
import pathlib
import shutil

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

TEXT = st.text('ab./\\\0~ -_"\n\u2028\x1bü\ud800', max_size=6)
NUMBERS = st.integers() | st.floats() | st.just(10**400)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = st.recursive(
  LEAVES,
  lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
  ),
  max_leaves=8,
)
LISTS = st.lists(st.integers(-1, 9) | LEAVES, max_size=4) | VALUES
READERS = [
  save_restore.read_array,
  save_restore.read_json,
  save_restore.read_log,
]


@pytest.mark.parametrize('read', READERS)
@hypothesis.given(st.binary(max_size=100))
def test_any_bytes(tame, read, content):
  pathlib.Path('file').write_bytes(content)
  tame(read, 'file')


@hypothesis.given(VALUES)
def test_any_json(tame, value):
  pathlib.Path('a.json').write_text(json.dumps(value))
  read = tame(save_restore.read_json, 'a.json')
  assert read is None or isinstance(read, dict)


@hypothesis.given(
  st.fixed_dictionaries(dict.fromkeys(save_restore.LOG_KEYS, LISTS))
)
def test_any_log(tame, log):
  pathlib.Path('a.json').write_text(json.dumps(log))
  read = tame(save_restore.read_log, 'a.json')
  if read is not None:
    assert [read[key].ndim for key in save_restore.LOG_KEYS] == [1, 1, 1]
    assert len(read['iteration']) == len(read['loss']) == len(read['accuracy'])
    assert read['iteration'].tolist() == log['iteration']
    assert not np.isinf(read['loss']).any()


@pytest.mark.parametrize(
  'content',
  [
    b'{"x": ' * 100_000,
    b'{"x": ' + b'[' * 50_000 + b']' * 50_000 + b'}',
    b'{"x": ' + b'9' * 1_000_000 + b'}',
    b'\xef\xbb\xbf{}',
    b'{"x": "\xff"}',
    b'{"x": NaN}',
    b'{"x": -Infinity}',
    b'{"x": 1, "x": 2}',
    '{}'.encode('utf-16'),
    b'{}{}',
    b'{} \0',
  ],
)
def test_json_that_is_none_is_refused(content):
  pathlib.Path('a.json').write_bytes(content)
  with pytest.raises(errors.InputError, match='wanted a JSON object'):
    save_restore.read_json('a.json')


def test_a_huge_file_is_not_read(peak):
  with pathlib.Path('a.json').open('wb') as file:
    file.truncate(2**40)

  def read():
    with pytest.raises(errors.InputError, match='has over'):
      save_restore.read_json('a.json')

  assert peak(read) < 2 * save_restore.MAX_JSON_BYTES


def test_a_huge_sparse_array_is_not_read(peak):
  header = {'descr': '|u1', 'fortran_order': False, 'shape': (2**40,)}
  with pathlib.Path('a.npy').open('wb') as file:
    np.lib.format.write_array_header_1_0(file, header)
    file.truncate(file.tell() + 2**40)

  def read():
    with pytest.raises(errors.InputError, match=r'wanted a whole \.npy file'):
      save_restore.read_array('a.npy')

  assert peak(read) < 10**6


def make_folder(path):
  """A folder, also where a log is looked for in a folder."""
  os.makedirs(f'{path}/test.json')


@pytest.mark.parametrize('read', READERS)
@pytest.mark.parametrize(
  ('make', 'reason'),
  [
    (os.mkfifo, 'Not a regular file'),  # Nobody will ever write to it.
    (make_folder, 'Is a directory'),
    (lambda path: os.symlink('/dev/zero', path), 'Not a regular file'),
    (lambda path: os.symlink('nowhere', path), 'no such file'),
    (lambda path: os.symlink(path, path), 'symbolic links'),
  ],
)
def test_what_is_no_file_is_refused(read, make, reason):
  make('thing')
  with pytest.raises(
    errors.InputError, match=f'^thing(/test.json)?: .*{reason}'
  ):
    read('thing')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read everything')
@pytest.mark.parametrize('read', READERS)
def test_unreadable_files_are_refused(read):
  pathlib.Path('file').touch(mode=0)
  with pytest.raises(errors.InputError, match=r'^file: cannot be read: P'):
    read('file')


@hypothesis.given(
  TEXT | st.sampled_from(['../x', '/x', 'x' * 300, 'CON', '\ud800', '.npy'])
)
def test_a_parameter_of_any_name_is_saved_inside_or_not_at_all(
  tame, tree, name
):
  before = tree()
  tame(save_restore.save_network, 'out', {name: np.ones(2)})
  for path in tree().keys() - before.keys():
    assert path in ('out', f'out/{name}.npy')
  shutil.rmtree('out', ignore_errors=True)


@pytest.mark.parametrize('location', ['', '.', '..', '/'])
def test_saving_harms_no_other_folder(tree, location):
  pathlib.Path('thesis.txt').write_text('years of work')
  before = tree()
  with pytest.raises(errors.InputError):
    save_restore.save_network(location, {'a': np.ones(2)})
  assert tree() == before

"""Tests of lottery_ticket.foundations.save_restore."""

import functools
import io
import json
import pathlib
import pickle
import random

import keras
import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import save_restore

NETWORK = {
  'layer0': np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32),
  'layer0_bias': np.array([0.0, -0.0, np.nan], np.float32),
  'odd': np.array([np.inf, -np.inf, 1e-45, 5e-324]),
  'half': np.array([1.5], np.float16),
  'swapped': np.arange(3, dtype='>i4'),
  'columns': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
  'scalar': np.array(2.5),
  'empty': np.zeros((0, 3), np.float32),
  'mask': np.array([True, False]),
}
WHOLE = 'wanted a whole .npy file without pickles, at most 1073741824 bytes'


def encoded(array, **kwargs):
  file = io.BytesIO()
  np.save(file, array, **kwargs)
  return file.getvalue()


def contents(folder):
  """Everything in a folder: {path: bytes}."""
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in pathlib.Path(folder).rglob('*')
    if path.is_file()
  }


def test_round_trip_is_bit_for_bit(assert_same):
  save_restore.save_network('deep/down/network', NETWORK)
  got = save_restore.restore_network('deep/down/network')
  assert_same(got, dict(sorted(NETWORK.items())))
  files = {f'{name}.npy' for name in NETWORK}
  assert set(contents('deep')) == {f'down/network/{name}' for name in files}


def test_restored_arrays_are_the_callers_own():
  save_restore.save_network('network', {'a': np.ones(2)})
  save_restore.restore_network('network')['a'][:] = 7
  np.testing.assert_array_equal(
    save_restore.restore_network('network')['a'], [1, 1]
  )


def test_saving_replaces_the_whole_network(assert_same):
  save_restore.save_network('network', NETWORK)
  smaller = {'layer0': np.zeros(2)}
  save_restore.save_network('network/', smaller)
  assert_same(save_restore.restore_network('network'), smaller)
  assert set(contents('.')) == {'network/layer0.npy'}


@pytest.mark.parametrize(
  'bad', [np.array([None]), np.array([{}, 'x'], dtype=object)]
)
def test_a_save_that_fails_leaves_the_old_network_whole(bad, assert_same):
  save_restore.save_network('network', NETWORK)
  before = contents('.')
  with pytest.raises(errors.InputError, match=r"^parameter 'b': wanted "):
    save_restore.save_network('network', {'layer0': np.ones(2), 'b': bad})
  assert contents('.') == before
  assert {path.name for path in pathlib.Path().iterdir()} == {'network', 'home'}


@pytest.mark.parametrize(
  'name',
  [
    '../outside',
    '/outside/there',
    'a/b',
    'a\\b',
    '..',
    '.',
    '.hidden',
    '-flag',
    '',
    'a b',
    'a\n',
    'a\0',
    'größe',
    'x' * 201,
    1,
    None,
  ],
)
def test_names_that_are_no_file_names_are_refused(name, refused):
  before = contents('.')
  with refused(
    f'parameter name {name!r}: wanted letters, digits, "_", "-" and "."'
  ):
    save_restore.save_network('network', {'a': np.ones(2), name: np.ones(2)})
  assert contents('.') == before
  assert not pathlib.Path('network').exists()


@pytest.mark.parametrize(
  'name', ['layer0', 'layer0_bias', '_', '0', 'Conv2d-1.kernel', 'x' * 200]
)
def test_other_names_are_names(name):
  save_restore.save_network('network', {name: np.ones(2)})
  assert list(save_restore.restore_network('network')) == [name]


def test_saving_replaces_nothing_but_a_network(refused):
  pathlib.Path('results').mkdir()
  pathlib.Path('results/thesis.txt').write_text('years of work')
  with refused(
    'results: wanted a folder of nothing but .npy files to replace,'
    " got 'thesis.txt' in it"
  ):
    save_restore.save_network('results', NETWORK)
  assert contents('.') == {'results/thesis.txt': b'years of work'}
  with refused('results/thesis.txt: wanted a folder, got a file'):
    save_restore.save_network('results/thesis.txt', NETWORK)
  with pytest.raises(errors.InputError):
    save_restore.save_network('', NETWORK)


def test_saving_replaces_a_link_and_not_what_it_leads_to(assert_same):
  save_restore.save_network('other', NETWORK)
  pathlib.Path('network').symlink_to('other')
  save_restore.save_network('network', {'a': np.ones(2)})
  assert list(save_restore.restore_network('network')) == ['a']
  assert_same(
    save_restore.restore_network('other'), dict(sorted(NETWORK.items()))
  )


def test_json_never_replaces_a_folder():
  pathlib.Path('a.json').mkdir()
  pathlib.Path('a.json/kept').write_text('kept')
  with pytest.raises(OSError, match='directory'):
    save_restore.write_json('a.json', {})
  assert contents('.') == {'a.json/kept': b'kept'}


def test_nothing_is_no_network(refused):
  save_restore.save_network('network', {'a': np.ones(2)})
  for location in ('network', 'new'):
    with refused(f'{location}: wanted at least one array, got none'):
      save_restore.save_network(location, {})
  assert set(contents('.')) == {'network/a.npy'}


def test_missing_and_empty_folders_are_refused(refused):
  with refused('nowhere: wanted a folder of .npy files'):
    save_restore.restore_network('nowhere')
  pathlib.Path('file').write_text('')
  with refused('file: wanted a folder of .npy files'):
    save_restore.restore_network('file')
  pathlib.Path('folder').mkdir()
  pathlib.Path('folder/readme.txt').write_text('')
  with refused('folder: wanted .npy files, found none'):
    save_restore.restore_network('folder')
  with refused('nowhere.npy: no such file'):
    save_restore.read_array('nowhere.npy')


class Trap:
  """Leaves a file behind when somebody unpickles it."""

  def __reduce__(self):
    return pathlib.Path.touch, (pathlib.Path('sprung'),)


@pytest.mark.parametrize(
  'content',
  [
    pickle.dumps(Trap()),
    encoded(np.array(Trap()), allow_pickle=True),
    encoded(np.array([Trap()]), allow_pickle=True),
  ],
)
def test_pickles_are_refused_unread(content, refused):
  pathlib.Path('network').mkdir()
  pathlib.Path('network/a.npy').write_bytes(content)
  with refused(f'network/a.npy: {WHOLE}'):
    save_restore.restore_network('network')
  assert not pathlib.Path('sprung').exists()


def test_truncated_files_are_refused(refused):
  whole = encoded(np.arange(6, dtype=np.float32))
  for length in range(len(whole)):  # 0 is the empty file.
    pathlib.Path('a.npy').write_bytes(whole[:length])
    with refused(f'a.npy: {WHOLE}'):
      save_restore.read_array('a.npy')


def header(text, length=None):
  """A .npy file of a header alone."""
  text = text.encode()
  length = len(text) if length is None else length
  return b'\x93NUMPY\x02\x00' + length.to_bytes(4, 'little') + text


@pytest.mark.parametrize(
  'content',
  [
    header("{'descr': '<f4', 'fortran_order': False, 'shape': (10**12,)}"),
    header(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"
    ),
    header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"),
    header("{'descr': '<f4', 'fortran_order': False, 'shape': (2**63, 2**63)}"),
    header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
    header("{'descr':", 2**32 - 1),
    header("{'descr': ('<f4'"),
    header('(' * 9_000),
    header('{' + ' ' * 20_000 + '}'),
    b'\x93NUMPY\x09\x00' + b'\0' * 200,
    b'not an array',
  ],
)
def test_damaged_headers_are_refused(content, refused):
  pathlib.Path('a.npy').write_bytes(content)
  with refused(f'a.npy: {WHOLE}'):
    save_restore.read_array('a.npy')


def test_archives_are_refused(refused):
  np.savez('a.npz', np.ones(2))
  pathlib.Path('a.npz').rename('a.npy')
  with refused(f'a.npy: {WHOLE}, got a zip archive'):
    save_restore.read_array('a.npy')


@pytest.mark.filterwarnings('ignore')
def test_whatever_the_header_it_is_an_array_or_an_input_error():
  whole = encoded(np.arange(6, dtype=np.float32).reshape(2, 3))
  dice = random.Random(0)
  damaged = 0
  for _ in range(500):
    content = bytearray(whole)
    for _ in range(dice.choice([1, 2, 3])):
      content[dice.randrange(80)] = dice.choice(b'\0\'"(){}[],:019fiO|<\n\xff#')
    pathlib.Path('a.npy').write_bytes(content)
    try:
      assert isinstance(save_restore.read_array('a.npy'), np.ndarray)
    except errors.InputError:
      damaged += 1
  assert damaged > 250


def test_standardize_takes_all_four_forms(assert_same):
  a = {'x': np.array([1.0, 0.0], np.float32)}
  b = {'x': np.array([0.0, 0.0], np.float32)}
  both = {'x': np.array([1.0, 0.0], np.float32)}
  save_restore.save_network('a', a)
  assert save_restore.standardize(None) is None
  assert save_restore.standardize(None, masks_lib.union) is None
  for form in (a, 'a', pathlib.Path('a')):
    assert_same(save_restore.standardize(form), a)
    assert_same(save_restore.standardize(form, masks_lib.union), a)
    for forms in ([form, b], (b, form)):
      assert_same(save_restore.standardize(forms, masks_lib.union), both)
    assert_same(save_restore.standardize([form], masks_lib.union), a)


def test_standardize_refuses_anything_else(refused):
  with refused('network: wanted a folder or a dictionary, got 5'):
    save_restore.standardize(5)
  with refused('network: wanted one folder or dictionary, got 2 of them'):
    save_restore.standardize([{}, {}])
  with refused('network: wanted one folder or dictionary, got 0 of them'):
    save_restore.standardize([], masks_lib.union)
  with refused('nowhere: wanted a folder of .npy files'):
    save_restore.standardize([{}, 'nowhere'], masks_lib.union)
  with refused('mine: wanted a folder or a dictionary, got True'):
    save_restore.standardize(True, name='mine')
  with refused('mine: wanted a folder or a dictionary, got True'):
    save_restore.standardize([{}, True], masks_lib.union, name='mine')
  with refused('mine: wanted one folder or dictionary, got 2 of them'):
    save_restore.standardize([{}, {}], name='mine')


def test_checksums_tell_networks_apart():
  a = np.arange(4, dtype=np.float32)
  networks = [
    {},
    {'a': a},
    {'b': a},
    {'a': a.reshape(2, 2)},
    {'a': a.astype(np.int32)},
    {'a': a.astype(np.float64)},
    {'a': a[::-1]},
    {'a': np.array([0.0, 1, 2, np.nextafter(np.float32(3), 4)], np.float32)},
    {'a': a, 'b': a},
  ]
  checksums = {save_restore.checksum(network) for network in networks}
  assert len(checksums) == len(networks)
  assert all(len(checksum) == 64 for checksum in checksums)
  assert save_restore.checksum(None) is None


def test_checksums_depend_on_content_alone():
  a, b = np.arange(6.0).reshape(2, 3), np.ones(2)
  checksum = save_restore.checksum({'a': a, 'b': b})
  assert save_restore.checksum({'b': b, 'a': np.asfortranarray(a)}) == checksum
  assert save_restore.checksum({'a': a[:], 'b': b.copy()}) == checksum


def test_log_round_trip():
  log = {
    'iteration': [0, 100, 200],
    'loss': [2.302585092994046, float('nan'), float('inf')],
    'accuracy': [0.1, 1 / 3, 0.0],
  }
  save_restore.write_log('run/test.json', log)
  written = json.loads(pathlib.Path('run/test.json').read_text())
  assert list(written) == ['iteration', 'loss', 'accuracy']
  assert written == log | {'loss': [2.302585092994046, None, None]}
  got = save_restore.read_log('run/test.json')
  assert got['iteration'].dtype == np.int64
  assert got['loss'].dtype == got['accuracy'].dtype == np.float64
  assert got['iteration'].tolist() == log['iteration']
  assert got['accuracy'].tolist() == log['accuracy']
  np.testing.assert_array_equal(
    got['loss'], [2.302585092994046, np.nan, np.nan]
  )


LOG = {'iteration': [0, 100], 'loss': [0.5, 0.1], 'accuracy': [0.25, 0.75]}


def test_a_log_that_was_read_can_be_written(assert_same):
  save_restore.write_log('log.json', LOG | {'loss': [0.5, float('nan')]})
  log = save_restore.read_log('log.json')
  save_restore.write_log('again.json', log)
  assert_same(save_restore.read_log('again.json'), log)
  written = pathlib.Path('log.json').read_bytes()
  assert pathlib.Path('again.json').read_bytes() == written


@pytest.mark.parametrize(
  'log',
  [
    {key: np.array(values) for key, values in LOG.items()},
    {key: list(np.array(values)) for key, values in LOG.items()},
    {key: tuple(values) for key, values in LOG.items()},
    LOG | {'accuracy': np.array([0.25, 0.75], np.float32)},
    LOG | {'iteration': np.array([0, 100], np.uint8), 'more': object()},
  ],
)
def test_logs_are_of_lists_or_arrays(log):
  save_restore.write_log('log.json', log)
  assert save_restore.read_json('log.json') == LOG


@pytest.mark.parametrize(
  ('changes', 'complaint'),
  [
    ({'loss': None}, 'wanted lists of numbers: iteration, loss, accuracy'),
    ({'loss': 0.5}, 'wanted lists of numbers: iteration, loss, accuracy'),
    ({'loss': 'ab'}, 'wanted lists of numbers: iteration, loss, accuracy'),
    (
      {'loss': np.array(['0.5', '0.1'])},
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      {'loss': np.ones((2, 1))},
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      {'accuracy': np.array([False, True])},
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      {'iteration': np.array([0.0, 1.0])},
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      {'iteration': np.array([0, 2**63], np.uint64)},
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    ({'loss': [0.5]}, 'wanted lists of equal length'),
    ({key: np.zeros(0, int) for key in LOG}, 'wanted lists of equal length'),
    ({'iteration': np.array([5, 5])}, 'wanted iterations in increasing order'),
    ({'iteration': [-1, 5]}, 'wanted iterations in increasing order'),
  ],
)
def test_logs_that_nobody_could_read_are_not_written(
  changes, complaint, refused
):
  save_restore.write_log('log.json', LOG)
  for path in ('log.json', 'new.json'):
    with refused(f'{path}: {complaint}'):
      save_restore.write_log(path, LOG | changes)
  assert set(contents('.')) == {'log.json'}
  assert save_restore.read_json('log.json') == LOG


def test_a_log_wants_all_its_arrays(refused):
  for key in LOG:
    with refused(
      'log.json: wanted lists of numbers: iteration, loss, accuracy'
    ):
      save_restore.write_log(
        'log.json', {other: LOG[other] for other in LOG if other != key}
      )


def test_a_log_may_be_named_by_its_folder_and_split(refused):
  pathlib.Path('run').mkdir()
  save_restore.write_log('run', LOG)
  save_restore.write_log('run', LOG | {'loss': [3.0, 2.0]}, 'train')
  assert set(contents('run')) == {'test.json', 'train.json'}
  for path in ('run', 'run/test.json'):
    assert save_restore.read_log(path)['loss'].tolist() == [0.5, 0.1]
  assert save_restore.read_log('run', 'train')['loss'].tolist() == [3, 2]
  assert save_restore.read_log('run', name='train')['loss'].tolist() == [3, 2]
  with refused('run/validate.json: no such file'):
    save_restore.read_log('run', 'validate')


@pytest.mark.parametrize(
  ('content', 'complaint'),
  [
    (b'', 'wanted a JSON object'),
    (b'{', 'wanted a JSON object'),
    (b'[1, 2]', 'wanted a JSON object'),
    (b'null', 'wanted a JSON object'),
    (b'\xff\xfe{}', 'wanted a JSON object'),
    (b'[' * 100_000, 'wanted a JSON object'),
    (b'{}', 'wanted lists of numbers: iteration, loss, accuracy'),
    (
      b'{"iteration": [0], "loss": ["high"], "accuracy": [1]}',
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      b'{"iteration": [null], "loss": [1], "accuracy": [1]}',
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      b'{"iteration": [99999999999999999999], "loss": [1], "accuracy": [1]}',
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      b'{"iteration": [0, 1], "loss": [1], "accuracy": [1]}',
      'wanted lists of equal length',
    ),
    (
      b'{"iteration": 0, "loss": 1, "accuracy": 1}',
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      b'{"iteration": [[0]], "loss": [[1]], "accuracy": [[1]]}',
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      b'{"iteration": [0], "loss": ["1.5"], "accuracy": [1]}',
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      b'{"iteration": [0], "loss": [1e999], "accuracy": [1]}',
      'wanted lists of numbers: iteration, loss, accuracy',
    ),
    (
      b'{"iteration": [0], "loss": [NaN], "accuracy": [1]}',
      'wanted a JSON object',
    ),
    (
      b'{"iteration": [0], "loss": [1], "loss": [2], "accuracy": [1]}',
      'wanted a JSON object',
    ),
    (
      b'{"iteration": [], "loss": [], "accuracy": []}',
      'wanted lists of equal length',
    ),
    (
      b'{"iteration": [5, 5], "loss": [1, 1], "accuracy": [1, 1]}',
      'wanted iterations in increasing order',
    ),
    (
      b'{"iteration": [-1], "loss": [1], "accuracy": [1]}',
      'wanted iterations in increasing order',
    ),
  ],
)
def test_damaged_logs_are_refused(content, complaint, refused):
  pathlib.Path('test.json').write_bytes(content)
  with refused(f'test.json: {complaint}'):
    save_restore.read_log('test.json')


def test_a_missing_log_is_refused(refused):
  with refused('test.json: no such file'):
    save_restore.read_log('test.json')
  pathlib.Path('folder').mkdir()
  with refused('folder: cannot be read: Is a directory'):
    save_restore.read_json('folder')


def test_a_json_file_that_is_too_large_is_refused(monkeypatch, refused):
  monkeypatch.setattr(save_restore, 'MAX_JSON_BYTES', 20)
  pathlib.Path('a.json').write_text('{"x": 1}'.ljust(20))
  assert save_restore.read_json('a.json') == {'x': 1}
  pathlib.Path('a.json').write_text('{"x": 1}'.ljust(21))
  with refused('a.json: has over 20 bytes'):
    save_restore.read_json('a.json')


def test_json_holds_what_is_known_of_other_values():
  values = {
    'array': np.array([1.5, np.nan]),
    'number': np.float32(0.5),
    'pair': (1, None),
    'function': test_log_round_trip,
    'partial': functools.partial(max, 2, key=abs),
    'initializer': keras.initializers.Zeros(),
    3: float('inf'),
  }
  save_restore.write_json('a.json', values)
  assert save_restore.read_json('a.json') == {
    'array': [1.5, None],
    'number': 0.5,
    'pair': [1, None],
    'function': 'test_log_round_trip',
    'partial': {'max': [[2], {'key': 'abs'}]},
    'initializer': {'Zeros': {}},
    '3': None,
  }


def test_what_macos_leaves_is_passed_over():
  save_restore.save_network('net', NETWORK)
  for name in ('.DS_Store', '._layer0.npy'):
    pathlib.Path('net', name).write_bytes(b'\x00\x05\x16\x07')
  assert list(save_restore.restore_network('net')) == sorted(NETWORK)
  save_restore.save_network('net', {'a': np.ones(2)})
  assert list(save_restore.restore_network('net')) == ['a']


@pytest.mark.parametrize(
  ('content', 'kind'),
  [
    (b'\n<!doctype html><html>', 'a web page (HTML)'),
    (b'\x1f\x8b\x08', 'a gzipped file'),
    (b'PK\x03\x04', 'a zip archive'),
    (b'version https://git-lfs.github.com/spec/v1', 'a pointer of Git LFS'),
  ],
)
def test_says_what_is_in_the_place_of_an_array(content, kind):
  pathlib.Path('x.npy').write_bytes(content)
  with pytest.raises(errors.InputError) as caught:
    save_restore.read_array('x.npy')
  assert str(caught.value) == f'x.npy: {WHOLE}, got {kind}'

"""Tests of lottery_ticket.foundations.ticket."""

import io
import json
import os
import random
import stat
import zipfile

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import ticket as ticket_lib

MASKS = {
  'a': np.array([[1, 0, 1], [0, 1, 1]], np.float32),
  'b': np.array([[1], [1], [0]], np.float32),
}
INITIAL = {
  'a': np.array([[0.5, 0, -1], [0, 2, 3]], np.float32),
  'a_bias': np.array([1, 0, -1], np.float32),
  'b': np.array([[-0.25], [0], [0]], np.float32),
}
CONFIGURATION = {'experiment': {'seed': 7, 'level': 3, 'recipe': {'x': [1]}}}


def make(masks=None, initial=None, configuration=None):
  return ticket_lib.Ticket(
    MASKS | (masks or {}),
    INITIAL | (initial or {}),
    CONFIGURATION if configuration is None else configuration,
  )


def save(path='t.npz', **changes):
  ticket_lib.save_ticket(path, make(**changes))


def check_equal(network, other):
  assert list(network) == list(other)
  for name, array in network.items():
    assert array.dtype == other[name].dtype
    np.testing.assert_array_equal(array, other[name])


def members():
  """Returns {name: bytes} of a good ticket."""
  save('good.npz')
  with zipfile.ZipFile('good.npz') as archive:
    return {name: archive.read(name) for name in archive.namelist()}


def write(contents, path='bad.npz', compression=zipfile.ZIP_STORED):
  with zipfile.ZipFile(path, 'w', compression) as archive:
    for name, content in contents:
      archive.writestr(name, content)


def npy(array, **kwargs):
  stream = io.BytesIO()
  np.save(stream, array, **kwargs)
  return stream.getvalue()


def refusal(path='bad.npz'):
  with pytest.raises(errors.InputError) as caught:
    ticket_lib.read_ticket(path)
  message = str(caught.value)
  assert message.startswith(f'{path}: ') and '\n' not in message
  return message.removeprefix(f'{path}: ')


def test_what_is_saved_is_read():
  save()
  read = ticket_lib.read_ticket('t.npz')
  check_equal(read.masks, MASKS)
  check_equal(read.initial, INITIAL)
  assert read.configuration == CONFIGURATION
  assert read.density == pytest.approx(6 / 9)


def test_numpy_alone_reads_it_without_pickles():
  save()
  with np.load('t.npz', allow_pickle=False) as file:
    described = json.loads(file['ticket.json'])
    shape = described['shapes']['a']
    bits = np.unpackbits(file['masks/a'], count=np.prod(shape))
    mask, kernel = bits.reshape(shape), np.zeros(shape)
    kernel[mask == 1] = file['initial/a']
    np.testing.assert_array_equal(mask, MASKS['a'])
    np.testing.assert_array_equal(kernel, INITIAL['a'])
    np.testing.assert_array_equal(file['initial/a_bias'], INITIAL['a_bias'])
  assert described['configuration'] == CONFIGURATION
  assert described['format'] == 'lottery ticket 1'


def test_the_file_is_smaller_with_fewer_weights(tmp_path):
  generator = np.random.default_rng(0)
  sizes = []
  for density in (1, 0.036):
    mask = generator.random((784, 300)) < density
    weights = np.where(mask, generator.normal(size=mask.shape), -0.0)
    save('t.npz', masks={'a': mask}, initial={'a': weights, 'b': INITIAL['b']})
    sizes.append(os.path.getsize('t.npz'))
    (tmp_path / 't.npz').unlink()
  assert sizes[0] > 4 * 784 * 300
  assert sizes[1] < 0.08 * sizes[0]


def test_weights_that_stay_may_be_zero():
  initial = {'a': INITIAL['a'] * 0}
  save(initial=initial)
  read = ticket_lib.read_ticket('t.npz')
  check_equal(read.masks, MASKS)
  check_equal(read.initial, INITIAL | initial)


def test_other_types_and_orders_become_float32_in_c_order():
  mask = np.asfortranarray(MASKS['a'].astype(bool))
  weights = np.asfortranarray(INITIAL['a'].astype('>f8'))
  save(masks={'a': mask}, initial={'a': weights})
  read = ticket_lib.read_ticket('t.npz')
  check_equal(read.masks, MASKS)
  check_equal(read.initial, INITIAL)


def test_the_same_ticket_is_the_same_bytes_in_whichever_order():
  save('a.npz')
  turned = ticket_lib.Ticket(
    dict(reversed(MASKS.items())),
    dict(reversed(INITIAL.items())),
    {'experiment': dict(reversed(CONFIGURATION['experiment'].items()))},
  )
  ticket_lib.save_ticket('b.npz', turned)
  with open('a.npz', 'rb') as a, open('b.npz', 'rb') as b:
    assert a.read() == b.read()


def test_what_is_given_stays_as_it_was():
  masks, initial = ({'a': np.array([value])} for value in ([1, 0], [2.0, 0.0]))
  ticket_lib.save_ticket('t.npz', ticket_lib.Ticket(masks, initial, {}))
  assert masks['a'].dtype == int and initial['a'].dtype == float


def test_another_file_is_kept_unless_overwrite(tmp_path):
  path = tmp_path / 'new' / 't.npz'
  save(path)
  content, before = path.read_bytes(), path.stat()
  save(path)
  assert path.stat().st_mtime_ns == before.st_mtime_ns
  with pytest.raises(errors.InputError, match='another file is there'):
    save(path, initial={'a_bias': np.zeros(3)})
  assert path.read_bytes() == content
  other = make(initial={'a_bias': np.zeros(3)})
  ticket_lib.save_ticket(path, other, overwrite=True)
  assert not ticket_lib.read_ticket(path).initial['a_bias'].any()
  assert [each.name for each in path.parent.iterdir()] == ['t.npz']


def test_a_folder_is_never_overwritten(tmp_path):
  (tmp_path / 'folder').mkdir()
  with pytest.raises(errors.InputError, match='wanted a file, got a folder'):
    ticket_lib.save_ticket('folder', make(), overwrite=True)
  assert (tmp_path / 'folder').is_dir()


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
  save()
  content = (tmp_path / 't.npz').read_bytes()

  def fail(*_):
    raise OSError('disk full')

  monkeypatch.setattr('pathlib.Path.replace', fail)
  with pytest.raises(OSError, match='disk full'):
    ticket_lib.save_ticket('t.npz', make(configuration={}), overwrite=True)
  files = [path for path in tmp_path.iterdir() if path.name != 'home']
  assert files == [tmp_path / 't.npz']
  assert files[0].read_bytes() == content


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    (
      {'masks': {'a': MASKS['a'] / 2}},
      r"masks\['a'\]: wanted only 0 and 1, got 0.5",
    ),
    (
      {'initial': {'b': np.ones((3, 1))}},
      r"initial\['b'\]: wanted 0 where it is pruned, got 1.0",
    ),
    (
      {'initial': {'b': np.ones((1, 3))}},
      r"initial\['b'\]: wanted shape \[3, 1\] like its mask, got \[1, 3\]",
    ),
    (
      {'masks': {'c': np.ones(2)}},
      r"initial\['c'\]: wanted shape \[2\] like its mask, got none",
    ),
    (
      {'initial': {'a_bias': [1, np.nan, 2]}},
      r"initial\['a_bias'\]: wanted finite float32 numbers, got nan",
    ),
    ({'initial': {'a/b': np.ones(1)}}, "parameter name 'a/b': wanted letters"),
    ({'configuration': []}, 'configuration: wanted a dictionary, got list'),
    ({'configuration': {'x': np.ones(1)}}, 'configuration: Object of type'),
    ({'configuration': {'x': np.inf}}, 'configuration: Out of range'),
  ],
)
def test_what_is_no_ticket_is_not_written(changes, message):
  with pytest.raises(errors.InputError, match=message):
    save(**changes)
  assert not os.path.exists('t.npz')


def test_a_ticket_without_masks_is_none():
  with pytest.raises(errors.InputError, match='masks: wanted at least one'):
    ticket_lib.save_ticket('t.npz', ticket_lib.Ticket({}, INITIAL, {}))


def test_files_that_are_something_else_are_refused(tmp_path):
  assert refusal('none.npz') == 'no such file'
  (tmp_path / 'folder').mkdir()
  assert 'cannot be read' in refusal('folder')
  os.mkfifo('pipe')
  assert 'cannot be read' in refusal('pipe')
  for content in (b'', b'{}', b'PK', npy(np.ones(3))):
    (tmp_path / 'bad.npz').write_bytes(content)
    assert refusal() == 'not a ticket: damaged'
  np.savez('bad.npz', a=np.ones(3))
  assert refusal().startswith('not a ticket: wanted ticket.json and arrays')


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    ('extra.npy', npy(np.ones(1)), "got 'extra.npy' in it"),
    (
      'masks/../x/y.npy',
      npy(np.ones(1, np.float32)),
      'shapes: wanted those of all masks',
    ),
    ('masks/a.npy', npy(MASKS['a']), "masks['a']: wanted 6 bits for shape [2"),
    ('masks/a.npy', npy(np.zeros(2, np.uint8)), 'got uint8 [2]'),
    ('masks/a.npy', npy(np.zeros(1, np.uint8)), "initial['a']: wanted 0 weig"),
    ('masks/c.npy', npy(np.zeros(1, np.uint8)), 'shapes: wanted those of'),
    ('initial/b.npy', npy(INITIAL['b'][:2, 0] * np.nan), 'wanted finite float'),
    (
      'initial/b.npy',
      npy(INITIAL['b'][:, 0]),
      "initial['b']: wanted 2 weights",
    ),
    ('masks/a.npy', b'nothing', 'masks/a.npy: wanted a whole .npy file'),
    ('masks/a.npy', npy(np.packbits(MASKS['a'] > 0))[:-1], 'wanted a whole'),
    (
      'initial/a.npy',
      npy(np.array([None]), allow_pickle=True),
      'initial/a.npy: wanted a whole .npy file',
    ),
    ('ticket.json', b'[]', 'ticket.json: wanted a JSON object'),
    ('ticket.json', b'{', 'ticket.json: wanted a JSON object'),
    ('ticket.json', b'[' * 100_000, 'ticket.json: wanted a JSON object'),
    ('ticket.json', b'{"format": "x"}', "wanted 'lottery ticket 1', got 'x'"),
    ('ticket.json', b'{}', "wanted 'lottery ticket 1', got 'None'"),
  ],
)
def test_each_part_is_checked(name, content, message):
  write((members() | {name: content}).items())
  assert message in refusal()


def test_a_member_twice_is_refused():
  good = list(members().items())
  with pytest.warns(UserWarning, match='Duplicate name'):
    write([*good, good[1]])
  assert 'each once' in refusal()


def test_nothing_is_inflated_nor_believed_to_be_larger_than_the_file(tmp_path):
  good = members()
  bomb = npy(np.zeros(10_000_000, np.float32))
  write((good | {'masks/a.npy': bomb}).items(), 'bad.npz', zipfile.ZIP_DEFLATED)
  assert os.path.getsize('bad.npz') < 100_000
  assert 'is compressed' in refusal()
  header = npy(np.zeros(0, np.float32)).replace(b'(0,)', b'(9**9,)')
  write((good | {'masks/a.npy': header}).items())
  assert 'masks/a.npy: wanted a whole .npy file' in refusal()
  header = npy(np.zeros(0, np.float32)).replace(
    b'(0,), }       ', b'(99999999,), }'
  )
  write((good | {'masks/a.npy': header}).items())
  assert 'masks/a.npy: wanted a whole .npy file' in refusal()
  write(good.items())
  whole = (tmp_path / 'bad.npz').read_bytes()
  size = len(good['masks/a.npy']).to_bytes(4, 'little')
  larger = (2**31).to_bytes(4, 'little')
  (tmp_path / 'bad.npz').write_bytes(whole.replace(size * 2, larger * 2))
  assert refusal() == 'not a ticket: says that it holds more than it does'


def test_no_damage_gives_other_numbers(tmp_path):
  save('good.npz')
  whole = (tmp_path / 'good.npz').read_bytes()
  generator = random.Random(0)
  refused = 0
  for _ in range(400):
    damaged = bytearray(whole)
    damaged[generator.randrange(len(whole))] ^= 1 << generator.randrange(8)
    if generator.random() < 0.2:
      del damaged[generator.randrange(len(whole)) :]
    (tmp_path / 'bad.npz').write_bytes(damaged)
    try:
      read = ticket_lib.read_ticket('bad.npz')
    except errors.InputError as error:
      assert '\n' not in str(error)
      refused += 1
    else:  # Say, in a date.
      check_equal(read.masks, MASKS)
      check_equal(read.initial, INITIAL)
      assert read.configuration == CONFIGURATION
  assert refused > 200


def test_the_file_is_one_that_others_may_read(tmp_path):
  before = os.umask(0o022)
  try:
    save()
  finally:
    os.umask(before)
  assert stat.S_IMODE((tmp_path / 't.npz').stat().st_mode) == 0o644

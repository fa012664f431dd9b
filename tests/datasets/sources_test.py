"""Tests of lottery_ticket.datasets.sources, with small arrays, no network."""

import dataclasses
import gzip
import os
import pathlib
import struct
import subprocess
import sys

import numpy as np
import pytest

from lottery_ticket.datasets import formats
from lottery_ticket.datasets import sources
from lottery_ticket.foundations import errors

GENERATOR = np.random.default_rng(0)
ARRAYS = {
  'x_train': GENERATOR.integers(256, size=(6, 28, 28), dtype=np.uint8),
  'y_train': GENERATOR.integers(10, size=6, dtype=np.uint8),
  'x_test': GENERATOR.integers(256, size=(3, 28, 28), dtype=np.uint8),
  'y_test': GENERATOR.integers(10, size=3, dtype=np.uint8),
}
OTHER = {key: array ^ 1 for key, array in ARRAYS.items()}
TURNED = {
  key: array.transpose(0, 2, 1) if array.ndim == 3 else array
  for key, array in ARRAYS.items()
}
SUMS = {key: formats.checksum(array) for key, array in ARRAYS.items()}
EMPTY = 'has no x_train.npy, train-images-idx3-ubyte or other form of it'


@pytest.fixture(autouse=True)
def use(monkeypatch):
  """Makes 'mnist' a small data set that has the given sources."""

  def set_sources(**given):
    dataset = sources.DATASETS['mnist']
    monkeypatch.setitem(
      sources.DATASETS,
      'mnist',
      dataclasses.replace(
        dataset, checksums=tuple(SUMS.values()), sources=given
      ),
    )

  set_sources()
  return set_sources


def write_npy(folder, arrays=ARRAYS):
  pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  for key, array in arrays.items():
    np.save(f'{folder}/{key}.npy', array)


def write_idx(folder, arrays=ARRAYS, name='{}', pack=bytes):
  pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  for key, array in arrays.items():
    header = struct.pack(f'>4B{array.ndim}I', 0, 0, 8, array.ndim, *array.shape)
    file = name.format(sources.FILES[key])
    if name.startswith('emnist'):
      file = file.replace('t10k', 'test')
    path = pathlib.Path(folder, file)
    path.write_bytes(pack(header + array.tobytes()))


def write_gzipped(folder, arrays=ARRAYS):
  write_idx(folder, arrays, '{}.gz', gzip.compress)


def write_dotted(folder, arrays=ARRAYS):
  write_idx(folder, arrays)
  for path in list(pathlib.Path(folder).iterdir()):
    path.rename(path.with_name(path.name.replace('-idx', '.idx')))


def write_npz(folder, arrays=ARRAYS):
  pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  wide = {k: v if v.ndim > 1 else v.astype(int) for k, v in arrays.items()}
  np.savez_compressed(f'{folder}/mnist.npz', **wide)


def write_csv(folder, arrays=ARRAYS, name='mnist_{}.csv'):
  pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  for split in ('train', 'test'):
    images, labels = arrays[f'x_{split}'], arrays[f'y_{split}']
    table = np.column_stack([labels, images.reshape(-1, 784)])
    file = f'{folder}/{name.format(split)}'
    np.savetxt(file, table, '%d', delimiter=',')


def refusal(name='mnist', location='location', source=None):
  """Returns the message with which an installation is refused."""
  with pytest.raises(errors.InputError) as caught:
    sources.install(name, location, source)
  assert len(str(caught.value).splitlines()) == 1
  return str(caught.value)


def check_complete(location='location'):
  """Checks that there are the right four files and nothing else."""
  assert sorted(os.listdir(location)) == sorted(f'{k}.npy' for k in ARRAYS)
  for key, array in ARRAYS.items():
    loaded = np.load(f'{location}/{key}.npy')
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, array)


def snapshot(folder='location'):
  return {
    path: (path.read_bytes(), path.stat().st_mtime_ns)
    for path in pathlib.Path(folder).iterdir()
  }


def test_leaves_what_is_there():
  write_npy('location')
  before = snapshot()
  assert sources.install('mnist', 'location') == (
    "mnist: already in 'location'"
  )
  assert snapshot() == before


def test_refuses_to_overwrite_other_data():
  write_npy('location', {**ARRAYS, 'y_test': OTHER['y_test']})
  write_npy('good')
  before = snapshot()
  came = formats.checksum(OTHER['y_test'])[:12]
  assert refusal(source='good') == (
    'location/y_test.npy: is not the published y_test: wanted SHA-256'
    f' {SUMS["y_test"][:12]}..., got {came}...; nothing was changed: move it'
    ' away, or choose another location'
  )
  assert snapshot() == before
  pathlib.Path('location/y_test.npy').write_bytes(b'rubbish')
  assert refusal().startswith('location/y_test.npy: wanted a whole .npy file')


def test_adds_only_what_is_missing():
  write_npy('location', {'x_train': ARRAYS['x_train']})
  before = snapshot()
  write_idx('good')
  sources.install('mnist', 'location', 'good')
  check_complete()
  assert snapshot().items() >= before.items()


@pytest.mark.parametrize(
  'write',
  [write_npy, write_idx, write_gzipped, write_dotted, write_npz, write_csv],
)
@pytest.mark.parametrize('inner', ['', 'mnist', 'MNIST/raw', 'raw'])
def test_takes_each_form_from_a_folder(write, inner):
  write(f'source/{inner}')
  for hidden in ('.DS_Store', '._x_train.npy', '._mnist.npz'):
    pathlib.Path('source', inner, hidden).write_bytes(b'\x00\x05\x16\x07')
  assert sources.install('mnist', 'location', 'source') == (
    "mnist: from 'source', now in 'location'"
  )
  check_complete()


def test_takes_a_single_npz_file():
  write_npz('.')
  sources.install('mnist', 'location', 'mnist.npz')
  check_complete()


def test_takes_files_that_were_put_into_the_location():
  write_idx('location')
  assert sources.install('mnist', 'location') == (
    "mnist: from files in the location, now in 'location'"
  )
  assert sources.install('mnist', 'location').startswith('mnist: already')


def test_takes_the_right_one_of_several_forms():
  write_idx('source', OTHER)
  write_npz('source')
  sources.install('mnist', 'location', 'source')
  check_complete()


@pytest.mark.parametrize(
  ('name', 'folder', 'file'),
  [
    ('kmnist', 'KMNIST/raw', '{}'),
    ('emnist_digits', 'EMNIST/raw', 'emnist-digits-{}'),
    ('emnist_digits', '', 'emnist-digits-{}.gz'),
    ('other', '', '{}'),
  ],
)
def test_takes_other_sets_in_mnists_layout(name, folder, file):
  arrays = TURNED if name == 'emnist_digits' else ARRAYS
  pack = gzip.compress if file.endswith('gz') else bytes
  write_idx(f'source/{folder}', arrays, file, pack)
  sources.install(name, 'location', 'source')
  check_complete()
  sources.install(name, 'again', 'location')  # Its images are upright now.
  check_complete('again')


def test_takes_emnist_as_csv():
  write_csv('source', TURNED, 'emnist-digits-{}.csv')
  sources.install('emnist_digits', 'location', 'source')
  check_complete()


def test_refuses_other_sets_of_another_layout():
  write_idx('source', {**ARRAYS, 'y_test': ARRAYS['y_test'] + 20})
  assert 'source/t10k-labels-idx1-ubyte: wanted classes 0 to 9' in refusal(
    'kmnist', source='source'
  )
  write_idx('source', {**ARRAYS, 'x_test': ARRAYS['x_test'][:, 1:]})
  assert 'wanted uint8 images of shape [n, 28, 28]' in refusal(
    'other', source='source'
  )
  write_idx('source', {**ARRAYS, 'y_test': ARRAYS['y_train']})
  assert 'y_test: wanted integers of shape [3], got uint8 [6]' in refusal(
    'other', source='source'
  )


def test_never_falls_back_from_the_named_source(use):
  write_gzipped('mirror')
  use(mirror=lambda _: pathlib.Path('mirror'))
  pathlib.Path('source').mkdir()
  message = refusal(source='source')
  assert message.endswith(f"(asked: 'source': {EMPTY})")
  write_idx('source', OTHER)
  message = refusal(source='source')
  assert 'source/train-images-idx3-ubyte: is not the published' in message
  assert not os.path.exists('location')


def test_asks_one_source_after_another(use):
  def fail(folder):
    raise errors.InputError('no answer')

  def bring_a_page(folder):
    (folder / 'mnist.npz').write_text('<html>Sign in to this network</html>')
    return folder

  write_gzipped('good')
  failing = {'one': fail, 'two': bring_a_page}
  use(**failing, three=lambda _: pathlib.Path('good'))
  assert sources.install('mnist', 'location') == (
    "mnist: from three, now in 'location'"
  )
  check_complete()
  use(**failing)
  assert refusal(location='nowhere') == (
    'mnist: no source has it: put train-images-idx3-ubyte,'
    ' train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte'
    " (gzipped or not) into 'nowhere', or name the folder that has them as"
    f' --source (asked: files in the location: {EMPTY}; one: no answer;'
    ' two: mnist.npz: is a web page (HTML), not data; download the file'
    ' itself)'
  )
  assert not os.path.exists('nowhere')


@pytest.mark.parametrize('source', ['', 'nowhere', 'a\nb'])
def test_refuses_a_source_that_is_not_there(source):
  assert refusal(source=source) == (
    f'source: wanted a folder or an .npz file, {source!r} is not there'
  )


def test_refuses_other_arguments():
  assert refusal('cifar') == (
    'datasets: wanted all, mnist, fashion_mnist, kmnist, emnist_digits, other,'
    " got 'cifar'"
  )
  assert refusal(location='') == "location: wanted a folder, got ''"


def test_refuses_an_unwritable_location_before_it_asks_anyone(use):
  use(never=pytest.fail)
  pathlib.Path('file').touch()
  for path, why in [
    ('file', 'File exists'),
    ('file/inner', 'Not a directory'),
    ('x' * 5000, 'File name too long'),
  ]:
    message = f'location {path!r}: cannot be written: {why}'
    assert refusal(location=path) == message
    with pytest.raises(errors.InputError, match=f'{why}$'):
      sources.check('mnist', path)


def test_check_leaves_no_trace():
  sources.check('mnist', 'location', '.')
  assert not os.path.exists('location')


def test_an_interrupt_or_a_full_disk_leaves_nothing(use, monkeypatch):
  def interrupt(folder):
    (folder / 'half').write_bytes(b'half')
    raise KeyboardInterrupt

  use(one=interrupt)
  with pytest.raises(KeyboardInterrupt):
    sources.install('mnist', 'location')
  assert not os.path.exists('location')

  def save(path, array):
    path.write_bytes(b'half')
    raise OSError(28, 'No space left on device')

  write_idx('source')
  monkeypatch.setattr(np, 'save', save)
  assert refusal(source='source') == (
    "location 'location': cannot be written: No space left on device"
  )
  assert not os.path.exists('location')


def test_starts_without_tensorflow():
  code = (
    'import sys; from lottery_ticket.mnist_fc import download_data; '
    "sys.exit('tensorflow' in sys.modules)"
  )
  subprocess.run([sys.executable, '-c', code], check=True)

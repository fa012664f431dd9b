"""Hostile input of lottery_ticket.datasets.sources."""

import io
import os
import pathlib
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from lottery_ticket.datasets import idx
from lottery_ticket.datasets import sources
from lottery_ticket.foundations import errors


def npy(array):
  stream = io.BytesIO()
  np.save(stream, array)
  return stream.getvalue()


def npz(members, method=zipfile.ZIP_DEFLATED):
  stream = io.BytesIO()
  with zipfile.ZipFile(stream, 'w', method) as archive:
    for name, content in members.items():
      archive.writestr(name, content)
  return stream.getvalue()


def install(content, name='mnist.npz'):
  """Installs from a file with this content, which is not MNIST."""
  pathlib.Path('source').mkdir(exist_ok=True)
  pathlib.Path('source', name).write_bytes(content)
  with pytest.raises(errors.InputError) as caught:
    sources.install('mnist', 'location', 'source')
  assert not pathlib.Path('location').exists()
  message = str(caught.value)
  assert len(message.splitlines()) == 1
  return message


WHOLE = npz({'x_train.npy': npy(np.arange(50, dtype=np.uint8))})


@hypothesis.given(
  st.sampled_from(['mnist.npz', 'x_train.npy', 'train-images-idx3-ubyte.gz']),
  st.sampled_from([b'', b'PK\x03\x04', b'PK\x05\x06', b'\x93NUMPY\x01\x00']),
  st.binary(max_size=100),
)
def test_any_bytes(name, magic, content):
  install(magic + content, name)


@hypothesis.given(st.data())
def test_a_damaged_archive(data):
  content = bytearray(WHOLE)
  for _ in range(data.draw(st.integers(1, 4))):
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
  install(bytes(content))


@pytest.mark.parametrize(
  'outside', ['../escaped', '/escaped', 'a/../../escaped', '../x_train.npy']
)
def test_names_that_lead_outside_are_never_written(tree, outside):
  install(npz({outside: npy(np.ones(2, np.uint8))}))
  assert set(tree()) == {'home', 'source', 'source/mnist.npz'}
  assert not pathlib.Path('/escaped').exists()


def test_a_bomb_is_inflated_no_further_than_the_limit(peak, monkeypatch):
  monkeypatch.setattr(idx, 'MAX_BYTES', 100_000)
  claims = npy(np.zeros(90_000, np.uint8)) + bytes(9_000_000)
  bomb = npz({'x_train.npy': claims})
  assert peak(install, bomb) < 3_000_000
  assert 'got more after the header' in install(bomb)


@pytest.mark.parametrize('method', [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_inflate_all_at_once_are_refused(peak, method):
  claims = npy(np.zeros(9_000_000, np.uint8))
  bomb = npz({'x_train.npy': claims}, method)
  assert peak(install, bomb) < 3_000_000
  assert 'x_train.npy is neither stored nor deflated' in install(bomb)


@pytest.mark.parametrize('name', ['mnist.npz', 'x_train.npy', 'source'])
def test_pipes_are_not_waited_for(name):
  if name == 'source':
    os.mkfifo(name)
  else:
    os.mkdir('source')
    os.mkfifo(f'source/{name}')
  with pytest.raises(errors.InputError):
    sources.install('mnist', 'location', 'source')


@pytest.mark.parametrize('path', ['', 'a\0b', '\ud800', 'x' * 5000])
def test_paths_that_cannot_be(tame, path):
  pathlib.Path('source').mkdir()
  assert tame(sources.install, 'mnist', path, 'source') is None
  assert tame(sources.install, 'mnist', 'location', path) is None
  assert tame(sources.check, 'mnist', path) is None

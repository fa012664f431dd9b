"""Fixtures: a small real MNIST, and a home where nothing of the user's lies.

`mnist_sample.npz` holds MNIST's first 600 training and 200 test images.
"""

import os
import pathlib

import numpy as np
import pytest

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')

SAMPLE = pathlib.Path(__file__).parent / 'mnist_sample.npz'
ROOT = pathlib.Path(__file__).parent.parent
# Compiled code is kept from one run of the tests to the next, but not at home.
os.environ.setdefault('LOTTERY_TICKET_CACHE', str(ROOT / 'build' / 'cache'))


@pytest.fixture(scope='session')
def root() -> pathlib.Path:
  """The repository."""
  return ROOT


@pytest.fixture(scope='session')
def mnist(tmp_path_factory: pytest.TempPathFactory) -> str:
  """A data location with the sample; not to be changed."""
  location = tmp_path_factory.mktemp('mnist')
  with np.load(SAMPLE) as sample:
    for name, array in sample.items():
      np.save(location / f'{name}.npy', array)
  return str(location)


@pytest.fixture
def sample() -> dict[str, np.ndarray]:
  """The sample's four arrays: x_train, y_train, x_test, y_test."""
  with np.load(SAMPLE) as arrays:
    return dict(arrays.items())


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  """Runs each test in a folder of its own, which is its home as well."""
  home = tmp_path / 'home'
  home.mkdir()
  monkeypatch.setenv('HOME', str(home))
  monkeypatch.setenv('LOTTERY_TICKET_EXPERIMENTS', str(tmp_path / 'results'))
  monkeypatch.setenv('LOTTERY_TICKET_MNIST', str(tmp_path / 'no_mnist'))
  monkeypatch.chdir(tmp_path)

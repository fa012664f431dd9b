"""Fixtures: a small real MNIST, small runs, and a home of the tests' own.

`mnist_sample.npz` holds MNIST's first 600 training and 200 test images.
"""

import os
import pathlib
from collections.abc import Callable
from typing import Any

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


@pytest.fixture(scope='session')
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> str:
  """A data location in CIFAR-10's layout: 120 images of noise by class."""
  location = tmp_path_factory.mktemp('cifar10')
  generator = np.random.default_rng(0)
  names = [*(f'data_batch_{i}.bin' for i in range(1, 6)), 'test_batch.bin']
  for name in names:
    classes = np.arange(20, dtype=np.uint8)[:, np.newaxis] % 10
    pixels = generator.integers(0, 56, (20, 3072), np.uint8) + 20 * classes
    records = np.concatenate([classes, pixels], axis=1)
    (location / name).write_bytes(records.tobytes())
  return str(location)


@pytest.fixture(scope='session')
def small(mnist: str) -> dict[str, Any]:
  """Arguments of a small run, compiled and in batches as real ones are."""
  return {
    'mnist_location': mnist,
    'layers': (20, 10),
    'prune_percents': {'layer0': 0.2, 'layer1': 0.1},
    'validation_size': 100,
    'optimizer': 'SGD',
    'learning_rate': 0.1,
    'evaluation_interval': 3,
    'training_len': ('iterations', 6),
  }


@pytest.fixture(scope='session')
def cheap(small: dict[str, Any]) -> dict[str, Any]:
  """Arguments of a run whose training does not matter.

  Its one batch an epoch is short, and such batches are not compiled: it takes
  a quarter of the time.
  """
  return small | {'batch_size': 1000, 'training_len': ('iterations', 1)}


@pytest.fixture(scope='session')
def make_trials(
  tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., pathlib.Path]:
  """Returns a function that makes a folder of two trials of two levels."""

  from lottery_ticket.foundations import paths
  from lottery_ticket.mnist_fc import lottery_experiment

  def make(**arguments: Any) -> pathlib.Path:
    folder = tmp_path_factory.mktemp('experiments')
    for trial in (1, 2):
      lottery_experiment.train(
        paths.trial(str(folder), trial), iterations=1, seed=trial, **arguments
      )
    return folder

  return make


@pytest.fixture(scope='session')
def experiment_path(
  small: dict[str, Any], make_trials: Callable[..., pathlib.Path]
) -> pathlib.Path:
  """The folder of trials 1 and 2, of levels 0 and 1; not to be changed."""
  return make_trials(**small)


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

"""Fixtures: values that make runs small, and two trials to look at."""

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import lottery_experiment


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

"""Tests of lottery_ticket.mnist_fc.locations."""

import os
import runpy
import shutil

import pytest

from lottery_ticket.mnist_fc import locations

NAMES = {
  'MNIST_LOCATION': ('LOTTERY_TICKET_MNIST', 'data/mnist'),
  'FASHIONMNIST_LOCATION': (
    'LOTTERY_TICKET_FASHION_MNIST',
    'data/fashion_mnist',
  ),
  'EXPERIMENT_PATH': ('LOTTERY_TICKET_EXPERIMENTS', 'experiments'),
}


@pytest.fixture
def read(monkeypatch):
  """Returns a function that reads the module anew, from anywhere."""
  for variable, _ in NAMES.values():
    monkeypatch.delenv(variable, raising=False)

  def read_module(path=locations.__file__):
    module = runpy.run_path(str(path))
    return {name: module[name] for name in NAMES}

  return read_module


def test_they_are_anchored_at_the_checkout_wherever_one_is(read, root):
  assert read() == {name: str(root / path) for name, (_, path) in NAMES.items()}


@pytest.mark.parametrize('name', NAMES)
def test_the_environment_overrides_each(read, root, monkeypatch, name):
  monkeypatch.setenv(NAMES[name][0], '/elsewhere/a b')
  wanted = {name: str(root / path) for name, (_, path) in NAMES.items()}
  assert read() == wanted | {name: '/elsewhere/a b'}


@pytest.mark.parametrize('name', NAMES)
def test_a_tilde_in_the_environment_is_the_users_home(read, monkeypatch, name):
  monkeypatch.setenv(NAMES[name][0], '~/a')
  assert read()[name] == os.path.expanduser('~/a') != '~/a'


def test_an_empty_variable_counts_as_none(read, root, monkeypatch):
  monkeypatch.setenv('LOTTERY_TICKET_MNIST', '')
  assert read()['MNIST_LOCATION'] == str(root / 'data/mnist')


def test_without_a_checkout_they_are_anchored_at_the_current_folder(
  read, tmp_path, monkeypatch
):
  installed = tmp_path / 'site-packages' / 'lottery_ticket' / 'mnist_fc'
  installed.mkdir(parents=True)
  shutil.copy(locations.__file__, installed)
  (tmp_path / 'work').mkdir()
  monkeypatch.chdir(tmp_path / 'work')
  assert read(installed / 'locations.py') == {
    name: str(tmp_path / 'work' / path) for name, (_, path) in NAMES.items()
  }

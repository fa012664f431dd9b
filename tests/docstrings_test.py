"""Runs the examples of all docstrings, and looks for missing docstrings."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

MODULES = sorted(
  module.name
  for package in (
    'foundations',
    'datasets',
    'models',
    'analysis',
    'cli',
    'study',
    'mnist_fc',
    'cifar10_conv',
    'benchmarks',
  )
  for module in pkgutil.walk_packages(
    importlib.import_module(f'lottery_ticket.{package}').__path__,
    f'lottery_ticket.{package}.',
  )
)


def test_all_parts_are_there():
  assert len(MODULES) > 30


@pytest.mark.parametrize('name', MODULES)
def test_examples_are_true(name):
  module = importlib.import_module(name)
  results = doctest.testmod(module)
  assert results.failed == 0
  assert (results.attempted > 0) == ('>>> ' in inspect.getsource(module))


@pytest.mark.parametrize('name', MODULES)
def test_public_names_have_docstrings(name):
  module = importlib.import_module(name)
  assert module.__doc__
  for key, value in vars(module).items():
    is_own = getattr(value, '__module__', None) == name
    if not key.startswith('_') and is_own and callable(value):
      assert inspect.getdoc(value), f'{name}.{key}'

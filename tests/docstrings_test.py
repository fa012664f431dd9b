"""Runs the examples of all docstrings, and looks for missing docstrings."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import lottery_ticket

MODULES = sorted(
  module.name
  for package in ('foundations', 'datasets', 'analysis', 'cli', 'mnist_fc')
  for module in pkgutil.walk_packages(
    importlib.import_module(f'lottery_ticket.{package}').__path__,
    f'lottery_ticket.{package}.',
  )
)
WITH_EXAMPLES = {
  'lottery_ticket.analysis.metrics',
  'lottery_ticket.cli.argfiles',
  'lottery_ticket.foundations.masks',
  'lottery_ticket.foundations.model_base',
  'lottery_ticket.foundations.paths',
  'lottery_ticket.foundations.pruner',
  'lottery_ticket.foundations.seeds',
}


def test_all_parts_are_there():
  assert len(MODULES) > 30
  assert set(MODULES) >= WITH_EXAMPLES
  assert lottery_ticket.__version__


@pytest.mark.parametrize('name', MODULES)
def test_examples_are_true(name):
  results = doctest.testmod(importlib.import_module(name))
  assert results.failed == 0
  assert (results.attempted > 0) == (name in WITH_EXAMPLES)


@pytest.mark.parametrize('name', MODULES)
def test_public_names_have_docstrings(name):
  module = importlib.import_module(name)
  assert module.__doc__
  for key, value in vars(module).items():
    is_own = getattr(value, '__module__', None) == name
    if not key.startswith('_') and is_own and callable(value):
      assert inspect.getdoc(value), f'{name}.{key}'

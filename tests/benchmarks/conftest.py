"""Fixtures: modules of the benchmarks."""

import importlib
import pathlib
from collections.abc import Callable

import pytest


@pytest.fixture
def load(root: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
  """Imports a module of the benchmarks, as its script would."""
  monkeypatch.syspath_prepend(str(root / 'benchmarks'))
  return importlib.import_module

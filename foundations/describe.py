"""What a run's record says of functions, classes and other values."""

import ast
import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_STABLE = ('builtins', 'keras', 'lottery_ticket', 'numpy', 'tensorflow')
"""Packages whose versions are recorded, or that a record outlives."""


def plain(value: Any) -> Any:
  """Returns a value as JSON can hold it.

  What is no number, text, list or dictionary is described: by its name, and if
  it is somebody's own function also by a digest of its code, so that another
  one of that name is told apart.

  Args:
    value: Whatever configures a model or an optimizer.
  """
  if isinstance(value, Mapping):
    return {str(key): plain(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(item) for item in value]
  if value is None or isinstance(value, (bool, int, float, str)):
    return value
  if isinstance(value, (np.generic, np.ndarray)):
    return value.tolist()
  if isinstance(value, functools.partial):
    return {
      'partial': plain(value.func),
      'args': plain(value.args),
      'keywords': plain(value.keywords),
    }
  if hasattr(value, 'get_config') and not isinstance(value, type):
    # Keras numbers the names of what has none.
    config = {k: v for k, v in value.get_config().items() if k != 'name'}
    return {type(value).__name__: plain(config)}
  name = getattr(value, '__name__', type(value).__name__)
  digest = code(value) if callable(value) else None
  return {name: digest} if digest else name


def code(value: Callable[..., Any]) -> str | None:
  """Returns a digest of the code of a function or class of one's own.

  Of a class, its methods and its constants count, not those that it inherits.
  Comments, docstrings and layout do not count, nor do the functions that are
  called, and values that are closed over.

  Args:
    value: A function or a class.

  Returns:
    None for those of well-known packages, and where there is no source.
  """
  module = getattr(value, '__module__', None) or 'builtins'
  if module.partition('.')[0] in _STABLE:
    return None
  if not isinstance(value, type):
    sources = [_source(value)]
  else:
    # By its functions: classes of one name in one file are mixed up else.
    sources = [
      f'{name} {_source(item) or _constant(item)}'
      for name, item in sorted(vars(value).items())
      if _source(item) or (_constant(item) and not name.startswith('__'))
    ]
  if not any(sources):
    return None
  return hashlib.sha256('\n'.join(map(str, sources)).encode()).hexdigest()[:16]


def _source(value: Any) -> str | None:
  """Returns what a function does, as text."""
  value = getattr(value, 'fget', None) or getattr(value, '__func__', value)
  value = inspect.unwrap(value) if callable(value) else value
  if not inspect.isfunction(value):
    return None
  if value.__name__ == '<lambda>':  # There may be several in a line.
    parts = value.__code__
    return f'{parts.co_code.hex()} {parts.co_names} {parts.co_consts}'
  try:
    tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
  except (OSError, SyntaxError):
    return None
  documented = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
  for node in ast.walk(tree):
    if isinstance(node, documented) and ast.get_docstring(node) is not None:
      node.body = node.body[1:] or [ast.Pass()]
  return ast.dump(tree)


def _constant(value: Any) -> str | None:
  plain_types = (bool, int, float, str, tuple)
  return repr(value) if isinstance(value, plain_types) else None

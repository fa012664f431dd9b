"""Which call of a script made a run: recorded with it, and made again."""

import contextlib
import contextvars
import functools
import importlib
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

Function = TypeVar('Function', bound=Callable[..., Any])
Call = dict[str, Any]
"""JSON values: `function` ('module:name'); `arguments` ({name: value});
`folder`, from which relative paths among these start; `run`, the path of one of
the runs that the call makes, from its `output_dir`."""
Check = Callable[[str, Any, Any], None]

_IN_MEMORY = 'checksum of a network in memory'
_SCRIPT = re.compile(r'lottery_ticket\.mnist_fc\.([a-z_]+):train')

_calls: contextvars.ContextVar[Call | None] = contextvars.ContextVar(
  'call', default=None
)
_checks: contextvars.ContextVar[Check | None] = contextvars.ContextVar(
  'check', default=None
)


def recorded(function: Function) -> Function:
  """Has the runs that a script's function trains record how it was called."""
  signature = inspect.signature(function)

  @functools.wraps(function)
  def recording(*args: Any, **kwargs: Any) -> Any:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    arguments = dict(bound.arguments)
    arguments |= arguments.pop('values', {})
    call = {
      'function': f'{function.__module__}:{function.__name__}',
      'arguments': {
        name: _plain(value) for name, value in _given(arguments).items()
      },
      'folder': _folder(),
    }
    with during(call):
      return function(*args, **kwargs)

  return recording  # type: ignore[return-value]


@contextlib.contextmanager
def during(call: Call) -> Iterator[None]:
  """Has runs record this call."""
  token = _calls.set(call)
  try:
    yield
  finally:
    _calls.reset(token)


def current(seed: int, run: str) -> Call:
  """Returns the call that is under way, or {}.

  Args:
    seed: The trial's, which stands in for one that was not given.
    run: The folder of the run that is to record it.
  """
  call = _calls.get()
  if not call:
    return {}
  arguments = {**call['arguments'], 'seed': seed}
  start = arguments.get('output_dir', run)
  return {'run': os.path.relpath(run, start), **call, 'arguments': arguments}


@contextlib.contextmanager
def checked_by(check: Check) -> Iterator[None]:
  """Has `check(output_dir, dataset, model)` called before each training."""
  token = _checks.set(check)
  try:
    yield
  finally:
    _checks.reset(token)


def check(output_dir: str, dataset: Any, model: Any) -> None:
  """Calls what `checked_by` set, if anything."""
  function = _checks.get()
  if function is not None:
    function(output_dir, dataset, model)


def make_again(call: Mapping[str, Any], **changes: Any) -> None:
  """Makes a recorded call once more.

  Args:
    call: As it was recorded; may come from anywhere.
    **changes: Arguments to replace; None leaves one out.

  Raises:
    InputError: If it is no call of a script, a network was given in memory, or
      the script refuses what it is given.
  """
  given = _given({**call.get('arguments', {}), **changes})
  function = _function(call)
  for name, value in given.items():
    if any(
      isinstance(item, dict) and _IN_MEMORY in item
      for item in (value if isinstance(value, list) else [value])
    ):
      raise errors.InputError(f'{name}: was in memory, not in a folder')
  try:
    inspect.signature(function).bind(**given)
  except TypeError as error:
    raise errors.InputError(f'call: {error}') from None
  with _from_folder(call):
    function(**given)


def script(call: Mapping[str, Any]) -> str | None:
  """Returns the script's name, or None if it is no call of a script."""
  match = _SCRIPT.fullmatch(str(call.get('function')))
  return match[1] if match else None


def command(call: Mapping[str, Any]) -> str:
  """Returns the command line that makes a call, without what is the default.

  Raises:
    InputError: If it is no call of a script.
  """
  parameters = inspect.signature(_function(call)).parameters
  flags = {
    name: value
    for name, value in call.get('arguments', {}).items()
    if name not in parameters or value != parameters[name].default
  }
  runner = f'mnist_fc/runners/{script(call)}.py'
  return f'python {runner} {argfiles.short_line(**flags)}'


def _function(call: Mapping[str, Any]) -> Callable[..., Any]:
  try:
    module = importlib.import_module(f'lottery_ticket.mnist_fc.{script(call)}')
    return module.train
  except (ImportError, AttributeError):
    raise errors.InputError('its record does not say what was called') from None


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
  return {k: value for k, value in arguments.items() if value is not None}


def _folder() -> str:
  try:
    return os.getcwd()
  except FileNotFoundError:  # Removed.
    return ''


@contextlib.contextmanager
def _from_folder(call: Mapping[str, Any]) -> Iterator[None]:
  """Goes where the call was made, if that is still there, and comes back."""
  folder = call.get('folder')
  if not isinstance(folder, str) or not os.path.isdir(folder):
    yield
    return
  here = os.getcwd()
  os.chdir(folder)
  try:
    yield
  finally:
    os.chdir(here)


def _plain(value: Any) -> Any:
  """Returns an argument as JSON can hold it; of a network, its checksum."""
  if isinstance(value, Mapping):
    arrays = {k: v for k, v in value.items() if isinstance(v, np.ndarray)}
    if arrays:
      return {_IN_MEMORY: save_restore.checksum(arrays)}
    return {str(key): _plain(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [_plain(item) for item in value]
  if isinstance(value, os.PathLike):
    return os.fspath(value)
  if isinstance(value, np.generic):
    return value.item()
  if value is None or isinstance(value, (bool, int, float, str)):
    return value
  return repr(value)

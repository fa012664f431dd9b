"""How a program of this library begins: one thread, quiet, strict flags."""

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

from lottery_ticket.cli import flags
from lottery_ticket.foundations import backend

THREADS = 1  # A process; parallelism is over runs.

_EXTRA = ('pandas', 'scipy', 'matplotlib', 'jinja2')  # Of `analysis`.


def limit_threads() -> None:
  """Limits TensorFlow's threads before its import, unless the user has."""
  for kind in ('OMP_NUM', 'TF_NUM_INTRAOP', 'TF_NUM_INTEROP'):
    os.environ.setdefault(f'{kind}_THREADS', str(THREADS))
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  # Else the first process would take all the memory of a GPU.
  os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')


@contextlib.contextmanager
def redirected(file: IO[bytes], *descriptors: int) -> Iterator[None]:
  """Sends what is written to descriptors, by libraries too, to a file."""
  kept = {descriptor: os.dup(descriptor) for descriptor in descriptors}
  for descriptor in descriptors:
    os.dup2(file.fileno(), descriptor)
  try:
    yield
  finally:
    sys.stdout.flush()
    sys.stderr.flush()
    for descriptor, copy in kept.items():
      os.dup2(copy, descriptor)
      os.close(copy)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
  """Holds back what is written to stderr, and shows it only on errors.

  TensorFlow's libraries write there as they are loaded, whatever the log level.
  """
  sys.stderr.flush()
  with tempfile.TemporaryFile() as held:
    try:
      with redirected(held, 2):
        yield
    except ModuleNotFoundError:
      raise  # Says it all.
    except BaseException:
      held.seek(0)
      os.write(2, held.read())
      raise


def run(
  target: str | Callable, values: type | None = None, imports: str = ''
) -> None:
  """Calls a function with the flags of the command line, as `flags.call` does.

  A 'module:function' is imported once threads are limited, and `imports` once
  flags are checked: neither help nor bad flags wait for TensorFlow.
  """
  limit_threads()
  with flags.exiting():
    backend.check()
  try:
    function: Any = target
    if isinstance(target, str):
      module, name = target.split(':')
      function = getattr(_import(module), name)
    flags.call(function, values=values, prepare=lambda: _import(imports))
  except ModuleNotFoundError as error:
    package = (error.name or '').partition('.')[0]
    hint = '; pip install "lottery-ticket[analysis]" brings it'
    flags.stop(f'{error}{hint if package in _EXTRA else ""}', flags.BAD_INPUT)


def _import(module: str) -> Any:
  with quiet():
    return importlib.import_module(module) if module else None

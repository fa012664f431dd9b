"""Files that may be anything: opened without waiting, removed without harm."""

import contextlib
import errno
import io
import os
import pathlib
import shutil
import stat
from collections.abc import Iterator

from lottery_ticket.foundations import errors


def open_regular(path: str | os.PathLike) -> io.BufferedReader:
  """Opens a file to read; a pipe is refused, not waited for.

  Raises:
    OSError: If it is not there, cannot be read, or is a folder, a pipe, a
      device or anything else that is not a regular file.
  """
  try:
    stream = open(path, 'rb', opener=_without_waiting)  # noqa: SIM115
  except ValueError:  # NUL, or what the file system cannot encode.
    raise OSError(errno.EINVAL, 'Not a file name', path) from None
  if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
    return stream
  stream.close()
  raise OSError(errno.EINVAL, 'Not a regular file', path)


def _without_waiting(path: str, flags: int) -> int:
  return os.open(path, flags | getattr(os, 'O_NONBLOCK', 0))


def check_path(path: str | os.PathLike, name: str = 'path') -> str:
  """Returns the path if there can be a file of that name.

  Args:
    path: Of a file or folder that may or may not be there.
    name: What to call it in the error.

  Raises:
    InputError: If it is empty, has a NUL or cannot be encoded.
  """
  text = os.fspath(path)
  try:
    usable = 0 not in os.fsencode(text) and bool(text)
  except UnicodeEncodeError:
    usable = False
  if not usable:
    raise errors.InputError(f'{name}: wanted a path, got {text!r}')
  return text


def remove(path: pathlib.Path) -> None:
  """Removes a file or a folder; of a link, the link and not what it leads to.

  Raises:
    OSError: If it cannot be removed; that it is not there is no error.
  """
  if path.is_dir() and not path.is_symlink():
    shutil.rmtree(path)
  else:
    path.unlink(missing_ok=True)


@contextlib.contextmanager
def named(path: str | os.PathLike) -> Iterator[None]:
  """Names the file in errors of writing it: the system's may name none.

  Raises:
    OSError: Like the one in the block, of this file.
  """
  try:
    yield
  except OSError as error:
    raise OSError(error.errno, why(error), os.fspath(path)) from error


def why(error: OSError) -> str:
  """Says in one line why a file cannot be used."""
  return error.strerror or ' '.join(str(error).split())

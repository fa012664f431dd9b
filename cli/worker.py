"""What a worker process does: one job after the other."""

import functools
import os
import pathlib
import pkgutil
import runpy
import signal
import sys
import threading
import time
import traceback
from typing import NamedTuple

from lottery_ticket.cli import entry
from lottery_ticket.cli import flags
from lottery_ticket.cli import jobs
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import progress

_SIGN_OF_LIFE = 0.5  # Seconds between two reports of progress.
_TAIL = 4096  # Bytes of a log in which its last line is looked for.


class Result(NamedTuple):
  """What came of a job that ended by itself."""

  code: int  # The script's exit code.
  last_line: str  # What it printed last: its error, if it failed.
  iterations: int  # How many it trained for.
  loaded: int  # How many runs were finished before, and not repeated.
  # The path of the input that was not there yet, '' if it is not known; None if
  # that was not the matter.
  missing: str | None = None


def begin(parent: int) -> None:
  """Prepares a new worker process, which does not outlive its parent."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent ends its workers.
  entry.limit_threads()
  end_with(parent)


@functools.cache
def end_with(parent: int) -> None:
  """Ends this process soon after its parent has ended."""

  def follow() -> None:
    while os.getppid() == parent:
      time.sleep(1)
    os._exit(1)

  threading.Thread(target=follow, daemon=True).start()


def run(job: jobs.Job) -> Result:
  """Runs a job as a process of its own would."""
  reporter = _Reporter(job.status)
  with (
    pathlib.Path(job.log).open('ab') as log,
    entry.redirected(log, 1, 2),
    progress.send_to(reporter),
  ):
    code, missing = _run(job)
  counts = reporter.iterations, reporter.loaded
  return Result(code, _last_line(job.log), *counts, missing)


def _run(job: jobs.Job) -> tuple[int, str | None]:
  """Returns the exit code, and which input was missing."""
  sys.argv = [job.target, *job.argv]
  try:
    os.chdir(job.folder)
    _call(job)
  except SystemExit as error:
    code, cause = error.code or 0, error.__cause__
    if isinstance(code, str):
      print(code, file=sys.stderr)
      code = 1
    if isinstance(cause, errors.MissingInputError):
      return code, cause.path
    return code, None
  except BaseException:
    traceback.print_exc()
    return 1, None
  return 0, None


def _call(job: jobs.Job) -> None:
  if job.arguments is not None:
    with flags.exiting():
      pkgutil.resolve_name(job.target)(**job.arguments)
    return
  folder = os.path.dirname(job.target)
  sys.path.insert(0, folder)
  try:
    runpy.run_path(job.target, run_name='__main__')
  finally:
    sys.path.remove(folder)


def _last_line(log: str) -> str:
  """Returns the last line of a file, of which only the end is read."""
  with pathlib.Path(log).open('rb') as file:
    file.seek(-min(_TAIL, file.seek(0, os.SEEK_END)), os.SEEK_END)
    lines = file.read().decode('utf-8', 'replace').strip().splitlines()
  return lines[-1] if lines else ''


class _Reporter:
  """Leaves in a file where a run is, for the parent to read, and counts."""

  def __init__(self, status: str):
    self._status = pathlib.Path(status)
    self._written = 0.0
    self._began = self._heard = time.monotonic()
    self._run: tuple[str, int] = ('', 0)
    self.iterations = 0
    self.loaded = 0

  def __call__(self, name: str, done: int, total: int) -> None:
    run, before = self._run
    if run != name:
      self._began, before = self._heard, progress.done_before()
    self.iterations += done - before
    self.loaded += total == 0
    self._run, self._heard = (name, done), time.monotonic()
    if self._heard - self._written < _SIGN_OF_LIFE and done != total:
      return
    self._written = self._heard
    said = progress.summary(done, total, self._heard - self._began)
    aside = self._status.with_suffix('.new')
    aside.write_text(f'{name}\t{done}\t{total}\t{said}', encoding='utf-8')
    aside.replace(self._status)

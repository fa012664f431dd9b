"""What a worker process does: one line of flags after the other."""

import os
import pathlib
import runpy
import signal
import sys
import threading
import time
import traceback
from typing import NamedTuple

from lottery_ticket.cli import entry
from lottery_ticket.foundations import progress

_SIGN_OF_LIFE = 0.5  # Seconds between two reports of progress.


class Job(NamedTuple):
  """One line of an argfile.

  Attributes:
    runner: The script to run.
    flags: Its command line.
    log: File for what it prints.
    status: File for where it is: "run<tab>iterations done<tab>of how many".
  """

  runner: str
  flags: tuple[str, ...]
  log: str
  status: str


def begin(parent: int) -> None:
  """Prepares a new worker process.

  Args:
    parent: The process that it works for, and that it does not outlive.
  """
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent ends its workers.
  entry.limit_threads()
  threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
  while os.getppid() == parent:
    time.sleep(1)
  os._exit(1)


def run(job: Job) -> int:
  """Runs a script with one line of flags, as a process of its own would.

  Args:
    job: What to run.

  Returns:
    The script's exit code.
  """
  # To the file descriptors: libraries write there as well.
  with pathlib.Path(job.log).open('ab') as log:
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
  sys.argv = [job.runner, *job.flags]
  folder = str(pathlib.Path(job.runner).parent)
  sys.path.insert(0, folder)
  try:
    with progress.send_to(_Reporter(job.status)):
      runpy.run_path(job.runner, run_name='__main__')
  except SystemExit as error:
    return _exit_code(error)
  except BaseException:
    traceback.print_exc()
    return 1
  finally:
    sys.path.remove(folder)
    sys.stdout.flush()
    sys.stderr.flush()
  return 0


def _exit_code(error: SystemExit) -> int:
  """Returns the code that Python would end a process with."""
  if error.code is None:
    return 0
  if isinstance(error.code, int):
    return error.code
  print(error.code, file=sys.stderr)
  return 1


class _Reporter:
  """Leaves in a file where a run is, for the parent to read."""

  def __init__(self, status: str):
    self._status = pathlib.Path(status)
    self._last = 0.0

  def __call__(self, name: str, done: int, total: int) -> None:
    now = time.monotonic()
    if now - self._last < _SIGN_OF_LIFE and done != total:
      return
    self._last = now
    aside = self._status.with_suffix('.new')
    aside.write_text(f'{name}\t{done}\t{total}', encoding='utf-8')
    aside.replace(self._status)

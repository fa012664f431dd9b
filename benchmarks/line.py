"""Runs a script, and leaves in a file what that took of its process.

python benchmarks/line.py RECORD SCRIPT [FLAGS]

What the script's trainings report comes here, and not to the pool.
"""

import os
import pathlib
import resource
import runpy
import sys
import time

from lottery_ticket.foundations import progress
from lottery_ticket.foundations import save_restore


def main() -> None:
  """Runs the script of the command line; see `lines.Record` for the file."""
  record, *sys.argv = sys.argv[1:]
  began, reports = time.time(), []

  def listen(name: str, done: int, total: int) -> None:
    del total
    reports.append((name, done, time.time()))

  with progress.send_to(listen):
    runpy.run_path(sys.argv[0], run_name='__main__')
  save_restore.write_json(
    record,
    {
      'pid': os.getpid(),
      'began': began,
      'ended': time.time(),
      'reports': reports,
      'peak_memory': peak_memory(),
    },
  )


def peak_memory() -> int:
  """Returns the most memory that this process has had, in bytes.

  On Linux, `getrusage` knows no less than what the parent process had.
  """
  status = pathlib.Path('/proc/self/status')
  if status.exists():
    lines = status.read_text(encoding='utf-8').splitlines()
    numbers = [line.split()[1] for line in lines if line.startswith('VmHWM')]
    if numbers:
      return int(numbers[0]) * 1024
  unit = 1 if sys.platform == 'darwin' else 1024
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == '__main__':
  main()

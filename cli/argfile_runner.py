"""Runs a runner for each line that an argfile prints."""

import os
import pathlib
import shlex
import shutil
import sys
import tempfile
import time

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import flags
from lottery_ticket.cli import pool
from lottery_ticket.cli import worker
from lottery_ticket.foundations import errors


def run(
  runner: str,
  argfile: str,
  /,
  *,
  jobs: int | None = None,
  dry_run: bool = False,
  timeout: float | None = None,
  log_dir: str | None = None,
) -> None:
  """Runs a runner for each line of flags that an argfile prints.

  Scripts that are not found from the current folder are looked for among the
  experiments of the library: `runners/...`, `argfiles/...`. A line that fails
  is reported, and the others go on; then the exit code is 1.

  Args:
    runner: A script that takes flags.
    argfile: A script that prints lines of flags; it may have flags of its own
      in the same quotes, "argfiles/reinitialize_argfile.py --trials=3".
    jobs: How many lines to run side by side; by default as many as there are
      processors. Each takes one thread.
    dry_run: Only print what would be run.
    timeout: Seconds after which a line is ended; it gets one more attempt.
    log_dir: Folder for what each line prints; by default a temporary one,
      which is kept if a line fails.

  Raises:
    InputError: If there is no such script, the argfile fails, or a number is
      too small.
  """
  if jobs is None:
    jobs = _processors()
  argfiles.check_count('jobs', jobs)
  if timeout is not None and not timeout > 0:
    raise errors.InputError(f'timeout: wanted more than 0 s, got {timeout}')
  script = str(argfiles.find(runner))
  lines = argfiles.read(argfile)
  if dry_run:
    for line in lines:
      print(shlex.join([sys.executable, script, *line]))
    return
  folder = _log_folder(log_dir)
  started = time.monotonic()
  outcomes = pool.run(
    [
      worker.Job(
        script,
        tuple(line),
        log=str(folder / f'{i:05}.log'),
        status=str(folder / f'{i:05}.status'),
      )
      for i, line in enumerate(lines, 1)
    ],
    min(jobs, len(lines)),
    timeout,
    display_lib.Display(len(lines)),
  )
  failed = [outcome for outcome in outcomes if outcome.reason]
  _summarize(failed, len(outcomes), time.monotonic() - started)
  if failed:
    print(f'What each line printed is in {folder}', file=sys.stderr)
    sys.exit(flags.FAILURE)
  if log_dir is None:
    shutil.rmtree(folder)


def _processors() -> int:
  """Returns how many processors this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def _log_folder(log_dir: str | None) -> pathlib.Path:
  """Returns the folder for logs, without what an earlier run said there."""
  if log_dir is None:
    return pathlib.Path(tempfile.mkdtemp(prefix='lottery_ticket_'))
  folder = pathlib.Path(log_dir)
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise errors.InputError(f'log_dir: {error}') from None
  for status in folder.glob('*.status'):
    status.unlink()
  return folder


def _summarize(failed: list[pool.Outcome], total: int, seconds: float) -> None:
  """Says on stderr what came of all lines."""
  done = total - len(failed)
  print(
    f'{done} of {total} lines done, {len(failed)} failed, in {seconds:.0f} s',
    file=sys.stderr,
  )
  for outcome in failed:
    print(f'failed: {shlex.join(outcome.job.flags)}', file=sys.stderr)
    print(f'  {outcome.reason}', file=sys.stderr)


def main() -> None:
  """Runs with the flags of the command line."""
  flags.call(run)


if __name__ == '__main__':
  main()

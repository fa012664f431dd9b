"""Runs a runner for each line that an argfile prints."""

import dataclasses
import functools
import io
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import flags
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import local
from lottery_ticket.cli import pool
from lottery_ticket.foundations import backend
from lottery_ticket.foundations import errors

_MANY = 10  # Failures that are each told.


def run(
  runner: str,
  argfile: str,
  /,
  *more: str,
  task: str = '',
  jobs: int | None = None,
  dry_run: bool = False,
  timeout: float | None = None,
  log_dir: str | None = None,
  engine: str = 'local',
  address: str | None = None,
  resources: dict[str, float] | None = None,
) -> None:
  """Runs a runner for each line of flags that an argfile prints.

  Scripts that are not found from the current folder are looked for in the
  library: `runners/...`, `mnist_fc/argfiles/...`. More pairs of
  RUNNER and ARGFILE may follow: a line whose input is not there yet waits for
  it. A line that fails is reported, and the others go on; then the exit code
  is 1.

  Args:
    runner: A script that takes flags.
    argfile: A script that prints lines of flags; it may have flags of its own
      in the same quotes, "argfiles/reinitialize_argfile.py --trials=3".
    *more: Another runner, its argfile, and so on.
    task: Folder of the library where scripts are looked for, like mnist_fc.
    jobs: How many lines to run side by side; by default as many as there are
      processors. Each takes one thread.
    dry_run: Only print what would be run.
    timeout: Seconds after which a line is ended; it gets one more attempt.
    log_dir: Folder for what each line prints; by default a temporary one,
      which is kept if a line fails.
    engine: 'local', worker processes of this machine, or 'ray', a Ray cluster.
    address: Of a running Ray cluster, like auto or 10.0.0.1:6379; by default
      Ray starts one on this machine.
    resources: What a line takes of a Ray node, like
      {'num_cpus': 1, 'memory': 2e9}; by default one processor.

  Raises:
    InputError: If there is no such script, an argfile fails, or a number is
      too small.

  Examples:
    python argfile_runner.py runners/lottery_experiment.py
      "argfiles/lottery_experiment_argfile.py --trials=3" --jobs=2
    python argfile_runner.py runners/train.py argfiles/train_argfile.py
      --dry_run
  """
  backend.check()
  if not run_all(
    [runner, argfile, *more],
    task=task,
    dry_run=dry_run,
    jobs=jobs,
    timeout=timeout,
    log_dir=log_dir,
    engine=engine,
    address=address,
    resources=resources,
  ):
    sys.exit(flags.FAILURE)


def run_all(
  scripts: Sequence[str],
  *,
  task: str = '',
  dry_run: bool = False,
  **options: Any,
) -> bool:
  """Runs the lines of argfiles; returns whether all went well.

  Args:
    scripts: A runner, its argfile, another runner, its argfile, and so on.
    task: Folder of the library where scripts are looked for, too.
    dry_run: Only print what would be run.
    **options: As in `run_jobs`.

  Raises:
    InputError: Like `run`.
  """
  todo = jobs_lib.from_argfiles(scripts, task)
  if not dry_run:
    return run_jobs(todo, **options)
  for job in todo:
    print(job.command)
  return True


def run_jobs(
  todo: Sequence[jobs_lib.Job],
  *,
  jobs: int | None = None,
  timeout: float | None = None,
  log_dir: str | None = None,
  engine: str = 'local',
  address: str | None = None,
  resources: dict[str, float] | None = None,
  quiet: bool = False,
) -> bool:
  """Runs jobs side by side and says what came of them.

  Args:
    todo: What to run; logs and statuses are chosen here.
    jobs: As in `run`, like all that follow.
    timeout: Seconds after which a job is ended.
    log_dir: Folder for what each job prints.
    engine: 'local' or 'ray'.
    address: Of a running Ray cluster.
    resources: What a job takes of a Ray node.
    quiet: Whether to show nothing but failures.

  Returns:
    Whether all went well.

  Raises:
    InputError: If an option is of no use.
  """
  if jobs is not None:
    argfiles.check_count('jobs', jobs)
  if timeout is not None and not 0 < timeout <= threading.TIMEOUT_MAX:
    raise errors.InputError(
      f'timeout: wanted a number of seconds above 0, got {timeout}'
    )
  if engine not in ('local', 'ray'):
    raise errors.InputError(f"engine: wanted 'local' or 'ray', got {engine!r}")
  for flag, value in (('address', address), ('resources', resources)):
    if value is not None and engine == 'local':
      raise errors.InputError(f'{flag}: wanted together with --engine=ray')
  workers: pool.Engine
  if engine == 'ray':
    from lottery_ticket.cli import cluster  # Late: an extra.

    workers = cluster.Cluster(address, jobs, resources, timeout)
  else:
    workers = local.Local(min(jobs or processors(), len(todo)), timeout)
  folder = _log_folder(log_dir)
  started = time.monotonic()
  todo = [
    dataclasses.replace(
      job,
      log=str(folder / f'{i:05}.log'),
      status=str(folder / f'{i:05}.status'),
    )
    for i, job in enumerate(todo, 1)
  ]
  display = display_lib.Display(len(todo), io.StringIO() if quiet else None)
  outcomes = pool.run(todo, workers, display)
  failed = [outcome for outcome in outcomes if outcome.reason]
  if failed or not quiet:
    _summarize(outcomes, time.monotonic() - started)
  if failed:
    print(f'What each line printed is in {folder}', file=sys.stderr)
  elif log_dir is None:
    shutil.rmtree(folder)
  return not failed


def processors() -> int:
  """Returns how many processors this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def _log_folder(log_dir: str | None) -> pathlib.Path:
  """Returns the folder for logs, without what an earlier run said there."""
  if log_dir is None:
    return pathlib.Path(tempfile.mkdtemp(prefix='lottery_ticket_'))
  folder = pathlib.Path(log_dir).absolute()
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise errors.InputError(f'log_dir: {error}') from None
  for status in folder.glob('*.status'):
    status.unlink()
  return folder


def _summarize(outcomes: list[pool.Outcome], seconds: float) -> None:
  """Says on stderr what came of all lines."""
  failed = [outcome for outcome in outcomes if outcome.reason]
  loaded = sum(outcome.loaded for outcome in outcomes)
  done = len(outcomes) - len(failed) - loaded
  iterations = sum(o.result.iterations for o in outcomes if o.result)
  lines = '1 line' if len(outcomes) == 1 else f'{len(outcomes)} lines'
  print(
    f'{lines}: {done} done, {loaded} finished before,'
    f' {len(failed)} failed; {seconds:.0f} s, {iterations:,} iterations,'
    f' {iterations / seconds:,.0f} a second',
    file=sys.stderr,
  )
  _tell_failed(failed)


def _tell_failed(failed: list[pool.Outcome]) -> None:
  """Says on stderr what failed, and why; of many alike the first."""
  alike: dict[str, list[pool.Outcome]] = {}
  for i, outcome in enumerate(failed):
    kind = re.sub('[0-9]+', '0', outcome.reason)
    if len(failed) <= _MANY:
      kind = str(i)
    alike.setdefault(kind, []).append(outcome)
  for first, *others in alike.values():
    print(f'failed: {first.job.command}', file=sys.stderr)
    print(f'  {first.reason}', file=sys.stderr)
    if others:
      print(f'  ... and {len(others)} more like this', file=sys.stderr)


def main(task: str = '') -> None:
  """Runs with the flags of the command line.

  Args:
    task: Folder of the library where scripts are looked for by default.
  """
  command = functools.partial(run, task=task)
  command.__doc__ = run.__doc__
  argfile = next(
    (word for word in sys.argv[2:] if 'argfile' in word), 'ARGFILE'
  )

  def in_quotes(flag: str) -> str:
    return f'a flag of an argfile stands in its quotes: "{argfile} {flag}"'

  flags.call(command, hint=in_quotes)


if __name__ == '__main__':
  main()

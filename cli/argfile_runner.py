"""Runs a runner for each job that an argfile prints."""

import collections
import dataclasses
import functools
import io
import math
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import flags
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import pool
from lottery_ticket.foundations import backend
from lottery_ticket.foundations import errors

_MANY = 10  # Failures that are each told.


@dataclasses.dataclass(frozen=True)
class Options:
  """Where jobs run, and how many at a time.

  Attributes:
    jobs: How many jobs at a time, one thread each; by default one a processor.
    timeout: Seconds after which a job is ended; it gets one more attempt.
    log_dir: Folder for what jobs print; by default temporary, kept on failure.
    engine: local (the default: workers of this machine) or ray (a Ray cluster).
    address: Address of a running Ray cluster, like auto or 10.0.0.1:6379; by
      default Ray starts one on this machine.
    resources: What a job takes of a Ray node, like
      {'num_cpus': 1, 'memory': 2e9}; by default one processor.
  """

  jobs: int | None = None
  timeout: float | None = None
  log_dir: str | None = None
  engine: str = 'local'
  address: str | None = None
  resources: dict[str, float] | None = None

  def __post_init__(self) -> None:
    if self.jobs is not None:
      errors.check_integer('jobs', self.jobs, 1)
    if self.timeout is not None:
      errors.check_number('timeout', self.timeout, is_open=True)
    errors.check_choice('engine', self.engine, ['local', 'ray'])
    for flag in ('address', 'resources'):
      if getattr(self, flag) is not None and self.engine == 'local':
        raise errors.InputError(f'{flag}: wanted together with --engine=ray')

  def workers(self, count: int) -> pool.Engine:
    """Returns what runs a number of jobs."""
    # A clock counts no further.
    timeout = min(self.timeout or math.inf, threading.TIMEOUT_MAX)
    if self.engine == 'ray':
      from lottery_ticket.cli import cluster  # Late: an extra.

      return cluster.Cluster(self.address, self.jobs, self.resources, timeout)
    return pool.Local(
      min(self.jobs or pool.processors(), max(count, 1)), timeout
    )


def run(
  runner: str,
  argfile: str,
  /,
  *more: str,
  task: str = '',
  dry_run: bool = False,
  **options: Any,
) -> None:
  """Runs a runner for each job that an argfile prints.

  Scripts that are not found from the current folder are looked for in the
  library: `runners/...`, `mnist_fc/argfiles/...`. More pairs of RUNNER and
  ARGFILE may follow: a job whose input is not there yet waits for it. A job
  that fails is reported, and the others go on; then the exit code is 1.

  Args:
    runner: A script that takes flags.
    argfile: A script that prints jobs, one a line; it may have flags of its own
      in the same quotes, "argfiles/reinitialize_argfile.py --trials=3".
    *more: Another runner, its argfile, and so on.
    task: Folder of the library where scripts are looked for, like mnist_fc.
    dry_run: Whether only to print what would be run.
    **options: Fields of `Options`.

  Examples:
    python argfile_runner.py runners/lottery_experiment.py
      "argfiles/lottery_experiment_argfile.py --trials=3" --dry_run
    python argfile_runner.py runners/train.py argfiles/train_argfile.py --jobs=2
  """
  backend.check()
  jobs = jobs_lib.from_argfiles([runner, argfile, *more], task)
  if dry_run:
    print('\n'.join(job.command for job in jobs))
  elif not run_jobs(jobs, **options):
    sys.exit(flags.FAILURE)


def run_jobs(
  todo: Sequence[jobs_lib.Job], *, quiet: bool = False, **options: Any
) -> bool:
  """Runs jobs side by side, and returns whether all went well."""
  chosen = Options(**options)
  folder = _log_folder(chosen.log_dir)
  jobs = [
    dataclasses.replace(
      job, log=f'{folder}/{i:05}.log', status=f'{folder}/{i:05}.status'
    )
    for i, job in enumerate(todo, 1)
  ]
  display = display_lib.Display(len(jobs), io.StringIO() if quiet else None)
  started = time.monotonic()
  outcomes = pool.run(jobs, chosen.workers(len(jobs)), display)
  failed = [outcome for outcome in outcomes if outcome.reason]
  if failed or not quiet:
    _summarize(outcomes, time.monotonic() - started)
  if failed:
    print(f'What each job printed is in {folder}', file=sys.stderr)
  elif chosen.log_dir is None:
    shutil.rmtree(folder)
  return not failed


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
  failed = [outcome for outcome in outcomes if outcome.reason]
  results = [outcome.result for outcome in outcomes if outcome.result]
  iterations = sum(result.iterations for result in results)
  loaded = sum(bool(r.loaded and not r.iterations) for r in results)
  done = len(outcomes) - len(failed) - loaded
  jobs = '1 job' if len(outcomes) == 1 else f'{len(outcomes)} jobs'
  print(
    f'{jobs}: {done} done, {loaded} finished before,'
    f' {len(failed)} failed; {seconds:.0f} s, {iterations:,} iterations,'
    f' {iterations / seconds:,.0f} a second',
    file=sys.stderr,
  )
  alike: dict[Any, list[pool.Outcome]] = collections.defaultdict(list)
  for outcome in failed:
    kind = re.sub('[0-9]+', '0', outcome.reason)
    alike[kind if len(failed) > _MANY else outcome].append(outcome)
  for first, *others in alike.values():
    print(f'failed: {first.job.command}\n  {first.reason}', file=sys.stderr)
    if others:
      print(f'  ... and {len(others)} more like this', file=sys.stderr)


def main(task: str = '') -> None:
  """Runs with the command line's flags; `task` names the usual folder."""
  name = next((word for word in sys.argv[2:] if 'argfile' in word), 'ARGFILE')
  hint = 'a flag of an argfile stands in its quotes: "{} {}"'
  flags.call(
    functools.partial(run, task=task),
    values=Options,
    hint=functools.partial(hint.format, name),
  )

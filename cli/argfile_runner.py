"""Runs a runner for each line that an argfile prints."""

import io
import os
import pathlib
import re
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import engines
from lottery_ticket.cli import flags as flags_lib
from lottery_ticket.cli import local
from lottery_ticket.cli import order
from lottery_ticket.cli import pool
from lottery_ticket.cli import worker
from lottery_ticket.foundations import errors

_MANY = 10  # Failures that are each told.


def run(
  runner: str,
  argfile: str,
  /,
  *more: str,
  jobs: int | None = None,
  dry_run: bool = False,
  timeout: float | None = None,
  log_dir: str | None = None,
  engine: str = 'local',
  address: str | None = None,
  resources: dict[str, float] | None = None,
) -> None:
  """Runs a runner for each line of flags that an argfile prints.

  Scripts that are not found from the current folder are looked for among the
  experiments of the library: `runners/...`, `argfiles/...`. More pairs of
  RUNNER and ARGFILE may follow: a line waits until those earlier lines have
  ended whose results its flags name, or, if it pools weights, those below its
  --experiment_path. A line that fails is reported, and the others go on; then
  the exit code is 1.

  Args:
    runner: A script that takes flags.
    argfile: A script that prints lines of flags; it may have flags of its own
      in the same quotes, "argfiles/reinitialize_argfile.py --trials=3".
    *more: Another runner, its argfile, and so on.
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
  """
  if not run_all(
    [runner, argfile, *more],
    jobs=jobs,
    dry_run=dry_run,
    timeout=timeout,
    log_dir=log_dir,
    engine=engine,
    address=address,
    resources=resources,
  ):
    sys.exit(flags_lib.FAILURE)


def run_all(
  scripts: Sequence[str],
  *,
  jobs: int | None = None,
  dry_run: bool = False,
  timeout: float | None = None,
  log_dir: str | None = None,
  engine: str = 'local',
  address: str | None = None,
  resources: dict[str, float] | None = None,
  quiet: bool = False,
) -> bool:
  """Runs the lines of argfiles; returns whether all went well.

  Args:
    scripts: A runner, its argfile, another runner, its argfile, and so on.
    jobs: As in `run`, like all the others.
    dry_run: Only print what would be run.
    timeout: Seconds after which a line is ended.
    log_dir: Folder for what each line prints.
    engine: 'local' or 'ray'.
    address: Of a running Ray cluster.
    resources: What a line takes of a Ray node.
    quiet: Whether to show nothing but failures.

  Raises:
    InputError: Like `run`.
  """
  if jobs is not None:
    argfiles.check_count('jobs', jobs)
  if timeout is not None and not 0 < timeout <= threading.TIMEOUT_MAX:
    raise errors.InputError(
      f'timeout: wanted a number of seconds above 0, got {timeout}'
    )
  make_engine = _engine(engine, jobs, timeout, address, resources)
  lines = _lines(scripts)
  if dry_run:
    for script, flags in lines:
      print(_command(script, flags))
    return True
  folder = _log_folder(log_dir)
  started = time.monotonic()
  todo = _jobs(lines, folder)
  display = display_lib.Display(len(todo), io.StringIO() if quiet else None)
  outcomes = pool.run(todo, make_engine(len(todo)), display)
  failed = [outcome for outcome in outcomes if outcome.reason]
  if failed or not quiet:
    _summarize(outcomes, time.monotonic() - started)
  if failed:
    print(f'What each line printed is in {folder}', file=sys.stderr)
  elif log_dir is None:
    shutil.rmtree(folder)
  return not failed


def _command(script: str, flags: Sequence[str]) -> str:
  """Returns what a shell would run."""
  return shlex.join([sys.executable, script, *flags])


def _engine(
  name: str,
  jobs: int | None,
  timeout: float | None,
  address: str | None,
  resources: dict[str, float] | None,
) -> Callable[[int], engines.Engine]:
  """Returns what makes the engine for a number of lines."""
  if name == 'ray':
    from lottery_ticket.cli import cluster  # Late: an extra.

    return lambda _: cluster.Cluster(address, jobs, resources, timeout)
  if name != 'local':
    raise errors.InputError(f"engine: wanted 'local' or 'ray', got {name!r}")
  for flag, value in (('address', address), ('resources', resources)):
    if value is not None:
      raise errors.InputError(f'{flag}: wanted together with --engine=ray')
  workers = jobs or processors()
  return lambda lines: local.Local(min(workers, lines), timeout)


def _lines(scripts: Sequence[str]) -> list[tuple[str, list[str]]]:
  """Returns the lines of pairs of runner and argfile, with their runner."""
  if len(scripts) % 2:
    raise errors.InputError(f'ARGFILE is missing for {scripts[-1]}')
  pairs = list(zip(scripts[::2], scripts[1::2], strict=True))
  for runner, argfile in pairs:
    argfiles.check_pair(runner, argfile)
  runners = [str(argfiles.find(runner)) for runner, _ in pairs]
  return [
    (runner, flags)
    for runner, (_, argfile) in zip(runners, pairs, strict=True)
    for flags in argfiles.read(argfile)
  ]


def _jobs(
  lines: list[tuple[str, list[str]]], folder: pathlib.Path
) -> list[worker.Job]:
  waits = order.after([flags for _, flags in lines])
  return [
    worker.Job(
      runner,
      tuple(flags),
      log=str(folder / f'{i:05}.log'),
      status=str(folder / f'{i:05}.status'),
      folder=os.getcwd(),
      after=after,
    )
    for i, ((runner, flags), after) in enumerate(
      zip(lines, waits, strict=True), 1
    )
  ]


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
    command = _command(first.job.runner, first.job.flags)
    print(f'failed: {command}', file=sys.stderr)
    print(f'  {first.reason}', file=sys.stderr)
    if others:
      print(f'  ... and {len(others)} more like this', file=sys.stderr)


def main() -> None:
  """Runs with the flags of the command line."""
  flags_lib.call(run)


if __name__ == '__main__':
  main()

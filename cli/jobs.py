"""Jobs: what the argfile runner runs, each in a process of its own."""

import dataclasses
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import errors


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
  """A script with its command line, or a function with its arguments."""

  target: str  # Script to run, or 'module:function' to call.
  argv: tuple[str, ...] = ()  # The script's command line.
  arguments: Mapping[str, Any] | None = None  # The function's.
  log: str = ''  # File for what it prints; the runner chooses one.
  status: str = ''  # File that says where it is; the runner chooses one.
  folder: str = '.'  # To run in.
  after: tuple[int, ...] = ()  # Places of jobs that must have ended before.

  def __str__(self) -> str:
    if self.arguments is None:
      return ' '.join(self.argv)
    return argfiles.short_line(**self.arguments)

  @property
  def command(self) -> str:
    """What a shell would run; of a function, its name and arguments."""
    if self.arguments is None:
      return shlex.join([sys.executable, self.target, *self.argv])
    return f'{self.target} {self}'


def from_argfiles(scripts: Sequence[str], task: str = '') -> list[Job]:
  """Returns the jobs of a runner, its argfile, another runner, and so on.

  Jobs begin in any order as soon as their input is there, with two exceptions,
  which wait for all jobs of the pairs before their own: a job without an
  `--output_dir` works on what it finds, and a job that comes after some that
  overwrite would find what is about to be lost.
  """
  if len(scripts) % 2:
    raise errors.InputError(f'ARGFILE is missing for {scripts[-1]}')
  pairs = list(zip(scripts[::2], scripts[1::2], strict=True))
  for runner, argfile in pairs:
    argfiles.check_pair(runner, argfile, task)
  jobs: list[Job] = []
  overwritten = False
  for runner, argfile in pairs:
    path = str(argfiles.find(runner, task))
    earlier = tuple(range(len(jobs)))
    for flags in argfiles.read(argfile, task):
      after = earlier if overwritten or not _has(flags, 'output_dir') else ()
      jobs.append(Job(path, tuple(flags), folder=os.getcwd(), after=after))
    overwritten |= any(_has(job.argv, 'overwrite') for job in jobs)
  return jobs


def _has(flags: Sequence[str], name: str) -> bool:
  given = {flag.partition('=')[0].replace('-', '_') for flag in flags}
  return f'__{name}' in given

"""Shows how far the lines of an argfile are.

On a terminal a bar for the whole and one for each run under way; elsewhere a
plain line whenever something begins or ends.
"""

import contextlib
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

import tqdm

from lottery_ticket.cli import jobs as jobs_lib


class Display:
  """Shows how far jobs are; a context manager.

  Args:
    total: The number of jobs.
    stream: Where to show it; stderr by default.
  """

  def __init__(self, total: int, stream: TextIO | None = None):
    self._total = total
    self._stream = stream or sys.stderr
    self._ended = 0
    self._bars = _Bars(total, self._stream) if self._stream.isatty() else None
    self._runs: dict[jobs_lib.Job, str] = {}

  def __enter__(self) -> 'Display':
    """Begins."""
    return self

  def __exit__(self, *_: object) -> None:
    """Leaves the terminal tidy."""
    if self._bars:
      self._bars.close()

  def look(self, jobs: Sequence[jobs_lib.Job]) -> None:
    """Shows where jobs are by now.

    Args:
      jobs: Those under way.
    """
    for job in jobs:
      status = _read_status(job)
      if status is None:
        continue
      if self._bars:
        self._bars.show(job, *status)
      elif self._runs.get(job) != status[0]:
        self._runs[job] = status[0]
        left = f'{status[2]:,} iterations' if status[2] else 'finished before'
        self.note(f'{status[0]}: {left}')

  def ended(self, job: jobs_lib.Job, reason: str) -> None:
    """Shows that a job has ended.

    Args:
      job: The job.
      reason: Why it failed; empty if it did not.
    """
    self._ended += 1
    self._runs.pop(job, None)
    if self._bars:
      self._bars.ended(job)
    if reason:
      self.note(f'failed: {reason}')
    if reason or not self._bars:
      lines = 'line has' if self._total == 1 else 'lines have'
      self.note(f'{self._ended} of {self._total} {lines} ended: {job}')

  def note(self, text: str) -> None:
    """Writes a line above the bars, or with the time where there are none."""
    if self._bars:
      tqdm.tqdm.write(text, file=self._stream)
    else:
      print(time.strftime('%H:%M:%S'), text, file=self._stream, flush=True)


class _Bars:
  """The bars on a terminal."""

  def __init__(self, total: int, stream: TextIO):
    self._stream = stream
    self._runs: dict[jobs_lib.Job, Any] = {}
    self._whole = tqdm.tqdm(
      total=total, unit='line', desc='lines', file=stream, position=0
    )

  def show(self, job: jobs_lib.Job, name: str, done: int, total: int) -> None:
    bar = self._runs.get(job)
    if bar is None:
      bar = self._runs[job] = tqdm.tqdm(
        unit='it', file=self._stream, leave=False, position=self._free()
      )
    if bar.desc != f'{name}: ':
      bar.reset(total)
      bar.set_description(name)
    bar.update(done - bar.n)

  def ended(self, job: jobs_lib.Job) -> None:
    bar = self._runs.pop(job, None)
    if bar is not None:
      bar.close()
    self._whole.update()

  def close(self) -> None:
    for bar in (*self._runs.values(), self._whole):
      bar.close()

  def _free(self) -> int:
    """Returns the first place on the screen that no run's bar has."""
    taken = {abs(bar.pos) for bar in self._runs.values()}
    return next(i for i in range(1, len(taken) + 2) if i not in taken)


def _read_status(job: jobs_lib.Job) -> tuple[str, int, int] | None:
  """Returns a job's run, its iterations done, and how many there will be."""
  with contextlib.suppress(OSError, ValueError):
    text = pathlib.Path(job.status).read_text(encoding='utf-8')
    name, done, total = text.split('\t')
    return name, int(done), int(total)
  return None

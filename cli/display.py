"""Shows how far jobs are."""

import contextlib
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import tqdm

from lottery_ticket.cli import jobs as jobs_lib

_A_LINE = 60  # Seconds between two lines about what is under way.
_TOLD = 8  # Jobs that have such a line.


class Display:
  """Shows how far jobs are; a context manager.

  On a terminal it shows a bar for the whole and one for each run under way;
  elsewhere a plain line whenever something begins or ends, and every minute.
  """

  def __init__(self, total: int, stream: TextIO | None = None):
    self._total = total
    self._stream = stream or sys.stderr
    self._ended = 0
    self._runs: dict[jobs_lib.Job, str] = {}
    self._bars: dict[jobs_lib.Job, Any] = {}
    self._told = time.monotonic()
    # None disables it where there is no terminal.
    self._whole = tqdm.tqdm(
      total=total, unit='job', desc='jobs', file=self._stream, disable=None
    )

  def __enter__(self) -> 'Display':
    return self

  def __exit__(self, *_: object) -> None:
    for bar in (*self._bars.values(), self._whole):
      bar.close()

  def look(self, jobs: Sequence[jobs_lib.Job]) -> None:
    """Shows where the jobs under way are by now."""
    known = list(_statuses(jobs))
    if not self._whole.disable:
      for shown in known:
        self._show(*shown)
      return
    for job, name, _, total, _ in known:
      if self._runs.get(job) != name:
        self._runs[job] = name
        left = f'{total:,} iterations' if total else 'finished before'
        self.note(f'{name}: {left}')
    if time.monotonic() - self._told >= _A_LINE:
      for _, name, done, total, said in known[:_TOLD]:
        self.note(f'{name}: {done:,} of {total:,}, {said}')

  def _show(
    self, job: jobs_lib.Job, name: str, done: int, total: int, said: str
  ) -> None:
    if job not in self._bars:
      self._bars[job] = tqdm.tqdm(unit='it', file=self._stream, leave=False)
    bar = self._bars[job]
    if bar.desc != f'{name}: ':
      bar.reset(total)
      bar.set_description(name)
    bar.set_postfix_str(said, refresh=False)
    bar.update(done - bar.n)

  def ended(self, job: jobs_lib.Job, reason: str) -> None:
    """Shows that a job has ended, and why if it failed."""
    self._ended += 1
    self._runs.pop(job, None)
    if job in self._bars:
      self._bars.pop(job).close()
    self._whole.update()
    if reason:
      self.note(f'failed: {reason}')
    if reason or self._whole.disable:
      jobs = 'job has' if self._total == 1 else 'jobs have'
      self.note(f'{self._ended} of {self._total} {jobs} ended: {job}')

  def note(self, text: str) -> None:
    """Writes a line above the bars, or with the time where there are none."""
    self._told = time.monotonic()
    if self._whole.disable:
      text = f'{time.strftime("%H:%M:%S")} {text}'
    tqdm.tqdm.write(text, file=self._stream)
    self._stream.flush()


def _statuses(
  jobs: Sequence[jobs_lib.Job],
) -> Iterator[tuple[jobs_lib.Job, str, int, int, str]]:
  """Yields jobs, their runs, iterations done and in all, and what is said."""
  for job in jobs:
    with contextlib.suppress(OSError, ValueError):
      text = pathlib.Path(job.status).read_text(encoding='utf-8')
      name, done, total, said = text.split('\t')
      yield job, name, int(done), int(total), said

"""What benchmarks make of their figures: tables, and sections of a file."""

import datetime
import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from lottery_ticket.cli import argfile_runner
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore

FILE = str(pathlib.Path(__file__).parent.parent / 'build' / 'bench.json')

Row = tuple[str, ...]


class Figure(NamedTuple):
  """Two numbers, side by side.

  Attributes:
    what: What they are of, "this, that".
    this: The one.
    that: What it is compared with.
    unit: Of both.
    ratio: this / that, taken within each round where there are rounds.
    bar: What is wanted, or nothing.
    met: Whether it is so; None where nothing is wanted.
  """

  what: str
  this: float
  that: float
  unit: str
  ratio: float
  bar: str = ''
  met: bool | None = None


def table(figures: Sequence[Figure]) -> list[str]:
  """Returns figures as the lines of a table."""
  verdicts = {True: 'pass', False: 'miss', None: ''}
  rows = [
    (
      figure.what,
      f'{figure.this:.2f}',
      f'{figure.that:.2f}',
      figure.unit,
      f'{figure.ratio:.2f}',
      figure.bar,
      verdicts[figure.met],
    )
    for figure in figures
  ]
  return align([('', 'this', 'that', '', 'ratio', 'bar', ''), *rows])


def align(rows: Sequence[Row]) -> list[str]:
  """Returns rows as lines: first column to the left, others to the right."""
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  return [
    '  '.join(
      cell.rjust(width) if i else cell.ljust(width)
      for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip()
    for row in rows
  ]


def surroundings() -> dict[str, Any]:
  """Returns when this is, and how busy the machine is by itself."""
  now = datetime.datetime.now(datetime.timezone.utc)
  return {
    'date': now.isoformat(timespec='seconds'),
    'load': os.getloadavg()[0],
  }


def machine(run: str) -> dict[str, Any]:
  """Returns the machine, and the versions that a run recorded.

  Args:
    run: Folder of a finished run.
  """
  record = records.read(run)
  return {
    'cores': argfile_runner.processors(),
    **record['versions'],
    'threads': record['threads'],
  }


def read(path: str) -> dict[str, Any]:
  """Returns the sections of a file, none if it is not there.

  Raises:
    InputError: If it is damaged.
  """
  return save_restore.read_json(path) if os.path.lexists(path) else {}


def save(path: str, name: str, section: dict[str, Any]) -> None:
  """Writes a section of a file; the others stay as they are.

  Args:
    path: The file; made if it is not there.
    name: The section's.
    section: What JSON can say.

  Raises:
    InputError: If the file is damaged.
  """
  save_restore.write_json(path, read(path) | {name: section})

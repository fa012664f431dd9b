"""Rows: what claims and figures need of each run, when its folder is gone.

  {experiment}/rows.jsonl.gz  a JSON object for each finished run, one a line
  {experiment}/tickets.npz    a trial's tickets of all levels as one array,
                              {trial}/{experiment name}: for each weight, layer
                              by layer, the level at which it was pruned

A row is a function of finished folders alone, and the same rows become the same
bytes. Where data and trials lay is told by the last two names of their folders.
The initial weights of tickets come from the seed: rows have the checksums of
what must come out.
"""

import contextlib
import gzip
import io
import json
import os
import pathlib
import typing
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore

Row = dict[str, Any]

KEPT = 255
"""Stands in a ticket's array for a weight that no level has pruned yet."""


def read(folder: str | os.PathLike) -> dict[str, Row]:
  """Returns {run, like trial1/7/same_init: row} of an experiment's folder.

  Raises:
    InputError: If there is a file of rows that is damaged.
  """
  path = paths.rows(os.fspath(folder))
  if not os.path.lexists(path):
    return {}
  try:
    with save_restore.opened(path) as stream, gzip.open(stream) as content:
      lines = content.read(save_restore.MAX_BYTES).splitlines()
    # Without its first line, what is left of a file is none either.
    first, *rest = [json.loads(line) for line in lines]
    return {row['run']: row for row in (first, *rest) if row['record']}
  except (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError):
    raise errors.InputError(
      f'{path}: wanted rows as the runner report writes them; remove it'
    ) from None


def write(folder: str, rows: Mapping[str, Row], source: str) -> None:
  """Writes rows, and adds the tickets of runs whose folders are there.

  Args:
    folder: Where to write the two files.
    rows: {run: row}, level by level.
    source: The experiment's folder, with the folders of runs.
  """
  lines = [
    json.dumps(row, allow_nan=False, separators=(',', ':'))
    for row in rows.values()
  ]
  packed = io.BytesIO()
  # With a file's name or the time, the same rows would become other bytes.
  with gzip.GzipFile('', 'wb', fileobj=packed, mtime=0) as file:
    file.write(''.join(f'{line}\n' for line in lines).encode())
  _replace(paths.rows(folder), packed.getbuffer())
  if tickets := _tickets(folder, rows, source):
    packed = io.BytesIO()
    # Without the time, too.
    np.savez_compressed(packed, **typing.cast(Any, tickets))
    _replace(paths.tickets(folder), packed.getbuffer())


def _replace(path: str, content: memoryview) -> None:
  """Writes a file, if it is another one than is there."""
  if not os.path.isfile(path) or pathlib.Path(path).read_bytes() != content:
    with save_restore.written_aside(path) as aside:
      save_restore.write_file(aside, content)


def read_tickets(folder: str) -> dict[str, np.ndarray]:
  """Returns {trial/experiment name: levels, shape [weights]} of a folder."""
  path = paths.tickets(folder)
  if not os.path.lexists(path):
    return {}
  with save_restore.opened(path) as stream:
    try:
      with np.load(stream, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}
    except Exception:  # For damaged files zipfile raises whatever it raises.
      raise errors.InputError(
        f'{path}: wanted tickets as the runner report writes them; remove it'
      ) from None


def _tickets(
  folder: str, rows: Mapping[str, Row], source: str
) -> dict[str, np.ndarray]:
  """Returns the tickets of a folder with those of runs in `source`."""
  tickets = read_tickets(folder)
  for run in rows:
    trial, number, name = pathlib.PurePath(run).parts
    place, level = paths.masks(os.path.join(source, run)), int(number)
    is_ticket = f'{trial}/0/{name}' in rows and level < KEPT
    if is_ticket and os.path.isdir(place):
      masks = save_restore.restore_network(place)
      mask = np.concatenate([masks[layer].ravel() for layer in sorted(masks)])
      levels = tickets.get(f'{trial}/{name}', np.zeros(0))
      if levels.shape != mask.shape:
        levels = np.full(mask.shape, KEPT, np.uint8)
      # A level that was trained again may keep what it pruned before.
      kept = np.where(levels <= level, KEPT, levels)
      levels = np.where(mask == 0, np.minimum(levels, level), kept)
      tickets[f'{trial}/{name}'] = levels.astype(np.uint8)
  return tickets


def shorten(record: Mapping[str, Any]) -> dict[str, Any]:
  """Returns a run's record without folders of this machine, as rows have it.

  A path keeps its last two names, like `data/mnist` and `experiments/trial1`.
  """

  def short(value: Any) -> Any:
    if isinstance(value, list):
      return [short(each) for each in value]
    is_path = isinstance(value, str) and os.path.isabs(value)
    return '/'.join(value.strip('/').split('/')[-2:]) if is_path else value

  sources = record.get('sources', {})
  return {**record, 'sources': {k: short(v) for k, v in sources.items()}}


def record(run: str) -> dict[str, Any]:
  """Returns the record of a run, from its folder or else from its row.

  Raises:
    InputError: If the run is not finished, or its record is damaged.
  """
  folder, name = _split(run)
  if not os.path.lexists(paths.record(run)) and (row := read(folder).get(name)):
    return row['record']
  return records.read(run)


def seed(run: str) -> int | None:
  """Returns the seed of a run, if its folder, `.part` or row has it."""
  found = records.seed(run)
  if found is None and not os.path.lexists(paths.record(run)):
    with contextlib.suppress(errors.MissingInputError):
      found = record(run).get('description', {}).get('seed')
  return found


def masks(run: str, shapes: Mapping[str, tuple[int, ...]]) -> masks_lib.Network:
  """Returns the masks of a run whose folder is gone.

  Args:
    run: The folder that it had.
    shapes: {layer name: shape}.
  """
  folder, name = _split(run)
  trial, level, experiment = pathlib.PurePath(name).parts
  levels = read_tickets(folder).get(f'{trial}/{experiment}', np.zeros(0))
  sizes = [int(np.prod(shapes[layer])) for layer in sorted(shapes)]
  if levels.shape != (sum(sizes),):
    raise errors.MissingInputError(
      f'{run}: wanted a finished run, or its ticket in {paths.tickets(folder)}',
      paths.record(run),
    )
  flat = (levels > int(level)).astype(np.float32)
  parts = np.split(flat, np.cumsum(sizes)[:-1])
  return {
    layer: part.reshape(shapes[layer])
    for layer, part in zip(sorted(shapes), parts, strict=True)
  }


def _split(run: str) -> tuple[str, str]:
  """Returns the experiment's folder of a run, and the run's name there."""
  path = pathlib.Path(os.path.abspath(run))
  folder = path.parents[2] if len(path.parts) > 3 else path
  return str(folder), str(path.relative_to(folder))

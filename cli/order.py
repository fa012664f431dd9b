"""Which lines of argfiles have to wait for which."""

import collections
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lottery_ticket.foundations import paths

_LIST = re.compile(r'[\[\](){}\'",]+')  # What stands around paths in lists.


def after(lines: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
  """Returns for each line the earlier ones that it has to wait for.

  Those are the lines whose output, or something in it, its flags name: a
  control comes after the experiment that finds its ticket. A line without an
  `--output_dir` pools weights: it waits for all that is made below its
  `--experiment_path`, and its output is the distribution of its `--level`.

  >>> after(
  ...   [
  ...     ['--output_dir=exp/trial1'],
  ...     ['--output_dir', './exp/trial2'],
  ...     ['--output_dir=exp/trial2/3/reinit1', '--level=3'],
  ...     ['--experiment_path=exp', '--level=4'],
  ...     ['--output_dir=new', '--masks=exp/trial1/4/same_init/masks'],
  ...     ['--output_dir=other', '--presets=exp/weights/4/initialization'],
  ...   ]
  ... )
  [(), (), (1,), (0, 1, 2), (0,), (3,)]

  Args:
    lines: The flags of each line, as the command line takes them.

  Returns:
    A tuple of places in `lines` for each line.
  """
  outputs: dict[str, list[int]] = collections.defaultdict(list)
  below: dict[str, list[int]] = collections.defaultdict(list)
  waits = []
  for place, line in enumerate(lines):
    flags = dict(_pairs(line))
    named = {folder for value in flags.values() for folder in _named(value)}
    earlier = {i for folder in named for i in outputs.get(folder, ())}
    if 'output_dir' in flags:
      output = _path(flags['output_dir'])
      for folder in _in(output):
        below[folder].append(place)
    else:
      top = _path(flags.get('experiment_path', ''))
      earlier.update(below.get(top, ()))
      level: Any = flags.get('level', '')  # Of any text; it need not be one.
      output = paths.initialization(top, level)
    waits.append(tuple(sorted(earlier)))
    outputs[output].append(place)
  return waits


def _pairs(line: Sequence[str]) -> Iterator[tuple[str, str]]:
  """Yields name and value of each flag; a value may be a word of its own."""
  for word, following in zip(line, [*line[1:], '--'], strict=True):
    if word.startswith('--'):
      name, equals, value = word[2:].partition('=')
      if not equals and not following.startswith('--'):
        value = following
      yield name.replace('-', '_'), value


def _path(text: str) -> str:
  """Returns a path from the root, or '' for an empty one."""
  return os.path.abspath(text) if text.strip() else ''


def _named(value: str) -> Iterator[str]:
  """Yields the paths that a flag's value names, and the folders they are in."""
  for text in {value, *_LIST.split(value)}:
    yield from _in(_path(text))


def _in(path: str) -> Iterator[str]:
  """Yields a path and the folders that it is in."""
  while path and path != os.path.dirname(path):
    yield path
    path = os.path.dirname(path)

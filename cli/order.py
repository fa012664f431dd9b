"""Which lines of argfiles have to wait for which."""

import os
import re
from collections.abc import Iterator, Sequence

_OUTPUT = '--output_dir='
_LIST = re.compile(r'[\[\](){}\'",]+')  # What stands around paths in lists.


def after(lines: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
  """Returns for each line the earlier ones that it has to wait for.

  Those are the lines whose output folder, or something in it, its flags name:
  a control comes after the experiment that finds its ticket.

  >>> after(
  ...   [
  ...     ['--output_dir=exp/trial1'],
  ...     ['--output_dir=exp/trial2'],
  ...     ['--output_dir=exp/trial2/3/reinit1', '--level=3'],
  ...     ['--output_dir=other', '--masks=exp/trial1/3/same_init/masks'],
  ...   ]
  ... )
  [(), (), (1,), (0,)]

  Args:
    lines: The flags of each line, `--name=value`.

  Returns:
    A tuple of places in `lines` for each line.
  """
  outputs: dict[str, list[int]] = {}
  waits = []
  for place, flags in enumerate(lines):
    folders = {folder for flag in flags for folder in _folders(flag)}
    waits.append(
      tuple(sorted({i for folder in folders for i in outputs.get(folder, ())}))
    )
    for flag in flags:
      if flag.startswith(_OUTPUT):
        folder = os.path.normpath(flag.removeprefix(_OUTPUT))
        outputs.setdefault(folder, []).append(place)
  return waits


def _folders(flag: str) -> Iterator[str]:
  """Yields the paths that a flag's value names, and the folders they are in."""
  value = flag.partition('=')[2]
  for text in (value, *_LIST.split(value)):
    path = os.path.normpath(text) if text.strip() else ''
    while path and path != os.path.dirname(path):
      yield path
      path = os.path.dirname(path)

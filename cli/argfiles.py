"""Argfiles: scripts that print sets of flags, one job a line."""

import json
import locale
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
from importlib import util

from lottery_ticket.foundations import errors

MAX_BYTES = 2**24  # Of all that an argfile prints.
_TAIL = 2**12  # Bytes of what a failing one said.


def find(path: str, task: str = '') -> pathlib.Path:
  """Returns the path of a script.

  It may be written from the current folder, from the library's folder `task`,
  or from the library, like `mnist_fc/runners/train.py`.
  """
  here, folder = pathlib.Path.cwd(), _folder(task)
  name, _, rest = path.partition('/')
  for place, file in ((here, path), (folder, path), (_folder(name), rest)):
    if place and os.path.isfile(place / file):
      return (place / file).resolve()
  where = f'{here} or {folder}' if folder else here
  raise errors.InputError(f'{path}: no such file in {where}')


def _folder(name: str) -> pathlib.Path | None:
  """Returns a folder of the library, which may lie anywhere."""
  spec = name.isidentifier() and util.find_spec(f'lottery_ticket.{name}')
  locations = spec and spec.submodule_search_locations
  return pathlib.Path(locations[0]).resolve() if locations else None


def check_pair(runner: str, argfile: str, task: str) -> None:
  """Refuses an argfile with another runner than its own beside it."""
  runner_path = find(runner, task)
  path = find(_words(argfile, task)[0], task)
  name = path.name.replace('_argfile', '')
  own = path.parent.parent / 'runners' / name
  is_beside = path.parent.name == 'argfiles' and own.is_file()
  if is_beside and runner_path.parent == own.parent and runner_path != own:
    said = f'prints flags for runners/{name}, not for {runner_path.name}'
    raise errors.InputError(f'{path.name}: {said}')


def read(argfile: str, task: str = '') -> list[list[str]]:
  """Runs an argfile and returns the flags of each job that it prints.

  Flags of its own may follow its name, quoted as for a shell, though no shell
  sees them; a name that is a file as it stands has none.
  """
  script, *arguments = _words(argfile, task)
  path = str(find(script, task))
  if '--help' in arguments:
    said = f'prints help, not flags; run python {path} --help'
    raise errors.InputError(f'{argfile}: {said}')
  # Paths may hold what Python's splitlines takes for the end of a line.
  lines = _printed([sys.executable, path, *arguments], argfile).split('\n')
  jobs = [_split(row, f'{script}, line {i}') for i, row in enumerate(lines, 1)]
  jobs = [words for words in jobs if words]
  for first, *_ in jobs or [['nothing']]:
    is_flag = first.startswith('--')
    errors.require(is_flag, argfile, 'lines of flags', repr(first))
  return jobs


def _words(argfile: str, task: str) -> list[str]:
  """Returns an argfile's script and the flags behind it."""
  try:
    find(argfile, task)
  except errors.InputError:
    return _split(argfile, 'argfile') or ['']
  return [argfile]


def _printed(command: list[str], argfile: str) -> str:
  """Returns what an argfile prints; one that prints too much is ended."""
  with (
    tempfile.TemporaryFile() as stderr,
    subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr) as process,
  ):
    assert process.stdout is not None  # noqa: S101
    printed = process.stdout.read(MAX_BYTES + 1)
    if len(printed) > MAX_BYTES:
      process.kill()
      raise errors.InputError(f'{argfile}: prints over {MAX_BYTES} bytes')
    if process.wait():
      stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - _TAIL))
      said = stderr.read().decode(errors='replace').strip().splitlines()
      last = said[-1] if said else 'no message'
      raise errors.InputError(f'{argfile}: failed: {last}')
  # The runner refuses what is no text, and some systems end lines otherwise.
  encoding = locale.getpreferredencoding(False)
  return printed.decode(encoding, 'surrogateescape').replace(os.linesep, '\n')


def _split(line: str, what: str) -> list[str]:
  try:
    return shlex.split(line)
  except ValueError as error:
    raise errors.InputError(f'{what}: {error}: {line!r}') from None


def flags(**given: object) -> tuple[str, ...]:
  """Returns a command line's flags; those that are None are left out."""
  return tuple(f'--{k}={v}' for k, v in given.items() if v is not None)


def line(**given: object) -> str:
  """Returns a line of flags, quoted; those that are None are left out.

  >>> line(output_dir='my results', seed=1, recipe=None)
  "'--output_dir=my results' --seed=1"
  """
  return shlex.join(flags(**given))


def short_line(**flags: object) -> str:
  """Returns a line of flags with as few quotes as they need, for people.

  >>> print(short_line(controls=['random', 'noise_0.5x'], levels=[7, 15]))
  '--controls=[random,"noise_0.5x"]' '--levels=[7,15]'
  >>> print(short_line(training_len=('iterations', 100)))
  --training_len=iterations,100
  """
  shown = dict(flags)
  for name, value in flags.items():
    if isinstance(value, tuple) and [type(x) for x in value] == [str, int]:
      shown[name] = ','.join(map(str, value))  # A length, like iterations,100.
    elif value is not None and not isinstance(value, str):
      shown[name] = _short(value)
  return line(**shown)


def _short(value: object) -> str:
  if isinstance(value, list):
    return f'[{",".join(map(_short, value))}]'
  if isinstance(value, dict):
    items = [f'{_short(key)}:{_short(item)}' for key, item in value.items()]
    return f'{{{",".join(items)}}}'
  is_word = value not in ('None', 'True', 'False') and str(value).isidentifier()
  if isinstance(value, str) and not is_word:
    return json.dumps(value, ensure_ascii=False)
  return str(value)

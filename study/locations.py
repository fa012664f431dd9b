"""Where an experiment folder looks for data and keeps results."""

import os
import pathlib


def find(anchor: str, variable: str, *parts: str) -> str:
  """Returns what an environment variable says, or else a path, of these parts.

  It is in the checkout that has the file `anchor`, or, where the library is
  installed without one, in the current folder.
  """
  checkout = pathlib.Path(anchor).resolve().parent.parent
  top = checkout if (checkout / 'setup.py').is_file() else pathlib.Path.cwd()
  return os.path.expanduser(os.environ.get(variable) or top.joinpath(*parts))

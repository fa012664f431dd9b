"""Where an experiment folder looks for data and keeps results."""

import os
import pathlib


def find(anchor: str, variable: str, *parts: str) -> str:
  """Returns what an environment variable says, or else a path.

  Args:
    anchor: `__file__` of a module in the experiment folder. The path is in the
      checkout that has it; where the library is installed without one, in the
      current folder.
    variable: Name of the environment variable.
    *parts: The path, like 'data', 'mnist'.
  """
  checkout = pathlib.Path(anchor).resolve().parent.parent
  is_checkout = (checkout / 'setup.py').is_file()
  top = checkout if is_checkout else pathlib.Path.cwd()
  return os.path.expanduser(os.environ.get(variable) or top.joinpath(*parts))

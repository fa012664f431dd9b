"""The one error for input that cannot be used."""

OVERWRITE = 'pass --overwrite (in Python overwrite=True)'
"""How to say that something there may be lost."""


class InputError(ValueError):
  """Input that cannot be used.

  The message is a single line that names the thing, says what came and what
  was wanted. It is raised before any work is done. The command line prints it
  without a traceback and exits with code 2.
  """

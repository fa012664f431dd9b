"""Hypothesis as the suite wants it, and what every refusal has in common.

The examples are the same in each run; HYPOTHESIS_PROFILE=many tries more.
"""

import os
import tempfile
import tracemalloc
import warnings

import hypothesis
import pytest
from hypothesis import configuration

from lottery_ticket.foundations import errors

_HOME = tempfile.TemporaryDirectory(prefix='hypothesis-')
configuration.set_hypothesis_home_dir(_HOME.name)
for _profile, _examples in (('quick', 30), ('many', 3000)):
  hypothesis.settings.register_profile(
    _profile,
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=_examples,
    suppress_health_check=list(hypothesis.HealthCheck),
  )
hypothesis.settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'quick'))


@pytest.fixture(scope='session')
def tame():
  """Returns what a function does, or None if it refuses in one line.

  Anything else fails: another error, a warning, a message of several lines.
  """

  def call(function, *args, **kwargs):
    with warnings.catch_warnings():
      warnings.simplefilter('error')
      try:
        return function(*args, **kwargs)
      except errors.InputError as error:
        message = str(error)
    assert message and len(message.splitlines()) == 1, message
    return None

  return call


@pytest.fixture
def peak():
  """Returns the most memory, in bytes, that Python and NumPy had at once."""

  def measure(function, *args):
    tracemalloc.start()
    try:
      function(*args)
      return tracemalloc.get_traced_memory()[1]
    finally:
      tracemalloc.stop()

  return measure


@pytest.fixture
def tree(tmp_path):
  """Returns everything below the test's folder: {path: content or None}."""

  def snapshot():
    return {
      str(path.relative_to(tmp_path)): path.read_bytes()
      if path.is_file()
      else None
      for path in tmp_path.rglob('*')
    }

  return snapshot

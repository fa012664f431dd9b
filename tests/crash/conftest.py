"""What is left of experiments whose processes die or whose disk is full."""

import os
import pathlib

import pytest

_BESIDES = {'run.json', 'same_init.lock'}  # Times differ; a lock is no result.


@pytest.fixture(scope='session')
def state():
  """Returns what is in a folder: {path: bytes, or None for a folder}."""

  def read(folder):
    return {
      str(path.relative_to(folder)): None
      if path.is_dir()
      else path.read_bytes()
      for path in sorted(pathlib.Path(folder).rglob('*'))
    }

  return read


@pytest.fixture(scope='session')
def results():
  """Returns what the same run always leaves: {path: bytes, or None}.

  Of TensorBoard's files, which hold times, only how many there are.
  """

  def choose(its_state):
    chosen = {
      name: content
      for name, content in its_state.items()
      if os.path.basename(name) not in _BESIDES and 'summaries/' not in name
    }
    finished = sorted(n for n in its_state if n.endswith('run.json'))
    return chosen | {
      'finished': finished,
      'summaries': sum('summaries/' in name for name in its_state),
    }

  return choose

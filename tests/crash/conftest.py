"""What a process that dies, a full disk or a lost folder leave behind.

A process that is killed leaves on the disk what was there before its next
change of a file. So one undisturbed process shows the states that all its
deaths would leave: they are looked at before each change, then restored.
"""

import contextlib
import errno
import os
import pathlib
import shutil
import sys
import threading

import pytest

_CHANGES = {'os.mkdir', 'os.remove', 'os.rename', 'os.rmdir', 'os.truncate'}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_BESIDES = {'run.json', 'same_init.lock'}  # Times differ; no lock is a result.
_watchers = []


class _Watcher:
  """Calls what it was given before this thread changes a file."""

  def __init__(self, before):
    self._before = before
    self._thread = threading.get_ident()
    self._busy = False

  def __call__(self, event, path):
    if self._busy or threading.get_ident() != self._thread:
      return
    self._busy = True
    try:
      self._before(event, path)
    finally:
      self._busy = False


def _hear(event, arguments):
  """Hears of everything that Python is about to do: see `sys.audit`."""
  if not _watchers:
    return
  writes = event == 'open' and (arguments[2] or 0) & _WRITING
  if writes or event in _CHANGES:
    # Where something is moved matters, not from where.
    path = arguments[1] if event == 'os.rename' else arguments[0]
    if not isinstance(path, int):
      _watchers[-1](event, os.fspath(path))


sys.addaudithook(_hear)  # Nothing takes it away again.


@pytest.fixture(scope='session')
def before_each_change():
  """Returns a context in which `before(event, path)` precedes each change.

  Events are Python's audit events, and 'fsync' when a file's bytes are there
  but nobody promises that all of them are.
  """

  @contextlib.contextmanager
  def watch(before):
    watcher = _Watcher(before)
    sync = os.fsync

    def watched_sync(descriptor):
      watcher('fsync', os.readlink(f'/proc/self/fd/{descriptor}'))
      sync(descriptor)

    _watchers.append(watcher)
    try:
      with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, 'fsync', watched_sync)
        yield
    finally:
      _watchers.remove(watcher)

  return watch


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
def restore():
  """Returns a function that makes a folder what it was in some state."""

  def write(folder, its_state):
    shutil.rmtree(folder, ignore_errors=True)
    pathlib.Path(folder).mkdir(parents=True)
    for name, content in its_state.items():
      path = pathlib.Path(folder, name)
      if content is None:
        path.mkdir()
      else:
        path.write_bytes(content)

  return write


@pytest.fixture(scope='session')
def states_of(before_each_change, state):
  """Returns the states in which an action leaves a folder if it is killed.

  Before a file is synchronized, half of it is there, as well as all of it.
  """

  def collect(folder, action):
    states = []

    def look(event, path):
      now = state(folder)
      name = os.path.relpath(path, folder)
      if event == 'fsync' and now.get(name):
        _add(states, now | {name: now[name][: len(now[name]) // 2]})
      _add(states, now)

    with before_each_change(look):
      action()
    _add(states, state(folder))
    return states

  return collect


def _add(states, now):
  if not states or now != states[-1]:
    states.append(now)


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


@pytest.fixture(scope='session')
def full_from():
  """Returns a function that makes the disk full at a change; see `call`."""

  def call(moment, folder):
    """Returns what refuses changes in a folder, and the list of these."""
    wanted = []
    creating = {'open', 'os.mkdir', 'os.rename', 'fsync'}

    def refuse(event, path):
      if event in creating and os.path.abspath(folder) in os.path.abspath(path):
        wanted.append(path)
        if len(wanted) > moment:
          named = [] if event == 'fsync' else [path]  # As the system does.
          raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *named)

    return refuse, wanted

  return call

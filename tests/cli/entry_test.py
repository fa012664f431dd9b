"""Tests of lottery_ticket.cli.entry."""

import os
import subprocess
import sys

import pytest

from lottery_ticket.cli import entry

VARIABLES = (
  'OMP_NUM_THREADS',
  'TF_NUM_INTRAOP_THREADS',
  'TF_NUM_INTEROP_THREADS',
)

PROGRAM = """
import os

os.write(2, b'noise of a library\\n')
threads_at_import = os.environ['OMP_NUM_THREADS']
calls = []


def train(output_dir: str, iterations: int = 30):
  os.write(2, b'training\\n')
  calls.append((output_dir, iterations))
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
  """Makes a module to run; returns a function that runs it with flags."""
  (tmp_path / 'entry_program.py').write_text(PROGRAM)
  monkeypatch.syspath_prepend(tmp_path)
  monkeypatch.delitem(sys.modules, 'entry_program', raising=False)

  def run(*argv):
    monkeypatch.setattr(sys, 'argv', ['train.py', *argv])
    entry.run('entry_program:train')
    return sys.modules['entry_program']

  yield run
  sys.modules.pop('entry_program', None)


def test_one_thread_unless_the_user_says_otherwise(monkeypatch):
  for variable in (*VARIABLES, 'TF_CPP_MIN_LOG_LEVEL'):
    monkeypatch.delenv(variable, raising=False)
  monkeypatch.setenv('TF_NUM_INTRAOP_THREADS', '4')
  entry.limit_threads()
  assert [os.environ[name] for name in VARIABLES] == ['1', '4', '1']
  assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '3'


def test_quiet_holds_back_stderr(capfd):
  with entry.quiet():
    os.write(2, b'noise\n')
    os.write(1, b'output\n')
  os.write(2, b'after\n')
  assert capfd.readouterr() == ('output\n', 'after\n')


def test_quiet_shows_what_it_held_when_something_fails(capfd):
  with pytest.raises(ImportError), entry.quiet():
    os.write(2, b'library is missing\n')
    raise ImportError
  os.write(2, b'after\n')
  assert capfd.readouterr().err == 'library is missing\nafter\n'


def test_run_limits_threads_then_imports_quietly(program, capfd, monkeypatch):
  monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
  module = program('--output_dir=a b', '--iterations=3')
  assert module.threads_at_import == '1'
  assert module.calls == [('a b', 3)]
  assert capfd.readouterr() == ('', 'training\n')


HELPFUL = """
import dataclasses

@dataclasses.dataclass
class Values:
  rate: float = 0.1

def train(output_dir: str, **values):
  import tensorflow
  print(output_dir, values, tensorflow.constant(1).numpy())
"""
SCRIPT = """
import sys
from lottery_ticket.cli import entry
import entry_helpful
try:
  entry.run(entry_helpful.train, entry_helpful.Values, {imports!r})
finally:
  heavy = {{'tensorflow', 'keras', 'ray', 'pandas', 'IPython'}}
  print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
  ('flags', 'code'), [(['--help'], 0), (['--rate=x'], 2), (['--lr=1'], 2)]
)
def test_help_and_bad_flags_need_no_tensorflow(tmp_path, flags, code):
  (tmp_path / 'entry_helpful.py').write_text(HELPFUL)
  script = SCRIPT.format(imports='tensorflow')
  done = subprocess.run(
    [sys.executable, '-c', script, *flags],
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == code
  assert done.stdout.splitlines()[-1] == '[]'
  assert len(done.stderr.splitlines()) == (code != 0)


def test_what_the_work_imports_comes_quietly(tmp_path):
  (tmp_path / 'entry_helpful.py').write_text(HELPFUL)
  done = subprocess.run(
    [
      sys.executable,
      '-c',
      SCRIPT.format(imports='tensorflow'),
      '--output_dir=a',
      '--rate=0.5',
    ],
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout.splitlines()[0] == "a {'rate': 0.5} 1"
  assert done.stderr == ''


def test_run_refuses_bad_flags(program, capfd):
  with pytest.raises(SystemExit) as caught:
    program('--output_dir=a', '--iteration=3')
  assert caught.value.code == 2
  assert sys.modules['entry_program'].calls == []
  assert capfd.readouterr().err == (
    'train.py: --iteration: no such flag; did you mean --iterations?\n'
  )


@pytest.mark.parametrize(
  ('package', 'hint'),
  [
    ('scipy', '; pip install "lottery-ticket[analysis]" brings it'),
    ('entry_nowhere', ''),
  ],
)
def test_a_package_that_is_missing(package, hint, tmp_path, monkeypatch, capfd):
  (tmp_path / 'entry_needy.py').write_text(f'import {package}')
  monkeypatch.syspath_prepend(tmp_path)
  for name in [name for name in sys.modules if name.startswith(package)]:
    monkeypatch.delitem(sys.modules, name)
  monkeypatch.setattr(sys, 'path', [str(tmp_path)])
  monkeypatch.setattr(sys, 'argv', ['train.py'])
  with pytest.raises(SystemExit) as caught:
    entry.run('entry_needy:main')
  assert caught.value.code == 2
  assert capfd.readouterr().err == (
    f"train.py: No module named '{package}'{hint}\n"
  )

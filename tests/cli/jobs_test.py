"""Tests of lottery_ticket.cli.jobs."""

import shlex
import sys

import pytest

from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import jobs
from lottery_ticket.foundations import errors

FUNCTIONS = """
import pathlib

from lottery_ticket.foundations import errors

def work(name, numbers=()):
  pathlib.Path(name).write_text(str(sum(numbers)))

def needs(name):
  if not pathlib.Path(name).exists():
    raise errors.MissingInputError(f'{name}: wanted a number', name)
"""


@pytest.fixture
def argfile(tmp_path):
  """Returns a function that writes an argfile and a runner; their names."""
  (tmp_path / 'runner.py').touch()

  def write(*lines, name='argfile.py'):
    (tmp_path / name).write_text(f'print({chr(10).join(lines)!r})')
    return ['runner.py', name]

  return write


def test_a_job_a_line(argfile, tmp_path):
  first, second = jobs.from_argfiles(argfile("--output_dir='a b'", '--x=1'))
  assert (first.target, first.argv) == (
    str(tmp_path / 'runner.py'),
    ('--output_dir=a b',),
  )
  assert first.folder == str(tmp_path) and first.after == second.after == ()
  assert shlex.split(first.command) == [
    sys.executable,
    str(tmp_path / 'runner.py'),
    '--output_dir=a b',
  ]
  assert str(second) == '--x=1'


@pytest.mark.parametrize(
  ('line', 'after'),
  [
    ('--output_dir=x --masks=a/masks', ()),
    ('--output-dir x', ()),
    ('--level=1 --experiment_path=a', (0, 1)),
  ],
)
def test_what_has_no_output_waits_for_all_pairs_before(argfile, line, after):
  pairs = [
    *argfile('--output_dir=a', '--output_dir=b'),
    *argfile(line, '--output_dir=c', name='second.py'),
  ]
  _, _, job, last = jobs.from_argfiles(pairs)
  assert (job.after, last.after) == (after, ())


@pytest.mark.parametrize('flag', ['--overwrite', '--overwrite=True'])
def test_so_does_all_that_comes_after_what_overwrites(argfile, flag):
  pairs = [
    *argfile('--output_dir=a', f'--output_dir=b {flag}'),
    *argfile('--output_dir=c --masks=a/masks', name='second.py'),
  ]
  assert [job.after for job in jobs.from_argfiles(pairs)] == [(), (), (0, 1)]


def test_an_argfile_too_few(argfile):
  pairs = [*argfile('--x=1'), 'runner.py']
  with pytest.raises(errors.InputError, match='ARGFILE is missing for runner'):
    jobs.from_argfiles(pairs)


def test_a_function_is_called_with_its_arguments(tmp_path, monkeypatch, capsys):
  (tmp_path / 'some_functions.py').write_text(FUNCTIONS)
  monkeypatch.setenv('PYTHONPATH', str(tmp_path))
  monkeypatch.syspath_prepend(tmp_path)
  name = str(tmp_path / 'sum')
  work = jobs.Job(
    'some_functions:work', arguments={'name': name, 'numbers': [1, 2]}
  )
  assert str(work) == f"--name={name} '--numbers=[1,2]'"
  assert work.command == f'some_functions:work {work}'
  needs = jobs.Job('some_functions:needs', arguments={'name': name})
  assert argfile_runner.run_jobs([needs, work], jobs=2)
  assert (tmp_path / 'sum').read_text() == '3'
  assert '2 jobs: 2 done' in capsys.readouterr().err
  lost = jobs.Job('some_functions:needs', arguments={'name': 'nothing'})
  assert not argfile_runner.run_jobs([lost], quiet=True)
  assert 'nothing: wanted a number' in capsys.readouterr().err

"""Tests of lottery_ticket.cli.worker, in this process."""

import contextlib
import os
import sys

import pytest

from lottery_ticket.cli import worker
from lottery_ticket.foundations import progress


@contextlib.contextmanager
def streams_of_a_process():
  """Gives streams as a process has them; puts back what a worker redirects.

  Within a test: pytest sets its own between a fixture and the test.
  """
  argv, kept = sys.argv, [os.dup(1), os.dup(2)]
  with (
    open(1, 'w', encoding='utf-8', closefd=False) as stdout,
    open(2, 'w', encoding='utf-8', closefd=False) as stderr,
    contextlib.redirect_stdout(stdout),
    contextlib.redirect_stderr(stderr),
  ):
    yield
  sys.argv = argv
  for place, descriptor in enumerate(kept, 1):
    os.dup2(descriptor, place)
    os.close(descriptor)


@pytest.fixture
def run(tmp_path):
  """Returns a function that runs a script; it returns its code and log."""

  def run_script(source, *flags):
    script = tmp_path / 'scripts' / 'runner.py'
    script.parent.mkdir(exist_ok=True)
    script.write_text(source, encoding='utf-8')
    log, status = tmp_path / '1.log', tmp_path / '1.status'
    before = list(sys.path)
    with streams_of_a_process():
      code = worker.run(worker.Job(str(script), flags, str(log), str(status)))
    assert sys.path == before
    return code, log.read_text(encoding='utf-8')

  return run_script


def test_runs_a_script_as_a_process_of_its_own_would(run, tmp_path):
  (tmp_path / 'scripts').mkdir()
  (tmp_path / 'scripts' / 'worker_neighbour.py').write_text('x = 3')
  source = """
import sys, worker_neighbour
print(__name__, __file__ == sys.argv[0], sys.argv[1:], worker_neighbour.x)
"""
  code, log = run(source, '--a=1', '--b=x y')
  sys.modules.pop('worker_neighbour', None)
  assert code == 0
  assert log == "__main__ True ['--a=1', '--b=x y'] 3\n"


def test_logs_both_streams_from_python_and_below(run):
  source = """
import os, sys
print('output', flush=True)
print('error', file=sys.stderr, flush=True)
os.write(1, b'output below\\n')
os.write(2, b'error below\\n')
print('日本, not flushed')
"""
  assert run(source) == (
    0,
    'output\nerror\noutput below\nerror below\n日本, not flushed\n',
  )


def test_a_second_attempt_adds_to_the_log(run):
  run('print(1)')
  assert run('print(2)') == (0, '1\n2\n')


@pytest.mark.parametrize(
  ('source', 'code', 'log'),
  [
    ('raise SystemExit', 0, ''),
    ('raise SystemExit(0)', 0, ''),
    ('raise SystemExit(2)', 2, ''),
    ('raise SystemExit("no data")', 1, 'no data\n'),
  ],
)
def test_exit_codes_are_those_of_a_process(run, source, code, log):
  assert run(source) == (code, log)


@pytest.mark.parametrize('error', ['ValueError', 'KeyboardInterrupt'])
def test_an_error_leaves_its_traceback_in_the_log(run, error):
  code, log = run(f'raise {error}("a bug")')
  assert code == 1
  assert log.startswith('Traceback (most recent call last):\n')
  assert log.endswith(f'\n{error}: a bug\n')


def test_leaves_where_the_run_is(run, tmp_path):
  source = """
from lottery_ticket.foundations import progress
with progress.of_run('trial1/0/same_init', 50_000) as report:
  report(100)
  report(200)
"""
  assert run(source) == (0, '')
  assert (tmp_path / '1.status').read_text() == 'trial1/0/same_init\t100\t50000'
  assert run(source.replace('report(200)', 'report(50_000)'))[0] == 0
  assert (tmp_path / '1.status').read_text() == (
    'trial1/0/same_init\t50000\t50000'
  )
  assert not list(tmp_path.glob('*.new'))


def test_stops_listening_when_the_script_fails(run):
  listeners = list(progress._listeners)
  assert run('raise ValueError')[0] == 1
  assert progress._listeners == listeners

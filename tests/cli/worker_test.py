"""Tests of lottery_ticket.cli.worker, in this process."""

import contextlib
import os
import sys

import pytest

from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import worker
from lottery_ticket.foundations import progress


@contextlib.contextmanager
def streams_of_a_process():
  """Gives streams as a process has them.

  Within a test: pytest sets its own between a fixture and the test.
  """
  argv, folder = sys.argv, os.getcwd()
  with (
    open(1, 'w', encoding='utf-8', closefd=False) as stdout,
    open(2, 'w', encoding='utf-8', closefd=False) as stderr,
    contextlib.redirect_stdout(stdout),
    contextlib.redirect_stderr(stderr),
  ):
    yield
  sys.argv = argv
  os.chdir(folder)


@pytest.fixture
def run(tmp_path):
  """Returns a function that runs a script; it returns its result and log."""

  def run_script(source, *flags):
    script = tmp_path / 'scripts' / 'runner.py'
    script.parent.mkdir(exist_ok=True)
    script.write_text(source, encoding='utf-8')
    log, status = tmp_path / '1.log', tmp_path / '1.status'
    before = list(sys.path)
    with streams_of_a_process():
      result = worker.run(
        jobs_lib.Job(
          str(script),
          flags,
          log=str(log),
          status=str(status),
          folder=str(tmp_path),
        )
      )
    assert sys.path == before
    return result, log.read_text(encoding='utf-8')

  return run_script


def test_runs_a_script_as_a_process_of_its_own_would(run, tmp_path):
  (tmp_path / 'scripts').mkdir()
  (tmp_path / 'scripts' / 'worker_neighbour.py').write_text('x = 3')
  source = """
import sys, worker_neighbour
print(__name__, __file__ == sys.argv[0], sys.argv[1:], worker_neighbour.x)
"""
  result, log = run(source, '--a=1', '--b=x y')
  sys.modules.pop('worker_neighbour', None)
  assert result == (0, "__main__ True ['--a=1', '--b=x y'] 3", 0, 0, None)
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
  result, log = run(source)
  assert log == 'output\nerror\noutput below\nerror below\n日本, not flushed\n'
  assert result.last_line == '日本, not flushed'


def test_streams_are_the_process_s_own_again(run, capfd):
  run('print("within")')
  os.write(1, b'after')
  assert capfd.readouterr() == ('after', '')


def test_a_second_attempt_adds_to_the_log(run):
  run('print(1)')
  assert run('print(2)')[1] == '1\n2\n'


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
  assert run(source) == ((code, log.strip(), 0, 0, None), log)


@pytest.mark.parametrize('error', ['ValueError', 'KeyboardInterrupt'])
def test_an_error_leaves_its_traceback_in_the_log(run, error):
  result, log = run(f'raise {error}("a bug")')
  assert (result.code, result.last_line) == (1, f'{error}: a bug')
  assert log.startswith('Traceback (most recent call last):\n')
  assert log.endswith(f'\n{error}: a bug\n')


def test_leaves_where_the_run_is(run, tmp_path):
  source = """
from lottery_ticket.foundations import progress
with progress.of_run('trial1/0/same_init', 50_000) as report:
  report(100)
  report(200)
"""
  assert run(source) == ((0, '', 200, 0, None), '')
  status = (tmp_path / '1.status').read_text()
  assert status.startswith('trial1/0/same_init\t100\t50000\t')
  assert run(source.replace('(200)', '(50_000)'))[0].iterations == 50_000
  assert (tmp_path / '1.status').read_text() == (
    'trial1/0/same_init\t50000\t50000\t0:00:00 left'
  )
  assert not list(tmp_path.glob('*.new'))


def test_counts_iterations_over_runs_and_those_finished_before(run, tmp_path):
  source = """
from lottery_ticket.foundations import progress
progress.loaded('trial1/0/same_init')
progress.loaded('trial1/1/same_init')
for level in (2, 3):
  with progress.of_run(f'trial1/{level}/same_init', 300) as report:
    for done in (100, 200, 300):
      report(done)
"""
  assert run(source)[0][2:4] == (600, 2)
  assert run(
    "from lottery_ticket.foundations import progress\nprogress.loaded('x')"
  )[0][2:4] == (0, 1)


def test_runs_in_its_folder(run, tmp_path):
  assert run('import os; print(os.getcwd())')[1] == f'{tmp_path}\n'


def test_the_last_line_of_much_output_is_found_at_its_end(run):
  source = 'print("x" * 10**6)\nprint("é" * 3000)\nprint("last é")'
  assert run(source)[0].last_line == 'last é'


def test_stops_listening_when_the_script_fails(run):
  listeners = list(progress._listeners)
  assert run('raise ValueError')[0].code == 1
  assert progress._listeners == listeners

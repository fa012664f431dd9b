"""Tests of lottery_ticket.cli.argfile_runner and of its script."""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from lottery_ticket.cli import argfile_runner
from lottery_ticket.foundations import errors

RUNNER = """
import pathlib, sys, time

print('running', *sys.argv[1:], flush=True)
if '--fail' in sys.argv:
  sys.exit('runner.py: told to fail')
pathlib.Path('done').mkdir(exist_ok=True)
pathlib.Path('done', sys.argv[1].partition('=')[2]).touch()
"""

ARGFILE = """
import shlex
for name in ('a b', "it's", 'c', '--d', '$HOME'):
  print(shlex.join(['--name=' + name, *(['--fail'] if name == 'c' else [])]))
"""

HANGING_RUNNER = """
import os, pathlib, sys, time

aside = pathlib.Path(f'{sys.argv[1][2:]}.new')
aside.write_text(str(os.getpid()))
aside.replace(f'{sys.argv[1][2:]}.pid')
time.sleep(600)
"""


@pytest.fixture
def start(root, tmp_path):
  """Returns a function that starts the script, in a session of its own."""
  (tmp_path / 'runner.py').write_text(RUNNER)
  (tmp_path / 'argfile.py').write_text(ARGFILE)
  (tmp_path / 'temporary').mkdir()
  started = []

  def start_script(*argv):
    process = subprocess.Popen(
      [sys.executable, str(root / 'argfile_runner.py'), *argv],
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
      env=os.environ | {'TMPDIR': str(tmp_path / 'temporary')},
      start_new_session=True,
    )
    started.append(process)
    return process

  yield start_script
  for process in started:
    if process.poll() is None:
      os.killpg(process.pid, signal.SIGKILL)
      process.communicate()


@pytest.fixture
def run(start):
  """Returns a function that runs the script; code, output and errors."""

  def run_script(*argv):
    process = start(*argv)
    out, err = process.communicate(timeout=60)
    return process.returncode, out.splitlines(), err.splitlines()

  return run_script


def done(folder):
  return {path.name for path in (folder / 'done').iterdir()}


def test_runs_all_lines_and_reports_those_that_fail(run, tmp_path):
  code, out, err = run('runner.py', 'argfile.py', '--jobs=2')
  assert code == 1 and out == []
  assert done(tmp_path) == {'a b', "it's", '--d', '$HOME'}
  folder = err[-1].removeprefix('What each job printed is in ')
  assert re.fullmatch(
    r'5 jobs: 4 done, 0 finished before, 1 failed; \d+ s, 0 iterations,'
    ' 0 a second',
    err[-4],
  )
  assert err[-3:-1] == [
    f'failed: {sys.executable} {tmp_path / "runner.py"} --name=c --fail',
    '  runner.py: told to fail',
  ]
  logs = sorted(pathlib.Path(folder).glob('*.log'))
  assert [log.name for log in logs] == [f'0000{i}.log' for i in range(1, 6)]
  assert [log.read_text().splitlines() for log in logs] == [
    ['running --name=a b'],
    ["running --name=it's"],
    ['running --name=c --fail', 'runner.py: told to fail'],
    ['running --name=--d'],
    ['running --name=$HOME'],
  ]


def test_of_many_lines_that_fail_alike_one_is_told(run, tmp_path):
  (tmp_path / 'many.py').write_text(
    'for i in range(11): print(f"--fail{i}")\nprint("--other")'
  )
  (tmp_path / 'fails.py').write_text(
    'import sys\nsys.exit(f"fails.py: {sys.argv[1]}")'
  )
  code, _, err = run('fails.py', 'many.py', '--jobs=2')
  command = f'{sys.executable} {tmp_path / "fails.py"}'
  assert code == 1
  assert err[-6:-1] == [
    f'failed: {command} --fail0',
    '  fails.py: --fail0',
    '  ... and 10 more like this',
    f'failed: {command} --other',
    '  fails.py: --other',
  ]


def test_all_is_well(run, tmp_path):
  (tmp_path / 'two.py').write_text(
    'import sys\nprint(sys.argv[1])\nprint("--name=2")'
  )
  code, out, err = run('runner.py', 'two.py --name=1', '--jobs', '1')
  assert code == 0 and out == []
  assert done(tmp_path) == {'1', '2'}
  assert err[-1].startswith('2 jobs: 2 done, 0 finished before, 0 failed; ')
  assert [line[9:] for line in err[:-1]] == [
    '1 of 2 jobs have ended: --name=1',
    '2 of 2 jobs have ended: --name=2',
  ]
  assert not list((tmp_path / 'temporary').iterdir())


def test_the_runner_itself_needs_no_tensorflow():
  code = (
    'import sys; from lottery_ticket.cli import argfile_runner;'
    ' sys.exit("tensorflow" in sys.modules or "keras" in sys.modules)'
  )
  subprocess.run([sys.executable, '-c', code], check=True)


@pytest.fixture
def scripts(tmp_path):
  (tmp_path / 'runner.py').write_text(RUNNER)
  (tmp_path / 'argfile.py').write_text(ARGFILE)


@pytest.mark.usefixtures('scripts')
def test_log_dir_keeps_what_lines_print(tmp_path):
  (tmp_path / 'one.py').write_text('print("--name=x")')
  argfile_runner.run('runner.py', 'one.py', jobs=1, log_dir='logs/new')
  log = tmp_path / 'logs' / 'new' / '00001.log'
  assert log.read_text() == 'running --name=x\n'
  assert done(tmp_path) == {'x'}


@pytest.mark.usefixtures('scripts')
def test_pairs_of_scripts_run_as_one_and_lines_wait(tmp_path, capsys):
  (tmp_path / 'first.py').write_text('print("--output_dir=x")')
  (tmp_path / 'then.py').write_text('print("--masks=x/masks")')
  (tmp_path / 'looks.py').write_text(
    'import os, sys\nsys.exit(not os.path.exists("done/x"))'
  )
  argfile_runner.run('runner.py', 'first.py', 'looks.py', 'then.py', jobs=2)
  shown = capsys.readouterr().err.splitlines()
  assert shown[-1].startswith('2 jobs: 2 done, ')
  assert done(tmp_path) == {'x'}


@pytest.mark.usefixtures('scripts')
def test_dry_run_prints_commands_and_runs_nothing(tmp_path, capsys):
  argfile_runner.run('runner.py', 'argfile.py', dry_run=True, log_dir='logs')
  out, err = capsys.readouterr()
  command = [sys.executable, str(tmp_path / 'runner.py')]
  assert [shlex.split(line) for line in out.splitlines()] == [
    [*command, '--name=a b'],
    [*command, "--name=it's"],
    [*command, '--name=c', '--fail'],
    [*command, '--name=--d'],
    [*command, '--name=$HOME'],
  ]
  assert err == ''
  assert not (tmp_path / 'done').exists() and not (tmp_path / 'logs').exists()


@pytest.mark.usefixtures('scripts')
def test_the_lines_of_the_library_by_their_short_names(root, capsys):
  argfile_runner.run(
    'runners/lottery_experiment.py',
    'argfiles/lottery_experiment_argfile.py --trials=2 --experiment_path=a#b',
    task='mnist_fc',
    dry_run=True,
  )
  lines = capsys.readouterr().out.splitlines()
  script = str(root / 'mnist_fc' / 'runners' / 'lottery_experiment.py')
  assert [shlex.split(line) for line in lines] == [
    [sys.executable, script, f'--output_dir=a#b/trial{i}', f'--seed={i}']
    for i in (1, 2)
  ]


@pytest.mark.usefixtures('scripts')
@pytest.mark.parametrize(
  ('runner', 'argfile', 'values', 'wanted'),
  [
    (
      'runner.py',
      'argfile.py',
      {'jobs': 0},
      'jobs: wanted an integer of at least 1, got 0',
    ),
    (
      'runner.py',
      'argfile.py',
      {'timeout': 0.0},
      'timeout: wanted a finite number above 0, got 0.0',
    ),
    (
      'runner.py',
      'argfile.py',
      {'timeout': float('nan')},
      'timeout: wanted a finite number above 0, got nan',
    ),
    (
      'runner.py',
      'argfile.py',
      {'engine': 'slurm'},
      "engine: wanted one of ['local', 'ray'], got 'slurm'",
    ),
    (
      'runner.py',
      'argfile.py',
      {'address': 'auto'},
      'address: wanted together with --engine=ray',
    ),
    (
      'runner.py',
      'argfile.py',
      {'timeout': float('inf')},
      'timeout: wanted a finite number above 0, got inf',
    ),
    ('runer.py', 'argfile.py', {}, 'runer.py: no such file in '),
    ('runner.py', 'arg.py', {}, 'arg.py: no such file in '),
    ('runner.py', 'runner.py --fail', {}, 'failed: runner.py: told to fail'),
    (
      'runners/train.py',
      'argfiles/lottery_experiment_argfile.py --trials=1',
      {'task': 'mnist_fc'},
      'lottery_experiment_argfile.py: prints flags for'
      ' runners/lottery_experiment.py, not for train.py',
    ),
    ('runner.py', "argfile.py '", {}, 'argfile: No closing quotation: '),
    ('runner.py', 'argfile.py', {'log_dir': 'runner.py/logs'}, 'log_dir: '),
  ],
)
def test_refuses_before_anything_runs(
  tmp_path, runner, argfile, values, wanted
):
  with pytest.raises(errors.InputError) as caught:
    argfile_runner.run(runner, argfile, **values)
  assert wanted in str(caught.value)
  assert not (tmp_path / 'done').exists()


@pytest.mark.usefixtures('scripts')
@pytest.mark.parametrize(
  ('argv', 'line'),
  [
    ([], 'RUNNER is missing'),
    (['runner.py'], 'ARGFILE is missing'),
    (
      ['runner.py', 'argfile.py', 'runner.py'],
      'ARGFILE is missing for runner.py',
    ),
    (
      ['runner.py', 'argfile.py', '--job=3'],
      '--job: no such flag; did you mean --jobs?',
    ),
    (
      ['runner.py', 'argfile.py', '--trials=3'],
      '--trials: no such flag; a flag of an argfile stands in its quotes:'
      ' "argfile.py --trials=3"',
    ),
    (
      ['runner.py', 'argfile.py', '--jobs=0'],
      'jobs: wanted an integer of at least 1, got 0',
    ),
    (
      ['runner.py', 'argfile.py', '--jobs=two'],
      "--jobs: wanted an integer, got 'two'",
    ),
  ],
)
def test_bad_flags_end_in_one_line(tmp_path, monkeypatch, capsys, argv, line):
  monkeypatch.setattr(sys, 'argv', ['argfile_runner.py', *argv])
  with pytest.raises(SystemExit) as caught:
    argfile_runner.main()
  assert caught.value.code == 2
  assert capsys.readouterr() == ('', f'argfile_runner.py: {line}\n')
  assert not (tmp_path / 'done').exists()


def wait_for(condition, seconds=30):
  """Returns what `condition` returns, once that is true."""
  deadline = time.monotonic() + seconds
  while time.monotonic() < deadline:
    result = condition()
    if result:
      return result
    time.sleep(0.05)
  raise AssertionError(f'not within {seconds} s')


def is_alive(pid):
  with contextlib.suppress(OSError):
    os.kill(pid, 0)
    state = pathlib.Path(f'/proc/{pid}/stat')
    return not state.exists() or ') Z ' not in state.read_text()
  return False


@pytest.fixture(params=['local', pytest.param('ray', marks=pytest.mark.slow)])
def hanging(request, start, tmp_path, monkeypatch):
  """Starts two workers on lines that take for ever; the process, their ids."""
  short = tempfile.mkdtemp()  # Ray's sockets bear no long names.
  monkeypatch.setenv('RAY_TMPDIR', short)
  (tmp_path / 'hanging.py').write_text(HANGING_RUNNER)
  lines = 'for x in "abc": print("--" + x)'
  (tmp_path / 'three.py').write_text(lines)
  engine = f'--engine={request.param}'
  process = start('hanging.py', 'three.py', '--jobs=2', engine)

  def workers():
    files = [tmp_path / 'a.pid', tmp_path / 'b.pid']
    return all(file.exists() for file in files) and [
      int(file.read_text()) for file in files
    ]

  pids = wait_for(workers, 60)
  assert all(map(is_alive, pids)) and len({*pids, process.pid}) == 3
  yield process, pids
  for pid in filter(is_alive, pids):
    os.kill(pid, signal.SIGKILL)
  shutil.rmtree(short, ignore_errors=True)


@pytest.mark.parametrize(
  ('send', 'number'),
  [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)],
  ids=['ctrl-c', 'terminate'],
)
def test_an_interruption_ends_all_within_seconds(
  hanging, tmp_path, send, number
):
  process, pids = hanging
  send(process.pid, number)  # Ctrl-C goes to the workers as well.
  out, err = process.communicate(timeout=10)
  assert process.returncode == 130
  assert (out, err) == ('', 'argfile_runner.py: interrupted\n')
  assert not any(map(is_alive, pids))
  assert not (tmp_path / 'c.pid').exists()


def test_workers_do_not_outlive_a_runner_that_is_killed(hanging):
  process, pids = hanging
  process.kill()
  process.wait()
  wait_for(lambda: not any(map(is_alive, pids)), 10)

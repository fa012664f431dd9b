"""Tests with real processes that are killed, and a real disk that is full."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

FLAGS = [
  '--layers=(20,10)',
  '--validation_size=100',
  '--optimizer=SGD',
  '--batch_size=50',
  '--evaluation_interval=20',
  '--training_len=(iterations,100)',
  '--iterations=2',
  '--seed=1',
]

# Imports TensorFlow once; then each line of its input is a process of its own.
NURSERY = """
import os, sys
sys.path.insert(0, {folder!r})
from lottery_ticket.cli import flags
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import scripts
script = scripts.RUNNERS['lottery_experiment']
function, values = scripts.bind(constants.TASK, script)
print('ready', flush=True)
while line := sys.stdin.readline():
  child = os.fork()
  if not child:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # What it says of its runs.
    try:
      flags.call(function, line.split(), values)
    except SystemExit as error:
      os._exit(error.code or 0)
    os._exit(0)
  print('process', child, flush=True)
  sys.stdin.readline()  # Till then its number is nobody else's.
  code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
  print('code', code, flush=True)
"""

ENDLESS = '--training_len=(iterations,9999999)'

ARGFILE = """
import sys
print(*sys.argv[1:], '--output_dir=experiments/trial1')
flags = [*sys.argv[1:], '--output_dir=experiments/trial2', *{more}]
print(*{{flag.split('=')[0]: flag for flag in flags}}.values())
"""


@pytest.fixture(scope='module')
def flags(mnist):
  return [f'--mnist_location={mnist}', *FLAGS]


@pytest.fixture(scope='module')
def nursery(root):
  """Returns a function that starts a climb; what it returns ends it."""
  code = NURSERY.format(folder=str(root))
  with subprocess.Popen(
    [sys.executable, '-c', code],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
    start_new_session=True,
  ) as process:
    assert process.stdout.readline() == 'ready\n'

    def said(what):
      word, number = process.stdout.readline().split()
      assert word == what
      return int(number)

    def start(folder, *argv):
      argv = [f'--output_dir={os.path.abspath(folder)}', *argv]
      process.stdin.write(' '.join(argv) + '\n')
      process.stdin.flush()
      child = said('process')

      def end(number=None):
        if number:
          os.kill(child, number)
        process.stdin.write('\n')
        process.stdin.flush()
        return said('code')

      return end

    yield start
    os.killpg(process.pid, signal.SIGKILL)  # Those it started as well.


@pytest.fixture(scope='module')
def whole(nursery, flags, state, tmp_path_factory):
  """What is in the folder of a trial that nothing disturbed."""
  folder = tmp_path_factory.mktemp('whole')
  assert nursery(folder, *flags)() == 0
  return state(folder)


def wait_for(path):
  limit = time.monotonic() + 60
  while not pathlib.Path(path).exists():
    assert time.monotonic() < limit
    time.sleep(0.02)


def test_a_ladder_that_is_killed_again_and_again(root):
  script = root / 'tests' / 'crash' / 'kill_many.py'
  command = [sys.executable, str(script), '--kills=12']
  done = subprocess.run(command, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines()[-1].startswith('12 kills, ')
  assert 'going on from iteration ' in done.stderr


def test_the_second_of_two_processes_is_refused(nursery, root, flags):
  endless = [flag for flag in flags if 'training_len' not in flag]
  end = nursery('shared', *endless, ENDLESS)
  wait_for('shared/0/same_init.part/run.json')
  script = root / 'mnist_fc/runners/lottery_experiment.py'
  command = [sys.executable, str(script), '--output_dir=shared', *flags]
  second = subprocess.run(command, capture_output=True, text=True)
  assert second.returncode == 2
  assert second.stderr == (
    'lottery_experiment.py: shared/0/same_init: another process is working on'
    ' this run\n'
  )
  assert end(signal.SIGKILL) == -signal.SIGKILL
  assert nursery('shared', *flags)() == 0


NEEDS_PROC = pytest.mark.skipif(
  not pathlib.Path('/proc').is_dir(), reason='reads /proc'
)


def children(process):
  """Returns the processes that a process has started."""
  found = []
  for task in pathlib.Path(f'/proc/{process}/task').glob('*/children'):
    found += [int(child) for child in task.read_text().split()]
  return found


def is_worker(process):
  with open(f'/proc/{process}/cmdline', 'rb') as file:
    return b'multiprocessing.spawn' in file.read()


@pytest.fixture
def runner(root, flags):
  """Starts an argfile of two trials, with more flags for the second."""
  started = []

  def start(*more):
    pathlib.Path('argfile.py').write_text(ARGFILE.format(more=more))
    command = [
      sys.executable,
      str(root / 'argfile_runner.py'),
      'runners/lottery_experiment.py',
      f'argfile.py {" ".join(flags)}',
      '--jobs=1',
    ]
    started.append(
      subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
      )
    )
    return started[-1]

  yield start
  for process in started:
    if process.poll() is None:
      os.killpg(process.pid, signal.SIGKILL)
      process.communicate()


@NEEDS_PROC
def test_a_worker_that_is_killed(runner, whole, state, results):
  process = runner()
  wait_for('experiments/trial1/1/same_init.part/run.json')
  [worker] = filter(is_worker, children(process.pid))
  os.kill(worker, signal.SIGKILL)
  _, said = process.communicate()
  assert process.returncode == 0
  assert '2 jobs: 2 done, 0 finished before, 0 failed' in said
  for trial in (1, 2):
    assert results(state(f'experiments/trial{trial}')) == results(whole)


@NEEDS_PROC
def test_a_runner_that_is_killed(runner, whole, state, results):
  first = runner(ENDLESS)
  wait_for('experiments/trial2/0/same_init.part/run.json')
  [worker] = filter(is_worker, children(first.pid))
  before = state('experiments/trial1')
  first.kill()
  first.communicate()
  limit = time.monotonic() + 20
  while pathlib.Path(f'/proc/{worker}').exists():
    assert time.monotonic() < limit
    time.sleep(0.1)
  second = runner()
  _, said = second.communicate()
  assert second.returncode == 0
  assert '2 jobs: 1 done, 1 finished before, 0 failed' in said
  assert state('experiments/trial1') == before
  for trial in (1, 2):
    assert results(state(f'experiments/trial{trial}')) == results(whole)


@pytest.fixture
def tiny_disk(tmp_path):
  """A disk of 2 MB: what a trial leaves is half of it."""
  folder = tmp_path / 'disk'
  folder.mkdir()
  mount = ['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', str(folder)]
  if subprocess.run(mount, capture_output=True).returncode:
    pytest.skip('wants the right to mount a disk')
  yield folder
  subprocess.run(['umount', str(folder)], check=True)


def test_a_disk_that_is_full_and_then_is_not(
  tiny_disk, nursery, root, flags, whole, state, results
):
  ballast = tiny_disk / 'ballast'
  output = f'--output_dir={tiny_disk}/trial'
  script = root / 'mnist_fc/runners/lottery_experiment.py'
  for space in (100_000, 500_000):
    disk = os.statvfs(tiny_disk)
    ballast.write_bytes(bytes(disk.f_bavail * disk.f_frsize - space))
    command = [sys.executable, str(script), output, *flags]
    full = subprocess.run(command, capture_output=True, text=True)
    assert full.returncode == 1
    lines = full.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(
      'lottery_experiment.py: [Errno 28] No space left on device: '
      f"'{tiny_disk}/trial/"
    )
    ballast.unlink()
  assert nursery(tiny_disk / 'trial', *flags)() == 0
  assert results(state(tiny_disk / 'trial')) == results(whole)


def test_a_folder_that_is_read_only_and_then_is_not(
  tiny_disk, nursery, root, flags, whole, state, results
):
  end = nursery(tiny_disk / 'trial', *flags)
  wait_for(tiny_disk / 'trial/1/same_init.part/run.json')
  end(signal.SIGKILL)
  before = state(tiny_disk)
  remount = ['mount', '-o', 'remount,ro', str(tiny_disk)]
  subprocess.run(remount, check=True)
  for folder in ('trial', 'another'):
    output = f'--output_dir={tiny_disk}/{folder}'
    script = root / 'mnist_fc/runners/lottery_experiment.py'
    command = [sys.executable, str(script), output, *flags]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert line.startswith(f'lottery_experiment.py: {tiny_disk}/{folder}/')
    assert 'Read-only file system' in line
  assert state(tiny_disk) == before
  subprocess.run([*remount[:2], 'remount,rw', str(tiny_disk)], check=True)
  assert nursery(tiny_disk / 'trial', *flags)() == 0
  assert results(state(tiny_disk / 'trial')) == results(whole)

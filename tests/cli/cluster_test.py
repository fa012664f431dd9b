"""Tests of lottery_ticket.cli.cluster, on real Ray clusters of this machine."""

import io
import subprocess
import sys

import pytest

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import pool
from lottery_ticket.foundations import errors

ray = pytest.importorskip('ray')
cluster_utils = pytest.importorskip('ray.cluster_utils')

pytestmark = pytest.mark.slow

RUNNER = """
import os, pathlib, sys, time

from lottery_ticket.foundations import progress

name, folder = sys.argv[1:]
print(name, os.getppid(), os.environ.get('LOTTERY_TICKET_TEST'), flush=True)
if name == '--fails':
  sys.exit('runner.py: told to fail')
if name == '--hangs':
  time.sleep(600)
with progress.of_run(name, 50) as report:
  for i in range(50):
    report(i + 1)
    time.sleep(0.02 if name == '--short' else 0.1)
pathlib.Path(folder, name.strip('-')).touch()
"""


@pytest.fixture(scope='module')
def nodes():
  """A cluster: a head that runs nothing, and three nodes of one processor."""
  cluster = cluster_utils.Cluster(
    initialize_head=True,
    head_node_args={'num_cpus': 0, 'include_dashboard': False},
  )
  workers = [cluster.add_node(num_cpus=1) for _ in range(3)]
  cluster.wait_for_nodes()
  yield cluster, workers
  ray.shutdown()
  cluster.shutdown()


@pytest.fixture
def run(tmp_path, monkeypatch):
  """Returns a function that runs lines; it returns outcomes and notes."""
  from lottery_ticket.cli import cluster

  monkeypatch.setenv('LOTTERY_TICKET_TEST', 'passed on')
  (tmp_path / 'runner.py').write_text(RUNNER)

  def run_lines(names, on_look=lambda: None, **options):
    jobs = [
      jobs_lib.Job(
        str(tmp_path / 'runner.py'),
        (name, str(tmp_path)),
        log=str(tmp_path / f'{i}.log'),
        status=str(tmp_path / f'{i}.status'),
        folder=str(tmp_path),
      )
      for i, name in enumerate(names)
    ]
    stream = io.StringIO()
    display = display_lib.Display(len(jobs), stream)
    look = display.look
    monkeypatch.setattr(display, 'look', lambda jobs: (look(jobs), on_look()))
    outcomes = pool.run(jobs, cluster.Cluster(**options), display)
    return {o.job.argv[0]: o for o in outcomes}, stream.getvalue()

  return run_lines


def test_lines_survive_the_death_of_a_node(nodes, run, tmp_path):
  cluster, workers = nodes
  names = [f'--line{i}' for i in range(6)]
  died = []

  def kill_a_node():
    logs = [tmp_path / f'{i}.log' for i in range(3)]
    if not died and all(log.exists() and log.stat().st_size for log in logs):
      died.append(workers.pop())
      cluster.remove_node(died[0], allow_graceful=False)

  outcomes, shown = run(names, kill_a_node, address=cluster.address)
  assert died
  assert [outcomes[name].reason for name in names] == [''] * 6
  assert [outcomes[name].result.iterations for name in names] == [50] * 6
  assert all((tmp_path / name.strip('-')).exists() for name in names)
  assert shown.count('trying again') == 1
  assert len(nodes_of(tmp_path, 6)) == 3


def nodes_of(folder, count):
  """Returns the parents of the workers that ran lines: their nodes."""
  lines = [
    line
    for i in range(count)
    for line in (folder / f'{i}.log').read_text().splitlines()
  ]
  assert all(line.endswith(' passed on') for line in lines)
  return {line.split()[1] for line in lines}


def test_failing_and_hanging_lines_are_told_apart(nodes, run):
  outcomes, shown = run(
    ['--fails', '--hangs', '--short'], address=nodes[0].address, timeout=5
  )
  assert outcomes['--fails'].reason == 'runner.py: told to fail'
  assert outcomes['--hangs'].reason == 'took longer than 5 s'
  assert outcomes['--short'].reason == ''
  assert shown.count('took longer than 5 s; trying again') == 3


def test_a_cluster_that_is_not_there(run):
  wanted = r'^address: 127\.0\.0\.1:1: no cluster there: '
  with pytest.raises(errors.InputError, match=wanted):
    run(['--short'], address='127.0.0.1:1')


@pytest.mark.parametrize('amount', [-1, float('nan'), 'two', True])
def test_resources_are_numbers(run, amount):
  wanted = r"^resources\['memory'\]: wanted a finite number of at least 0, got "
  with pytest.raises(errors.InputError, match=wanted):
    run(['--short'], resources={'memory': amount})


def test_the_same_trainings_leave_the_same_bytes(root, tmp_path, mnist):
  """On the default cluster, of this machine, and in local workers."""
  results = {}
  for engine in ('local', 'ray'):
    experiment = tmp_path / engine
    code = subprocess.run(
      [
        sys.executable,
        str(root / 'argfile_runner.py'),
        'runners/lottery_experiment.py',
        'argfiles/lottery_experiment_argfile.py --trials=2 --iterations=1'
        f' --training_len=iterations,20 --mnist_location={mnist}'
        f' --validation_size=50 --experiment_path={experiment}',
        'runners/reinitialize.py',
        'argfiles/reinitialize_argfile.py --trials=2 --levels=[1]'
        f' --training_len=iterations,20 --mnist_location={mnist}'
        ' --validation_size=50 --reinitializations=1'
        f' --experiment_path={experiment}',
        '--jobs=2',
        f'--engine={engine}',
      ],
      stderr=subprocess.PIPE,
      text=True,
      check=False,
    )
    assert code.returncode == 0, code.stderr
    assert '4 jobs: 4 done, 0 finished before, 0 failed; ' in code.stderr
    files = [
      *experiment.rglob('*.npy'),
      *(experiment.rglob('t*.json')),
      *(experiment.rglob('validate.json')),
    ]
    results[engine] = {
      str(path.relative_to(experiment)): path.read_bytes() for path in files
    }
  assert len(results['ray']) == 6 * (6 + 6 + 3 + 3)
  assert results['ray'] == results['local']

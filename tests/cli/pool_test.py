"""Tests of lottery_ticket.cli.pool, with small scripts."""

import io
import os
import pathlib
import signal
import time
from concurrent import futures

import pytest

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import jobs
from lottery_ticket.cli import pool
from lottery_ticket.cli import worker

RUNNER = """
import os, pathlib, signal, sys, time

from lottery_ticket.cli import flags
from lottery_ticket.foundations import errors

what, *rest = sys.argv[1:]
print(what, os.getpid(), flush=True)
if what == '--fails':
  print('runner.py: no data', file=sys.stderr)
  sys.exit(2)
elif what == '--fails_silently':
  os.truncate(1, 0)
  sys.exit(3)
elif what == '--raises':
  raise ValueError('a bug')
elif what == '--wants':
  wanted = pathlib.Path(rest[0])
  if not wanted.exists():
    error = errors.InputError if '--bad' in rest else errors.MissingInputError
    with flags.exiting():
      raise error(f'{wanted}: wanted a ticket', *rest[1:2])
elif what == '--makes':
  time.sleep(0.5)
  pathlib.Path(rest[0]).touch()
elif what == '--makes_and_goes_on':
  pathlib.Path(rest[0]).touch()
  deadline = time.monotonic() + 30
  while not pathlib.Path(rest[1]).exists():
    if time.monotonic() > deadline:
      sys.exit('nobody came')
    time.sleep(0.02)
elif what == '--dies':
  os.kill(os.getpid(), signal.SIGKILL)
elif what == '--dies_once':
  mark = pathlib.Path(rest[0])
  if not mark.exists():
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)
elif what == '--hangs':
  time.sleep(600)
elif what == '--meets':
  mine, other = map(pathlib.Path, rest)
  mine.touch()
  deadline = time.monotonic() + 30
  while not other.exists():
    if time.monotonic() > deadline:
      sys.exit('nobody came')
    time.sleep(0.02)
"""


def run_pool(folder, lines, workers, timeout=None, after=(), source=RUNNER):
  """Runs lines; returns {first flag: outcome} and what was shown.

  `after` says which lines wait for which, {place: places}.
  """
  folder = pathlib.Path(folder)
  script = folder / 'runner.py'
  script.write_text(source)
  todo = [
    jobs.Job(
      str(script),
      tuple(line),
      log=str(folder / f'{i}.log'),
      status=str(folder / f'{i}.s'),
      after=dict(after).get(i, ()),
    )
    for i, line in enumerate(lines)
  ]
  stream = io.StringIO()
  display = display_lib.Display(len(todo), stream)
  outcomes = pool.run(todo, pool.Local(workers, timeout), display)
  assert len(outcomes) == len(todo)
  shown = [line[9:] for line in stream.getvalue().splitlines()]
  return {outcome.job.argv[0]: outcome for outcome in outcomes}, shown


def log_of(outcome):
  return pathlib.Path(outcome.job.log).read_text()


@pytest.fixture(scope='module')
def one_by_one(tmp_path_factory):
  """What comes of good and bad lines on one worker."""
  folder = tmp_path_factory.mktemp('one_by_one')
  mark = str(folder / 'mark')
  lines = [
    ['--first'],
    ['--second'],
    ['--fails'],
    ['--fails_silently'],
    ['--raises'],
    ['--dies_once', mark],
    ['--dies'],
    ['--last'],
  ]
  return run_pool(folder, lines, workers=1)


@pytest.mark.parametrize(
  ('line', 'code', 'reason'),
  [
    ('--first', 0, ''),
    ('--fails', 2, 'runner.py: no data'),
    ('--fails_silently', 3, 'exit code 3'),
    ('--raises', 1, 'ValueError: a bug'),
    ('--second', 0, ''),
    ('--dies_once', 0, ''),
    ('--dies', None, f'its worker died (exit code {-signal.SIGKILL})'),
    ('--last', 0, ''),
  ],
)
def test_what_comes_of_a_line(one_by_one, line, code, reason):
  outcome = one_by_one[0][line]
  assert outcome.reason == reason
  assert (outcome.result and outcome.result.code) == code


def test_a_worker_takes_line_after_line_until_it_dies(one_by_one):
  outcomes, _ = one_by_one

  def workers(line):
    return [text.split()[1] for text in log_of(outcomes[line]).splitlines()]

  assert workers('--first') == workers('--second')
  died_once, dies = workers('--dies_once'), workers('--dies')
  assert len(set(died_once)) == len(set(dies)) == 2
  assert int(workers('--first')[0]) != os.getpid()


def test_workers_are_renewed_before_memory_fills(tmp_path, monkeypatch):
  monkeypatch.setattr(pool, 'JOBS_A_WORKER', 1)
  outcomes, _ = run_pool(tmp_path, [['--first'], ['--second']], workers=1)
  first, second = (log_of(outcomes[line]) for line in ('--first', '--second'))
  assert first.split()[1] != second.split()[1]


def test_says_that_it_tries_again_once(one_by_one):
  outcomes, shown = one_by_one
  died = f'its worker died (exit code {-signal.SIGKILL})'
  mark = outcomes['--dies_once'].job.argv[1]
  assert shown.count(f'{died}; trying again: --dies_once {mark}') == 1
  assert shown.count(f'{died}; trying again: --dies') == 1
  assert shown.count(f'failed: {died}') == 1
  assert shown[-1].startswith('8 of 8 jobs have ended: ')


def test_workers_run_side_by_side_and_die_alone(tmp_path):
  a, b = str(tmp_path / 'a'), str(tmp_path / 'b')
  lines = [['--dies'], ['--meets', a, b], ['--meets', b, a], ['--last']]
  outcomes, _ = run_pool(tmp_path, lines, workers=2)
  assert [outcomes[line].reason for line in ('--meets', '--last')] == ['', '']
  assert outcomes['--dies'].result is None


def test_a_line_that_takes_too_long_is_ended(tmp_path):
  started = time.monotonic()
  outcomes, shown = run_pool(
    tmp_path, [['--hangs'], ['--last']], workers=1, timeout=0.5
  )
  assert time.monotonic() - started < 30
  assert outcomes['--hangs'].result is None
  assert outcomes['--hangs'].reason == 'took longer than 0.5 s'
  assert len(log_of(outcomes['--hangs']).splitlines()) == 2
  assert 'took longer than 0.5 s; trying again: --hangs' in shown
  assert outcomes['--last'].reason == ''


def test_a_line_waits_for_others_and_leaves_them_its_worker(tmp_path):
  a, b = str(tmp_path / 'a'), str(tmp_path / 'b')
  lines = [['--fails'], ['--waits'], ['--meets', a, b], ['--meets', b, a]]
  outcomes, shown = run_pool(
    tmp_path, lines, workers=2, after={1: (0, 2, 3), 2: (0,)}
  )
  ended = [line.split(': ')[1] for line in shown if 'have ended' in line]
  assert ended[-1] == '--waits' and len(ended) == 4
  assert outcomes['--meets'].reason == '' and outcomes['--waits'].reason == ''


@pytest.mark.parametrize('where', [(), ('ticket',)])
def test_a_job_whose_input_is_missing_waits_for_another(
  tmp_path, monkeypatch, where
):
  monkeypatch.chdir(tmp_path)
  lines = [
    ['--wants', 'ticket', *where],
    ['--first'],
    ['--makes', 'ticket'],
    ['--last'],
  ]
  outcomes, shown = run_pool(tmp_path, lines, workers=1)
  assert {outcome.reason for outcome in outcomes.values()} == {''}
  assert shown[-1].startswith('4 of 4 jobs have ended: ')
  tries = log_of(outcomes['--wants']).count('wanted a ticket')
  assert tries >= 1 and (tries == 1 or not where)


def test_it_begins_while_the_one_that_made_its_input_goes_on(tmp_path):
  ticket, mark = str(tmp_path / 'ticket'), str(tmp_path / 'mark')
  lines = [
    ['--wants', ticket, ticket],
    ['--makes_and_goes_on', ticket, mark],
    ['--wants_too', ticket],
  ]
  source = RUNNER.replace(
    "if what == '--fails':",
    "if what == '--wants' and pathlib.Path(rest[0]).exists():\n"
    "  pathlib.Path(rest[0]).with_name('mark').touch()\n"
    "elif what == '--fails':",
  )
  outcomes, _ = run_pool(tmp_path, lines, workers=2, source=source)
  assert outcomes['--makes_and_goes_on'].reason == ''
  assert outcomes['--wants'].reason == ''


@pytest.mark.parametrize('where', [(), ('ticket',)])
def test_what_nothing_makes_is_missing_in_a_line(tmp_path, monkeypatch, where):
  monkeypatch.chdir(tmp_path)
  lines = [['--wants', 'ticket', *where], ['--fails'], ['--waits']]
  outcomes, shown = run_pool(tmp_path, lines, workers=2, after={2: (0, 1)})
  reason = outcomes['--wants'].reason
  assert reason == 'runner.py: ticket: wanted a ticket'
  assert outcomes['--waits'].reason == ''
  assert shown.count(f'failed: {reason}') == 1
  assert shown[-1] == '3 of 3 jobs have ended: --waits'


def test_other_bad_input_fails_at_once(tmp_path):
  lines = [['--wants', 'ticket', '--bad'], ['--first']]
  outcomes, shown = run_pool(tmp_path, lines, workers=1)
  assert outcomes['--wants'].result.missing is None
  assert shown[0].startswith('failed: runner.py: ')


def test_leaves_the_signals_as_they_were(tmp_path):
  before = signal.getsignal(signal.SIGTERM)
  run_pool(tmp_path, [['--first']], workers=1)
  assert signal.getsignal(signal.SIGTERM) is before


class AtOnce:
  """An engine of which every job has ended as soon as it has begun."""

  attempts = 1

  def __enter__(self):
    return self

  def __exit__(self, *exception):
    del exception

  def capacity(self):
    return 20

  def submit(self, job):
    del job
    future = futures.Future()
    future.set_result(worker.Result(0, '', 0, 0))
    return future

  def result(self, future):
    return future.result()


def test_lines_that_have_ended_at_one_time_are_told_in_their_order():
  todo = [jobs.Job('runner.py', (f'--{i}',)) for i in range(20)]
  display = display_lib.Display(len(todo), io.StringIO())
  outcomes = pool.run(todo, AtOnce(), display)
  assert [outcome.job for outcome in outcomes] == todo

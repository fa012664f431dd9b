"""Tests of lottery_ticket.cli.display."""

import io
import re

import pytest

from lottery_ticket.cli import display as display_lib
from lottery_ticket.cli import jobs as jobs_lib


class Terminal(io.StringIO):
  """A stream that says it is a terminal."""

  def isatty(self):
    return True


@pytest.fixture
def jobs(tmp_path):
  return [
    jobs_lib.Job('runner.py', (f'--seed={i}',), status=str(tmp_path / str(i)))
    for i in (1, 2)
  ]


def report(job, name, done, total):
  with open(job.status, 'w', encoding='utf-8') as file:
    file.write(f'{name}\t{done}\t{total}\tlevel 1 of 2')


def plain(stream):
  """Returns the lines that were written, without the times before them."""
  lines = stream.getvalue().splitlines()
  assert all(re.match(r'\d\d:\d\d:\d\d ', line) for line in lines)
  return [line[9:] for line in lines]


def test_elsewhere_it_is_a_line_for_what_begins_and_ends(jobs):
  stream = io.StringIO()
  with display_lib.Display(2, stream) as display:
    display.look(jobs)
    assert plain(stream) == []
    report(jobs[0], 'trial1/0/same_init', 100, 50_000)
    display.look(jobs)
    report(jobs[0], 'trial1/0/same_init', 200, 50_000)
    display.look(jobs)
    report(jobs[0], 'trial1/1/same_init', 100, 50_000)
    display.look(jobs)
    display.ended(jobs[0], '')
    display.ended(jobs[1], 'train.py: no data')
  assert plain(stream) == [
    'trial1/0/same_init: 50,000 iterations',
    'trial1/1/same_init: 50,000 iterations',
    '1 of 2 jobs have ended: --seed=1',
    'failed: train.py: no data',
    '2 of 2 jobs have ended: --seed=2',
  ]


def test_elsewhere_there_is_a_line_every_minute(jobs, monkeypatch):
  now = [0.0]
  monkeypatch.setattr('time.monotonic', lambda: now[0])
  stream = io.StringIO()
  with display_lib.Display(2, stream) as display:
    report(jobs[0], 'trial1/1/same_init', 100, 50_000)
    for seconds in range(0, 151, 10):
      now[0] = seconds
      display.look(jobs)
  assert plain(stream) == [
    'trial1/1/same_init: 50,000 iterations',
    *['trial1/1/same_init: 100 of 50,000, level 1 of 2'] * 2,
  ]


@pytest.mark.parametrize('text', ['', 'x', 'a\tb\tc\td', 'a\t1', '\udcff'])
def test_half_a_report_is_none(jobs, text):
  stream = io.StringIO()
  with open(jobs[0].status, 'w', errors='surrogateescape') as file:
    file.write(text)
  with display_lib.Display(2, stream) as display:
    display.look(jobs)
  assert plain(stream) == []


def test_on_a_terminal_each_run_has_a_bar(jobs):
  stream = Terminal()
  with display_lib.Display(2, stream) as display:
    report(jobs[0], 'trial1/0/same_init', 10, 50)
    report(jobs[1], 'trial2/0/same_init', 25, 50)
    display.look(jobs)
    report(jobs[0], 'trial1/1/same_init', 0, 80)
    display.look(jobs)
    display.ended(jobs[0], '')
    display.note('trying again')
    display.ended(jobs[1], 'its worker died')
  text = stream.getvalue()
  for part in (
    'jobs:   0%',
    'trial1/0/same_init',
    'trial2/0/same_init',
    'trial1/1/same_init',
    ', level 1 of 2]',
    '| 1/2 [',
    '| 2/2 [',
    'trying again\n',
    'failed: its worker died\n',
    '2 of 2 jobs have ended: --seed=2\n',
  ):
    assert part in text
  assert '1 of 2 jobs have ended' not in text


def test_bars_stand_below_each_other_and_give_their_place_away(jobs):
  stream = Terminal()
  with display_lib.Display(2, stream) as display:
    for job in jobs:
      report(job, 'run', 1, 5)
    display.look(jobs)
    bars = display._bars
    assert sorted(abs(bars[job].pos) for job in jobs) == [1, 2]
    display.ended(jobs[0], '')
    display.look(jobs[:1])
    assert abs(bars[jobs[0]].pos) == 1
    assert [bars[job].n for job in jobs] == [1, 1]


def test_writes_to_stderr_by_default(capsys, jobs):
  with display_lib.Display(1) as display:
    display.ended(jobs[0], '')
  out, err = capsys.readouterr()
  assert out == '' and err.endswith(' 1 of 1 job has ended: --seed=1\n')

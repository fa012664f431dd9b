"""Tests of what lines take; times are made up, processes are real."""

import json
import os
import runpy
import sys

import pytest

from lottery_ticket.cli import local
from lottery_ticket.foundations import progress

SCRIPT = """
import sys
from lottery_ticket.foundations import progress

if sys.argv[1:] != ['--seed=1']:
  sys.exit('script.py: wanted --seed=1')
with progress.of_run('a/run', 200) as report:
  report(100)
  report(200)
"""


@pytest.fixture
def lines(load):
  return load('lines')


@pytest.fixture
def script(tmp_path):
  path = tmp_path / 'script.py'
  path.write_text(SCRIPT)
  return str(path)


def record(lines, pid=1, ended=0.0, reports=(), peak_memory=0):
  return lines.Record(pid, ended - 1, ended, reports, peak_memory)


class TestArithmetic:
  def test_a_line_takes_from_the_end_of_the_one_before_it(self, lines):
    ends = [(1, 10), (2, 11), (1, 13), (2, 15), (1, 18), (3, 20)]
    records = [record(lines, pid, ended) for pid, ended in ends]
    assert sorted(lines.periods(records)) == [3, 4, 5]

  def test_one_line_follows_none(self, lines):
    assert lines.periods([record(lines, ended=3)]) == []

  def test_compiling_is_no_training(self, lines):
    reports = [('run', 100, 5.0), ('run', 200, 5.2), ('run', 500, 5.8)]
    line = record(lines, reports=reports)
    assert lines.iteration(reports) == pytest.approx(0.002)
    assert lines.training(line) == pytest.approx(1.0)

  def test_overhead_is_all_but_training(self, lines):
    def one(ended):
      reports = [('run', 100, ended - 2), ('run', 300, ended - 1)]
      return record(lines, ended=ended, reports=reports)

    assert lines.overheads([one(10), one(14)]) == [pytest.approx(4 - 1.5)]

  def test_a_level_is_from_last_iteration_to_last_iteration(self, lines):
    reports = [
      *[('t/0/same_init', 100, 5.0), ('t/0/same_init', 200, 6.0)],
      *[('t/1/same_init', 100, 8.0), ('t/1/same_init', 200, 8.5)],
      *[('t/2/same_init', 100, 10.0), ('t/2/same_init', 200, 11.0)],
    ]
    assert lines.levels(record(lines, reports=reports)) == [
      (pytest.approx(2.5), pytest.approx(0.005)),
      (pytest.approx(2.5), pytest.approx(0.01)),
    ]

  def test_memory_is_told_by_worker(self, lines):
    records = [
      record(lines, pid, peak_memory=peak)
      for pid, peak in [(1, 5), (2, 6), (1, 7)]
    ]
    assert lines.memory(records) == [[5, 7], [6]]


class TestLine:
  def test_is_a_script_with_flags(self, lines, root):
    script, *flags = lines.line('runners/train.py', seed=1, output_dir='a b')
    assert script == str(root / 'mnist_fc' / 'runners' / 'train.py')
    assert flags == ['--seed=1', '--output_dir=a b']

  def test_leaves_a_record(self, lines, script, tmp_path, monkeypatch):
    path = tmp_path / 'record.json'
    monkeypatch.setattr(sys, 'argv', ['', str(path), script, '--seed=1'])
    runpy.run_path(str(lines.LINE), run_name='__main__')
    found = lines.Record(**json.loads(path.read_text()))
    assert found.pid == os.getpid()
    times = [when for _, _, when in found.reports]
    assert [report[:2] for report in found.reports] == [
      ['a/run', 100],
      ['a/run', 200],
    ]
    assert found.began <= times[0] <= times[1] <= found.ended
    assert found.peak_memory > 2**20

  def test_listens_no_longer_than_its_script(
    self, lines, script, tmp_path, monkeypatch
  ):
    heard = []
    path = str(tmp_path / 'record.json')
    monkeypatch.setattr(sys, 'argv', ['', path, script, '--seed=1'])
    with progress.send_to(lambda *report: heard.append(report)):
      runpy.run_path(str(lines.LINE), run_name='__main__')
      progress.loaded('later')
    assert heard == [('later', 0, 0)]

  def test_in_a_process_knows_its_own_memory_alone(
    self, lines, script, tmp_path
  ):
    size = 200 * 2**20
    much = b'1' * size  # Of this process.
    process = lines.run_alone(tmp_path / 'new', (script, '--seed=1'))
    assert len(much) == size
    assert process.record.pid != os.getpid()
    assert process.started < process.record.began
    assert process.record.ended < process.ended
    if sys.platform == 'linux':
      assert process.record.peak_memory < size

  def test_runs_line_after_line_in_a_worker(self, lines, script, tmp_path):
    good = (script, '--seed=1')
    records = lines.run(tmp_path / 'new', local.Local(1), [good] * 2)
    assert len({record.pid for record in records}) == 1
    assert records[0].ended <= records[1].began
    assert len(lines.periods(records)) == 1

  def test_says_which_line_failed(self, lines, script, tmp_path):
    bad = (script, '--seed=2')
    with pytest.raises(RuntimeError, match=r'wanted --seed=1: .*--seed=2$'):
      lines.run(tmp_path / 'new', local.Local(1), [bad])

"""Tests of lottery_ticket.foundations.progress."""

import pytest

from lottery_ticket.foundations import progress


def run(name, total, steps):
  with progress.of_run(name, total) as report:
    for done in steps:
      report(done)


def test_listeners_hear_every_report():
  heard = []
  with progress.send_to(lambda *message: heard.append(message)):
    run('a', 10, [4, 10])
  assert heard == [('a', 4, 10), ('a', 10, 10)]


def test_the_innermost_listener_hears_alone_and_only_while_it_is_there():
  outer, inner = [], []
  with progress.send_to(lambda *message: outer.append(message)):
    with pytest.raises(KeyError), progress.send_to(lambda *m: inner.append(m)):
      run('inside', 1, [1])
      raise KeyError
    run('outside', 1, [1])
  run('nobody', 1, [1])
  assert inner == [('inside', 1, 1)]
  assert outer == [('outside', 1, 1)]


def test_says_nothing_of_a_short_run_where_there_is_no_terminal(capfd):
  run('a', 10, [4, 10])
  assert capfd.readouterr() == ('', '')


def test_a_line_every_minute_where_there_is_no_terminal(capfd, monkeypatch):
  now = [0.0]
  monkeypatch.setattr('time.monotonic', lambda: now[0])
  with progress.of_run('trial1/0/x', 1_000) as report:
    for done in range(100, 900, 100):
      now[0] += 20
      report(done)
  assert capfd.readouterr().err == (
    'trial1/0/x: 300 of 1,000, 0:02:20 left\n'
    'trial1/0/x: 600 of 1,000, 0:01:20 left\n'
  )


def test_what_was_done_before_an_interruption_took_no_time_now():
  with progress.send_to(lambda *_: None):
    with progress.of_run('a', 100, 50):
      assert progress.summary(60, 100, 20.0) == '0:01:20 left'
      assert progress.summary(50, 100, 20.0) == ''
    with progress.of_run('b', 100):
      assert progress.summary(50, 100, 20.0) == '0:00:20 left'


def test_short_levels_have_a_line_every_minute_too(capfd, monkeypatch):
  now = [0.0]
  monkeypatch.setattr('time.monotonic', lambda: now[0])
  for level in progress.levels(5):
    with progress.of_run(f'trial1/{level}/x', 10) as report:
      now[0] += 25
      report(10)
  lines = capfd.readouterr().err.splitlines()
  assert [line.partition(':')[0] for line in lines] == [
    'trial1/2/x',
    'trial1/5/x',
  ]
  assert 'level 2 of 5, 0:01:15 left' in lines[0]


def test_the_whole_of_an_experiment_is_told():
  said = []
  with progress.send_to(lambda _, done, total: said.append((done, total))):
    for level in progress.levels(2):
      progress.note(density=0.8**level)
      run('x', 100, [50])
      progress.note(loss=0.5, accuracy=0.875)
      said[-1] = progress.summary(*said[-1], seconds=10)
    assert progress.summary(1, 2, 1) == '0:00:01 left'
  assert said[0] == (
    'level 0 of 2, 100.0% of the weights, loss 0.5000, accuracy 87.50%,'
    ' 0:00:50 left'
  )
  assert said[2].startswith('level 2 of 2, 64.0% of the weights, ')
  assert said[2].endswith(', 0:00:10 left')


def test_shows_a_bar_on_a_terminal(monkeypatch, capsys):
  monkeypatch.setattr('sys.stderr.isatty', lambda: True)
  run('trial1', 10, [4, 10])
  shown = capsys.readouterr().err
  assert 'trial1' in shown
  assert '10/10' in shown or '0/10' in shown

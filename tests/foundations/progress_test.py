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


def test_says_nothing_where_there_is_no_terminal(capfd):
  run('a', 10, [4, 10])
  assert capfd.readouterr() == ('', '')


def test_shows_a_bar_on_a_terminal(monkeypatch, capsys):
  monkeypatch.setattr('sys.stderr.isatty', lambda: True)
  run('trial1', 10, [4, 10])
  shown = capsys.readouterr().err
  assert 'trial1' in shown
  assert '10/10' in shown or '0/10' in shown

"""Tests of lottery_ticket.benchmarks.timing."""

import json

import pytest

from lottery_ticket.benchmarks import timing


def test_a_ratio_is_taken_within_each_turn():
  pairs = [(1.0, 1.0), (20.0, 10.0), (6.0, 2.0)]
  figure = timing.compare('a, b', pairs, 'ms', 1e3)
  assert figure == timing.Figure('a, b', 6000, 2000, 'ms', 2)


@pytest.mark.parametrize(
  ('limit', 'bar', 'met'),
  [
    ({'at_most': 2}, '<= 2', True),
    ({'at_most': 1.5}, '<= 1.5', False),
    ({'at_least': 2}, '>= 2', True),
    ({'at_least': 2.5}, '>= 2.5', False),
  ],
)
def test_a_limit_is_kept_or_missed(limit, bar, met):
  figure = timing.compare('a, b', [(4.0, 2.0)], **limit)
  assert (figure.bar, figure.met) == (bar, met)


def test_functions_take_turns():
  called = []
  pairs = timing.take_turns(
    lambda: called.append('a'), lambda: called.append('b'), 2
  )
  assert called == ['a', 'b'] * 3  # The first call of each is not timed.
  assert len(pairs) == 2 and all(min(pair) >= 0 for pair in pairs)


def test_a_report_is_a_table_and_a_section_of_a_file(tmp_path, capsys):
  path = tmp_path / 'new' / 'bench.json'
  pass_, miss = (
    timing.compare('two, one', [(3.0, 1.5)], at_most=bar) for bar in (2, 1)
  )
  options = timing.Options(json=str(path))
  options.report('speed', [pass_])
  options.report('many', [miss])
  options = timing.Options(json=str(path), rounds=2)
  options.report('speed', [miss, pass_], more=[1])
  sections = json.loads(path.read_text())
  assert sections.keys() == {'speed', 'many'}
  settings = sections['speed']['settings']
  assert settings['rounds'] == 2 and settings['more'] == [1]
  assert [figure['met'] for figure in sections['speed']['figures']] == [0, 1]
  words = [line.split() for line in capsys.readouterr().out.splitlines()[-3:]]
  assert words == [
    ['this', 'that', 'ratio', 'bar'],
    ['two,', 'one', '3.00', '1.50', 's', '2.00', '<=', '1', 'miss'],
    ['two,', 'one', '3.00', '1.50', 's', '2.00', '<=', '2', 'pass'],
  ]

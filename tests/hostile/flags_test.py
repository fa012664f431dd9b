"""Hostile input of lottery_ticket.cli.flags."""

import inspect
import sys

import hypothesis
import pytest
from hypothesis import strategies as st

from lottery_ticket.cli import flags
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore

PLAIN = 'ab1 .,:;#=-_"\'\\/~*$|&<>()[]{}\n\t\r\x1b\x7fü日\u2028\U0001f600'
TEXT = st.text(PLAIN, max_size=8)
ANY = st.text(PLAIN + '\0\ud800\udcff', max_size=8)
LITERALS = st.text('[](){},:\'"ab01.-+*\\ #', max_size=10)
NAMES = st.sampled_from(
  ['output_dir', 'iterations', 'rate', 'masks', 'overwrite', 'percents', 'no']
)
ANNOTATIONS = [
  str,
  int,
  float,
  bool,
  float | None,
  list | None,
  dict,
  tuple | None,
  save_restore.NetworkLike | list | None,
]


@pytest.fixture
def call(monkeypatch):
  """Returns what a function was called with, if it was called."""
  monkeypatch.setattr(sys, 'argv', ['/somewhere/train.py'])

  def with_flags(*argv):
    calls = []

    def train(
      output_dir: str,
      iterations: int = 1,
      rate: float = 0.1,
      masks: save_restore.NetworkLike | list | None = None,
      overwrite: bool = False,
      percents: dict | None = None,
    ):
      calls.append(dict(locals()))

    flags.call(train, argv)
    return calls[0] if calls else None

  return with_flags


@hypothesis.given(TEXT)
def test_any_text_arrives_as_it_is(call, text):
  assert call(f'--output_dir={text}')['output_dir'] == text


@hypothesis.given(
  st.lists(ANY | st.builds('--{}={}'.format, NAMES | ANY, ANY | LITERALS))
)
def test_any_command_line_is_taken_or_refused_in_a_line(capsys, call, argv):
  try:
    call(*argv)
  except SystemExit as stopped:
    assert stopped.code == 2
    said = capsys.readouterr().err
    assert said.startswith('train.py: ') and len(said.splitlines()) == 1
    assert said.removesuffix('\n').isprintable()
  capsys.readouterr()


def parameter(annotation):
  return inspect.Parameter(
    'flag', inspect.Parameter.KEYWORD_ONLY, annotation=annotation
  )


@hypothesis.given(st.sampled_from(ANNOTATIONS), ANY | LITERALS)
def test_any_value(tame, annotation, text):
  tame(flags.parse, text, parameter(annotation))


@pytest.mark.parametrize(
  'text',
  [
    '[' * 100_000,
    '[' * 150 + ']' * 150,
    '(' * 10_000 + ')' * 10_000,
    '{' * 90 + '}' * 90,
    '-' * 10_000 + '1',
    '[' + '-' * 10_000 + '1]',
    '[' + '1+' * 5_000 + '1]',
    '{[]: 1}',
    '{{}}',
    '{**a}',
    '[*a]',
    '{1: 2, **{}}',
    '["\\d"]',
    '[1is 2]',
    '10**10**10',
    '[10**10**10]',
    '[' + '9' * 10_000 + ']',
    '9' * 10_000,
    '1e999',
    'nan',
    '[f"{a}"]',
    '[__import__("os")]',
    '["\ud800"]',
    '[\0]',
    '[' + 'x' * 1_000_000,
  ],
  ids=lambda text: text[:12].encode('ascii', 'replace').decode(),
)
def test_values_that_are_hard_to_parse(tame, text):
  for annotation in ANNOTATIONS:
    tame(flags.parse, text, parameter(annotation))


@pytest.mark.parametrize('argument', ['\0', 'a\ud800', '\udcff', '\udc80.npy'])
def test_what_no_record_can_hold_is_refused(call, capsys, argument):
  for argv in ([f'--output_dir={argument}'], ['--output_dir', argument]):
    with pytest.raises(SystemExit) as stopped:
      call(*argv)
    assert stopped.value.code == 2
    assert ': wanted ' in capsys.readouterr().err


def test_a_message_is_cut_where_it_is_too_long(call, capsys):
  with pytest.raises(SystemExit):
    call('--' + 'x' * 1_000_000)
  said = capsys.readouterr().err
  assert len(said) < 5_000 and said.endswith('no such flag; try --help\n')


def test_a_message_moves_no_cursor(capsys, call):
  def fail():
    raise errors.InputError('a\x1b[2J\r\x07\x9b\u202e\0b')

  with pytest.raises(SystemExit):
    flags.call(fail, [])
  said = capsys.readouterr().err
  assert said == 'train.py: a\\x1b[2J \\x07\\x9b\\u202e\\x00b\n'

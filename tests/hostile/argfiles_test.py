"""Hostile input of lottery_ticket.cli.argfiles."""

import pathlib
import shlex

import hypothesis
import pytest
from hypothesis import strategies as st

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import errors

TEXT = st.text('ab1 .#=-_"\'\\/~*$|&;\n\t\r\x1bü日\u2028\U0001f600', max_size=8)


@pytest.fixture
def read():
  """Returns what is read from an argfile that prints these bytes."""
  pathlib.Path('a.py').write_text(
    'import pathlib, sys\n'
    'sys.stdout.buffer.write(pathlib.Path("printed").read_bytes())'
  )

  def printing(content):
    pathlib.Path('printed').write_bytes(content)
    return argfiles.read('a.py')

  return printing


@hypothesis.given(st.dictionaries(st.just('flag'), TEXT))
def test_any_value_is_quoted(values):
  line = argfiles.line(**values)
  assert shlex.split(line) == [f'--{k}={v}' for k, v in values.items()]


@hypothesis.settings(max_examples=15)
@hypothesis.given(
  st.lists(
    st.sampled_from(
      [
        b'--a=1',
        b"--b='x",
        b'"',
        b'\\',
        b'\n',
        b'\0',
        b'\xff',
        b'#',
        b' ',
        b'x',
      ]
    ),
    max_size=6,
  ).map(b''.join)
)
def test_any_lines(tame, read, content):
  for line in tame(read, content) or ():
    assert line[0].startswith('--')
    assert all(isinstance(flag, str) for flag in line)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b"--a=1\n\n--b='\n", 'line 3: No closing quotation'),
    (b'--a=1\n--b=1\\', 'line 2: No escaped character'),
    (b'--a=1\n' * 3_000_000, 'prints over 16777216 bytes'),
  ],
)
def test_lines_that_are_refused(read, content, message):
  with pytest.raises(errors.InputError, match=message) as caught:
    read(content)
  assert len(str(caught.value)) < 500


def test_an_argfile_that_prints_for_ever_is_ended(peak, monkeypatch):
  monkeypatch.setattr(argfiles, 'MAX_BYTES', 100_000)
  pathlib.Path('a.py').write_text('while True: print("--a=1")')

  def read():
    with pytest.raises(errors.InputError, match='prints over 100000 bytes'):
      argfiles.read('a.py')

  assert peak(read) < 2_000_000


@pytest.mark.parametrize('name', ['a\0b', '\ud800', 'x' * 5000, '.', '/', '..'])
def test_scripts_that_cannot_be(tame, name):
  assert tame(argfiles.find, name) is None
  assert tame(argfiles.read, shlex.quote(name)) is None


def test_what_an_argfile_said_before_it_failed_may_be_anything(tame):
  pathlib.Path('a.py').write_text(
    'import sys\nsys.stderr.buffer.write(b"\\xff\\0" * 99999)\nsys.exit(1)'
  )
  assert tame(argfiles.read, 'a.py') is None

"""Tests of lottery_ticket.cli.argfiles."""

import shlex

import pytest

from lottery_ticket.cli import argfiles
from lottery_ticket.foundations import errors


@pytest.fixture
def argfile(tmp_path):
  """Returns a function that writes an argfile and returns its name."""

  def write(source, name='argfile.py'):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding='utf-8')
    return name

  return write


def refusal(function, *args):
  with pytest.raises(errors.InputError) as caught:
    function(*args)
  message = str(caught.value)
  assert '\n' not in message
  return message


def test_finds_what_is_in_the_current_folder_first(argfile, tmp_path):
  name = argfile('', 'argfiles/train_argfile.py')
  assert argfiles.find(name) == tmp_path / name
  assert argfiles.find(str(tmp_path / name)) == tmp_path / name


@pytest.mark.parametrize(
  'name', ['runners/train.py', 'argfiles/lottery_experiment_argfile.py']
)
def test_finds_the_others_in_the_library(root, name):
  assert argfiles.find(name, 'mnist_fc') == root / 'mnist_fc' / name
  assert argfiles.find(f'mnist_fc/{name}') == root / 'mnist_fc' / name


@pytest.mark.parametrize(
  ('folder', 'name'),
  [
    ('.', 'mnist_fc/runners/train.py'),
    ('.', 'runners/train.py'),
    ('mnist_fc', 'runners/train.py'),
    ('mnist_fc/runners', 'train.py'),
    ('mnist_fc/runners', 'runners/train.py'),
  ],
)
def test_finds_from_the_folders_of_the_repository(
  root, monkeypatch, folder, name
):
  monkeypatch.chdir(root / folder)
  found = argfiles.find(name, 'mnist_fc')
  assert found == root / 'mnist_fc/runners/train.py'


@pytest.mark.parametrize('name', ['runners/trian.py', 'argfiles', ''])
def test_says_where_it_looked(root, tmp_path, name):
  assert refusal(argfiles.find, name, 'mnist_fc') == (
    f'{name}: no such file in {tmp_path} or {root}/mnist_fc'
  )
  assert refusal(argfiles.find, name) == f'{name}: no such file in {tmp_path}'


def test_reads_lines_as_a_shell_would_and_skips_empty_ones(argfile):
  name = argfile(
    r"""
print("--output_dir='a b' --x=1")
print()
print('  ')
print(r'''--output_dir=it\'s --y="$HOME *;"''')
print('--output_dir=日本\u2028b')
"""
  )
  assert argfiles.read(name) == [
    ['--output_dir=a b', '--x=1'],
    ["--output_dir=it's", '--y=$HOME *;'],
    ['--output_dir=日本\u2028b'],
  ]


def test_an_argfile_may_have_flags_of_its_own(argfile):
  name = argfile('import sys\nfor value in sys.argv[1:]: print(repr(value))')
  assert argfiles.read(f"{name} --trials=3 --path='a  b'") == [
    ['--trials=3'],
    ['--path=a  b'],
  ]


def test_an_argfile_may_have_a_space_in_its_path(argfile, tmp_path):
  source = 'import sys\nprint("--n", len(sys.argv))'
  name = argfile(source, "my dir/it's an arg file.py")
  for path in (name, str(tmp_path / name)):
    assert argfiles.read(path) == [['--n', '1']]
  assert argfiles.read(f'"{name}" --x=1') == [['--n', '2']]


def test_no_shell_sees_an_argfile(argfile, tmp_path):
  name = argfile('import sys\nprint("--n", len(sys.argv), *sys.argv[1:])')
  read = argfiles.read(f'{name} ; touch made')
  assert read == [['--n', '4', ';', 'touch', 'made']]
  assert not (tmp_path / 'made').exists()


def test_refuses_an_argfile_that_fails(argfile):
  name = argfile('print("--a=1")\nraise SystemExit("argfile: no trials")')
  assert refusal(argfiles.read, name) == f'{name}: failed: argfile: no trials'
  name = argfile('print("--a=1")\nx = {}["key"]')
  assert refusal(argfiles.read, name) == f"{name}: failed: KeyError: 'key'"
  name = argfile('raise SystemExit(3)')
  assert refusal(argfiles.read, name) == f'{name}: failed: no message'


@pytest.mark.parametrize('source', ['', 'print()', 'print("  ")'])
def test_refuses_an_argfile_that_prints_nothing(argfile, source):
  name = argfile(source)
  assert refusal(argfiles.read, name) == (
    f"{name}: wanted lines of flags, got 'nothing'"
  )


def test_refuses_quotes_that_do_not_match(argfile):
  name = argfile('print("--a=1")\nprint("--b=\'1")')
  assert refusal(argfiles.read, name) == (
    f'{name}, line 2: No closing quotation: "--b=\'1"'
  )
  assert refusal(argfiles.read, "a.py 'b") == (
    'argfile: No closing quotation: "a.py \'b"'
  )


def test_refuses_an_argfile_that_is_not_there(tmp_path):
  wanted = f'no such file in {tmp_path}'
  assert refusal(argfiles.read, 'nope.py --x=1') == f'nope.py: {wanted}'
  assert refusal(argfiles.read, '') == f': {wanted}'


def test_a_line_survives_the_way_through_a_shell():
  values = {
    'output_dir': 'a b\'c"d',
    'layers': (20, 10),
    'prune_percents': {'layer0': 0.2},
    'training_len': ('iterations', 10),
    'path': '$HOME;#*',
    'empty': '',
  }
  line = argfiles.line(seed=1, recipe=None, **values)
  assert shlex.split(line) == [
    '--seed=1',
    *(f'--{name}={value}' for name, value in values.items()),
  ]


def test_a_plain_line_is_not_quoted():
  assert argfiles.line(output_dir='/a/trial1', seed=1) == (
    '--output_dir=/a/trial1 --seed=1'
  )


def test_what_prints_no_flags_is_refused(argfile):
  name = argfile('print("hello there")')
  wanted = f"{name}: wanted lines of flags, got 'hello'"
  assert refusal(argfiles.read, name) == wanted


def test_help_of_an_argfile_is_not_run(argfile):
  name = argfile('print("NAME")')
  with pytest.raises(errors.InputError, match='prints help, not flags'):
    argfiles.read(f'{name} --help')

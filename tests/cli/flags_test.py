"""Tests of lottery_ticket.cli.flags."""

import dataclasses
import functools
import inspect
import os
import sys
from typing import Any

import pytest

from lottery_ticket.cli import flags
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import schedule

OUTPUT = '--output_dir=out'


@pytest.fixture(autouse=True)
def _program(monkeypatch):
  monkeypatch.setattr(sys, 'argv', ['/somewhere/runners/train.py'])


class Recorder:
  """A function with flags of every kind, that keeps what it was given."""

  def __init__(self):
    self.calls = []

    def train(
      output_dir: str,
      training_len: schedule.Length | None = None,
      iterations: int = 30,
      masks: save_restore.NetworkLike | list | None = None,
      train_order_seed: int | None = None,
      *,
      recipe: str | None = None,
      overwrite: bool = False,
      learning_rate: float | None = None,
      layers: tuple | None = None,
      percents: dict | None = None,
    ) -> str:
      """Trains.

      Args:
        output_dir: The run's folder.
      """
      given = dict(locals())
      del given['self']
      self.calls.append(given)
      return 'a result, which is not printed'

    self.function = train

  def __call__(self, *argv):
    """Returns the arguments of the one call."""
    flags.call(self.function, argv)
    (arguments,) = self.calls
    return arguments


@pytest.fixture
def recorder():
  return Recorder()


@pytest.fixture
def refusal(recorder, capsys):
  """Returns a function that returns the one line of a refused command."""

  def refuse(*argv):
    with pytest.raises(SystemExit) as caught:
      flags.call(recorder.function, argv)
    assert caught.value.code == 2
    assert recorder.calls == []
    out, err = capsys.readouterr()
    assert out == ''
    assert err.count('\n') == 1 and err.endswith('\n')
    return err.rstrip('\n')

  return refuse


@pytest.mark.parametrize(
  ('argv', 'wanted'),
  [
    ((), '--output_dir is missing'),
    (
      ('--output_dri=x',),
      '--output_dri: no such flag; did you mean --output_dir?',
    ),
    ((OUTPUT, '--zzz=1'), '--zzz: no such flag; try --help'),
    ((OUTPUT, '--zzz'), '--zzz: no such flag; try --help'),
    ((OUTPUT, '--help=3'), '--help: no such flag; try --help'),
    ((OUTPUT, '--output=x'), '--output: no such flag; did you mean'),
    ((OUTPUT, OUTPUT), '--output_dir is given twice'),
    ((OUTPUT, '--output-dir', 'b'), '--output_dir is given twice'),
    ((OUTPUT, '--overwrite', '--nooverwrite'), '--overwrite is given twice'),
    (('out',), "'out': unexpected; flags are given as --name=value"),
    ((OUTPUT, 'out'), "'out': unexpected; flags are given as --name=value"),
    (('-o', 'x'), '-o: no such flag; try --help'),
    (('-o=x',), '-o=x: no such flag; try --help'),
    ((OUTPUT, '-i=3'), '-i=3: no such flag; try --help'),
    ((OUTPUT, '-'), '-: no such flag; try --help'),
    ((OUTPUT, '--'), '--: no such flag; try --help'),
    ((OUTPUT, '--', '--trace'), '--: no such flag; try --help'),
    ((OUTPUT, '--trace'), '--trace: no such flag; try --help'),
    (('--output_dir',), '--output_dir: wanted a value'),
    (('--output_dir', '--iterations=3'), '--output_dir: wanted a value'),
    (
      (OUTPUT, '--overwrite=maybe'),
      "--overwrite: wanted True or False, got 'maybe'",
    ),
    ((OUTPUT, '--overwrite='), "--overwrite: wanted True or False, got ''"),
    (
      (OUTPUT, '--nooverwrite', 'False'),
      "'False': unexpected; flags are given as --name=value",
    ),
    (
      (OUTPUT, '--overwrite', 'maybe'),
      "'maybe': unexpected; flags are given as --name=value",
    ),
    (
      (OUTPUT, '--nooverwrite=True'),
      "--nooverwrite: wanted no value, got 'True'",
    ),
    ((OUTPUT, '--noiterations'), '--noiterations: no such flag; did you mean'),
    (
      (OUTPUT, '--iterations=3.5'),
      "--iterations: wanted an integer, got '3.5'",
    ),
    (
      (OUTPUT, '--iterations=1e3'),
      "--iterations: wanted an integer, got '1e3'",
    ),
    ((OUTPUT, '--iterations='), "--iterations: wanted an integer, got ''"),
    (
      (OUTPUT, '--iterations=None'),
      "--iterations: wanted an integer, got 'None'",
    ),
    (
      (OUTPUT, '--train_order_seed=one'),
      "--train_order_seed: wanted an integer, got 'one'",
    ),
    (
      (OUTPUT, '--learning_rate=fast'),
      "--learning_rate: wanted a number, got 'fast'",
    ),
    (('--iterations=3',), '--output_dir is missing'),
    ((OUTPUT, '--iterations=a\nb'), "wanted an integer, got 'a\\nb'"),
  ],
)
def test_refuses_in_one_line_before_calling(refusal, argv, wanted):
  line = refusal(*argv)
  assert line.startswith('train.py: ')
  assert wanted in line


def test_a_refusal_is_the_whole_line(refusal):
  assert refusal('--output_dri=x') == (
    'train.py: --output_dri: no such flag; did you mean --output_dir?'
  )


@pytest.mark.parametrize(
  'value',
  [
    'out',
    '2018',
    '007',
    '1e5',
    '0x10',
    '1_000',
    'True',
    'None',
    'null',
    'a#b',
    '#',
    'a b',
    ' a ',
    "it's",
    '"quoted"',
    "'quoted'",
    'a\nb',
    'a\tb',
    'a\\nb',
    '日本/ünï',
    'a=b',
    'a,b',
    '$HOME',
    'a~',
    '*',
    ';ls',
    '[a',
    '[a]',
    '{',
    '{}',
    '(1,',
    '()',
    '-',
    '--',
    '-x',
    '--x',
    '--x=y',
    '--help',
    '-- --trace',
    '',
  ],
)
def test_text_reaches_the_function_as_it_was_written(recorder, value):
  assert recorder(f'--output_dir={value}')['output_dir'] == value


@pytest.mark.parametrize(
  'value', ['2018', '[a', '-', '-x', 'a b', 'True', 'a=b', '']
)
def test_text_may_follow_its_flag(recorder, value):
  assert recorder('--output_dir', value)['output_dir'] == value


@pytest.mark.parametrize(
  ('argument', 'wanted'),
  [
    ('--iterations=7', {'iterations': 7}),
    ('--iterations=1_000', {'iterations': 1000}),
    ('--train_order_seed=-5', {'train_order_seed': -5}),
    ('--train-order-seed=5', {'train_order_seed': 5}),
    ('--train_order_seed=None', {'train_order_seed': None}),
    ('--overwrite', {'overwrite': True}),
    ('--overwrite=True', {'overwrite': True}),
    ('--overwrite=1', {'overwrite': True}),
    ('--overwrite=false', {'overwrite': False}),
    ('--nooverwrite', {'overwrite': False}),
    ('--learning_rate=1e-3', {'learning_rate': 0.001}),
    ('--learning_rate=1', {'learning_rate': 1.0}),
    ('--learning_rate=None', {'learning_rate': None}),
    ('--training_len=iterations,10', {'training_len': ('iterations', 10)}),
    ("--training_len=('epochs', 3)", {'training_len': ('epochs', 3)}),
    ('--training_len=(epochs,3)', {'training_len': ('epochs', 3)}),
    ('--training_len=None', {'training_len': None}),
    ('--layers=20,10', {'layers': (20, 10)}),
    (
      "--layers=(20, 'tanh'), (10, None)",
      {'layers': ((20, 'tanh'), (10, None))},
    ),
    ('--percents={layer0: 0.2}', {'percents': {'layer0': 0.2}}),
    ("--percents={'layer0': 0.2}", {'percents': {'layer0': 0.2}}),
    ('--masks=a', {'masks': 'a'}),
    ('--masks=2018', {'masks': '2018'}),
    ('--masks=a,b', {'masks': 'a,b'}),
    ('--masks=[a,b]', {'masks': ['a', 'b']}),
    ("--masks=['/a/b', '/c d']", {'masks': ['/a/b', '/c d']}),
    ('--masks=None', {'masks': None}),
    ('--recipe=google', {'recipe': 'google'}),
    ('--recipe=2018', {'recipe': '2018'}),
    ('--recipe=[a]', {'recipe': '[a]'}),
    ('--recipe=None', {'recipe': None}),
  ],
)
def test_parses_as_the_annotation_says(recorder, argument, wanted):
  defaults = {
    name: parameter.default
    for name, parameter in inspect.signature(
      recorder.function
    ).parameters.items()
  }
  given = recorder(argument, OUTPUT)
  assert given == defaults | {'output_dir': 'out'} | wanted
  for name, value in wanted.items():
    assert type(given[name]) is type(value)


def test_a_flag_may_stand_apart_from_its_value(recorder):
  given = recorder('--iterations', '3', '--masks', '[a,b]', '--output-dir', 'x')
  assert (given['iterations'], given['masks']) == (3, ['a', 'b'])
  assert given['output_dir'] == 'x'


@pytest.mark.parametrize('word', ['True', 'False', 'true', 'false'])
def test_so_may_a_boolean_and_what_follows_it_is_a_flag_again(recorder, word):
  given = recorder('--overwrite', word, '--iterations', '3', OUTPUT)
  assert given['overwrite'] is (word.lower() == 'true')
  assert given['iterations'] == 3


def test_a_tilde_is_the_users_home(recorder):
  given = recorder('--output_dir=~/runs', "--masks=['~/a', 'b~', '/c']")
  home = os.environ['HOME']
  assert given['output_dir'] == f'{home}/runs'
  assert given['masks'] == [f'{home}/a', 'b~', '/c']


def test_returns_the_result_and_prints_none(recorder, capsys):
  said = 'a result, which is not printed'
  assert flags.call(recorder.function, [OUTPUT]) == said
  assert capsys.readouterr() == ('', '')


def test_positional_only_parameters_are_given_by_position(capsys):
  calls = []

  def run(runner: str, argfile: str, /, *, jobs: int = 1):
    calls.append((runner, argfile, jobs))

  flags.call(run, ['2018', '--jobs=3', 'a.py --trials=3'])
  assert calls == [('2018', 'a.py --trials=3', 3)]
  for argv, wanted in [
    (['a'], 'ARGFILE is missing'),
    ([], 'RUNNER is missing'),
    (['a', 'b', 'c'], "'c': unexpected; flags are given as --name=value"),
    (['a', 'b', '--runner=c'], '--runner: no such flag; try --help'),
  ]:
    with pytest.raises(SystemExit) as caught:
      flags.call(run, argv)
    assert caught.value.code == 2
    assert capsys.readouterr().err == f'train.py: {wanted}\n'
  assert len(calls) == 1


@pytest.mark.parametrize(
  ('error', 'code', 'line'),
  [
    (errors.InputError('seed: wrong,\n  really'), 2, 'seed: wrong, really'),
    (FileNotFoundError(2, 'No such file', 'x'), 1, "No such file: 'x'"),
    (OSError(28, 'No space left on device'), 1, 'No space left on device'),
    (errors.DivergedError('run: diverged'), 1, 'run: diverged'),
    (KeyboardInterrupt(), 130, 'interrupted'),
  ],
)
def test_exit_codes_of_what_is_raised(capsys, error, code, line):
  def fail():
    raise error

  with pytest.raises(SystemExit) as caught:
    flags.call(fail, [])
  assert caught.value.code == code
  out, err = capsys.readouterr()
  assert out == '' and err.count('\n') == 1
  assert err.startswith('train.py: ') and err.endswith(f'{line}\n')


def test_other_errors_are_not_hidden():
  def fail():
    raise RuntimeError('a bug')

  with pytest.raises(RuntimeError, match='a bug'):
    flags.call(fail, [])


@pytest.mark.parametrize('argv', [['--help'], ['-h'], [OUTPUT, '--help']])
def test_help_has_a_line_for_each_flag_and_calls_nothing(
  recorder, capsys, argv
):
  flags.call(recorder.function, argv)
  out, err = capsys.readouterr()
  assert recorder.calls == [] and err == ''
  assert [' '.join(line.split()) for line in out.splitlines()] == [
    'Trains.',
    '',
    "--output_dir=TEXT The run's folder. (required)",
    '--training_len=TEXT,INTEGER',
    '--iterations=INTEGER (default: 30)',
    '--masks=FOLDER or LIST',
    '--train_order_seed=INTEGER',
    '--recipe=TEXT',
    '--[no]overwrite',
    '--learning_rate=NUMBER',
    '--layers=LIST',
    '--percents={NAME:VALUE}',
    '',
    'Examples:',
    'train.py --output_dir=TEXT',
  ]


@dataclasses.dataclass
class Values:
  """What may be changed.

  Attributes:
    rate: Learning rate, in (0, 1): how far
      a step goes.
    sizes: {name: units}.
    name: What to call it.
  """

  rate: float = 0.1
  sizes: dict[str, int] = dataclasses.field(default_factory=dict)
  name: str = 'x'


def with_values(folder: str, *, name: str | None = None, **values: Any):
  """Trains a network.

  A second paragraph.

  Args:
    folder: Where to
      write it.
    name: Its name.
    **values: Values to replace.

  Returns:
    Nothing.

  Examples:
    python train.py --folder=a
    python train.py --folder=a --rate=0.5
  """
  raise KeyError(folder, name, values)


def test_a_dataclass_says_which_values_there_are():
  argv = ['--folder=a', '--rate=0.5', '--sizes={a: 3}']
  assert flags.read(with_values, argv, Values) == (
    [],
    {'folder': 'a', 'rate': 0.5, 'sizes': {'a': 3}},
  )
  with pytest.raises(KeyError) as raised:
    flags.call(with_values, argv, values=Values)
  assert raised.value.args == ('a', None, {'rate': 0.5, 'sizes': {'a': 3}})


@pytest.mark.parametrize(
  ('flag', 'message'),
  [
    ('--rate=x', "--rate: wanted a number, got 'x'"),
    ('--rat=1', '--rat: no such flag; did you mean --rate?'),
    ('--values=1', '--values: no such flag; try --help'),
  ],
)
def test_values_are_flags_like_others(flag, message):
  with pytest.raises(errors.InputError) as raised:
    flags.read(with_values, ['--folder=a', flag], Values)
  assert str(raised.value) == message


def test_help_has_the_words_of_both_and_the_examples(capsys):
  flags.call(with_values, ['--help'], values=Values)
  assert (
    capsys.readouterr().out
    == """\
Trains a network.

A second paragraph.

  --folder=TEXT         Where to write it. (required)
  --name=TEXT           Its name.
  --rate=NUMBER         Learning rate, in (0, 1): how far a step goes.
  --sizes={NAME:VALUE}  {name: units}.

Examples:
  python train.py --folder=a
  python train.py --folder=a --rate=0.5
"""
  )


@pytest.mark.parametrize(
  ('argv', 'advice'),
  [
    (['--lr=0.1'], 'did you mean --learning_rate=0.1?'),
    (['--lr', '0.1'], 'did you mean --learning_rate=0.1?'),
    (['--lr'], 'did you mean --learning_rate?'),
  ],
)
def test_initials_are_told_the_form_that_works(refusal, argv, advice):
  assert refusal(OUTPUT, *argv).endswith(f'--lr: no such flag; {advice}')


def test_a_hint_of_ones_own_for_unknown_flags(recorder, capsys):
  with pytest.raises(SystemExit):
    flags.call(recorder.function, [OUTPUT, '--zzz', '3'], hint='not {}'.format)
  said = capsys.readouterr().err
  assert said == 'train.py: --zzz: no such flag; not --zzz=3\n'


def test_what_is_prepared_comes_after_the_check_of_flags(recorder, refusal):
  prepared = []
  prepare = functools.partial(prepared.append, 1)
  flags.call(recorder.function, ['--help'], prepare=prepare)
  with pytest.raises(SystemExit):
    flags.call(recorder.function, ['--zzz'], prepare=prepare)
  assert prepared == []
  flags.call(recorder.function, [OUTPUT], prepare=prepare)
  assert prepared == [1]


def test_the_exit_has_its_cause():
  error = errors.MissingInputError('no ticket')

  def fail():
    raise error

  with pytest.raises(SystemExit) as raised:
    flags.call(fail, [])
  assert raised.value.code == 2 and raised.value.__cause__ is error


@pytest.mark.parametrize(
  ('annotation', 'text', 'value'),
  [
    (str, '[a]', '[a]'),
    (str | None, '[a]', '[a]'),
    (str | None, 'None', None),
    (str | os.PathLike, '2018', '2018'),
    (str | list, '2018', '2018'),
    (str | list, '[1,2]', [1, 2]),
    (list[int] | None, '[1,2]', [1, 2]),
    (list[int] | None, '1', [1]),
    (list[str], 'own', ['own']),
    (list[int | str], '[1,own]', [1, 'own']),
    (list[str] | None, '[own,noise_0.5x]', ['own', 'noise_0.5x']),
    (list[str] | None, '[ own , noise_0.5x ]', ['own', 'noise_0.5x']),
    (str | list | None, '[/a/b-1,~/c/d]', ['/a/b-1', '~/c/d']),
    (bool, 'TRUE', True),
    (dict[str, float], '{a: 1}', {'a': 1}),
    (inspect.Parameter.empty, '3', 3),
  ],
)
def test_parse(annotation, text, value):
  parameter = inspect.Parameter(
    'flag', inspect.Parameter.KEYWORD_ONLY, annotation=annotation
  )
  parsed = flags.parse(text, parameter)
  assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize('text', ['[]', '[1.5]', '[True]', 'x', '[x]', '{1}'])
def test_a_list_of_integers_has_nothing_else(text):
  levels = inspect.Parameter(
    'levels', inspect.Parameter.KEYWORD_ONLY, annotation=list[int] | None
  )
  wanted = '--levels: wanted a list of integers, like .3,15., got '
  with pytest.raises(errors.InputError, match=wanted):
    flags.parse(text, levels)


def test_a_list_without_quotes_that_is_no_list_is_refused():
  masks = inspect.Parameter(
    'masks', inspect.Parameter.KEYWORD_ONLY, annotation=str | list | None
  )
  with pytest.raises(errors.InputError) as raised:
    flags.parse('[/a b,/c/d]', masks)
  assert str(raised.value) == (
    "--masks: wanted a list like ['a','b'], or a tuple or dictionary with"
    " text in quotes, got '[/a b,/c/d]'"
  )

"""Tests of lottery_ticket.study.argfiles, with the task mnist_fc."""

import ast
import shlex
import subprocess
import sys

import pytest

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import flags
from lottery_ticket.foundations import pruner
from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import scripts

LOTTERY = 'lottery_experiment'
REINIT = 'reinitialize'
CONTROL = 'control'
POOL = 'initialization'
DENSE = 'train'
ALL = (LOTTERY, REINIT, CONTROL, POOL, DENSE)
TOP = constants.EXPERIMENT_PATH


@pytest.fixture
def lines(capsys, monkeypatch):
  """Returns a function that returns the lines that an argfile prints."""

  def print_lines(name, *argv):
    monkeypatch.setattr(sys, 'argv', ['argfile.py', *argv])
    scripts.show(constants.TASK, name)
    out, err = capsys.readouterr()
    assert err == ''
    return out.splitlines()

  return print_lines


def test_the_lottery_experiment_is_one_line_for_each_of_20_trials(lines):
  assert lines(LOTTERY) == [
    shlex.join([f'--output_dir={TOP}/trial{trial}', f'--seed={trial}'])
    for trial in range(1, 21)
  ]


def test_dense_networks_are_one_line_for_each_of_20_trials(lines):
  assert lines(DENSE) == [
    shlex.join([f'--output_dir={TOP}/trial{trial}/0/dense', f'--seed={trial}'])
    for trial in range(1, 21)
  ]


def test_pooling_is_one_line_for_each_of_31_levels(lines):
  assert lines(POOL) == [
    shlex.join([f'--level={level}', f'--experiment_path={TOP}'])
    for level in range(31)
  ]


def reinitialization(experiment, trial, level, run_id):
  """Returns the flags that a line should have."""
  ticket = f'{TOP}/trial{trial}/{level}/same_init'
  values = {
    'output_dir': f'{TOP}/trial{trial}/{level}/{experiment}{run_id}',
    'masks': f'{ticket}/masks',
  }
  if experiment != 'reinit':
    pooled = f'{TOP}/weights/{level}/initialization'
    values['initialization_distribution'] = pooled
  if experiment == 'reuse_sign':
    values['same_sign'] = f'{ticket}/initial'
  values |= {'seed': trial, 'level': level, 'run_id': run_id}
  return [f'--{name}={value}' for name, value in values.items()]


@pytest.mark.parametrize('experiment', ['reinit', 'reuse', 'reuse_sign'])
def test_reinitialization_is_10_lines_for_each_level_of_each_trial(
  lines, experiment
):
  printed = lines(REINIT, f'--experiment={experiment}')
  assert len(printed) == len(set(printed)) == 20 * 31 * 10
  places = {0: (1, 0, 1), 1: (1, 0, 2), 10: (1, 1, 1), 310: (2, 0, 1)}
  for i, place in (places | {-1: (20, 30, 10)}).items():
    assert shlex.split(printed[i]) == reinitialization(experiment, *place)


def test_reinit_is_the_default(lines):
  assert lines(REINIT) == lines(REINIT, '--experiment=reinit')


def test_fewer_and_other_lines(lines):
  assert len(lines(LOTTERY, '--trials=3')) == 3
  assert len(lines(DENSE, '--trials=3')) == 3
  assert len(lines(POOL, '--iterations=0')) == 1
  fewer = ('--trials=2', '--iterations=3', '--reinitializations=4')
  assert len(lines(REINIT, *fewer)) == 2 * 4 * 4
  chosen = lines(REINIT, *fewer, '--levels=[15,3]')
  assert [shlex.split(line) for line in chosen] == [
    reinitialization('reinit', trial, level, run_id)
    for trial in (1, 2)
    for level in (15, 3)
    for run_id in range(1, 5)
  ]


def test_names_and_places_are_passed_on(lines):
  argv = (
    '--trials=1',
    '--experiment_path=results',
    '--mnist_location=data',
    '--recipe=google',
  )
  common = {'--mnist_location=data', '--recipe=google', '--seed=1'}

  def flags_of(*argv):
    (line,) = lines(*argv)
    return set(shlex.split(line))

  named = ('--iterations=5', '--experiment_name=x')
  assert flags_of(LOTTERY, *argv, *named) == common | {
    '--output_dir=results/trial1',
    *named,
  }
  assert flags_of(DENSE, *argv, '--experiment_name=big') == common | {
    '--output_dir=results/trial1/0/big'
  }
  fewest = ('--levels=[2]', '--reinitializations=1')
  assert flags_of(REINIT, *argv, *fewest) == common | {
    '--output_dir=results/trial1/2/reinit1',
    '--masks=results/trial1/2/same_init/masks',
    '--level=2',
    '--run_id=1',
  }
  pooling = ('--experiment_path=results', '--experiment_name=x')
  assert lines(POOL, *pooling, '--iterations=0') == [
    '--level=0 --experiment_path=results --experiment_name=x'
  ]


@pytest.mark.parametrize('reset', ['final', '500', 'lr_rewind'])
def test_a_reset_is_passed_on_if_it_is_given(lines, reset):
  (line,) = lines(LOTTERY, '--trials=1', f'--reset={reset}')
  assert shlex.split(line)[1:] == [f'--reset={reset}', '--seed=1']


VALUES = {
  'layers': (20, (15, 'tanh'), 10),
  'kernel_initializer': 'he_normal',
  'optimizer': 'SGD',
  'learning_rate': 0.25,
  'optimizer_settings': {'momentum': 0.9},
  'batch_size': 50,
  'training_len': ('epochs', 3),
  'scaling': 'standard',
  'validation_size': 100,
  'evaluation_interval': 7,
  'prune_percents': {'layer0': 0.5, 'layer2': 0.0},
  'pruner': 'large_init_large_final',
}


@pytest.mark.parametrize('main', [LOTTERY, DENSE, REINIT])
def test_values_of_the_recipe_are_passed_through(lines, main):
  argv = [f'--{name}={value}' for name, value in VALUES.items()]
  (line, *_) = lines(main, '--trials=1', *argv)
  given = dict(
    flag.removeprefix('--').split('=', 1) for flag in shlex.split(line)
  )
  texts = ('kernel_initializer', 'optimizer', 'scaling', 'pruner')
  assert {
    name: given[name] if name in texts else ast.literal_eval(given[name])
    for name in VALUES
  } == VALUES


@pytest.mark.parametrize('main', ALL)
def test_the_runner_takes_each_line_as_it_is_printed(lines, main):
  path = "it's a #1 $HOME 日本"
  argv = [f'--experiment_path={path}', '--iterations=1']
  if main in (DENSE, CONTROL):
    argv.pop()
  if main is REINIT:
    argv += ['--experiment=reuse_sign', '--reinitializations=1']
  if main is not POOL:
    argv += [
      '--trials=1',
      *(f'--{name}={value}' for name, value in VALUES.items()),
    ]
  for line in lines(main, *argv):
    command = shlex.split(line)
    function, values = scripts.bind(constants.TASK, scripts.RUNNERS[main])
    _, given = flags.read(function, command, values)
    assert len(given) == len(command)
    for flag in command:
      if flag.startswith(('--output_dir', '--masks', '--experiment_path')):
        assert flag.split('=', 1)[1].startswith(path)


@pytest.mark.parametrize(
  ('main', 'argv', 'message'),
  [
    (LOTTERY, '--trials=0', 'trials: wanted an integer of at least 1, got 0'),
    (DENSE, '--trials=-1', 'trials: wanted an integer of at least 1, got -1'),
    (REINIT, '--trials=0', 'trials: wanted an integer of at least 1, got 0'),
    (
      REINIT,
      '--iterations=-1',
      'iterations: wanted an integer of at least 0, got -1',
    ),
    (
      POOL,
      '--iterations=-1',
      'iterations: wanted an integer of at least 0, got -1',
    ),
    (
      REINIT,
      '--reinitializations=0',
      'reinitializations: wanted an integer of at least 1, got 0',
    ),
    (
      REINIT,
      '--experiment=reinti',
      "experiment: wanted one of ['reinit', 'reuse', 'reuse_sign'],"
      " got 'reinti'",
    ),
    (
      REINIT,
      '--levels=x',
      "--levels: wanted a list of integers, like [3,15], got 'x'",
    ),
    (
      CONTROL,
      '--controls=3',
      '--controls: wanted a list of names, like [a,b], got 3',
    ),
    (
      REINIT,
      '--levels=[]',
      '--levels: wanted a list of integers, like [3,15], got []',
    ),
    (
      REINIT,
      '--levels=[3,-1]',
      'levels: wanted an integer of at least 0, got -1',
    ),
    (
      REINIT,
      '--levels=[x]',
      "--levels: wanted a list of integers, like [3,15], got ['x']",
    ),
    (
      LOTTERY,
      '--recipe=papr',
      "recipe: wanted one of ['google', 'paper'], got 'papr'",
    ),
    (
      LOTTERY,
      '--training_len=steps,3',
      "training_len: wanted ('iterations', n) or ('epochs', n),"
      " got ('steps', 3)",
    ),
    (
      LOTTERY,
      '--reset=finl',
      "reset: wanted one of ['initial', 'lr_rewind', 'final', 'fine_tune'], or"
      " an iteration from 1 to 49999, got 'finl'",
    ),
    (
      LOTTERY,
      '--reset=50000',
      "reset: wanted one of ['initial', 'lr_rewind', 'final', 'fine_tune'], or"
      ' an iteration from 1 to 49999, got 50000',
    ),
    (
      LOTTERY,
      '--reset=fine_tune',
      'fine_tuning_len: wanted with reset=fine_tune and with no other, like'
      ' --fine_tuning_len=iterations,5000, got None',
    ),
    (
      REINIT,
      '--pruner=magnitud',
      f"pruner: wanted one of {sorted(pruner.PRUNERS)}, got 'magnitud'",
    ),
    (
      DENSE,
      '--learning_rate=0',
      'learning_rate: wanted a finite number above 0, got 0',
    ),
    (
      REINIT,
      '--prune_percents={layer0: 2}',
      "percents['layer0']: wanted a fraction in [0, 1], got 2",
    ),
    (
      LOTTERY,
      '--experiment_name=lr1',
      "experiment_name: wanted a name that does not end in a digit, got 'lr1'",
    ),
    *(
      (
        main,
        f'--{name}=a/b',
        f'{name}: wanted letters, digits, "_", "-" and ".", got \'a/b\'',
      )
      for main, name in (
        (LOTTERY, 'experiment_name'),
        (DENSE, 'experiment_name'),
        (POOL, 'experiment_name'),
        (REINIT, 'ticket_name'),
        (CONTROL, 'ticket_name'),
      )
    ),
    (LOTTERY, '--trial=3', '--trial: no such flag; did you mean --trials?'),
    (
      POOL,
      '--trails=3',
      '--trails: no such flag; did you mean --trials?',
    ),
    (
      REINIT,
      '--trials=two',
      "--trials: wanted an integer, got 'two'",
    ),
  ],
)
def test_bad_flags_print_one_line_and_no_flags(
  capsys, monkeypatch, main, argv, message
):
  monkeypatch.setattr(sys, 'argv', ['argfile.py', argv])
  with pytest.raises(SystemExit) as caught:
    scripts.show(constants.TASK, main)
  assert caught.value.code == 2
  assert capsys.readouterr() == ('', f'argfile.py: {message}\n')


@pytest.mark.parametrize('argfile', ALL)
def test_overwriting_is_passed_on(lines, argfile):
  assert '--overwrite' not in lines(argfile)[0]
  assert '--overwrite=True' in lines(argfile, '--overwrite')[0].split()


def test_one_control_needs_no_brackets(lines):
  assert lines(CONTROL, '--controls=own') == lines(CONTROL, '--controls=[own]')


def test_the_scripts_themselves(root, monkeypatch):
  path = "it's a #1"
  monkeypatch.chdir(root / 'mnist_fc')
  for name in ('lottery_experiment', 'train', 'reinitialize'):
    read = argfiles.read(
      f'argfiles/{name}_argfile.py --trials=1 '
      + shlex.join([f'--experiment_path={path}'])
    )
    assert read[0][0].startswith(f'--output_dir={path}/trial1')
  assert len(argfiles.read('argfiles/initialization_argfile.py')) == 31


def test_flags_need_no_tensorflow():
  code = (
    'import sys; from lottery_ticket.study import scripts;'
    ' from lottery_ticket.mnist_fc import constants, lottery_experiment;'
    ' sys.exit(bool({"tensorflow", "keras", "pandas"} & set(sys.modules)))'
  )
  assert (
    subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
  )

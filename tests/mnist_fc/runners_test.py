"""Tests of the scripts in mnist_fc/runners: bad input, and a whole study.

Scripts run in this process, as `python runners/train.py ...` would: that saves
loading TensorFlow for each of many cases.
"""

import json
import os
import pathlib
import re
import runpy
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest

from lottery_ticket.cli import flags
from lottery_ticket.foundations import progress
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import download_data
from lottery_ticket.study import scripts

UNITS = 'layers: wanted units, or (units, activation), of each'
LENGTH = "training_len: wanted ('iterations', n) or ('epochs', n)"
WHOLE = 'wanted a whole .npy file without pickles, at most 1073741824 bytes'
TRAINING = ('train', 'reinitialize', 'lottery_experiment')
SMALL = (
  '--layers=20,10',
  '--prune_percents={layer0: 0.2}',
  '--validation_size=100',
  '--training_len=iterations,6',
)


@pytest.fixture
def folders(tmp_path, mnist):
  """Makes networks and data that are of no use, each in a folder."""

  def save(folder, **arrays):
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    for name, array in arrays.items():
      np.save(place / f'{name}.npy', array, allow_pickle=True)
    return place

  ones = np.ones((784, 20), np.float32)
  save('name', layer9=ones)
  save('shape', layer0=ones.T)
  save('text', layer0=np.full((784, 20), 'x'))
  save('complex', layer0=ones.astype(complex))
  save('nan', layer0=np.full((784, 20), np.nan))
  save('half', layer0=ones / 2)
  save('pickle', layer0=np.array([object()]))
  save('empty')
  save('one', layer0=ones)
  good = save('good', layer0=ones, layer1=np.ones((20, 10)))
  save('values', layer0=ones[0], layer1=ones[0])
  save('no_values', layer0=ones[0], layer1=np.ones(0, np.float32))
  save('nan_signs', layer0=ones * np.nan, layer1=np.ones((20, 10)))
  whole = (good / 'layer0.npy').read_bytes()
  (save('cut') / 'layer0.npy').write_bytes(whole[:1000])
  (tmp_path / 'file').write_text('regular')
  for name, change in {
    'data_pickle': {'y_test': np.array([None])},
    'data_float': {'x_train': np.zeros((600, 28, 28))},
    'data_classes': {'y_train': np.full(600, 10)},
    'data_short': {'y_train': np.zeros(599, int)},
    'data_none': {'x_test': np.zeros((0, 28, 28), np.uint8)},
  }.items():
    shutil.copytree(mnist, tmp_path / name)
    save(name, **change)
  shutil.copytree(mnist, tmp_path / 'data_cut')
  (tmp_path / 'data_cut' / 'x_train.npy').write_bytes(whole[:1000])
  shutil.copytree(mnist, tmp_path / 'data_missing')
  (tmp_path / 'data_missing' / 'y_test.npy').unlink()
  return tmp_path


@pytest.fixture
def run(root, monkeypatch, capsys):
  """Returns a function that runs a script; code, output, what it trained."""

  def run_script(runner, *argv):
    script = str(root / 'mnist_fc' / 'runners' / f'{runner}.py')
    monkeypatch.setattr(sys, 'argv', [script, *argv])
    trained = []
    code = 0
    with progress.send_to(lambda name, *_: trained.append(name)):
      try:
        runpy.run_path(script, run_name='__main__')
      except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    return code, out, err, trained

  return run_script


@pytest.fixture
def refusal(run, folders, mnist):
  """Returns a function that returns the one line of a refused command."""

  def refuse(runner, *argv):
    changed = {flag.partition('=')[0] for flag in argv}
    usual = ('--output_dir=out', '--seed=1', f'--mnist_location={mnist}')
    if runner in TRAINING:
      argv += tuple(
        flag for flag in usual + SMALL if flag.partition('=')[0] not in changed
      )
    before = sorted(folders.rglob('*'))
    code, out, err, trained = run(runner, *argv)
    assert (code, out, trained) == (2, '', [])
    assert err.startswith(f'{runner}.py: ')
    assert err.endswith('\n') and err.count('\n') == 1
    assert sorted(folders.rglob('*')) == before
    return err.removeprefix(f'{runner}.py: ').rstrip('\n')

  return refuse


@pytest.mark.parametrize(
  ('flag', 'message'),
  [
    (
      '--output_dri=x',
      '--output_dri: no such flag; did you mean --output_dir?',
    ),
    ('--recipe=papr', "recipe: wanted one of ['google', 'paper'], got 'papr'"),
    ('--training_len=steps,3', f"{LENGTH}, got ('steps', 3)"),
    (
      '--training_len=5',
      f'{LENGTH}, got 5; as a flag --training_len=iterations,5',
    ),
    ('--training_len=iterations', f"{LENGTH}, got 'iterations'"),
    (
      '--training_len=iterations,0',
      'training_len: wanted an integer of at least 1 iterations, got 0',
    ),
    (
      '--training_len=epochs,-1',
      'training_len: wanted an integer of at least 1 epochs, got -1',
    ),
    (
      '--training_len=iterations,1.5',
      'training_len: wanted an integer of at least 1 iterations, got 1.5',
    ),
    ('--seed=-1', 'seed: wanted an integer in [0, 2**63), got -1'),
    ('--seed=1.5', "--seed: wanted an integer, got '1.5'"),
    (
      f'--seed={2**63}',
      f'seed: wanted an integer in [0, 2**63), got {2**63}',
    ),
    (
      '--train_order_seed=-1',
      'train_order_seed: wanted an integer in [0, 2**63), got -1',
    ),
    ('--layers=x', f"{UNITS}, got 'x'"),
    ('--layers=10', f'{UNITS}, got 10'),
    ('--layers=()', f'{UNITS}, got ()'),
    (
      '--layers=0,10',
      'layers: wanted a list of (units, activation) with units of at least 1,'
      " got (0, 'relu')",
    ),
    (
      '--layers=(20,nope),10',
      "layers: wanted a function or a Keras activation, got 'nope'",
    ),
    (
      '--layers=20,5',
      'train labels: go up to 9, the model has 5 outputs',
    ),
    (
      '--prune_percents={layer0: 1.5}',
      "percents['layer0']: wanted a fraction in [0, 1], got 1.5",
    ),
    (
      '--prune_percents={layer0: -0.1}',
      "percents['layer0']: wanted a fraction in [0, 1], got -0.1",
    ),
    (
      '--prune_percents={layer2: 0.1}',
      "prune_percents: wanted some of ['layer0', 'layer1'], got 'layer2'",
    ),
    (
      '--learning_rate=nan',
      "learning_rate: wanted a finite number above 0, got 'nan'",
    ),
    (
      '--optimizer=Muon',
      'optimizer Muon: would move pruned weights away from 0; wanted one that'
      ' treats each weight on its own, like SGD or Adam',
    ),
    (
      '--optimizer_settings={nope: 1}',
      "optimizer_settings: Adam does not take {'nope': 1}: Argument(s) not"
      " recognized: {'nope': 1}",
    ),
    ('--batch_size=0', 'batch_size: wanted an integer of at least 1, got 0'),
    (
      '--evaluation_interval=0',
      'evaluation_interval: wanted an integer of at least 1 iterations, got 0',
    ),
    (
      '--validation_size=600',
      'validation_size: wanted an integer from 0 to 599, got 600',
    ),
    (
      '--scaling=nope',
      "scaling: wanted one of ['l2', 'standard', 'unit'], got 'nope'",
    ),
    (
      '--kernel_initializer=nope',
      "kernel_initializer: wanted one of Keras that draws weights, got 'nope'",
    ),
    (
      '--mnist_location=nowhere',
      'nowhere/x_train.npy: not there; mnist_fc/download_data.py brings it',
    ),
    (
      '--mnist_location=data_missing',
      'data_missing/y_test.npy: not there; mnist_fc/download_data.py brings it',
    ),
    ('--mnist_location=data_cut', f'data_cut/x_train.npy: {WHOLE}'),
    ('--mnist_location=data_pickle', f'data_pickle/y_test.npy: {WHOLE}'),
    (
      '--mnist_location=data_float',
      'data_float/x_train.npy: wanted uint8 images of shape [n, 28, 28] with'
      ' n > 0, got float64 [600, 28, 28]',
    ),
    (
      '--mnist_location=data_none',
      'data_none/x_test.npy: wanted uint8 images of shape [n, 28, 28] with'
      ' n > 0, got uint8 [0, 28, 28]',
    ),
    (
      '--mnist_location=data_short',
      'data_short/y_train.npy: wanted integers of shape [600], got int64 [599]',
    ),
    (
      '--mnist_location=data_classes',
      'data_classes/y_train.npy: wanted classes 0 to 9, got 10 to 10',
    ),
    (
      '--output_dir=file/below',
      'file/below: cannot be written: File exists',
    ),
    ('--overwrite=maybe', "--overwrite: wanted True or False, got 'maybe'"),
  ],
)
def test_bad_input_ends_in_one_line_before_any_work(refusal, flag, message):
  assert refusal('train', flag) == message


def test_an_unknown_optimizer_is_told_those_there_are(refusal):
  line = refusal('train', '--optimizer=Adamm')
  assert line.startswith("optimizer: wanted one of ['Ada")
  assert "'Adam', 'AdamW'" in line and line.endswith("'], got 'Adamm'")


@pytest.mark.parametrize(
  ('folder', 'message'),
  [
    ('shape', "{0}['layer0']: wanted shape [784, 20], got [20, 784]"),
    ('text', "{0}['layer0']: wanted an array of numbers, got dtype <U1"),
    (
      'complex',
      "{0}['layer0']: wanted an array of numbers, got dtype complex128",
    ),
    ('nan', "{0}['layer0']: wanted finite float32 numbers, got nan"),
    ('pickle', f'pickle/layer0.npy: {WHOLE}'),
    ('cut', f'cut/layer0.npy: {WHOLE}'),
    ('empty', 'empty: wanted .npy files, found none'),
    ('nowhere', 'nowhere: wanted a folder of .npy files'),
    ('file', 'file: wanted a folder of .npy files'),
  ],
)
@pytest.mark.parametrize('what', ['masks', 'presets'])
def test_bad_networks(refusal, what, folder, message):
  line = refusal('train', f'--{what}={folder}')
  assert line == message.format(what)


@pytest.mark.parametrize(
  ('flag', 'message'),
  [
    (
      '--masks=name',
      "masks: the model has no 'layer9'; it has ['layer0', 'layer1']",
    ),
    (
      '--presets=name',
      "presets: the model has no 'layer9'; it has"
      " ['layer0', 'layer0_bias', 'layer1', 'layer1_bias']",
    ),
    ('--masks=half', "masks['layer0']: wanted only 0 and 1, got 0.5"),
    (
      '--masks=[good,one]',
      "masks 1: wanted the layers {'layer0': (784, 20), 'layer1': (20, 10)}"
      " of masks 0, got {'layer0': (784, 20)}",
    ),
  ],
)
def test_networks_that_do_not_fit(refusal, flag, message):
  assert refusal('train', flag) == message


@pytest.mark.parametrize(
  ('argv', 'message'),
  [
    (
      ['--masks=half'],
      "masks['layer0']: wanted only 0 and 1, got 0.5",
    ),
    (
      ['--same_sign=good'],
      'same_sign: wanted together with initialization_distribution',
    ),
    (
      ['--initialization_distribution=values'],
      'initialization_distribution: wanted together with masks',
    ),
    (
      ['--masks=good', '--initialization_distribution=one'],
      "initialization_distribution: wanted the layers ['layer0', 'layer1']"
      " of the masks, got ['layer0']",
    ),
    (
      ['--masks=good', '--initialization_distribution=no_values'],
      "initialization_distribution['layer1']: wanted values, got none",
    ),
    (
      ['--masks=good', '--initialization_distribution=nowhere'],
      'nowhere: no such folder; runners/initialization.py makes it',
    ),
    (
      [
        '--masks=good',
        '--initialization_distribution=values',
        '--same_sign=shape',
      ],
      "weights: wanted 'layer0' of shape [784, 20], got {'layer0': [20, 784]}",
    ),
    (
      [
        '--masks=good',
        '--initialization_distribution=values',
        '--same_sign=nan_signs',
      ],
      "same_sign['layer0']: wanted finite float32 numbers, got nan",
    ),
    (['--level=-1'], 'level: wanted an integer of at least 0, got -1'),
    (['--run_id=-1'], 'run_id: wanted an integer of at least 0, got -1'),
    (
      ['--output_dir=file/below'],
      'file/below: cannot be written: File exists',
    ),
  ],
)
def test_bad_input_of_a_reinitialization(refusal, argv, message):
  assert refusal('reinitialize', *argv) == message


@pytest.mark.parametrize(
  ('argv', 'message'),
  [
    (
      ['--iterations=-1'],
      'iterations: wanted an integer of at least 0, got -1',
    ),
    (['--iterations=x'], "--iterations: wanted an integer, got 'x'"),
    (['--mask=good'], '--mask: no such flag; did you mean --masks?'),
    (['--presets=nowhere'], 'nowhere: wanted a folder of .npy files'),
    (
      ['--presets=shape'],
      "presets['layer0']: wanted shape [784, 20], got [20, 784]",
    ),
    (
      ['--output_dir=file'],
      'file/0/same_init: cannot be written: Not a directory',
    ),
  ],
)
def test_bad_input_of_a_lottery_experiment(refusal, argv, message):
  assert refusal('lottery_experiment', *argv) == message


@pytest.mark.parametrize(
  ('argv', 'message'),
  [
    ([], '--level is missing'),
    (
      ['--level=0', '--experiment_path=empty'],
      'empty: wanted folders trial*',
    ),
    (
      ['--level=0', '--trials=[1.5]'],
      '--trials: wanted a list of integers, like [3,15], got [1.5]',
    ),
    (
      ['--level=0', '--trials=[1]', '--experiment_path=empty'],
      'empty/trial1/0/same_init: wanted a finished run;'
      ' runners/lottery_experiment.py makes tickets',
    ),
  ],
)
def test_bad_input_of_the_pool(refusal, argv, message):
  assert refusal('initialization', *argv) == message


@pytest.mark.parametrize('runner', TRAINING)
def test_a_flag_that_is_missing(run, tmp_path, runner):
  before = sorted(tmp_path.rglob('*'))
  assert run(runner) == (2, '', f'{runner}.py: --output_dir is missing\n', [])
  assert sorted(tmp_path.rglob('*')) == before


@pytest.mark.parametrize('runner', TRAINING)
def test_help(run, runner):
  code, out, err, trained = run(runner, '--help')
  assert (code, err, trained) == (0, '', [])
  for name in ('output_dir', 'seed', 'overwrite', 'learning_rate', 'layers'):
    assert re.search(rf'\n  --(\[no\])?{name}\b', out)


@pytest.mark.parametrize(
  ('table', 'name'),
  [
    (table, name)
    for table in (scripts.RUNNERS, scripts.ARGFILES)
    for name in table
  ],
)
def test_help_says_something_of_each_flag(table, name):
  function, values = scripts.bind(constants.TASK, table[name])
  shown, _, examples = flags.describe(function, values).partition('Examples:')
  listed = re.findall(r'^  (--\S+|[A-Z]+) *(.*)$', shown, re.MULTILINE)
  assert listed
  for flag, told in listed:
    assert len(told) > 10, flag
  first, second = map(shlex.split, examples.strip().splitlines())
  for _, *argv in (first, second):
    flags.read(function, argv, values)


def test_help_of_the_data_script():
  shown = flags.describe(download_data.download)
  assert '--mnist_location=TEXT' in shown


def test_a_run_that_is_interrupted_from_the_keyboard(
  root, tmp_path, mnist, monkeypatch, capsys
):
  script = str(root / 'mnist_fc' / 'runners' / 'train.py')
  argv = ['--output_dir=out', f'--mnist_location={mnist}', *SMALL]
  monkeypatch.setattr(sys, 'argv', [script, *argv, '--batch_size=1000'])

  def interrupt(*_):
    raise KeyboardInterrupt

  with progress.send_to(interrupt), pytest.raises(SystemExit) as caught:
    runpy.run_path(script, run_name='__main__')
  assert caught.value.code == 130
  assert capsys.readouterr() == ('', 'train.py: interrupted\n')
  assert (tmp_path / 'out.part' / 'run.json').exists()
  assert not (tmp_path / 'out').exists()


def test_a_process_of_its_own_says_one_line_and_nothing_else(root, tmp_path):
  done = subprocess.run(
    [
      sys.executable,
      str(root / 'mnist_fc' / 'runners' / 'train.py'),
      '--output_dir=out',
      '--optimiser=SGD',
    ],
    capture_output=True,
    text=True,
    check=False,
  )
  assert (done.returncode, done.stdout) == (2, '')
  assert done.stderr == (
    'train.py: --optimiser: no such flag; did you mean --optimizer?\n'
  )
  assert not (tmp_path / 'out').exists()


def run_all(root, runner, argfile):
  """Runs lines as a user would; returns what stderr says last."""
  done = subprocess.run(
    [
      sys.executable,
      str(root / 'argfile_runner.py'),
      f'runners/{runner}.py',
      shlex.join([f'argfiles/{argfile[0]}_argfile.py', *argfile[1:]]),
      '--jobs=1',
    ],
    capture_output=True,
    text=True,
    check=False,
    timeout=300,
    env={
      name: value
      for name, value in os.environ.items()
      if not name.endswith('_THREADS')
    },
  )
  assert (done.returncode, done.stdout) == (0, ''), done.stderr
  return done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_study_by_command_line(root, tmp_path, mnist):
  results = tmp_path / "it's a #1 study"
  where = f'--experiment_path={results}'
  usual = [where, '--trials=2', f'--mnist_location={mnist}', *SMALL]
  usual += ['--optimizer=SGD', '--learning_rate=0.1']
  argfile = ['lottery_experiment', *usual, '--iterations=1']
  last = run_all(root, 'lottery_experiment', argfile)
  assert last.startswith('2 jobs: 2 done, 0 finished before, 0 failed; ')
  pooling = ['initialization', where, '--iterations=1']
  last = run_all(root, 'initialization', pooling)
  assert last.startswith('2 jobs: 2 done, 0 finished before, 0 failed; ')
  for control in ('reinit', 'reuse_sign'):
    argfile = [
      'reinitialize',
      *usual,
      f'--experiment={control}',
      '--levels=[1]',
      '--reinitializations=1',
    ]
    last = run_all(root, 'reinitialize', argfile)
    assert last.startswith('2 jobs: 2 done, 0 finished before, 0 failed; ')

  def network(*parts):
    return save_restore.restore_network(str(pathlib.Path(results, *parts)))

  for trial in ('trial1', 'trial2'):
    ticket = network(trial, '1', 'same_init', 'initial')
    mask = network(trial, '1', 'same_init', 'masks')['layer0']
    assert np.count_nonzero(mask == 0) == round(0.2 * mask.size)
    dense = network(trial, '0', 'same_init', 'initial')
    np.testing.assert_array_equal(ticket['layer0'], dense['layer0'] * mask)
    signed = network(trial, '1', 'reuse_sign1', 'initial')
    np.testing.assert_array_equal(
      np.sign(signed['layer0']), np.sign(ticket['layer0'])
    )
    pooled = network('weights', '1', 'initialization')['layer0']
    values = np.abs(signed['layer0'][mask == 1])
    assert np.isin(values, np.abs(pooled)).all()
    drawn = network(trial, '1', 'reinit1', 'initial')
    # Of numbers drawn anew, few happen to be equal to others.
    assert np.isin(np.abs(drawn['layer0'][mask == 1]), values).mean() < 0.1
    for name in ('same_init', 'reinit1', 'reuse_sign1'):
      record = json.loads(
        (results / trial / '1' / name / 'run.json').read_text()
      )
      assert record['iterations'] == 6
      assert record['threads'] == {'intra_op': 1, 'inter_op': 1}
      assert record['description']['seed'] == int(trial[-1])

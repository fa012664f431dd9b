"""Tests of lottery_ticket.cli.order."""

import pytest

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import order


def wait(*lines):
  return order.after([line.split() for line in lines])


@pytest.mark.parametrize(
  'flag',
  [
    '--masks=exp/trial1/3/same_init/masks',
    '--masks=exp/trial1',
    '--masks=exp/trial1/',
    '--masks=./exp//trial1/3',
    "--masks=['a','exp/trial1/3/same_init/masks']",
    "--masks=('exp/trial1/3','b')",
    '--masks={"x":"exp/trial1/3"}',
    '--output_dir=exp/trial1/3/reinit1',
    '--output_dir=exp/trial1',
  ],
)
def test_waits_for_what_its_flags_name(flag):
  assert wait('--output_dir=exp/trial1', flag) == [(), (0,)]


@pytest.mark.parametrize(
  'flag',
  [
    '--masks=exp/trial10/3/same_init/masks',
    '--masks=exp',
    '--masks=other/exp/trial1',
    '--masks=/exp/trial1',
    '--masks exp',
    '--masks=',
    '--seed=1',
    '--overwrite',
    '--layers=[300,100,10]',
  ],
)
def test_waits_for_nothing_else(flag):
  assert wait('--output_dir=exp/trial1', flag) == [(), ()]


def test_never_waits_for_later_lines_or_itself():
  assert wait('--masks=exp/trial1/0', '--output_dir=exp/trial1') == [(), ()]
  assert wait('--output_dir=a --masks=a/masks') == [()]


def test_a_line_may_wait_for_several():
  first, second = '--output_dir=a/trial1', '--output_dir=a/trial2'
  both = "--masks=['a/trial1/3/x/masks','a/trial2/3/x/masks'] --output_dir=b"
  assert wait(first, second, both, '--presets=b') == [(), (), (0, 1), (2,)]


@pytest.mark.parametrize(
  'output',
  [
    '--output_dir exp/trial1',
    '--output-dir=exp/trial1',
    '--overwrite --output-dir ./exp/trial1',
    '--output_dir={here}/exp/trial1 --seed 1',
  ],
)
def test_waits_however_flags_and_paths_are_written(tmp_path, output):
  output = output.format(here=tmp_path)  # The current folder.
  masks = 'exp/trial1/3/same_init/masks'
  for flags in (f'--masks={masks}', f'--masks {tmp_path}/{masks} --seed=1'):
    assert wait(output, flags) == [(), (0,)]


def test_pooling_waits_for_its_trials_and_what_uses_it_for_its_level():
  assert wait(
    '--output_dir=exp/trial1',
    '--output_dir=other/trial1',
    '--output_dir=exp/trial2',
    '--level=1 --experiment_path=exp',
    '--level 2 --experiment-path ./exp/',
    '--output_dir=new --initialization_distribution=exp/weights/2/'
    'initialization',
    '--output_dir=exp/trial3',
    '--level=1 --experiment_path=experiments',
  ) == [(), (), (), (0, 2), (0, 2), (4,), (), ()]


def test_the_ladder_pooling_and_reuse_of_the_library_in_one_command(tmp_path):
  size = f'--experiment_path={tmp_path} --trials=2'
  reuse = '--experiment=reuse --iterations=1 --reinitializations=1'
  lines = [
    line
    for argfile in (
      f'lottery_experiment_argfile.py {size}',
      f'initialization_argfile.py --experiment_path={tmp_path} --iterations=1',
      f'reinitialize_argfile.py {size} {reuse}',
    )
    for line in argfiles.read(f'argfiles/{argfile}')
  ]
  trials, pooled = [(), ()], [(0, 1), (0, 1)]
  reused = [(0, 2), (0, 3), (1, 2), (1, 3)]
  assert order.after(lines) == trials + pooled + reused


def test_odd_paths_keep_their_characters():
  flags = [
    ['--output_dir=my, exp (1)/trial1'],
    ['--masks=my, exp (1)/trial1/3'],
  ]
  assert order.after(flags) == [(), (0,)]

"""Tests of lottery_ticket.cli.order."""

import pytest

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


def test_odd_paths_keep_their_characters():
  flags = [
    ['--output_dir=my, exp (1)/trial1'],
    ['--masks=my, exp (1)/trial1/3'],
  ]
  assert order.after(flags) == [(), (0,)]

"""Tests of lottery_ticket.study.tickets: from a file to folders."""

import pathlib
import runpy
import sys

import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import ticket as ticket_lib
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import lottery_experiment
from lottery_ticket.mnist_fc import train
from lottery_ticket.study import commands
from lottery_ticket.study import tickets


@pytest.fixture
def run(experiment_path):
  return experiment_path / 'trial1' / '1' / 'same_init'


@pytest.fixture
def ticket(run, tmp_path):
  path = tmp_path / 'ticket.npz'
  tickets.export(constants.TASK, str(run), str(path))
  return str(path)


def test_what_is_unpacked_is_trained_like_the_run(ticket, run, small, capsys):
  capsys.readouterr()
  tickets.unpack(constants.TASK, ticket, 'there')
  said = capsys.readouterr().out.splitlines()
  assert said == [
    f'{ticket}: 80.13% of 15,880 weights',
    '--masks=there/masks',
    '--presets=there/initial',
  ]
  given = dict(line.removeprefix('--').split('=') for line in said[1:])
  _, final = train.train('again', **given, seed=1, level=1, **small)
  for name, array in save_restore.restore_network(str(run / 'final')).items():
    np.testing.assert_array_equal(final[name], array)


def test_an_experiment_starts_from_what_is_unpacked(ticket, cheap, capsys):
  tickets.unpack(constants.TASK, ticket, 'there')
  said = capsys.readouterr().out.splitlines()[-2:]
  given = dict(line.removeprefix('--').split('=') for line in said)
  levels = lottery_experiment.train(
    'ladder', iterations=1, seed=3, **given, **cheap
  )
  found = ticket_lib.read_ticket(ticket)
  assert levels[0].density == found.density > levels[1].density
  for name, array in found.initial.items():
    np.testing.assert_array_equal(levels[0].initial[name], array)
  record = records.read('ladder/1/same_init')
  command = commands.of_run(constants.TASK, record, 'ladder/1/same_init')
  assert '--masks=' in command and '--presets=' in command


def test_nothing_is_lost(ticket, run, tmp_path):
  other = str(tmp_path / 'other')
  tickets.unpack(constants.TASK, ticket, other)
  tickets.unpack(constants.TASK, ticket, other)  # The same.
  found = ticket_lib.read_ticket(ticket)
  doubled = {name: 2 * array for name, array in found.initial.items()}
  save_restore.save_network(f'{other}/initial', doubled)
  (tmp_path / 'other' / 'masks' / 'layer0.npy').unlink()
  with pytest.raises(errors.InputError) as caught:
    tickets.unpack(constants.TASK, ticket, other)
  assert str(caught.value).startswith(f'{other}/masks: holds another network;')
  with pytest.raises(errors.InputError, match='initial: holds another network'):
    save_restore.save_network(f'{other}/masks', found.masks)
    tickets.unpack(constants.TASK, ticket, other)
  tickets.unpack(constants.TASK, ticket, other, overwrite=True)
  stored = save_restore.restore_network(f'{other}/initial')
  np.testing.assert_array_equal(stored['layer0'], found.initial['layer0'])


def test_the_command_says_what_is_wrong(root, monkeypatch, capsys):
  script = str(root / 'mnist_fc' / 'runners' / 'import_ticket.py')
  pathlib.Path('ticket.npz').write_text('mine')
  flags = ['--ticket=ticket.npz', '--output_dir=there']
  monkeypatch.setattr(sys, 'argv', [script, *flags])
  with pytest.raises(SystemExit) as caught:
    runpy.run_path(script, run_name='__main__')
  assert caught.value.code == 2
  [line] = capsys.readouterr().err.splitlines()
  assert line.startswith('import_ticket.py: ticket.npz: ')
  assert not pathlib.Path('there').exists()

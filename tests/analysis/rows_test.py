"""Tests of lottery_ticket.analysis.rows."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import results
from lottery_ticket.analysis import rows
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore

FILES = ('rows.jsonl.gz', 'tickets.npz')


@pytest.fixture
def written(study, tmp_path):
  """A folder with the rows of the study, and no runs."""
  rows.write(str(tmp_path / 'rows'), results.read(str(study)).rows, str(study))
  return tmp_path / 'rows'


def without_folders(runs):
  return runs.drop(columns='directory')


def test_rows_say_what_the_folders_say(study, written):
  wanted, found = results.read(str(study)), results.read(str(written))
  assert found.rows == wanted.rows
  assert not found.problems
  pd.testing.assert_frame_equal(
    without_folders(found.runs), without_folders(wanted.runs)
  )


def test_the_same_rows_are_the_same_bytes(study, written, tmp_path):
  again = tmp_path / 'again'
  found = results.read(str(study))
  rows.write(str(again), found.rows, str(study))
  for name in FILES:
    assert (again / name).read_bytes() == (written / name).read_bytes()
    os.utime(again / name, (0, 0))
  rows.write(str(again), found.rows, str(study))
  for name in FILES:  # Not even written.
    assert (again / name).stat().st_mtime == 0


def test_rows_are_added_as_runs_come_in(study, written, tmp_path):
  """Although the folders of the first ones are gone by then."""
  folder, new = tmp_path / 'part', tmp_path / 'new'
  shutil.copytree(study / 'trial1', folder / 'trial1')
  shutil.move(folder / 'trial1' / '3', tmp_path / 'later')
  for trial in (2, 3):
    shutil.copytree(study / f'trial{trial}', folder / f'trial{trial}')
  rows.write(str(new), results.read(str(folder)).rows, str(folder))
  for level in range(3):
    shutil.rmtree(folder / 'trial1' / str(level))
  for trial in (2, 3):
    shutil.rmtree(folder / f'trial{trial}')
  shutil.move(tmp_path / 'later', folder / 'trial1' / '3')
  found = results.read(str(folder), beside=str(new))
  assert len(found.rows) == 57
  rows.write(str(new), found.rows, str(folder))
  levels = rows.read_tickets(str(new))
  for name, wanted in rows.read_tickets(str(written)).items():
    np.testing.assert_equal(levels[name], wanted)


def test_a_run_that_was_made_anew_gets_another_row(study, tmp_path):
  folder = str(tmp_path / 'study')
  shutil.copytree(study / 'trial1' / '1', tmp_path / 'study' / 'trial1' / '1')
  rows.write(folder, results.read(folder).rows, folder)
  path = paths.record(f'{folder}/trial1/1/same_init')
  record = save_restore.read_json(path) | {'seconds': 7.0}
  save_restore.write_json(path, record)
  runs = results.read(folder).runs
  assert runs.seconds[runs.experiment == 'same_init'].item() == 7


def test_rows_say_where_data_were_without_this_machines_folders(
  study, tmp_path
):
  place = tmp_path / 'study' / 'trial1' / '1'
  shutil.copytree(study / 'trial1' / '1' / 'reinit1', place / 'reinit1')
  path = paths.record(str(place / 'reinit1'))
  trials = [str(tmp_path / 'study' / f'trial{trial}') for trial in (1, 2)]
  sources = {
    'mnist_location': str(tmp_path / 'data' / 'mnist'),
    'trial_dir': trials[0],
    'trials': trials,
    'ticket_name': 'same_init',
  }
  record = save_restore.read_json(path) | {'sources': sources}
  save_restore.write_json(path, record)
  [row] = results.read(str(tmp_path / 'study')).rows.values()
  assert row['record'] | {'sources': sources} == record
  assert row['record']['sources'] == {
    'mnist_location': 'data/mnist',
    'trial_dir': 'study/trial1',
    'trials': ['study/trial1', 'study/trial2'],
    'ticket_name': 'same_init',
  }


def test_masks_come_from_the_level_at_which_weights_went(written, study):
  shapes = {'layer0': (20, 10), 'layer1': (10, 5)}
  name = 'trial2/0/same_init'
  wanted = save_restore.restore_network(paths.masks(str(study / name)))
  found = rows.masks(str(written / name), shapes)
  for layer in shapes:
    np.testing.assert_equal(found[layer], wanted[layer])
  with pytest.raises(errors.InputError, match='wanted a finished run, or its '):
    rows.masks(str(written / 'trial9/0/same_init'), shapes)


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('damage', [b'', b'no archive', None])
def test_damaged_files_are_refused(written, name, damage):
  content = (written / name).read_bytes()
  (written / name).write_bytes(
    content[: len(content) // 2] if damage is None else damage
  )
  with pytest.raises(errors.InputError) as raised:
    rows.read(str(written))
    rows.read_tickets(str(written))
  assert str(raised.value).startswith(f'{written / name}: wanted ')
  assert str(raised.value).endswith('; remove it')

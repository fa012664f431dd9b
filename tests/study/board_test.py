"""Tests of lottery_ticket.study.board, read by TensorBoard's own reader."""

import pathlib

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from lottery_ticket.analysis import results
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.study import board


def read(folder):
  events = event_accumulator.EventAccumulator(str(folder))
  return events.Reload()


@pytest.fixture(scope='module')
def shown(experiment_path, tmp_path_factory):
  folder = tmp_path_factory.mktemp('board')
  runs = results.read(experiment_path).runs
  board.lay_out(runs, str(folder), histograms=True)
  return folder


def test_names_say_what_was_trained(shown):
  names = sorted(path.name for path in shown.iterdir())
  assert names[-1] == '100.0% dense network, trial 2'
  assert names[0].endswith('% winning ticket, trial 1')


def test_curves_and_hyperparameters_are_read(experiment_path, shown):
  run = results.read(experiment_path).runs.iloc[0]
  events = read(shown / '100.0% dense network, trial 1')
  log = save_restore.read_log(f'{run.directory}/test.json')
  curve = events.Scalars('test/accuracy')
  assert [event.step for event in curve] == log['iteration'].tolist()
  content = events.SummaryMetadata('_hparams_/session_start_info').plugin_data
  data = plugin_data_pb2.HParamsPluginData.FromString(content.content)
  values = data.session_start_info.hparams
  assert values['P_m (%)'].number_value == 100
  assert values['level'].number_value == 0
  assert values['seed'].string_value == '1'


def test_histograms_have_the_weights_that_are_left(experiment_path, shown):
  run = results.read(experiment_path).runs.iloc[-1]
  events = read(shown / f'{100 * run.density:05.1f}% winning ticket, trial 2')
  found = results.networks(run.directory)
  for name, mask in found.masks.items():
    first, last = events.Tensors(f'weights/{name}')
    assert (first.step, last.step) == (0, run.iterations)
    counts = np.frombuffer(last.tensor_proto.tensor_content, np.float64)
    assert counts.reshape(-1, 3)[:, 2].sum() == mask.sum()


def test_no_run_is_told(experiment_path):
  with pytest.raises(errors.InputError, match='wanted some run, found none'):
    board.board(constants.TASK, experiment_path, levels=[99])


def test_nothing_is_added_to_the_runs(experiment_path, tmp_path):
  before = sorted(pathlib.Path(experiment_path).rglob('*'))
  board.lay_out(results.read(experiment_path).runs, str(tmp_path))
  assert sorted(pathlib.Path(experiment_path).rglob('*')) == before

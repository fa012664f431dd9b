"""Tests of lottery_ticket.study.tickets: from a run to a file."""

import json
import runpy
import shutil
import sys

import keras
import numpy as np
import pytest

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import ticket as ticket_lib
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import train
from lottery_ticket.study import tickets


@pytest.fixture
def run(experiment_path):
  return experiment_path / 'trial1' / '1' / 'same_init'


@pytest.fixture
def copy(run, tmp_path):
  """A run that may be damaged."""
  return shutil.copytree(run, tmp_path / 'run')


def test_a_run_becomes_a_file(run, capsys):
  tickets.export(constants.TASK, str(run), 'ticket.npz')
  ticket = ticket_lib.read_ticket('ticket.npz')
  for name in ('masks', 'initial'):
    stored = save_restore.restore_network(str(run / name))
    network = getattr(ticket, name)
    assert list(network) == list(stored)
    for key, array in stored.items():
      np.testing.assert_array_equal(network[key], array)
  record = json.loads((run / 'run.json').read_text())
  assert ticket.configuration == {
    key: record[key] for key in ('description', 'inputs')
  }
  described = ticket.configuration['description']
  assert (described['seed'], described['level']) == (1, 1)
  assert described['recipe']['optimizer'] == 'SGD'
  assert ticket.density == pytest.approx(0.8, abs=0.01)
  assert capsys.readouterr().out == 'ticket.npz: 80.13% of 15,880 weights\n'


def test_what_is_exported_is_trained_like_the_run(run, small, tmp_path):
  tickets.export(constants.TASK, str(run), 'ticket.npz')
  ticket = ticket_lib.read_ticket('ticket.npz')
  _, final = train.train(
    str(tmp_path / 'again'),
    masks=ticket.masks,
    presets=ticket.initial,
    seed=1,
    level=1,
    **small,
  )
  stored = save_restore.restore_network(str(run / 'final'))
  for name, array in stored.items():
    np.testing.assert_array_equal(final[name], array)


def test_plain_keras_trains_a_ticket(run, sample):
  tickets.export(constants.TASK, str(run), 'ticket.npz')
  ticket = ticket_lib.read_ticket('ticket.npz')
  model = keras.Sequential([keras.Input([784])])
  for name, activation in (('layer0', 'relu'), ('layer1', None)):
    mask = ticket.masks[name]
    layer = keras.layers.Dense(
      mask.shape[1],
      activation,
      kernel_constraint=lambda kernel, mask=mask: kernel * mask,
    )
    model.add(layer)
    layer.set_weights([ticket.initial[name], ticket.initial[f'{name}_bias']])
  model.compile(
    keras.optimizers.Adam(1.2e-3),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=['accuracy'],
    jit_compile=False,
  )
  images, tests = (
    sample[name].reshape(-1, 784) / np.float32(255)
    for name in ('x_train', 'x_test')
  )
  model.fit(images, sample['y_train'], 60, epochs=20, shuffle=False, verbose=0)
  assert model.evaluate(tests, sample['y_test'], verbose=0)[1] > 0.75
  for i, name in enumerate(('layer0', 'layer1')):
    kernel, mask = model.layers[i].get_weights()[0], ticket.masks[name]
    assert np.all(kernel[mask == 0] == 0)
    initial = ticket.initial[name]
    assert np.mean(kernel[mask != 0] != initial[mask != 0]) > 0.5


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('run.json', r'run\.json: no such file'),
    ('masks', 'masks: wanted a folder of .npy files'),
    ('initial/layer0.npy', 'run: initial: wanted those of the run, got others'),
    ('masks/layer1.npy', 'run: masks: wanted those of the run, got others'),
  ],
)
def test_what_is_missing_is_named(copy, name, message):
  if (copy / name).is_dir():
    shutil.rmtree(copy / name)
  else:
    (copy / name).unlink()
  with pytest.raises(errors.InputError, match=message):
    tickets.export(constants.TASK, str(copy), 'ticket.npz')


def test_other_weights_than_the_runs_are_refused(copy):
  path = copy / 'initial' / 'layer0.npy'
  np.save(path, np.load(path) * np.float32(2))
  with pytest.raises(errors.InputError, match='initial: wanted those of the'):
    tickets.read(str(copy))


def test_the_command_writes_and_does_not_overwrite(
  root, run, monkeypatch, capsys, tmp_path
):
  script = str(root / 'mnist_fc' / 'runners' / 'export_ticket.py')

  def call(*flags):
    monkeypatch.setattr(sys, 'argv', [script, f'--run={run}', *flags])
    try:
      runpy.run_path(script, run_name='__main__')
    except SystemExit as error:
      return error.code
    return 0

  assert call() == 2
  assert capsys.readouterr().err == 'export_ticket.py: --ticket is missing\n'
  (tmp_path / 'ticket.npz').write_text('mine')
  assert call('--ticket=ticket.npz') == 2
  assert 'another file is there' in capsys.readouterr().err
  assert (tmp_path / 'ticket.npz').read_text() == 'mine'
  assert call('--ticket=ticket.npz', '--overwrite') == 0
  assert ticket_lib.read_ticket('ticket.npz').density < 1

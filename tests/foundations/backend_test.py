"""Tests of lottery_ticket.foundations.backend."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from lottery_ticket.foundations import backend
from lottery_ticket.foundations import errors


@pytest.fixture
def keras_json(tmp_path, monkeypatch):
  """Has Keras not be loaded yet; returns its file of settings."""
  monkeypatch.delitem(sys.modules, 'keras', raising=False)
  monkeypatch.delenv('KERAS_BACKEND', raising=False)
  path = pathlib.Path.home() / '.keras' / 'keras.json'
  path.parent.mkdir()
  return path


def test_nothing_set_is_tensorflow(keras_json, monkeypatch):
  backend.check()
  for content in ('{}', '{"backend": "tensorflow"}', 'rubbish', '[]'):
    keras_json.write_text(content)
    backend.check()
  keras_json.write_text(json.dumps({'backend': 'torch'}))
  monkeypatch.setenv('KERAS_BACKEND', 'tensorflow')
  backend.check()


def test_another_backend_is_refused_saying_where(keras_json, monkeypatch):
  keras_json.write_text(json.dumps({'backend': 'torch'}))
  with pytest.raises(errors.InputError) as caught:
    backend.check()
  assert str(caught.value) == (
    f"{keras_json}: wanted tensorflow as the backend of Keras, got 'torch';"
    ' set KERAS_BACKEND=tensorflow'
  )
  monkeypatch.setenv('KERAS_BACKEND', 'jax')
  with pytest.raises(errors.InputError) as caught:
    backend.check()
  assert str(caught.value) == (
    "KERAS_BACKEND: wanted tensorflow as the backend of Keras, got 'jax';"
    ' unset it'
  )


@pytest.mark.parametrize(
  'command', [['mnist_fc/runners/train.py'], ['argfile_runner.py', 'x', 'y']]
)
def test_a_script_says_it_in_one_line(root, command):
  done = subprocess.run(
    [sys.executable, str(root / command[0]), *command[1:]],
    env=os.environ | {'KERAS_BACKEND': 'jax'},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 2
  assert done.stderr.endswith(
    ": KERAS_BACKEND: wanted tensorflow as the backend of Keras, got 'jax';"
    ' unset it\n'
  )
  assert len(done.stderr.splitlines()) == 1


def test_gpus_compute_the_same_each_time(monkeypatch):
  import tensorflow as tf

  config, called = tf.config.experimental, []
  monkeypatch.setattr(config, 'enable_op_determinism', lambda: called.append(1))
  assert (backend.deterministic_gpus(), called) == ([], [])
  monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: [kind])
  details = {'GPU': {'device_name': 'A100'}}
  monkeypatch.setattr(config, 'get_device_details', details.get)
  assert (backend.deterministic_gpus(), called) == (['A100'], [1])

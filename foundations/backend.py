"""Which backend Keras is set to, TensorFlow's, and what it computes on."""

import contextlib
import json
import os
import pathlib
import sys

from lottery_ticket.foundations import errors

WANTED = 'tensorflow'


def check() -> None:
  """Checks that Keras computes, or will compute, with TensorFlow.

  It does not import Keras, which fails where another backend is not installed.

  Raises:
    InputError: If Keras is set to another backend; it says where.
  """
  home = os.environ.get('KERAS_HOME') or os.path.expanduser('~/.keras')
  file = pathlib.Path(home, 'keras.json')
  name, cure = str(file), 'set KERAS_BACKEND=tensorflow'
  found = WANTED  # As Keras does where its settings cannot be read.
  with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
    found = json.loads(file.read_text())['backend']
  if variable := os.environ.get('KERAS_BACKEND'):
    name, cure, found = 'KERAS_BACKEND', 'unset it', variable
  if loaded := sys.modules.get('keras'):  # What it reads is read only once.
    found = loaded.config.backend()
  wanted = f'{WANTED} as the backend of Keras'
  errors.require(found == WANTED, name, wanted, repr(found), cure)


def deterministic_gpus() -> list[str]:
  """Returns names of the GPUs that TensorFlow computes on; mostly none.

  There it is told to compute the same bytes each time; untried on a real GPU.
  """
  import tensorflow as tf

  devices = tf.config.list_physical_devices('GPU')
  if devices:
    tf.config.experimental.enable_op_determinism()
  details = map(tf.config.experimental.get_device_details, devices)
  return [found.get('device_name', 'GPU') for found in details]

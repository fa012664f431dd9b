"""Tests of lottery_ticket.mnist_fc.calls."""

import inspect
import json
import pathlib
import shlex

import numpy as np
import pytest

from lottery_ticket.cli import flags
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import calls
from lottery_ticket.mnist_fc import train


def call_of(run):
  return json.loads(pathlib.Path(run, 'run.json').read_text())['sources'][
    'call'
  ]


def test_a_run_records_what_was_called_from_where(tmp_path, mnist, cheap):
  train.train('run', presets=None, **cheap)
  described = json.loads((tmp_path / 'run' / 'run.json').read_text())[
    'description'
  ]
  assert call_of('run') == {
    'function': 'lottery_ticket.mnist_fc.train:train',
    'arguments': {
      'output_dir': 'run',
      'mnist_location': mnist,
      'training_len': ['iterations', 1],
      'recipe': 'paper',
      'seed': described['seed'],  # Though it was not given.
      'level': 0,
      'permute_labels': False,
      'overwrite': False,
      'layers': [20, 10],
      'prune_percents': {'layer0': 0.2, 'layer1': 0.1},
      'validation_size': 100,
      'optimizer': 'SGD',
      'learning_rate': 0.1,
      'evaluation_interval': 3,
      'batch_size': 1000,
    },
    'folder': str(tmp_path),
    'run': '.',
  }


def test_another_call_of_the_same_run_loads_it(cheap):
  _, final = train.train('run', seed=1, **cheap)
  before = call_of('run')
  _, loaded = train.train(output_dir='./run', seed=1, **cheap)
  np.testing.assert_array_equal(loaded['layer0'], final['layer0'])
  assert call_of('run') == before


@calls.recorded
def echo(first, *, second=2, **values):
  """Says what would be recorded."""
  del first, second, values
  return calls.current(7, 'run')['arguments']


def test_arguments_are_json_values():
  network = {'layer0': np.ones((2, 2))}
  found = echo(
    pathlib.Path('a', 'b'),
    presets=network,
    masks=['m', network],
    rate=np.float32(0.5),
    settings={'nesterov': True},
    no=None,
  )
  in_memory = {
    'checksum of a network in memory': save_restore.checksum(network)
  }
  assert found == json.loads(json.dumps(found))
  assert found == {
    'first': 'a/b',
    'second': 2,
    'presets': in_memory,
    'masks': ['m', in_memory],
    'rate': 0.5,
    'settings': {'nesterov': True},
    'seed': 7,
  }


def test_outside_of_a_call_there_is_none():
  echo(1)
  assert calls.current(1, 'run') == {}
  with pytest.raises(TypeError):
    echo()
  assert calls.current(1, 'run') == {}


def test_a_script_keeps_its_signature_and_its_help():
  assert 'learning_rate' in inspect.signature(train.train).parameters
  assert 'learning_rate: Its learning rate; ' in inspect.getdoc(train.train)


def test_the_command_line_makes_the_same_call():
  arguments = {
    'output_dir': "it's a #1",
    'training_len': ['iterations', 6],
    'masks': ['a b', 'c'],
    'recipe': 'paper',
    'seed': 3,
    'permute_labels': True,
    'layers': [[20, 'relu'], [10, None]],
    'prune_percents': {'layer0': 0.25},
  }
  call = {
    'function': 'lottery_ticket.mnist_fc.train:train',
    'arguments': arguments,
  }
  python, runner, *argv = shlex.split(calls.command(call))
  assert (python, runner) == ('python', 'mnist_fc/runners/train.py')
  _, parsed = flags.read(train.train, argv)
  assert 'recipe' not in parsed  # It is the default.
  assert json.loads(json.dumps(parsed | {'recipe': 'paper'})) == arguments


@pytest.mark.parametrize(
  ('call', 'message'),
  [
    ({}, 'its record does not say what was called'),
    (
      {'function': 'shutil:rmtree', 'arguments': {'path': 'x'}},
      'its record does not say what was called',
    ),
    (
      {'function': 'lottery_ticket.mnist_fc.nothing:train'},
      'its record does not say what was called',
    ),
    (
      {'function': 'lottery_ticket.mnist_fc.train:train'},
      "call: missing a required argument: 'output_dir'",
    ),
    (
      {
        'function': 'lottery_ticket.mnist_fc.train:train',
        'arguments': {
          'output_dir': 'x',
          'masks': [{'checksum of a network in memory': '0'}],
        },
      },
      'masks: was in memory, not in a folder',
    ),
  ],
)
def test_other_calls_are_not_made(call, message):
  with pytest.raises(errors.InputError) as caught:
    calls.make_again(call)
  assert str(caught.value) == message

"""Tests of lottery_ticket.foundations.measurements."""

import pathlib

import pytest
from tensorboard.backend.event_processing import event_accumulator

from lottery_ticket.foundations import measurements
from lottery_ticket.foundations import save_restore

Measurement = measurements.Measurement


def read_summaries(folder):
  """Returns {tag: [(step, value)]}."""
  events = event_accumulator.EventAccumulator(folder, {'scalars': 0})
  events.Reload()
  return {
    tag: [(event.step, event.value) for event in events.Scalars(tag)]
    for tag in events.Tags()['scalars']
  }


def test_keeps_what_was_measured_split_by_split():
  collected = measurements.Measurements()
  collected.add('test', 0, Measurement(2.5, 0.125))
  collected.add('validate', 0, Measurement(2.0, 0.5))
  collected.add('test', 100, Measurement(float('nan'), 0.25))
  collected.save('run')
  assert {path.name for path in pathlib.Path('run').iterdir()} == {
    'test.json',
    'validate.json',
  }
  assert save_restore.read_json('run/test.json') == {
    'iteration': [0, 100],
    'loss': [2.5, None],
    'accuracy': [0.125, 0.25],
  }
  log = save_restore.read_log('run/validate.json')
  assert {key: list(values) for key, values in log.items()} == {
    'iteration': [0],
    'loss': [2.0],
    'accuracy': [0.5],
  }


def test_summaries_say_the_same():
  with measurements.collect('run/summaries') as collected:
    collected.add('test', 0, Measurement(2.5, 0.125))
    collected.add('test', 100, Measurement(1.5, 0.25))
    collected.add('train', 100, Measurement(1.25, 0.5))
  assert read_summaries('run/summaries') == {
    'test/loss': [(0, 2.5), (100, 1.5)],
    'test/accuracy': [(0, 0.125), (100, 0.25)],
    'train/loss': [(100, 1.25)],
    'train/accuracy': [(100, 0.5)],
  }


def test_summaries_are_closed_after_an_error():
  with pytest.raises(KeyError), measurements.collect('summaries') as collected:
    collected.add('test', 0, Measurement(2.5, 0.125))
    raise KeyError
  assert read_summaries('summaries')['test/loss'] == [(0, 2.5)]


def test_no_folder_no_summaries():
  with measurements.collect(None) as collected:
    collected.add('test', 0, Measurement(2.5, 0.125))
  assert {path.name for path in pathlib.Path().iterdir()} == {'home'}

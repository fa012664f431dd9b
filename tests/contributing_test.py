"""Runs what CONTRIBUTING says, so that its recipes stay true."""

import re

import keras
import numpy as np
import pytest

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import pruner
from lottery_ticket.foundations import ticket as ticket_lib
from lottery_ticket.foundations import trainer


@pytest.fixture(scope='module')
def names(root):
  """What the examples define; the tables that they add to are restored."""
  tables = pruner.PRUNERS, controls.CONTROLS
  kept = [dict(table) for table in tables]
  text = (root / 'CONTRIBUTING.md').read_text(encoding='utf-8')
  names = {'__name__': 'contributing'}
  for block in re.findall(r'```python\n(.*?)```', text, re.DOTALL):
    if 'TASK = ' not in block:  # study/folder_test.py runs that one.
      exec(compile(block, 'CONTRIBUTING.md', 'exec'), names)
  yield names
  for table, rows in zip(tables, kept, strict=True):
    table.clear()
    table.update(rows)


@pytest.mark.usefixtures('names')
def test_a_criterion_is_known_by_name():
  masks, ones = {'layer0': np.ones(4)}, np.array([1.0, 1.0, 1.0, 1.0])
  pruned = pruner.get('agreement')(
    {'layer0': 0.5},
    masks,
    {'layer0': np.array([3.0, -4.0, 1.0, 2.0])},
    initial_weights={'layer0': ones},
  )
  assert pruned['layer0'].tolist() == [1, 0, 0, 1]


@pytest.mark.usefixtures('names')
def test_a_control_is_in_the_table():
  weights = {'layer0': np.array([1.0, -2.0])}
  ticket = ticket_lib.Ticket({'layer0': np.ones(2)}, weights)
  flipped = controls.CONTROLS['flipped_signs'].function(ticket)
  assert flipped.initial['layer0'].tolist() == [-1, 2]


def test_a_model_with_an_architecture_is_trained(names):
  dataset = names['Parity'](train_order_seed=1)
  model = names['Deep'](1, seed=0)
  initial, final = trainer.train(
    dataset, model, keras.optimizers.Adam, ('epochs', 1), None
  )
  assert list(initial) == ['layer0', 'layer0_bias', 'logits', 'logits_bias']
  assert np.any(initial['layer0'] != final['layer0'])

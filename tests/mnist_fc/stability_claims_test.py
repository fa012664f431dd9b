"""Tests of the claims about stability: each rule can say no."""

import json

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import results
from lottery_ticket.mnist_fc import paper

TABLE = paper.TABLES[1]
DENSITIES = {0: 1.0, 7: 0.2107, 15: 0.0358}


def make_runs(barrier, loss, *, trials=3, spread=0.1, recipe=None):
  """Returns ladders and copies at three levels.

  Args:
    barrier: Mean barrier in points.
    loss: How many points pruned networks are less accurate than dense ones.
    trials: Number of trials.
    spread: Stddev of both over trials, in points.
    recipe: Values of the recipe that are others.
  """
  draw = np.random.default_rng(1).normal
  kinds = ['same_init', *(f'stability{k}_' for k in (0, 500, 2_000))]
  rows = []
  for trial in range(trials):
    for level, density in DENSITIES.items():
      for kind in [*kinds, *(['random1_stability0_'] * (level > 0))]:
        accuracy = 98 - loss * (level > 0) + draw(0, spread / 4)
        rows.append(
          dict.fromkeys(results.COLUMNS)
          | {
            'trial': str(trial),
            'level': level,
            'experiment': kind,
            'run_id': '',
            'density': density,
            'early_stop': 5_000,
            'censored': False,
            'early_stop_split': 'validate',
            'accuracy': accuracy / 100,
            'final_accuracy': accuracy / 100,
            'barrier': (barrier + draw(0, spread)) / 100,
            'recipe': json.dumps(TABLE.recipe | (recipe or {})),
            'prune_percents': json.dumps(TABLE.recipe['prune_percents']),
            'task': 'mnist_fc',
            'directory': f'exp/trial{trial}/{level}/{kind}',
          }
        )
  return pd.DataFrame(rows)


def said(runs):
  """Returns {claim: directions of its parts}."""
  judged = claims.judge(runs, TABLE)
  assert set(judged['size']) <= {''}
  found = judged.groupby('claim').direction
  assert dict(found.size()) == {'S1': 3, 'S2': 6, 'S3': 2, 'S4': 6}
  return {name: set(directions) for name, directions in found}


STABLE = ('S1', 'S2', 'S3')


@pytest.mark.parametrize(
  ('barrier', 'spread', 'wanted'),
  [
    (0.1, 0.1, 'reproduced'),
    (5, 0.1, 'opposite'),
    (2, 1, 'open'),
  ],
)
def test_barriers(barrier, spread, wanted):
  found = said(make_runs(barrier, 0, spread=spread))
  assert set.union(*(found[name] for name in STABLE)) == {wanted}


@pytest.mark.parametrize(
  ('loss', 'wanted'), [(0, 'reproduced'), (0.2, 'open'), (1, 'opposite')]
)
def test_matching(loss, wanted):
  assert said(make_runs(0, loss))['S4'] == {wanted}


def test_what_rules_say_of_the_limit_and_of_its_double():
  """In 5% of studies at most a barrier at the limit is not left open."""
  wrong = {'at': 0, 'double': 0}
  draw = np.random.default_rng(2).normal
  runs = make_runs(0, 0)
  for _ in range(30):
    for name, mean in (('at', 2), ('double', 4)):
      noise = draw(mean, 0.5, len(runs)) / 100
      judged = claims.judge(runs.assign(barrier=noise), TABLE, only=['S1'])
      wrong[name] += int((judged.direction == 'reproduced').sum())
  assert wrong['at'] <= 0.08 * 90 and not wrong['double']


def test_few_trials():
  found = said(make_runs(0.1, 0, trials=2))
  assert set.union(*found.values()) == {'too few trials'}


@pytest.mark.parametrize(
  'recipe',
  [
    {'training_len': ['iterations', 50_000]},
    {'layers': [[20, 'relu'], [10, None]]},
    {'permute_labels': True},
  ],
)
def test_other_lengths_and_networks_have_no_verdict(recipe):
  assert claims.judge(make_runs(0, 0, recipe=recipe), TABLE).empty


def test_both_papers_are_judged_by_runs_of_this_length():
  runs = make_runs(0, 0)
  judged = claims.judge(runs)
  assert list(judged.source.unique()) == ['the paper', claims.STABILITY]
  longer = make_runs(0, 0, recipe={'training_len': ['iterations', 50_000]})
  assert list(claims.judge(longer).source.unique()) == ['the paper']
  assert claims.departures(runs, TABLE) == []


def test_what_was_not_measured_is_said():
  runs = make_runs(0, 0)
  dense = runs[runs.experiment != 'stability500_']
  judged = claims.judge(dense, TABLE).set_index('estimand')
  [words] = [x for x in judged.index if 'from iteration 500, the dense' in x]
  row = judged.loc[words]
  assert row.direction == 'not measured'
  assert row.note.startswith("wanted: runs of 'stability500_' at P_m = 100%")

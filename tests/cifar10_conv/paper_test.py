"""Tests of what is claimed of convolutional networks: each rule can say no."""

import json

import numpy as np
import pandas as pd
import pytest

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rules
from lottery_ticket.cifar10_conv import constants
from lottery_ticket.cifar10_conv import paper

TABLES = {table.paper.split()[-1]: table for table in paper.TABLES[:6]}
STABLE = {table.paper.split()[-1]: table for table in paper.TABLES[6:]}
# Weights of convolutions, dense layers and the output, and percents a round.
SIZES = {
  'conv2': ([38_592, 4_259_840, 2_560], [0.1, 0.2, 0.1]),
  'conv4': ([259_776, 2_162_688, 2_560], [0.1, 0.2, 0.1]),
  'conv6': ([1_144_512, 1_114_112, 2_560], [0.15, 0.2, 0.1]),
  'resnet20': ([267_696, 3_200], [0.2, 0]),
  'vgg16': ([14_710_464, 5_120], [0.2, 0]),
}
NOISE = (-0.01, 0.0, 0.01, 0.005, -0.005)


def ladder(network, levels=25):
  """Returns the weights of a network at each level."""
  sizes, percents = SIZES[network]
  found = []
  for _ in range(levels):
    found.append(sum(sizes))
    sizes = [n - round(n * p) for n, p in zip(sizes, percents, strict=True)]
  return found


def make_runs(
  recipe, kind='same_init', *, levels=range(25), trials=5, **values
):
  """Returns runs of trials; values are numbers, or functions of P_m (%)."""
  weights = ladder(recipe['network'])
  rows = []
  for trial in range(trials):
    for level in levels:
      percent = 100 * weights[level] / weights[0]
      noise = NOISE[(trial + level) % 5]
      row = {
        name: value(percent) if callable(value) else value
        for name, value in {
          'accuracy': 0.7,
          'early_stop': 9_000,
          **values,
        }.items()
      }
      row['early_stop'] *= 1 + noise
      row['accuracy'] += noise / 100
      row.setdefault('final_accuracy', row['accuracy'])
      if 'barrier' in row:
        row['barrier'] += noise / 20
      rows.append(
        dict.fromkeys(results.COLUMNS)
        | {
          'trial': str(trial),
          'level': level,
          'experiment': kind,
          'run_id': '',
          'density': percent / 100,
          'remaining': weights[level],
          'iterations': recipe['training_len'][1],
          'censored': False,
          'early_stop_split': 'validate',
          'final_train_accuracy': 0.999,
          'loss_stop': 1_000,
          'loss_stop_censored': False,
          'recipe': json.dumps(
            {k: v for k, v in recipe.items() if k not in OF_LADDERS}
          ),
          'prune_percents': json.dumps(recipe['prune_percents']),
          'pruner': recipe['pruner'],
          'task': 'cifar10_conv',
          'directory': f'exp/trial{trial}/{level}/{kind}',
        }
        | row
      )
  return pd.DataFrame(rows).astype({'loss_stop': 'Int64'})


OF_LADDERS = ('prune_percents', 'pruner', 'reset', 'execution')


def said(*runs):
  """Returns {claim and part: direction and size} of what was measured."""
  judged = claims.judge(pd.concat(runs, ignore_index=True))
  judged = judged[judged.n > 0]
  return dict(
    zip(
      judged.claim + judged.part,
      judged.direction + ', ' + judged['size'],
      strict=True,
    )
  )


def between(points):
  """Returns a function of P_m, linear in its logarithm between points."""
  known = sorted(points)
  values = [points[percent] for percent in known]
  return lambda percent: np.interp(np.log(percent), np.log(known), values)


def study(network, sign=1):
  """Returns a study's runs: the paper's effects, none, or the opposite."""
  faster, best, gain = {
    'conv2': ((3.5, 8.81), (3.4, 4.57), (2.1, 2.3)),
    'conv4': ((3.5, 9.18), (3.5, 11.06), (3.0, 4.6)),
    'conv6': ((2.5, 15.29), (3.3, 26.61), (2.4, 4.7)),
  }[network]
  recipe = TABLES[network].recipe
  points = sign / 100
  stop = 9_000 * faster[0] ** -sign
  dense = 0.7 + points * gain[0]
  zero = 0.7 if sign >= 0 else 0.695  # Where the gain is used up.
  other = constants.RECIPES[f'{network}_dropout'].configuration()
  levels = range(1, 25)
  fell = {100: 0.7, 50: 0.7, 2: 0.7 - 6 * points}
  if network == 'conv6':
    fell.pop(50)
  reinit = {
    'early_stop': between({100: 9_000, 1: 9_000 + 4_000 * sign}),
    'accuracy': between(fell),
  }
  return [
    make_runs(
      recipe,
      early_stop=between({100: 9_000, faster[1]: stop, 1: stop}),
      accuracy=between(
        {
          100: 0.7,
          best[1]: 0.7 + points * best[0],
          1.8: zero,
          0.1: 0.7 - abs(points),
        }
      ),
    ),
    make_runs(recipe, 'reinit', levels=levels, **reinit),
    make_runs(recipe, 'random', levels=levels, **reinit),
    make_runs(recipe, 'no_reset_ticket', levels=levels, early_stop=9_000),
    make_runs(
      recipe | other | {'reset': 'initial'},
      accuracy=between({100: dense, 10: dense + points * gain[1]}),
    ),
  ]


@pytest.mark.parametrize('network', ['conv2', 'conv4', 'conv6'])
def test_effects_as_in_the_paper(network):
  found = said(*study(network))
  both = 'reproduced, as in the paper'
  assert found['K1'] == found['K2'] == found['K7'] == both
  sizes = [found[k] for k in ('K3', 'K4a', 'K8', 'K10a', 'K10b')]
  assert sizes == [', as in the paper'] * 5
  directions = {k: x for k, x in found.items() if k[:2] in ('K5', 'K6', 'K9')}
  assert set(directions.values()) == {'reproduced, '}
  assert len(directions) == 1 + (1 if network == 'conv6' else 2) + 4
  assert found['K4b'] == 'reproduced, '
  assert len({k.rstrip('abcd') for k in found}) == 10


@pytest.mark.parametrize('network', ['conv2', 'conv6'])
def test_no_effects(network):
  found = said(*study(network, sign=0))
  none = 'open, not reproduced'
  assert found['K1'] == found['K2'] == found['K7'] == none
  assert found['K3'] == ', larger'  # Never above the dense network.
  assert found['K4b'] == found['K5'] == 'open, '
  assert found['K8'] == ', smaller'
  # What stays as it is, is steady.
  assert found[{'conv2': 'K6b', 'conv6': 'K6'}[network]] == 'open, '
  assert {found[f'K9{part}'] for part in 'abcd'} == {'open, '}


@pytest.mark.parametrize('network', ['conv2', 'conv4', 'conv6'])
def test_opposite_effects(network):
  runs = study(network, sign=-1)
  # Training ends below 99.5%, and random sparsity is worse.
  runs[0] = runs[0].assign(final_train_accuracy=0.98)
  runs[2] = runs[2].assign(accuracy=runs[2].accuracy - 0.03)
  found = said(*runs)
  assert found['K1'] == found['K2'] == found['K7'] == 'opposite, smaller'
  assert (found['K3'], found['K4a']) == (', larger', ', smaller')
  parts = [x for x in found if x in ('K4b', 'K5', 'K6', 'K6b')]
  assert {found[part] for part in parts} == {'opposite, '}
  assert {found[f'K9{part}'] for part in 'abcd'} == {'opposite, '}
  assert found['K8'] == ', smaller'
  assert found['K10a'] == ', larger'


def test_reinitialized_tickets_that_fall_at_once_are_not_steady():
  runs = study('conv2')
  early = between({100: 0.7, 50: 0.68, 2: 0.6})
  runs[1] = make_runs(
    TABLES['conv2'].recipe, 'reinit', levels=range(1, 25), accuracy=early
  )
  assert said(*runs)['K6a'] == 'opposite, '


@pytest.mark.parametrize(
  ('name', 'ticket', 'reinit', 'wanted'),
  [
    ('resnet20', 0.9, 0.9, {'R1': ', as in the paper'}),
    ('resnet20', 0.9, 0.89, {'R1': ', larger'}),
    ('resnet20_low', 0.895, 0.88, {'R2': 'reproduced, ', 'R3': ', as in'}),
    ('resnet20_low', 0.88, 0.88, {'R2': 'open, ', 'R3': ', smaller'}),
    ('resnet20_low', 0.91, 0.92, {'R2': 'opposite, ', 'R3': ', larger'}),
    ('resnet20_warmup', 0.905, 0.9, {'R4a': 'reproduced', 'R4b': ', as in'}),
    ('resnet20_warmup', 0.9, 0.91, {'R4a': 'opposite, ', 'R4b': ', smaller'}),
  ],
)
def test_resnets_say_yes_and_no(name, ticket, reinit, wanted):
  recipe = TABLES[name].recipe
  ends = between({100: 0.9, 90: ticket, 10: ticket})
  found = said(
    make_runs(recipe, accuracy=ends),
    make_runs(recipe, 'reinit', levels=range(1, 25), accuracy=reinit),
  )
  assert {x[:2] for x in found} == {claim.name for claim in TABLES[name].claims}
  for claim, words in wanted.items():
    those = {x for k, x in found.items() if k.startswith(claim)}
    assert len(those) == 1 and those.pop().startswith(words), found


@pytest.mark.parametrize(
  ('last', 'size'), [(13, 'as in the paper'), (30, 'larger')]
)
def test_how_far_tickets_of_a_resnet_are_winning(last, size):
  recipe = TABLES['resnet20_warmup'].recipe
  ends = between({100: 0.9, 80: 0.91, last: 0.901, last * 0.8: 0.89})
  assert said(make_runs(recipe, accuracy=ends))['R5'] == f', {size}'


@pytest.mark.parametrize('network', ['resnet20', 'vgg16'])
@pytest.mark.parametrize('is_so', [True, False])
def test_stability(network, is_so):
  recipe = STABLE[network].recipe
  late, early = (0.005, 0.3) if is_so else (0.3, 0.005)
  dense = {'resnet20': 2_000, 'vgg16': 1_000}[network]
  pruned = {'resnet20': 500, 'vgg16': 1_000}[network]

  def copies(k, level, barrier):
    accuracy = 0.7 if barrier < 0.02 else 0.68
    name, levels = f'stability{k}_', [level]
    values = {'accuracy': accuracy, 'barrier': barrier}
    return make_runs(recipe, name, levels=levels, trials=3, **values)

  level = {'resnet20': 8, 'vgg16': 19}[network]
  found = said(
    make_runs(recipe, trials=3),
    copies(0, 0, early),
    copies(dense, 0, late),
    copies(0, level, early),
    copies(pruned, level, late),
  )
  word = 'reproduced, ' if is_so else 'opposite, '
  names = [f'S{number}{part}' for number in (1, 2, 3) for part in 'ab']
  assert found == dict.fromkeys(names, word)


@pytest.mark.parametrize(
  'values',
  [
    {'network': 'conv4'},  # By its weights another network.
    {'dropout': 0.5},
    {'permute_labels': True},
  ],
)
def test_others_have_no_verdict(values):
  recipe = TABLES['conv2'].recipe
  runs = make_runs(recipe)
  values = {**json.loads(runs.recipe[0]), **values}
  assert not said(runs.assign(recipe=json.dumps(values)))
  narrow = runs.assign(remaining=runs.remaining // 16)
  assert not said(narrow)


def test_short_runs_are_judged_with_the_difference():
  recipe = TABLES['conv2'].recipe | {'training_len': ['iterations', 5_000]}
  runs = make_runs(recipe)
  found = said(runs)
  assert 'K2' in found
  assert not {'K4a', 'K4b'} & set(found)  # These are about the end.
  [table, *_] = claims.of_runs(runs)
  assert table is TABLES['conv2']
  words = 'training_len 5,000 iterations (the paper: 20,000 iterations)'
  assert claims.departures(runs, table) == [words]


def test_few_trials_say_nothing():
  few = said(make_runs(TABLES['conv4'].recipe, trials=2))
  assert set(few.values()) == {f'{rules.TOO_FEW}, '}

"""Tests of the paper's claims, on runs whose answers are known."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lottery_ticket.analysis import claims
from lottery_ticket.analysis import results
from lottery_ticket.analysis import rules
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import paper

# Of each level of the paper's ladder, and of level 0.
SURVIVORS = [266_200]
SIZES = [235_200, 30_000, 1_000]
while len(SURVIVORS) <= 24:
  SIZES = [
    n - round(n * p) for n, p in zip(SIZES, (0.2, 0.2, 0.1), strict=True)
  ]
  SURVIVORS.append(sum(SIZES))
NOISE = (-0.02, 0.0, 0.02, 0.01, -0.01)  # Of five trials, relative.


def make_runs(
  experiment='same_init',
  levels=range(16),
  early_stop=lambda level: 5_000.0,
  accuracy=lambda level: 0.98,
  trials=5,
  recipe=None,
  **columns,
):
  """Returns runs of trials that differ a little, in proportion to `NOISE`."""
  rows = [
    {
      'trial': str(trial + 1),
      'level': level,
      'experiment': experiment,
      'run_id': '' if experiment == 'same_init' else '1',
      'density': SURVIVORS[level] / SURVIVORS[0],
      'remaining': SURVIVORS[level],
      'iterations': 50_000,
      # A number of its own for each run, but the same mean effect.
      'early_stop': early_stop(level) * (1 + NOISE[(trial + level) % 5]),
      'censored': False,
      'early_stop_split': 'validate',
      'accuracy': accuracy(level) + NOISE[(trial + level) % 5] / 100,
      'final_accuracy': accuracy(level) - 0.001,
      'final_train_accuracy': 0.999,
      'final_train_loss': 0.001,
      'loss_stop': 1_000,
      'loss_stop_censored': False,
      'recipe': json.dumps(recipe or {}),
      'seed': trial + 1,
      'control': None,
      'script': None,
      'reset': None,
      'ticket_name': None,
      'prune_percents': 'null',
      'pruner': None,
      'task': 'mnist_fc',
      'checksum': f'{experiment} {level} {trial}',
      'directory': paths.run(paths.trial('exp', trial + 1), level, experiment),
      **columns,
    }
    for trial in range(trials)
    for level in levels
  ]
  table = pd.DataFrame(rows, columns=list(results.COLUMNS))
  return table.astype({'loss_stop': 'Int64', 'seed': 'UInt64'})


def as_in_the_paper(level):
  """Returns early stops as the paper has them: fastest at level 7."""
  return 10_000 - 540 * level if level <= 7 else 6_220 + 480 * (level - 7)


def accurate(level):
  """Returns accuracies that peak at level 9 and are back at level 16."""
  return 0.98 + (
    0.00045 * level if level <= 9 else 0.004 - 0.0006 * (level - 9)
  )


TICKETS = make_runs(
  levels=range(19), early_stop=as_in_the_paper, accuracy=accurate
)
REINIT = make_runs(
  'reinit',
  range(1, 16),
  early_stop=lambda level: 9_000 + 1_000 * level,
  accuracy=lambda level: 0.9812 - 0.0002 * level,
)


def judge(*runs, only=None, **arguments):
  """Returns what is judged of runs, by claim and part."""
  runs = pd.concat(runs, ignore_index=True)
  judged = claims.judge(runs, paper.CLAIMS, only=only, **arguments)
  return judged.set_index(judged.claim + judged.part)


@pytest.fixture(scope='module')
def judged():
  return judge(TICKETS, REINIT)


NUMBERS = [f'C{number}' for number in (*range(1, 27), 28, 30)]


def test_a_row_for_each_part_of_each_claim(judged):
  assert list(judged.claim.unique()) == NUMBERS
  assert list(judged.columns) == list(claims.COLUMNS)
  assert set(judged.direction) <= {*rules.DIRECTIONS, ''}
  assert set(judged['size']) <= {*rules.SIZES, ''}
  texts = judged[['statement', 'estimand', 'unit', 'paper']]
  assert (texts.map(len) > 0).all(axis=None)
  # Each could have failed: there is a side, or a number, or both.
  assert ((judged.side != '') | judged.paper_low.notna()).all()
  assert judged.index.is_unique


@pytest.mark.parametrize('seed', range(3))
def test_whichever_runs_there_are_they_are_judged(seed):
  random = np.random.default_rng(seed)
  names = ['random', 'one_shot', 'reinit', 'no_reset_ticket', 'own', 'noise_3x']
  controls = [make_runs(name, range(1, 19), as_in_the_paper) for name in names]
  runs = pd.concat([TICKETS, *controls], ignore_index=True)
  share = random.choice([0.05, 0.3, 0.9], len(names) + 1)
  kept = runs.experiment.map(
    dict(zip(['same_init', *names], share, strict=True))
  )
  some = runs[random.random(len(runs)) < kept]
  assert list(judge(some).claim.unique()) == NUMBERS


def test_one_kind_of_network_may_be_in_one_run_only():
  alone = make_runs('one_shot', [7], trials=1)
  found = judge(TICKETS, alone, only=['C14'])
  assert list(found.direction[:2]) == ['too few trials'] * 2
  assert list(found.n) == [1, 1, 0, 0, 0]
  assert (
    'wanted: such runs at three levels or more, found 1' in found.note['C14e']
  )


EFFECTS = {
  **dict.fromkeys(('C1', 'C3'), 'reproduced, as in the paper'),
  **dict.fromkeys(('C2', 'C4', 'C5d', 'C6b', 'C11'), ', as in the paper'),
  **dict.fromkeys(('C5a', 'C5b', 'C5c', 'C6c', 'C9', 'C10a'), 'reproduced, '),
  'C6a': 'open, ',  # By 0.02 points.
  'C7': 'reproduced, larger',  # 2.57, and known to 0.02.
  'C8': 'reproduced, smaller',  # 0.335 points.
  'C10b': ', larger',  # 0.405 points.
}


def said(judged):
  """Returns direction and size of what was measured."""
  measured = judged[judged.n > 0]
  return dict(measured.direction + ', ' + measured['size'])


def test_effects_that_are_there_are_reproduced(judged):
  assert said(judged) == EFFECTS


def test_numbers_by_hand(judged):
  first = judged.loc['C1']
  stops = TICKETS.pivot(index='trial', columns='level', values='early_stop')
  saved = 100 * (1 - stops[7] / stops[0])
  wanted = stats.ttest_1samp(saved, 0)
  ends = wanted.confidence_interval()
  assert first.measured == pytest.approx(saved.mean())
  assert (first.low, first.high) == pytest.approx((ends.low, ends.high))
  assert first.p_value == pytest.approx(wanted.pvalue)
  assert first.measured == pytest.approx(37.8, abs=0.5)
  assert (first.n, first.null, first.side) == (5, 0, 'above')
  assert judged.loc['C7'].measured == pytest.approx(16_000 / 6_220, rel=0.02)
  assert judged.loc['C9'].measured == pytest.approx(1, abs=0.01)
  assert judged.loc['C11'].measured == pytest.approx(99.9)
  # By the fixed loss, which all networks here reach at once.
  assert (first.loss_measured, first.loss_direction) == (0, 'open')


def test_where_tickets_are_back_to_dense(judged):
  # 6,220 + 480 (level - 7) reaches 10,000 at level 14.9.
  assert judged.loc['C2'].measured == pytest.approx(
    100 * SURVIVORS[15] / 266_200
  )
  # 0.004 - 0.0006 (level - 9) is below 0 from level 16 on.
  assert judged.loc['C4'].measured == pytest.approx(
    100 * SURVIVORS[16] / 266_200
  )
  # 0.0012 - 0.0002 level is below 0 from level 7 on, or 6 by a hair.
  percents = [100 * SURVIVORS[level] / 266_200 for level in (6, 7)]
  assert any(judged.loc['C6b'].measured == pytest.approx(p) for p in percents)
  ratio = judged.loc['C6b'].measured / judged.loc['C4'].measured
  assert judged.loc['C6c'].measured == pytest.approx(ratio)


def test_what_a_level_of_a_figure_stands_for(judged):
  """One and a half levels to each side."""
  for name, percent in {'C2': 3.6, 'C6b': 21.1, 'C12c': 17.6}.items():
    low, high = judged.loc[name][['paper_low', 'paper_high']]
    assert math.log(high / percent) == pytest.approx(1.5 * math.log(1.25))
    assert math.log(percent / low) == pytest.approx(1.5 * math.log(1.25))


def test_what_was_not_run_is_not_measured(judged):
  row = judged.loc['C12a']
  assert (row.direction, row.n, row['size']) == ('not measured', 0, '')
  assert math.isnan(row.measured)
  assert row.note == "wanted: runs of 'one_shot' at P_m = 51.3% (level 3)"
  for name in ('C18a', 'C22a', 'C23a'):  # There are no statistics of weights.
    assert judged.loc[name].direction == 'not measured'


def test_effects_that_are_absent():
  flat = judge(
    make_runs(),
    make_runs('reinit', range(1, 16)),
    only=['C1', 'C3', 'C7', 'C8', 'C9'],
  )
  assert said(flat) == {
    **dict.fromkeys(('C1', 'C3', 'C7', 'C8'), 'open, not reproduced'),
    'C9': 'open, ',
  }


def test_effects_that_are_reversed():
  slower = judge(
    make_runs(
      early_stop=lambda level: 5_000 + 400 * level,
      accuracy=lambda level: 0.98 - 0.001 * level,
    ),
    make_runs('reinit', range(1, 16), lambda level: 3_000 - 50 * level),
    only=['C1', 'C2', 'C3', 'C4', 'C7', 'C8', 'C9'],
  )
  assert said(slower) == {
    **dict.fromkeys(('C1', 'C3', 'C7', 'C8'), 'opposite, smaller'),
    'C9': 'opposite, ',
    **dict.fromkeys(('C2', 'C4'), ', larger'),
  }


def test_noise_is_open():
  generator = np.random.default_rng(0)
  noisy = make_runs(early_stop=lambda level: generator.integers(2_000, 9_000))
  assert judge(noisy, only=['C1']).direction.item() == 'open'


@pytest.mark.parametrize('trials', [1, 2])
def test_few_trials(trials):
  few = judge(
    make_runs(early_stop=as_in_the_paper, accuracy=accurate, trials=trials)
  )
  measured = few[few.n > 0]
  assert len(measured) > 5
  assert set(measured.direction) == {'too few trials'}
  assert set(measured['size']) == {''}


def test_a_bootstrap_takes_five_trials():
  few = judge(TICKETS[TICKETS.trial != '5'], only=['C1', 'C2'])
  assert few.loc['C2'].direction == 'too few trials'
  assert few.loc['C2'].note.startswith('n = 4 of at least 5 trials')
  assert few.loc['C1'].direction == 'reproduced'


def test_runs_of_a_trial_are_averaged_first(judged):
  twice = [
    REINIT.assign(early_stop=REINIT.early_stop * factor, run_id=str(i))
    for i, factor in enumerate((0.5, 1.5))
  ]
  averaged = judge(TICKETS, *twice, only=['C7'])
  pd.testing.assert_series_equal(
    averaged.loc['C7'].drop('p_holm'),
    judged.loc['C7'].drop('p_holm'),
  )


def test_trials_are_paired():
  # Each trial is 20% faster than its own dense network, whatever that is.
  scale = {str(trial): 4.0**trial for trial in range(1, 6)}
  runs = make_runs(early_stop=lambda level: 800.0 if level else 1_000.0)
  runs['early_stop'] = runs.early_stop.round(-2) * runs.trial.map(scale)
  row = judge(runs, only=['C1']).loc['C1']
  assert (row.measured, row.low, row.high) == pytest.approx((20, 20, 20))


def test_an_unfinished_trial_does_not_shorten_the_others(judged):
  begun = TICKETS[TICKETS.level < 3].assign(trial='6')
  names = ['C2', 'C3', 'C5', 'C9', 'C10']
  more = judge(TICKETS, REINIT, begun, only=names)
  assert more.loc['C2'].measured == judged.loc['C2'].measured
  assert list(more.n) == list(judged.n[judged.claim.isin(names)])


def test_censored_early_stops_of_the_control_are_bounds():
  last = REINIT.level == 7
  late = REINIT.assign(censored=last)
  row = judge(TICKETS, late, only=['C7']).loc['C7']
  assert row.direction == 'reproduced'  # It can only be more.
  assert 'a lower bound' in row.note
  assert row.bound == 'lower'


def test_censored_early_stops_on_both_sides_leave_it_open():
  first, second = TICKETS.trial == '1', REINIT.trial == '2'
  ticket = TICKETS.assign(censored=first & (TICKETS.level == 7))
  reinit = REINIT.assign(censored=second & (REINIT.level == 7))
  row = judge(ticket, reinit, only=['C7']).loc['C7']
  assert row.low < 1 < row.measured < row.high == math.inf
  assert (row.direction, row['size'], row.bound) == ('open', '', 'unknown')


def test_trainings_too_short_to_reach_their_minimum_say_nothing_of_speed():
  short = [
    runs.assign(censored=True, early_stop=50_000)
    for runs in (TICKETS, REINIT, TICKETS.assign(experiment='one_shot'))
  ]
  names = ['C1', 'C2', 'C5', 'C7', 'C9', 'C12']
  found = judge(*short, only=names)
  assert set(found.direction[found.side != '']) == {'open'}
  assert set(found.bound) <= {'unknown', 'lower', 'upper'}
  assert found.note.str.contains('early stops or levels are not known').all()
  accuracy = judge(*short, only=['C3', 'C8'])
  said = 'some accuracies are of censored early stops'
  assert accuracy.note.str.contains(said).all()


def test_a_censored_ticket_cannot_be_said_to_be_faster():
  late = TICKETS.assign(censored=TICKETS.level == 7)
  row = judge(late, only=['C1']).loc['C1']
  assert row.low == -math.inf
  assert 0 < row.measured < row.high
  assert row.direction == 'open'
  assert 'an upper bound' in row.note


def test_accuracies_of_censored_early_stops_are_said():
  late = TICKETS.assign(censored=TICKETS.level == 9)
  row = judge(late, only=['C3']).loc['C3']
  assert row.direction == 'reproduced'
  assert row.note == 'some accuracies are of censored early stops'


def test_a_crossing_beyond_the_ladder_is_a_bound():
  for last in (10, 13):
    row = judge(TICKETS[TICKETS.level <= last], only=['C2']).loc['C2']
    assert row.measured == pytest.approx(100 * SURVIVORS[last] / 266_200)
    assert (row.bound, row.low) == ('upper', 0)
    assert row.high == row.measured
    assert 'an upper bound' in row.note
    assert row['size'] == 'as in the paper'  # It may be.


def test_a_crossing_one_step_of_the_figures_too_early():
  early = TICKETS.assign(
    accuracy=TICKETS.accuracy - 0.01 * (TICKETS.level >= 12)
  )
  row = judge(early, only=['C4']).loc['C4']
  assert row.measured == pytest.approx(100 * SURVIVORS[12] / 266_200)
  assert row['size'] == 'larger'


PAPER = paper.CLAIMS.recipe


def test_runs_of_other_recipes_are_kept_apart():
  sgd = PAPER | {'optimizer': 'SGD', 'learning_rate': 0.1}
  runs = [
    make_runs(early_stop=as_in_the_paper, recipe=PAPER),
    make_runs(early_stop=lambda level: 1.0, recipe=sgd),
  ]
  alone = judge(runs[0], only=['C1']).loc['C1']
  pd.testing.assert_series_equal(judge(*runs, only=['C1']).loc['C1'], alone)
  pd.testing.assert_series_equal(
    judge(*runs[::-1], only=['C1']).loc['C1'], alone
  )


@pytest.mark.parametrize('columns', [{'pruner': 'random'}, {'reset': 'final'}])
def test_another_way_to_find_tickets_is_said(columns):
  other = make_runs(early_stop=as_in_the_paper, **columns)
  assert judge(other, only=['C1']).n.item() == 5
  [(name, value)] = columns.items()
  [departure] = claims.departures(other, paper.CLAIMS)
  assert departure.startswith(f'{name} {value} (the paper: ')
  elsewhere = other.assign(directory=other.directory.str.replace('exp', 'a'))
  both = judge(make_runs(), elsewhere, only=['C1']).loc['C1']
  assert both.measured == pytest.approx(0, abs=1)


def of_recipe(**values):
  return judge(make_runs(recipe=PAPER | values), only=['C1', 'C10', 'C18'])


def test_shorter_and_coarser_runs_are_judged_but_for_what_is_about_it():
  found = of_recipe(
    training_len=['iterations', 10_000], evaluation_interval=500
  )
  assert found.n['C1'] == 5
  assert found.note['C10a'] == "wanted: runs with the paper's training_len"
  assert found.note['C18a'].startswith('wanted: runs with their initial')


def test_another_optimizer_is_judged_but_for_what_is_about_it():
  found = of_recipe(optimizer='SGD')
  assert list(found.n[['C1', 'C10a']]) == [5, 5]
  assert found.note['C18a'] == "wanted: runs with the paper's optimizer"


def test_data_drawn_from_the_seeds_are_no_recipe_of_their_own():
  """A user's data may differ from trial to trial: these are compared."""
  runs = make_runs()
  runs['recipe'] = [
    json.dumps(PAPER | {'test data': f'of {trial}'}) for trial in runs.trial
  ]
  study = view.Study(runs, {})
  assert len(study.settings) == 1
  assert study.recipe['test data'] is None
  others = runs.assign(recipe=json.dumps(PAPER | {'test data': 'other'}))
  assert len(view.Study(pd.concat([runs, others]), {}).settings) == 6


@pytest.mark.parametrize(
  'values',
  [
    {'layers': [[20, 'relu'], [10, None]]},
    {'test data': 'of Fashion-MNIST'},
    {'permute_labels': True},
  ],
)
def test_other_networks_and_data_say_nothing_of_the_paper(values):
  assert of_recipe(**values).empty


def test_mnist_is_mnist_however_it_is_scaled():
  for checksum in paper.CLAIMS.about['test data']:
    assert not of_recipe(**{'test data': checksum}).empty


def test_trials_of_one_name_of_two_experiments_are_two(judged):
  elsewhere = TICKETS.directory.str.replace('exp', 'exp2')
  other = TICKETS.assign(directory=elsewhere, checksum=None)
  twice = judge(TICKETS, other, only=['C1'])
  assert twice.loc['C1'].n == 10
  assert twice.loc['C1'].measured == pytest.approx(judged.loc['C1'].measured)


def test_trials_of_one_seed_in_another_order_are_two():
  others = 'other ' + TICKETS.checksum
  other = TICKETS.assign(directory='x/y/0/z', checksum=others)
  assert judge(TICKETS, other, only=['C1']).loc['C1'].n == 10


@pytest.mark.parametrize('changes', [{'trial': '6'}, {'directory': 'x/y/0/z'}])
def test_trials_that_came_out_alike_are_one(judged, changes):
  copies = TICKETS[TICKETS.trial == '2'].assign(**changes)
  copied = judge(TICKETS, copies, REINIT, only=['C1', 'C7'])
  for name, row in copied.drop(columns='p_holm').iterrows():
    pd.testing.assert_series_equal(row, judged.loc[name].drop('p_holm'))


def test_a_sweep_beside_the_tickets_has_names_of_its_own():
  slow = make_runs(
    'slow',
    early_stop=lambda level: 6_000,
    recipe=PAPER | {'learning_rate': 0.0002},
    script='lottery_experiment',
  )
  found = judge(make_runs(recipe=PAPER), slow, only=['C25'])
  assert found.n['C25a'] == 5
  unknown = slow.assign(script='train')
  found = judge(make_runs(recipe=PAPER), unknown, only=['C25'])
  assert found.direction['C25a'] == 'not measured'


@pytest.mark.parametrize('value', [None, 'x', [1], {'a': 1}, True])
def test_odd_recipes_are_no_recipes_of_the_claims(value):
  odd = make_runs(
    recipe=dict.fromkeys(PAPER, value), prune_percents=json.dumps(value)
  )
  some = judge(odd, only=['C1', 'C25', 'C26', 'C28', 'C30'])
  if value is None:  # It may be the paper's: the record does not say.
    assert some.n['C1'] == 5
  assert set(some.direction[1:]) <= {'not measured'}


def test_other_rates_of_adam_are_found_by_their_recipe():
  def of_rate(rate, stop):
    return make_runs(
      early_stop=lambda level: stop, recipe=PAPER | {'learning_rate': rate}
    )

  found = judge(
    of_rate(0.0012, 3_000),
    of_rate(0.0002, 6_000),
    of_rate(0.1, 100),
    only=['C25'],
  )
  assert list(found.direction) == ['reproduced', 'reproduced']
  assert found.measured['C25b'] == 50
  assert (
    judge(of_rate(0.0012, 3_000), only=['C25']).direction['C25a']
    == 'not measured'
  )


def test_sgd_beside_adam():
  def of_sgd(rate):
    return make_runs(
      levels=range(25),
      early_stop=lambda level: 5_200,
      recipe=PAPER | {'optimizer': 'SGD', 'learning_rate': rate},
    )

  adam = make_runs(recipe=PAPER)
  found = judge(adam, of_sgd(0.4), of_sgd(0.8), only=['C26'])
  assert list(found.measured) == pytest.approx([1.04, 1.04, 0, 0], abs=0.01)
  assert list(found.direction) == ['reproduced'] * 4
  beside = judge(adam, of_sgd(0.1), only=['C26'])
  assert set(beside.direction) == {'not measured'}
  alone = judge(of_sgd(0.8), only=['C26'])
  assert alone.note['C26b'] == "wanted: runs with the paper's optimizer"


def test_shorter_sweeps_are_compared_with_the_base_at_their_length():
  """The base stops at 5,000 iterations, within 3,000 at its last low."""
  curve = {
    'iteration': [0, 1_000, 2_500, 5_000, 50_000],
    'loss': [2.3, 0.3, 0.2, 0.1, 0.3],
    'accuracy': [0.1, 0.9, 0.95, 0.98, 0.98],
  }
  base = make_runs(recipe=PAPER)
  base['row'] = [{'curve': curve}] * len(base)
  short = PAPER | {
    'optimizer': 'SGD',
    'learning_rate': 0.4,
    'training_len': ['iterations', 3_000],
  }
  sweep = make_runs(
    early_stop=lambda level: 2_000, recipe=short, iterations=3_000
  )
  found = judge(base, sweep, only=['C26'])
  assert found.measured['C26a'] == pytest.approx(2_000 / 2_500)
  assert found.measured['C26c'] != found.measured['C26c']  # No 0.95% there.
  # Without curves the base is not known at that length.
  found = judge(base.drop(columns='row'), sweep, only=['C26'])
  assert found.note['C26a'] == 'wanted: rows with learning curves'


@pytest.mark.parametrize('beside', [False, True])
def test_ladders_of_other_percents_are_found_beside_the_main_one(beside):
  def of_percent(percent, accuracy, folder):
    runs = make_runs(
      accuracy=accuracy,
      recipe={key: PAPER[key] for key in PAPER if key != 'prune_percents'},
      prune_percents=json.dumps(
        {'layer0': percent, 'layer1': percent, 'layer2': percent / 2}
      ),
    )
    if beside:  # Of a name of its own in the same folder.
      name = 'same_init' if folder == 'a' else folder
      return runs.assign(experiment=name, script='lottery_experiment')
    moved = runs.directory.str.replace('exp', folder)
    return runs.assign(directory=moved)

  def good(level):
    return 0.98

  def bad(level):
    return 0.98 - 0.0004 * level

  found = judge(
    of_percent(0.2, good, 'a'),
    of_percent(0.1, good, 'b'),
    of_percent(0.4, bad, 'c'),
    only=['C28'],
  )
  assert list(found.direction) == ['reproduced', 'not measured', '']
  assert found['size']['C28c'] == 'as in the paper'
  assert found.measured['C28a'] == pytest.approx(0.6, abs=0.05)


def test_larger_networks_at_equal_weight_count():
  def of_layers(units, factor, accuracy):
    runs = make_runs(
      levels=range(22),
      accuracy=accuracy,
      recipe=PAPER | {'layers': [[units, 'relu'], [10, None]]},
    )
    return runs.assign(remaining=(runs.remaining * factor).astype(int))

  # Back to dense between 15,000 and 9,000 weights, whatever the size.
  def falling(best, zero):
    return lambda level: best + (0.001 * (zero - level) if level else 0.0)

  small = of_layers(100, 0.5, falling(0.96, 11))
  middle = of_layers(300, 1, falling(0.97, 14)).assign(recipe=json.dumps(PAPER))
  large = of_layers(900, 2, falling(0.98, 17))
  found = judge(small, middle, large, only=['C30'])
  assert list(found.direction) == ['reproduced'] * 3, found.note


def test_trends_that_are_alike_say_so():
  slower = make_runs('reinit', range(1, 16), lambda level: 2.0**level)
  row = judge(TICKETS, slower, only=['C9']).loc['C9']
  assert (row.measured, row.low, row.high) == (1, 1, 1)
  assert row.note.startswith('the same in each trial')


def test_statistics_of_weights_decide_what_is_about_weights():
  """Layer0 keeps its shape, and layer1 has two modes."""
  noise = np.array([-0.01, 0, 0.01])
  runs = make_runs(levels=[0, 7, 15], trials=3)
  for layer, coefficient, near_0, away in (
    ('layer0', 0.423, 1.4, 0.8),
    ('layer1', 0.7, 0.4, 0.9),
  ):
    runs = runs.assign(
      **{
        f'initial bimodality {layer}': coefficient
        + runs.trial.map(dict(zip('123', noise, strict=True))),
      }
    )
    spread = runs.trial.map(dict(zip('123', noise, strict=True)))
    runs[f'initial near 0 {layer}'] = near_0 + spread
    runs[f'distance {layer}'] = 1.6 + spread
    runs[f'distance by chance {layer}'] = 2.0 if layer == 'layer0' else 1.2
    runs[f'away {layer}'] = away + spread
    runs[f'away by chance {layer}'] = 0.85
    runs[f'outgoing excess {layer}'] = 0.1 + spread
    runs[f'incoming excess {layer}'] = 0.05
  found = judge(runs, only=['C18', 'C22', 'C23'])
  measured = said(found)
  for name, wanted in {
    'C18a': ', as in the paper',
    'C18b': 'reproduced, ',
    'C18c': 'reproduced, ',
    'C22a': 'opposite, ',
    'C22b': 'opposite, ',
    'C22c': 'reproduced, ',
    'C22d': 'reproduced, ',
    'C23a': 'reproduced, ',
  }.items():
    assert measured[name] == wanted, name
  assert found.measured['C22a'] == pytest.approx(0.8)
  assert found.direction['C18d'] == 'not measured'


def test_same_seed_same_table():
  first, again, other = (
    claims.judge(TICKETS, only=['C1', 'C2', 'C4'], seed=seed).drop(
      columns='note'
    )
    for seed in (1, 1, 2)
  )
  pd.testing.assert_frame_equal(first, again)
  assert list(first.measured.dropna()) == list(other.measured.dropna())


def test_only_some_claims(judged):
  some = judge(TICKETS, REINIT, only=['C7', 'C1'])
  assert list(some.index) == ['C1', 'C7']
  pd.testing.assert_frame_equal(
    some.drop(columns='p_holm'),
    judged.loc[['C1', 'C7']].drop(columns='p_holm'),
  )
  with pytest.raises(errors.InputError, match=r"^only: .*, got 'C27'$"):
    judge(TICKETS, only=['C27'])


def test_runs_without_tickets_measure_nothing():
  assert set(judge(REINIT).direction) == {'not measured'}


@pytest.mark.parametrize('last', [18, 9])
def test_reinitialized_tickets_that_stay_good(last):
  """They fall below dense at level 17, or later than was measured."""
  good = make_runs(
    'reinit', range(last + 1), accuracy=lambda level: 0.9834 - 0.0002 * level
  )
  row = judge(TICKETS, good, only=['C6']).loc['C6b']
  assert row['size'] == 'smaller'
  assert ('an upper bound' in row.note) == (last == 9)


@pytest.fixture(scope='module')
def committed(root):
  """The study's runs, from its rows."""
  return results.read(str(root / 'docs/study')).runs


def test_the_committed_study_is_judged(committed):
  found = judge(committed)
  assert found.direction['C1'] == 'reproduced'
  assert found.loss_direction['C1'] == 'reproduced'
  # Early stop is noisy: a fixed loss tells levels apart that it does not.
  assert (found.direction['C5b'], found.loss_direction['C5b']) == (
    'open',
    'reproduced',
  )
  # Rules can say no.
  assert (found.direction == 'opposite').any()
  assert found.p_holm.dropna().between(0, 1).all()
  assert (found.p_holm >= found.p_value)[found.p_value.notna()].all()

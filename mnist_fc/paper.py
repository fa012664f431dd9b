"""The paper's claims about this network, and what is measured of each.

Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635 v5), Section
2 and Appendices B, E, F and G. Numbers 27 and 29 were dropped when the table
was made.

Levels are those that the paper names, one by one; a crossing starts from the
best level, which each resample of its bootstrap chooses anew. "Early stop" is
the iteration of minimum validation loss, and accuracy is test accuracy then,
unless it says "at the end". What the paper says of a level is read from a
figure: it stands for one and a half levels to each side.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import claims
from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import stability_claims

Net = estimands.Net
Part = claims.Part
Quantity = estimands.Quantity
Study = view.Study
View = view.View
at, better, sooner = claims.near, estimands.better, estimands.sooner
trend, used_up = estimands.trend, estimands.used_up

TICKET, REINIT, ONE_SHOT, RANDOM = view.TICKET, 'reinit', 'one_shot', 'random'
LAYERS = 'layer0', 'layer1', 'layer2'

# P_m in percent: of these levels claims of the appendices are judged.
NAMED = (21.1, 3.6)
LABELS = (51.3, 21.1, 13.5, 7.0, 3.6, 2.9, 1.9, 1.2)  # The paper's figures'.

INITIALIZER = 0.423  # Sarle's coefficient of the initializer's distribution.
SURVIVORS = 9_537  # Weights at level 15 of the paper's ladder: 3.6%.
EQUAL_SIZE = 12_000  # Weights: the middle of 9,000 to 15,000.
SGD_RATES = (0.4, 0.8)

_MNIST = (  # The test set, by how the images are scaled: unit, standard and l2.
  'ea86ff7c055482ea823fcb6209fba81b6b4f2ab84970edabb36ed7b5af638674',
  '4c7990dc92427bdac5017393e056b80cd1f9a8b815e18a7cf15699342f26e839',
  '278639c24487f98c832efef4c18d166b7d331441477e25c8af488ff63d9f56df',
)


def of_weights(words: str, unit: str, percent: float, *names: str) -> Quantity:
  """Returns a statistic of a ticket's weights, or one compared with another.

  Args:
    words: What it is.
    unit: Its unit; a 'ratio' is the first over the second, else the second is
      subtracted.
    percent: P_m in percent.
    *names: Names of one or two of `metrics.statistics`.
  """

  def measure(study: View) -> bounded.Bounded:
    first, *others = (study.at(name, TICKET, percent) for name in names)
    if not others:
      return first
    second = others[0]
    compared = first / second if unit == 'ratio' else first - second
    note = f'{first.seen.mean():.3g} against {second.seen.mean():.3g}'
    return dataclasses.replace(compared, note=note)

  return Quantity(measure, unit, f'{words}, {Net(TICKET, percent)}')


def on(
  quantity: Quantity, find: Callable[[Study], View], words: str
) -> Quantity:
  """Returns a quantity of other runs than those of the main recipe."""
  return dataclasses.replace(
    quantity,
    measure=lambda study: quantity.measure(find(study)),
    words=f'{quantity.words}, {words}',
  )


def sgd(rate: float) -> Callable[[Study], View]:
  """Returns a function that finds the runs of plain SGD at a learning rate."""

  def is_wanted(recipe: dict[str, Any]) -> bool:
    is_plain = not recipe.get('optimizer_settings')
    is_sgd = str(recipe.get('optimizer')).lower() == 'sgd'
    return is_plain and is_sgd and recipe.get('learning_rate') == rate

  names = ('optimizer', 'learning_rate', 'optimizer_settings')
  what = f'tickets found with SGD at learning rate {rate}'
  return lambda study: study.varying(what, is_wanted, *names)[0]


def adam(
  study: Study, wanted: Callable[[float], bool], least: int = 1
) -> list[View]:
  """Returns the runs of Adam at some learning rates of the paper's range."""

  def is_wanted(recipe: dict[str, Any]) -> bool:
    rate = errors.read_number(recipe.get('learning_rate')) or 0.0
    return 0.0002 <= rate <= 0.002 and wanted(rate)

  what = 'tickets found with Adam at several rates from 0.0002 to 0.002'
  return study.varying(what, is_wanted, 'learning_rate', least=least)


@functools.partial(
  Quantity,
  unit='points',
  words='Points of test accuracy at the end over the dense network, the'
  ' greatest mean over trials of the levels that figures label',
)
def _greatest_at_labels(study: Study) -> estimands.OverTrials:
  gains = estimands.gains(study, 'final_accuracy', TICKET)
  percents = gains.seen.columns.get_level_values('percent')
  near = [
    any(abs(percent / label - 1) < 0.05 for label in LABELS)
    for percent in percents
  ]
  if not any(near):
    raise view.NotMeasuredError("wanted: tickets at the paper's labels")
  return estimands.greatest(gains.each(lambda end: end.loc[:, near]))


@functools.partial(
  Quantity,
  unit='points',
  words='Greatest minus least test accuracy at early stop at P_m = 21.1% over'
  ' the learning rates; null: 0.3 points, the gain of a ticket',
)
def _spread_of_rates(study: Study) -> bounded.Bounded:
  views = adam(study, lambda rate: True, least=2)
  return bounded.spread([one.at('accuracy', *T21) for one in views]) * 100


@functools.partial(
  Quantity,
  unit='percent',
  words='Percent fewer iterations to early stop at P_m = 21.1% at 0.0012 and'
  ' 0.002 than at the others',
  is_speed=True,
)
def _saved_by_best_rates(study: Study) -> bounded.Bounded:
  best = (0.0012, 0.002)
  shortest = min(one.length for one in adam(study, lambda rate: True))

  def stop(wanted: Callable[[float], bool]) -> bounded.Bounded:
    views = [one.within(shortest) for one in adam(study, wanted)]
    return bounded.mean([one.at('early_stop', *T21) for one in views])

  others = stop(lambda rate: rate not in best)
  return bounded.percent_fewer(stop(lambda rate: rate in best), others)


def slower_with_sgd(rate: float) -> Quantity:
  """Compares early stop with SGD with that with the main recipe."""

  def ratio(study: Study) -> bounded.Bounded:
    other = sgd(rate)(study)
    views = other, study.within(other.length)
    slow, fast = (one.at('early_stop', *T21) for one in views)
    return slow / fast

  what = f'Iterations to early stop, {T21}, SGD at {rate} over Adam'
  return Quantity(ratio, 'ratio', f'{what}; null: a quarter more', True)


def at_size(study: View, count: float) -> bounded.Bounded:
  """Returns the accuracy in percent of tickets of so many weights."""
  return estimands.interpolated(study, 'accuracy', count) * 100


def pruned_by(first: float, second: float) -> Quantity:
  """Compares tickets of equal size that other percents a round have left."""

  def find(study: Study, percent: float) -> View:
    def is_wanted(recipe: dict[str, Any]) -> bool:
      found = recipe.get('prune_percents')
      return isinstance(found, dict) and found.get('layer0') == percent

    what = f'tickets of {100 * percent:g}% of the hidden layers pruned a round'
    return study.varying(what, is_wanted, 'prune_percents')[0]

  def points(study: Study) -> bounded.Bounded:
    found = [find(study, percent) for percent in (first, second)]
    shortest = min(one.length for one in found)
    one, other = (at_size(x.within(shortest), SURVIVORS) for x in found)
    return one - other

  rates = f'{100 * first:g}% a round minus {100 * second:g}%'
  words = f'Points of test accuracy at {SURVIVORS:,} weights, {rates}'
  return Quantity(points, 'points', words)


def sizes(study: Study) -> list[View]:
  """Returns the runs of networks of each size, the smallest first."""
  what = 'tickets of networks of three sizes or more'
  found = study.varying(what, lambda recipe: True, 'layers', least=3)
  return sorted(found, key=lambda one: one.runs.remaining.max())


@functools.partial(
  Quantity,
  unit='points',
  words=f'Points of test accuracy at {EQUAL_SIZE:,} weights, the largest'
  ' network minus the smallest',
)
def _larger_is_better(study: Study) -> bounded.Bounded:
  smallest, *_, largest = sizes(study)
  return at_size(largest, EQUAL_SIZE) - at_size(smallest, EQUAL_SIZE)


def gain_at(count: float) -> Quantity:
  """Compares tickets of so many weights with dense networks of their size."""

  def points(study: Study) -> bounded.Bounded:
    return bounded.mean(
      [at_size(one, count) - one.at('accuracy') * 100 for one in sizes(study)]
    )

  words = (
    f'Points of test accuracy at {count:,} weights minus the dense network'
  )
  return Quantity(points, 'points', f'{words}, mean over sizes')


def both(first: str, second: str) -> list[Part]:
  """Returns parts: one kind is better and sooner than another."""
  return [
    Part(compare(Net(first, percent), Net(second, percent)), above=0)
    for percent in NAMED
    for compare in (better, sooner)
  ]


def near_0(layer: str, percent: float) -> Quantity:
  """Returns the test for modes of the initial weights of a layer."""
  # Sarle's coefficient is above the uniform's for skewed distributions as well,
  # and below it for half as many weights near 0: it is no test for modes.
  what = 'Density of the surviving initial weights near 0 over that beside it'
  words = f'{what}, {layer}; below 1 there are two modes'
  return of_weights(words, 'ratio', percent, f'initial near 0 {layer}')


def sarle(layer: str, percent: float) -> Quantity:
  """Returns the coefficient that is 0.423 as weights are initialized."""
  what = "Sarle's bimodality coefficient of the surviving initial weights"
  words = f'{what}, {layer}; the initializer has {INITIALIZER}'
  name = f'initial bimodality {layer}'
  return of_weights(words, 'coefficient', percent, name)


def half_way(kind: str, percent: float) -> Quantity:
  """Tells whether a control is nearer to the ticket than to a new start.

  "Barely matters" and "little better" have no number: half-way is the limit.
  """
  nets = (Net(name, percent) for name in (kind, TICKET, REINIT))
  return estimands.beyond_half_way(*nets)


def moved(layer: str, percent: float) -> list[Part]:
  """Returns the parts that a ticket's weights move more, and away from 0."""
  chance = (
    f'chance (movements permuted within {layer} of the dense network, weights'
    ' chosen by the same ranks)'
  )
  words = 'Distance that kept weights move over others, as a multiple of'
  names = f'distance {layer}', f'distance by chance {layer}'
  distance = of_weights(f'{words} {chance}', 'ratio', percent, *names)
  words = f'Share of kept weights that move away from 0 minus {chance}'
  names = f'away {layer}', f'away by chance {layer}'
  away = of_weights(words, 'difference of shares', percent, *names)
  return [Part(distance, above=1), Part(away, above=0)]


def uneven(layer: str, percent: float) -> Quantity:
  """Returns by how much more uneven outgoing connections are."""
  what = 'Squared variation of connections beyond random placement'
  words = f'{what}, outgoing minus incoming, {layer}'
  names = f'outgoing excess {layer}', f'incoming excess {layer}'
  return of_weights(words, 'squared variation', percent, *names)


def claim(name: str, statement: str, paper: str, *parts: Part) -> claims.Claim:
  """Returns a claim of these parts."""
  return claims.Claim(name, statement, paper, parts)


T21, T14, T4 = (Net(TICKET, percent) for percent in (21.1, 13.5, 3.6))
R21 = Net(REINIT, 21.1)
LENGTH, ADAM = ('training_len',), ('optimizer',)

TABLE = (
  claim(
    'C1',
    'The ticket at P_m = 21.1%, the fastest, stops sooner than the dense one.',
    '38% fewer iterations',
    Part(sooner(T21), above=0, value=38),
  ),
  claim(
    'C2',
    'Sparser tickets stop later, at P_m = 3.6% when the dense network does.',
    'P_m = 3.6%',
    Part(used_up('early_stop', TICKET), value=at(3.6)),
  ),
  claim(
    'C3',
    'The ticket at P_m = 13.5%, the best, is more accurate than the dense one.',
    'more than 0.3 points',
    Part(better(T14), above=0, value=(0.3, math.inf)),
  ),
  claim(
    'C4',
    'Accuracy is back to that of the dense network at P_m = 3.6%.',
    'P_m = 3.6%',
    Part(used_up('accuracy', TICKET), value=at(3.6)),
  ),
  claim(
    'C5',
    'Speed rises to P_m = 21.1%, then falls, at 3.6% to about the dense one.',
    'in this order',
    Part(trend('early_stop', TICKET, 100, 21.1), below=0),
    Part(sooner(T21, Net(TICKET, 51.3)), above=0),
    Part(trend('early_stop', TICKET, 21.1, 3.6), above=0),
    # Dense early stops differ by as much among themselves.
    Part(sooner(T4), value=(-30, 30)),
  ),
  claim(
    'C6',
    'From P_m = 21.1% on reinitialized tickets are less accurate than the dense'
    ' network, much earlier than tickets.',
    'P_m = 21.1%, tickets 2.9%',
    Part(better(R21), below=0),
    Part(used_up('accuracy', REINIT), value=at(21.1)),
    Part(estimands.used_up_earlier('accuracy', REINIT, TICKET), above=1),
  ),
  claim(
    'C7',
    'At P_m = 21.1% the ticket stops sooner than its reinitialization.',
    '2.51 times fewer iterations',
    Part(estimands.times_as_long(R21, T21), above=1, value=2.51),
  ),
  claim(
    'C8',
    'At P_m = 21.1% the ticket is more accurate than its reinitialization.',
    '0.5 points',
    Part(better(T21, R21), above=0, value=0.5),
  ),
  claim(
    'C9',
    'Reinitialized tickets learn ever more slowly as pruning goes on.',
    'yes',
    Part(trend('early_stop', REINIT), above=0),
  ),
  claim(
    'C10',
    'Tickets are more accurate than dense networks at the end, too.',
    'up to 0.35 points',
    Part(better(T14, measure='final_accuracy'), above=0, about=LENGTH),
    Part(_greatest_at_labels, value=0.35, about=LENGTH),
  ),
  claim(
    'C11',
    'Training accuracy at the end is about 100% for tickets with P_m >= 2%.',
    'about 100%',
    Part(estimands.LEAST_FIT, value=(99.5, 100), about=LENGTH),
  ),
  claim(
    'C12',
    'One-shot tickets stop sooner than dense ones for 67.5% >= P_m >= 17.6%.',
    'P_m from 67.5% to 17.6%',
    *[Part(sooner(Net(ONE_SHOT, p)), above=0) for p in LABELS[:2]],
    Part(used_up('early_stop', ONE_SHOT), value=at(17.6)),
  ),
  claim(
    'C13',
    'One-shot tickets are more accurate than dense for 95.0% >= P_m >= 5.17%.',
    'P_m from 95.0% to 5.17%',
    *[Part(better(Net(ONE_SHOT, p)), above=0) for p in LABELS[:4]],
    Part(used_up('accuracy', ONE_SHOT), value=at(5.17)),
  ),
  claim(
    'C14',
    'Iterative pruning finds smaller, faster, better tickets than one-shot.',
    'smaller, faster, more accurate',
    *both(TICKET, ONE_SHOT),
    Part(estimands.used_up_earlier('accuracy', ONE_SHOT, TICKET), above=1),
  ),
  claim(
    'C15',
    'Random sparse networks are slower and less accurate the sparser they are.',
    'yes',
    Part(trend('early_stop', RANDOM), above=0),
    Part(trend('accuracy', RANDOM), below=0),
  ),
  claim(
    'C16',
    'Resetting every round finds better tickets than going on (App. B).',
    'yes',
    *both(TICKET, 'no_reset_ticket'),
  ),
  claim(
    'C17',
    "A ticket's mask, reinitialized, beats random sparsity (App. E).",
    'yes',
    *both(REINIT, RANDOM),
  ),
  claim(
    'C18',
    'With Adam initial weights that survive stay Gaussian in layer0, in others'
    ' they have two modes (App. F.1).',
    'yes',
    *[
      part
      for percent in NAMED
      for part in (
        Part(sarle('layer0', percent), value=INITIALIZER, about=ADAM),
        Part(near_0('layer0', percent), above=1, about=ADAM),
        Part(near_0('layer1', percent), below=1, about=ADAM),
        Part(near_0('layer2', percent), below=1, about=ADAM),
      )
    ],
  ),
  claim(
    'C19',
    'With SGD at 0.8 they have two modes in every layer (App. F.2).',
    'yes',
    *[
      Part(on(near_0(layer, percent), sgd(0.8), 'SGD at 0.8'), below=1)
      for percent in NAMED
      for layer in LAYERS
    ],
  ),
  claim(
    'C20',
    "Weights drawn from a layer's survivors are little better than new (F.3).",
    'yes',
    *[Part(half_way('own', percent), below=0) for percent in NAMED],
  ),
  claim(
    'C21',
    'Pruning by magnitude at iteration 0 is worse than reinitializing (F.4).',
    'yes',
    *[
      Part(better(Net('init_magnitude', p), Net(REINIT, p)), below=0)
      for p in NAMED
    ],
  ),
  claim(
    'C22',
    "A ticket's weights move more in training than others, away from 0 (F.5).",
    'yes',
    *[
      part
      for percent in NAMED
      for layer in LAYERS
      for part in moved(layer, percent)
    ],
  ),
  claim(
    'C23',
    'Incoming connections are even over units, outgoing ones uneven (F.6).',
    'yes',
    *[
      Part(uneven(layer, percent), above=0)
      for percent in NAMED
      for layer in LAYERS
    ],
  ),
  claim(
    'C24',
    'Noise of 0.5 stddevs barely matters; with 3 they beat new weights (F.7).',
    'yes',
    *[Part(half_way('noise_0.5x', percent), above=0) for percent in NAMED],
    *[Part(better(Net('noise_3x', p), Net(REINIT, p)), above=0) for p in NAMED],
  ),
  claim(
    'C25',
    'Adam at 0.0002 to 0.002 is similarly accurate, soonest at 0.0012 and 0.002'
    ' (App. G.2).',
    'yes',
    # The gain of a ticket is the most that would still be similar.
    Part(_spread_of_rates, below=0.3, about=ADAM),
    Part(_saved_by_best_rates, above=0, about=ADAM),
  ),
  claim(
    'C26',
    'SGD at 0.4 or 0.8 is as fast as Adam, and accurate below 1% (App. G.3).',
    'yes',
    *[
      Part(slower_with_sgd(rate), below=1.25, about=ADAM) for rate in SGD_RATES
    ],
    *[
      Part(
        on(better(Net(TICKET, 0.96)), sgd(rate), f'SGD at {rate}'), above=-0.25
      )
      for rate in SGD_RATES
    ],
  ),
  claim(
    'C28',
    'Pruning 10% or 20% a round is good, 40% and more is worse (App. G.4).',
    'yes',
    Part(pruned_by(0.2, 0.4), above=0),
    Part(pruned_by(0.2, 0.6), above=0),
    Part(pruned_by(0.1, 0.2), value=(-0.2, 0.2)),
  ),
  claim(
    'C30',
    'Larger networks give better tickets; all fall to dense accuracy at 9,000'
    ' to 15,000 weights (App. G.6).',
    '9,000 to 15,000 weights',
    Part(_larger_is_better, above=0),
    Part(gain_at(15_000), above=0),
    Part(gain_at(9_000), below=0),
  ),
)

CLAIMS = claims.Claims(
  claims.as_recorded(constants.RECIPES['paper'].configuration()),
  about={
    'layers': [constants.RECIPES['paper'].configuration()['layers']],
    'permute_labels': [False],
    'test data': _MNIST,
  },
  headlines=('C1', 'C3', 'C7', 'C8'),
  levels=(0, 3, 7, 9, 12, 15, 16, 18, 20),
  claims=TABLE,
)
"""All claims of the paper about this network, in its order."""

TABLES = (CLAIMS, stability_claims.table(CLAIMS))
"""The tables of claims about this task."""

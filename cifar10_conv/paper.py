"""What is claimed of these networks, and what is measured of each claim.

Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635 v5),
Sections 3 and 4 and Appendices B, E and H; Frankle et al., "Linear Mode
Connectivity and the Lottery Ticket Hypothesis" (arXiv 1912.05671). Not judged
are validation accuracies (H.2), other optimizers and rates (H.3, H.4), layers
pruned alone (H.6), and VGG-19, which has no recipe here.

A table is about a network of the paper's width on images of the shape of
CIFAR-10's: its number of weights tells both. Where the paper has a curve and no
number, half a point of accuracy is no difference.
"""

from typing import Any

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import claims
from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import view
from lottery_ticket.cifar10_conv import constants

Claim = claims.Claim
Net = estimands.Net
Part = claims.Part
Quantity = estimands.Quantity
barrier, matching = estimands.barrier, estimands.matching
better, sooner = estimands.better, estimands.sooner

TICKET, REINIT, RANDOM = view.TICKET, 'reinit', 'random'
NO_RESET = 'no_reset_ticket'
EQUAL = 0.5  # Points; the gain of the best tickets is 3.3 or more.
MODERATE, SPARSE = 51.4, 3.0  # P_m in percent.
LENGTH = ('training_len',)
DROPOUT = 0.5


STEADY = [
  Part(better(Net(REINIT, MODERATE)), above=-EQUAL),
  Part(better(Net(REINIT, SPARSE)), below=0),
]
FALLING = [Part(estimands.trend('accuracy', REINIT), below=0)]


def with_dropout(study: view.Study) -> view.View:
  """Returns the runs that differ in dropout, and in rate and length for it."""
  names = {'dropout', 'learning_rate', 'training_len'}
  for recipe, found in study.settings:
    is_other = set(view.differing(recipe, study.recipe)) <= names
    if is_other and recipe.get('dropout') == DROPOUT:
      return found
  raise view.NotMeasuredError(f'wanted: tickets found with dropout {DROPOUT}')


def dropout_gain(study: view.Study) -> bounded.Bounded:
  """Returns what dropout gains for the dense network, in points."""
  return (with_dropout(study).at('accuracy') - study.at('accuracy')) * 100


def greatest_with_dropout(study: view.Study) -> estimands.OverTrials:
  """Returns the greatest gain of tickets where all is trained with dropout."""
  gains = estimands.gains(with_dropout(study), 'accuracy', TICKET)
  return estimands.greatest(gains)


DROPOUT_GAIN = Quantity(
  dropout_gain,
  'points',
  'Points of test accuracy at early stop, the dense network with dropout minus'
  ' without',
)
WITH_DROPOUT = Quantity(
  greatest_with_dropout,
  'points',
  'Points of test accuracy at early stop over the dense network, both with'
  ' dropout, the greatest mean over trials of all levels',
)


def final_accuracy(percent: float) -> Quantity:
  """Returns the accuracy of tickets at the end."""
  return Quantity(
    lambda study: study.at('final_accuracy', TICKET, percent) * 100,
    'percent of images',
    f'Test accuracy at the end, {Net(TICKET, percent)}',
  )


def about(recipe: dict[str, Any], weights: int, *names: str) -> dict[str, Any]:
  """Returns what claims are about: the network, its data, and more values."""
  names = ('network', 'permute_labels', *names)
  return {'weights': [weights]} | {name: [recipe[name]] for name in names}


def of_tickets(
  fastest: tuple[float, float], best: tuple[float, float]
) -> tuple[Claim, ...]:
  """Returns the claims about tickets beside the dense network.

  Args:
    fastest: How many times sooner they stop at best, and P_m in percent.
    best: How many points more accurate they are at best, and P_m in percent.
  """
  fast, good = Net(TICKET, fastest[1]), Net(TICKET, best[1])
  return (
    Claim(
      'K1',
      'Tickets stop sooner than the dense network.',
      f'{fastest[0]} times sooner at P_m = {fastest[1]}%',
      [
        Part(
          estimands.times_as_long(estimands.DENSE, fast),
          above=1,
          value=fastest[0],
        )
      ],
    ),
    Claim(
      'K2',
      'Tickets are more accurate than the dense network.',
      f'{best[0]} points at P_m = {best[1]}%',
      [Part(better(good), above=0, value=best[0])],
    ),
    Claim(
      'K3',
      'They are so as long as P_m > 2%.',
      'P_m = 2%',
      [
        Part(
          estimands.used_up('accuracy', TICKET), value=(0, claims.near(2)[1])
        )
      ],
    ),
    Claim(
      'K4',
      'Training accuracy at the end is about 100% for P_m >= 2%; on test data'
      ' tickets are more accurate even then.',
      'about 100%',
      [
        Part(estimands.LEAST_FIT, value=(99.5, 100), about=LENGTH),
        Part(better(good, measure='final_accuracy'), above=0, about=LENGTH),
      ],
    ),
  )


def conv(
  network: str,
  weights: int,
  fastest: tuple[float, float],
  best: tuple[float, float],
  reinitialized: list[Part],
  dropout: tuple[float, float],
) -> claims.Claims:
  """Returns the claims of Section 3 about one of its networks.

  Args:
    network: Its name.
    weights: Their number.
    fastest: How many times sooner tickets stop at best, and P_m in percent.
    best: How many points more accurate they are at best, and P_m in percent.
    reinitialized: What is said of the accuracy of reinitialized tickets.
    dropout: Points that dropout gains for the dense network, and the most that
      pruning adds.
  """
  recipe = claims.as_recorded(constants.RECIPES[network].configuration())
  later = ', but not under moderate pruning' * (reinitialized is STEADY)
  nets = [Net(TICKET, percent) for _, percent in (fastest, best)]
  table = (
    *of_tickets(fastest, best),
    Claim(
      'K5',
      'Reinitialized tickets learn ever more slowly as pruning goes on.',
      'yes',
      [Part(estimands.trend('early_stop', REINIT), above=0)],
    ),
    Claim(
      'K6',
      f'Their accuracy falls as pruning goes on{later}.',
      'yes',
      reinitialized,
    ),
    Claim(
      'K7',
      'Dropout makes the dense network more accurate.',
      f'{dropout[0]} points',
      [Part(DROPOUT_GAIN, above=0, value=dropout[0])],
    ),
    Claim(
      'K8',
      'Pruning adds to what dropout gains.',
      f'up to {dropout[1]} points',
      [Part(WITH_DROPOUT, value=dropout[1])],
    ),
    Claim(
      'K9',
      'Resetting every round finds better tickets than going on (App. B).',
      'yes',
      [
        Part(compare(net, net._replace(kind=NO_RESET)), above=0)
        for net in nets
        for compare in (better, sooner)
      ],
    ),
    Claim(
      'K10',
      "A ticket's mask, reinitialized, is as good as random sparsity (App. E).",
      'no significant difference',
      [
        Part(
          better(net._replace(kind=REINIT), net._replace(kind=RANDOM)),
          value=(-EQUAL, EQUAL),
        )
        for net in nets
      ],
    ),
  )
  return claims.Claims(
    recipe,
    about(recipe, weights, 'dropout'),
    paper=f'the paper about {network}',
    headlines=('K1', 'K2'),
    claims=table,
  )


def resnet20(name: str, *table: Claim) -> claims.Claims:
  """Returns claims of Section 4 about ResNet-20 by a recipe of this folder."""
  recipe = claims.as_recorded(constants.RECIPES[name].configuration())
  names = 'learning_rate', 'warmup', 'optimizer'
  return claims.Claims(
    recipe,
    about(recipe, 270_896, *names),
    paper=f'the paper about {name}',
    headlines=[claim.name for claim in table],
    claims=table,
  )


def beside_reinit(*percents: float, **said: Any) -> list[Part]:
  """Returns parts: tickets at the end beside their reinitializations."""
  return [
    Part(
      better(Net(TICKET, p), Net(REINIT, p), 'final_accuracy'),
      about=LENGTH,
      **said,
    )
    for p in percents
  ]


def stability(
  network: str, weights: int, percent: float, dense: int, pruned: int
) -> claims.Claims:
  """Returns what is claimed of the stability of a network's training.

  It is stable from iteration k on if the barrier between two copies that start
  there is below 2 points of test error. A pruned network is matching if it is
  at most 0.2 points less accurate than the dense one. All is of 63,000
  iterations of SGD at 0.1, a tenth of it from 32,000 on, and again from 48,000.

  Args:
    network: Its name.
    weights: Their number.
    percent: P_m at which pruned networks match, but random ones do not.
    dense: Iteration from which the dense network is stable.
    pruned: Iteration from which pruned networks are stable, and matching.
  """
  schedule = {'boundaries': (32_000, 48_000), 'values': (0.1, 0.01, 0.001)}
  recipe = constants.RECIPES['resnet20'].replace(
    network=network,
    training_len=('iterations', 63_000),
    learning_rate={'PiecewiseConstantDecay': schedule},
  )
  values = claims.as_recorded(recipe.configuration())
  said = 'barrier above 2 points at 0, below 2 at {:,}'.format
  table = (
    Claim(
      'S1',
      f'The dense network is unstable at initialization, stable from {dense:,}'
      ' iterations on.',
      said(dense),
      [Part(barrier(0), above=2), Part(barrier(dense), below=2)],
    ),
    Claim(
      'S2',
      f'Pruned networks are unstable at initialization, stable from {pruned:,}'
      ' iterations on.',
      said(pruned),
      [
        Part(barrier(0, percent), above=2),
        Part(barrier(pruned, percent), below=2),
      ],
    ),
    Claim(
      'S3',
      'They match the dense network if, and only if, they are stable.',
      'within 0.2 points',
      [
        Part(matching(0, percent), below=-0.2),
        Part(matching(pruned, percent), above=-0.2),
      ],
    ),
  )
  names = 'learning_rate', 'training_len', 'warmup', 'optimizer'
  return claims.Claims(
    values,
    about(values, weights, *names),
    paper=f'{claims.STABILITY} about {network}',
    headlines=('S1', 'S2', 'S3'),
    claims=table,
  )


TABLES = (
  conv('conv2', 4_300_992, (3.5, 8.8), (3.4, 4.6), STEADY, (2.1, 2.3)),
  conv('conv4', 2_425_024, (3.5, 9.2), (3.5, 11.1), STEADY, (3.0, 4.6)),
  conv('conv6', 2_261_184, (2.5, 15.1), (3.3, 26.4), FALLING, (2.4, 4.7)),
  resnet20(
    'resnet20',
    Claim(
      'R1',
      'At a rate of 0.1 tickets are no better than their reinitializations.',
      'no difference',
      beside_reinit(41.7, 21.9, value=(-EQUAL, EQUAL)),
    ),
  ),
  resnet20(
    'resnet20_low',
    Claim(
      'R2',
      'At a rate of 0.01 tickets are better than their reinitializations.',
      'yes',
      beside_reinit(41.7, 21.9, above=0),
    ),
    Claim(
      'R3',
      'They are best for 41.7% >= P_m >= 21.9%.',
      '89.5%',
      [Part(final_accuracy(p), value=89.5, about=LENGTH) for p in (41.7, 21.9)],
    ),
  ),
  resnet20(
    'resnet20_warmup',
    Claim(
      'R4',
      'With 0.03 after a warmup of 20,000 iterations tickets are better than'
      ' their reinitializations, and as accurate as the dense network at 0.1.',
      '90.5% at P_m = 27.1%',
      [
        *beside_reinit(27.1, above=0),
        Part(final_accuracy(27.1), value=90.5, about=LENGTH),
      ],
    ),
    Claim(
      'R5',
      'They are more accurate than the dense network down to P_m = 11.8%.',
      'P_m = 11.8%',
      [
        Part(
          estimands.used_up('final_accuracy', TICKET),
          value=(0, claims.near(11.8)[1]),
          about=LENGTH,
        )
      ],
    ),
  ),
  stability('resnet20', 270_896, 17.8, dense=2_000, pruned=500),
  stability('vgg16', 14_715_584, 1.5, dense=1_000, pruned=1_000),
)
"""The tables of claims about this task."""

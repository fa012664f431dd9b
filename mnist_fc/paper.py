"""The paper's claims about this network, and what is measured of each.

Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635 v5), Section
2 and Appendices B, E, F and G. A claim is a function that returns one number a
trial: the first line of its docstring is what the paper says, the rest what the
number is. Further parts of it are functions of their own. Beside each stands
the null, which the claim says it lies above, or below, or near; and the margin,
if one is stated: effects inside it are as good as none.

Levels are those that the paper names, or are chosen on other trials than the
one they are judged on; a crossing starts from the best level, which each
resample of its bootstrap chooses anew. "Early stop" is the iteration of minimum
validation loss; "accuracy" is test accuracy then, unless it says "at the end".
Means at P_m <= 21.1% are over those with P_m <= 21.1%.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

from lottery_ticket.analysis import bounded
from lottery_ticket.analysis import claims
from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import metrics
from lottery_ticket.analysis import view
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import constants

_MNIST = 'ea86ff7c055482ea823fcb6209fba81b6b4f2ab84970edabb36ed7b5af638674'

CLAIMS = claims.Claims(
  {
    name: value
    for name, value in constants.RECIPES['paper'].configuration().items()
    if name != 'execution'
  }
  | {
    'permute_labels': False,
    'reset': 'initial',
    'test data': _MNIST,  # The test images and labels, so scaled.
  },
  headlines=('C1', 'C3', 'C7', 'C8'),
  levels=(0, 3, 7, 9, 12, 15, 16, 18, 20),
)
"""All claims of the paper about this network, in its order."""

Bounded: TypeAlias = bounded.Bounded
Measured: TypeAlias = estimands.Measured
Study: TypeAlias = view.Study
View: TypeAlias = view.View

TICKET, REINIT, ONE_SHOT, RANDOM = view.TICKET, 'reinit', 'one_shot', 'random'

# P_m, in percent.
DENSE = view.DENSE
PRUNED = 90.0  # All levels but level 0 are at or below it.
HALF = 51.3  # The first pruned level in the paper's figures.
SPARSE = 21.1  # From here on ways to prune differ visibly.
LAST = 3.6  # The sparsest tickets that do as well as dense networks.
ABOUT_LAST = 2.0  # From two levels before that to three after.

_NEAR_LAST: dict[str, Any] = {
  'null': LAST,
  'side': 'near',
  'margin': ABOUT_LAST,
  'value': LAST,
}

_TO_LOSS = (
  f'by iterations to a validation loss of {metrics.TARGET_LOSS}, of trials that'
  ' reach it'
)

LAYERS = ('layer0', 'layer1', 'layer2')
EFFECT = 0.05  # Points of accuracy: 5 of the 10,000 test images.
SURVIVORS = 9_537  # Weights at level 15 of the paper's ladder: 3.6%.
EQUAL_SIZE = 12_000  # Weights: the middle of 9,000 to 15,000.


def _stop(
  study: View, experiment: str = TICKET, percent: float = DENSE
) -> Bounded:
  return study.at('early_stop', experiment, percent)


def _accuracy(
  study: View, experiment: str = TICKET, percent: float = DENSE
) -> Bounded:
  """Returns test accuracy at early stop in percent."""
  return study.at('accuracy', experiment, percent) * 100


def _saved(study: View, experiment: str, *percents: float) -> Bounded:
  """Returns how many percent fewer iterations than the dense network's."""
  stops = study.over('early_stop', experiment, *percents)
  return bounded.percent_fewer(stops, _stop(study))


def _gained(
  study: View, experiment: str, *percents: float, measure: str = 'accuracy'
) -> Bounded:
  """Returns how many points more accurate than the dense network."""
  accuracies = study.over(measure, experiment, *percents) * 100
  return accuracies - study.at(measure) * 100


def _sparse(study: View, measure: str, *experiments: str) -> list[Bounded]:
  """Returns a measure of experiments at the sparse levels."""
  return [study.over(measure, name, SPARSE) for name in experiments]


def _more_accurate(study: View, first: str, second: str) -> Bounded:
  """Returns by how many points the first is the better one."""
  better, worse = _sparse(study, 'accuracy', first, second)
  return estimands.mean((better - worse) * 100)


def _faster(study: View, first: str, second: str) -> Bounded:
  """Returns how many percent fewer iterations the first takes."""
  stops = _sparse(study, 'early_stop', first, second)
  return estimands.mean(bounded.percent_fewer(*stops))


def _back(
  study: View, gains: Callable[..., Bounded], experiment: str
) -> estimands.OverTrials:
  """Returns the P_m at which a gain is used up."""
  return estimands.crossing(gains(study, experiment, PRUNED))


def _back_earlier(study: View, experiment: str) -> estimands.OverTrials:
  """Returns P_m at which others are back to dense minus that of tickets."""
  return estimands.crossing_later(
    _gained(study, TICKET, PRUNED), _gained(study, experiment, PRUNED)
  )


def _also_faster(claim: str, first: str, second: str, words: str) -> None:
  """Adds the part that the first stop sooner, too, at the sparse levels."""
  said = f'Early stop: percent fewer than {words}, at P_m <= 21.1%.'
  CLAIMS.part(claim, 'percent', margin=5, said=said)(
    lambda study: _faster(study, first, second)
  )


@CLAIMS.part('C1', 'percent', paper='38% fewer iterations', margin=5, value=38)
def ticket_is_faster(study: Study) -> Measured:
  """The ticket at P_m = 21%, the fastest, stops sooner than the dense network.

  Early stop at P_m = 21.1%: percent fewer iterations than the trial's dense
  network (mean of ratios).
  """
  return bounded.percent_fewer(_stop(study, TICKET, SPARSE), _stop(study))


CLAIMS.also('percent by the ratio of means')(
  lambda study: estimands.percent_fewer_on_average(
    _stop(study, TICKET, SPARSE), _stop(study)
  )
)
CLAIMS.also(f'percent {_TO_LOSS}')(
  lambda study: bounded.percent_fewer(
    study.at('loss_stop', TICKET, SPARSE), study.at('loss_stop')
  )
)


@CLAIMS.part('C2', 'P_m (%)', paper='P_m = 3.6%', **_NEAR_LAST)
def speed_is_back(study: Study) -> Measured:
  """Sparser tickets stop later, at P_m = 3.6% when the dense network does.

  P_m of the first level, from the fastest on, whose early stop is not sooner
  than the dense network's (mean over trials of the ratio), to be within 2 of
  3.6.
  """
  return _back(study, _saved, TICKET)


@CLAIMS.part(
  'C3',
  'points',
  paper='more than 0.3 points',
  margin=EFFECT,
  value=(0.3, math.inf),
)
def ticket_is_more_accurate(study: Study) -> Measured:
  """The ticket at P_m = 13.5%, the best, is more accurate than the dense one.

  Accuracy at P_m = 13.5% minus dense accuracy.
  """
  return _accuracy(study, TICKET, 13.5) - _accuracy(study)


@CLAIMS.part('C4', 'P_m (%)', paper='P_m = 3.6%', **_NEAR_LAST)
def accuracy_is_back(study: Study) -> Measured:
  """Accuracy is back to that of the dense network at P_m = 3.6%.

  P_m of the first level, from the most accurate on, whose accuracy is not above
  dense accuracy (mean over trials), to be within 2 of 3.6.
  """
  return _back(study, _gained, TICKET)


@CLAIMS.part('C5', 'rho', paper='in this order', side='below')
def early_stop_falls(study: Study) -> Measured:
  """Speed rises to P_m = 21.1%, then falls, at 3.6% to about the dense one's.

  Spearman's rank correlation of early stop with the level, P_m = 100 to 21.1%.
  """
  return estimands.trend(study.over('early_stop', TICKET, DENSE, SPARSE))


@CLAIMS.part('C5', 'percent')
def fastest_at_21(study: Study) -> Measured:
  """Early stop at P_m = 21.1%: percent fewer iterations than at P_m = 51.3%."""
  return bounded.percent_fewer(
    _stop(study, TICKET, SPARSE), _stop(study, TICKET, HALF)
  )


@CLAIMS.part('C5', 'rho')
def early_stop_rises(study: Study) -> Measured:
  """Spearman's correlation of early stop with the level, P_m 21.1 to 3.6%."""
  return estimands.trend(study.over('early_stop', TICKET, SPARSE, LAST))


@CLAIMS.part('C5', 'percent', side='near', margin=30)
def as_fast_as_dense(study: Study) -> Measured:
  """Early stop at P_m = 3.6%: percent fewer than dense, to be within 30.

  As much as dense early stops differ among themselves.
  """
  return bounded.percent_fewer(_stop(study, TICKET, LAST), _stop(study))


@CLAIMS.part(
  'C6', 'points of P_m', paper='P_m = 21.1%, tickets 2.9%', value=18.2
)
def reinitialized_fall_earlier(study: Study) -> Measured:
  """Reinitialized tickets fall below dense at P_m = 21.1%, tickets at 2.9%.

  P_m of the first level, from the most accurate on, at which reinitialized
  tickets are not above dense accuracy (mean over trials) minus that of tickets.
  """
  return _back_earlier(study, REINIT)


CLAIMS.also('P_m (%) of reinitialized tickets')(
  lambda study: _back(study, _gained, REINIT)
)
CLAIMS.also('points from dense accuracy, mean over P_m <= 21.1%')(
  lambda study: estimands.mean(_gained(study, REINIT, SPARSE))
)


def _slower(study: View, measure: str, percent: float) -> Bounded:
  """Returns how many times as many iterations reinitialized tickets take."""
  return study.at(measure, REINIT, percent) / study.at(measure, TICKET, percent)


@CLAIMS.part(
  'C7',
  'ratio',
  paper='2.51 times fewer iterations',
  null=1,
  margin=0.1,
  value=2.51,
)
def reinitialized_are_slower(study: Study) -> Measured:
  """At P_m = 21% the ticket stops sooner than its reinitialization.

  Early stop of the reinitialized ticket at P_m = 21.1% over that of the ticket
  (mean of ratios).
  """
  return _slower(study, 'early_stop', SPARSE)


CLAIMS.also('ratio of means')(
  lambda study: estimands.ratio_of_means(
    _stop(study, REINIT, SPARSE), _stop(study, TICKET, SPARSE)
  )
)
CLAIMS.also(f'ratio {_TO_LOSS}')(
  lambda study: _slower(study, 'loss_stop', SPARSE)
)
CLAIMS.also('ratio at P_m = 3.6%')(
  lambda study: _slower(study, 'early_stop', LAST)
)


@CLAIMS.part('C8', 'points', paper='0.5 points', margin=EFFECT, value=0.5)
def reinitialized_are_less_accurate(study: Study) -> Measured:
  """At P_m = 21% the ticket is more accurate than its reinitialization.

  Accuracy of the ticket at P_m = 21.1% minus that of the reinitialized ticket.
  """
  return _accuracy(study, TICKET, SPARSE) - _accuracy(study, REINIT, SPARSE)


CLAIMS.also('points at P_m = 3.6%')(
  lambda study: _accuracy(study, TICKET, LAST) - _accuracy(study, REINIT, LAST)
)


@CLAIMS.part('C9', 'rho', paper='yes')
def reinitialized_slow_down(study: Study) -> Measured:
  """Reinitialized tickets learn ever more slowly as pruning goes on.

  Spearman's rank correlation of the reinitialized tickets' early stop with the
  level.
  """
  return estimands.trend(study.over('early_stop', REINIT))


@CLAIMS.part(
  'C10', 'points', paper='up to 0.35 points', margin=EFFECT, value=0.35
)
def more_accurate_at_the_end(study: Study) -> Measured:
  """Tickets are more accurate than dense networks at the end of training, too.

  Test accuracy at the end minus that of the dense network, at the level that is
  best on average over the other trials.
  """
  gains = _gained(study, TICKET, PRUNED, measure='final_accuracy')
  return estimands.best_elsewhere(gains)


@CLAIMS.part('C11', 'percent', paper='about 100%', null=99.5, value=100)
def fits_the_training_set(study: Study) -> Measured:
  """Training accuracy at the end is about 100% for tickets with P_m >= 2%.

  Training accuracy at the end, the least over these levels; null: 99.5%.
  """
  table = study.over('final_train_accuracy', TICKET, PRUNED, 2)
  return estimands.least(table * 100)


@CLAIMS.part('C12', 'percent', paper='P_m from 67.5% to 17.6%', margin=5)
def one_shot_is_faster(study: Study) -> Measured:
  """One-shot tickets stop sooner than dense ones for 67.5% >= P_m >= 17.6%.

  Early stop: percent fewer iterations than dense, mean over these levels.
  """
  return estimands.mean(_saved(study, ONE_SHOT, 67.5, 17.6))


CLAIMS.also('back to dense at P_m (%)')(
  lambda study: _back(study, _saved, ONE_SHOT)
)


@CLAIMS.part('C12', 'percent')
def one_shot_is_faster_to_the_last(study: Study) -> Measured:
  """The same, at the last of these levels."""
  table = _saved(study, ONE_SHOT, 67.5, 17.6)
  return estimands.sparsest(table)


@CLAIMS.part('C13', 'points', paper='P_m from 95.0% to 5.17%', margin=EFFECT)
def one_shot_is_more_accurate(study: Study) -> Measured:
  """One-shot tickets are more accurate than dense for 95.0% >= P_m >= 5.17%.

  Accuracy minus dense accuracy, mean over these levels.
  """
  return estimands.mean(_gained(study, ONE_SHOT, 95.0, 5.17))


CLAIMS.also('back to dense at P_m (%)')(
  lambda study: _back(study, _gained, ONE_SHOT)
)


@CLAIMS.part('C13', 'points')
def one_shot_is_more_accurate_to_the_last(study: Study) -> Measured:
  """The same, at the last of these levels."""
  table = _gained(study, ONE_SHOT, 95.0, 5.17)
  return estimands.sparsest(table)


@CLAIMS.part(
  'C14', 'points', paper='smaller, faster, more accurate', margin=EFFECT
)
def iterative_is_more_accurate(study: Study) -> Measured:
  """Iterative pruning finds smaller, faster, better tickets than one-shot.

  Accuracy of the ticket minus that of the one-shot ticket of equal size, mean
  at P_m <= 21.1%.
  """
  return _more_accurate(study, TICKET, ONE_SHOT)


_also_faster('C14', TICKET, ONE_SHOT, 'one-shot of equal size')


@CLAIMS.part('C14', 'points of P_m')
def iterative_is_smaller(study: Study) -> Measured:
  """P_m where one-shot tickets are back to dense accuracy minus tickets'."""
  return _back_earlier(study, ONE_SHOT)


@CLAIMS.part('C15', 'rho', paper='yes')
def random_slows_down(study: Study) -> Measured:
  """Random sparse networks are slower and less accurate the sparser they are.

  Spearman's rank correlation of the random networks' early stop with the level.
  """
  return estimands.trend(study.over('early_stop', RANDOM))


@CLAIMS.part('C15', 'rho', side='below')
def random_loses_accuracy(study: Study) -> Measured:
  """Spearman's correlation of the random networks' accuracy with the level."""
  return estimands.trend(study.over('accuracy', RANDOM))


@CLAIMS.part('C16', 'points', paper='yes', margin=EFFECT)
def resetting_is_more_accurate(study: Study) -> Measured:
  """Resetting every round finds better tickets than going on (App. B).

  Accuracy of the ticket minus that of a ticket found without resetting, mean
  at P_m <= 21.1%.
  """
  return _more_accurate(study, TICKET, 'no_reset_ticket')


_also_faster('C16', TICKET, 'no_reset_ticket', 'without resetting')


@CLAIMS.part('C17', 'points', paper='yes', margin=EFFECT)
def mask_is_more_accurate(study: Study) -> Measured:
  """A ticket's mask, reinitialized, beats random sparsity (App. E).

  Accuracy of the reinitialized ticket minus that of the random sparse network,
  mean over P_m <= 21.1%.
  """
  return _more_accurate(study, REINIT, RANDOM)


_also_faster('C17', REINIT, RANDOM, 'random sparsity')


def _varying(
  study: Study, what: str, wanted: Callable[[dict], bool], *names: str
) -> list[View]:
  """Returns the runs of recipes that differ from the main one in `names`."""
  found = study.varying(wanted, *names)
  if found:
    return found
  raise view.NotMeasuredError(
    f'wanted: tickets found with {what}, and else with the same recipe'
  )


def _is(recipe: dict[str, Any], optimizer: str) -> bool:
  return str(recipe.get('optimizer')).lower() == optimizer


def _sgd(study: Study, *rates: float) -> list[View]:
  """Returns the runs of plain SGD at such learning rates."""

  def is_wanted(recipe: dict[str, Any]) -> bool:
    is_plain = _is(recipe, 'sgd') and not recipe.get('optimizer_settings')
    return is_plain and recipe.get('learning_rate') in rates

  what = f'SGD at learning rate {" or ".join(map(str, rates))}'
  names = ('optimizer', 'learning_rate', 'optimizer_settings')
  return _varying(study, what, is_wanted, *names)


def _fast_sgd(study: Study) -> View:
  return _sgd(study, 0.8)[0]


def _adam(study: Study) -> View:
  """Returns the main recipe's runs, if they are Adam's."""
  if _is({'optimizer': 'adam', **study.recipe}, 'adam'):
    return study
  raise view.NotMeasuredError('wanted: tickets found with Adam')


def _modes(layer: str, find: Callable[[Study], View], study: Study) -> Bounded:
  """Returns Sarle's coefficient of a layer's survivors at P_m = 3.6%."""
  return find(study).at(f'initial bimodality {layer}', TICKET, LAST)


def _also_split(claim: str, find: Callable[[Study], View]) -> None:
  """Adds the parts that weights of the other layers are bimodal."""
  for layer in ('layer1', 'layer2'):
    said = f'The same coefficient of {layer}.'
    CLAIMS.part(claim, 'coefficient', null=UNIFORM, said=said)(
      functools.partial(_modes, layer, find)
    )


UNIFORM = metrics.UNIFORM_BIMODALITY


@CLAIMS.part('C18', 'coefficient', paper='yes', null=UNIFORM, side='below')
def adam_leaves_layer0_gaussian(study: Study) -> Measured:
  """Adam's surviving weights: Gaussian in layer0, bimodal in others (App. F.1).

  Sarle's bimodality coefficient of the initial weights of layer0 that survive
  at P_m = 3.6%, against that of a uniform distribution.
  """
  return _modes('layer0', _adam, study)


_also_split('C18', _adam)


@CLAIMS.part('C19', 'coefficient', paper='yes', null=UNIFORM)
def sgd_splits_layer0(study: Study) -> Measured:
  """With SGD at 0.8 surviving weights are bimodal in every layer (App. F.2).

  Sarle's bimodality coefficient of the initial weights of layer0 that survive
  at P_m = 3.6%, against that of a uniform distribution.
  """
  return _modes('layer0', _fast_sgd, study)


_also_split('C19', _fast_sgd)


def _half_way(study: View, experiment: str) -> tuple[Bounded, Bounded]:
  """Returns accuracies half-way from ticket to reinitialized, and others'."""
  ticket, reinitialized, other = _sparse(
    study, 'accuracy', TICKET, REINIT, experiment
  )
  return (ticket + reinitialized) * 50, other * 100


@CLAIMS.part('C20', 'points', paper='yes')
def own_weights_are_no_better(study: Study) -> Measured:
  """Weights drawn from a layer's survivors are little better than new (F.3).

  Accuracy half-way between ticket and reinitialized ticket minus that of the
  sampled one, mean over P_m <= 21.1%: above 0 it is nearer to the
  reinitialized one.
  """
  half_way, sampled = _half_way(study, 'own')
  return estimands.mean(half_way - sampled)


@CLAIMS.part('C21', 'points', paper='yes', side='below', margin=EFFECT)
def pruning_at_once_is_worse(study: Study) -> Measured:
  """Pruning by magnitude at iteration 0 is worse than reinitializing (F.4).

  Accuracy of the network pruned at iteration 0 minus that of the reinitialized
  ticket, mean over P_m <= 21.1%.
  """
  return _more_accurate(study, 'init_magnitude', REINIT)


def _moved(study: View, measure: str) -> Bounded:
  """Returns how the dense network's weights moved, mean over layers."""
  return bounded.mean(
    [study.at(f'{measure} {layer}', TICKET, SPARSE) for layer in LAYERS]
  )


@CLAIMS.part('C22', 'ratio', paper='yes', null=1, margin=0.1)
def kept_weights_move_more(study: Study) -> Measured:
  """A ticket's weights move more in training than others, away from 0 (F.5).

  Mean |final - initial| in the dense network of the weights that the ticket at
  P_m = 21.1% keeps over that of those it prunes, mean over layers.
  """
  return _moved(study, 'distance')


@CLAIMS.part('C22', 'share', null=0.5)
def kept_weights_move_away(study: Study) -> Measured:
  """Share of the kept weights that were moved away from 0; null: half."""
  return _moved(study, 'away')


def _more_uneven(layer: str, study: View) -> Bounded:
  """Returns by how much more uneven outgoing connections are."""
  outgoing = study.at(f'outgoing excess {layer}', TICKET, SPARSE)
  return outgoing - study.at(f'incoming excess {layer}', TICKET, SPARSE)


def _also_uneven(layer: str, is_followed: bool = False) -> None:
  """Has the note of the last part of C23 say more of a layer."""
  measures = {
    f'stddev / mean of {name} connections': f'{name} variation {layer}'
    for name in ('incoming', 'outgoing')
  }
  if is_followed:
    words = f'correlation of connections into and out of a unit of {layer}'
    measures[words] = f'in and out {layer}'
  for words, measure in measures.items():
    CLAIMS.also(words)(
      functools.partial(View.at, measure=measure, percent=SPARSE)
    )


@CLAIMS.part('C23', 'squared variation', paper='yes')
def pixels_are_uneven(study: Study) -> Measured:
  """Incoming connections are even over units, outgoing ones uneven (App. F.6).

  Connections a unit of layer0 at P_m = 21.1%, their variance beyond that of
  random placement over their squared mean: of outgoing minus of incoming ones.
  """
  return _more_uneven('layer0', study)


_also_uneven('layer0', is_followed=True)
for _layer in ('layer1', 'layer2'):
  _said = f'The same of connections a unit of {_layer}.'
  CLAIMS.part('C23', 'squared variation', said=_said)(
    functools.partial(_more_uneven, _layer)
  )
  _also_uneven(_layer, _layer == 'layer1')


@CLAIMS.part('C24', 'points', paper='yes')
def little_noise_barely_matters(study: Study) -> Measured:
  """Noise of 0.5 stddevs barely matters; with 3 they beat new weights (F.7).

  Accuracy with noise of 0.5 stddevs minus that half-way between ticket and
  reinitialized ticket, mean over P_m <= 21.1%: above 0 it is nearer to the
  ticket.
  """
  half_way, noisy = _half_way(study, 'noise_0.5x')
  return estimands.mean(noisy - half_way)


@CLAIMS.part('C24', 'points')
def much_noise_beats_new_weights(study: Study) -> Measured:
  """Accuracy with noise of 3 stddevs minus reinitialized, at P_m <= 21.1%."""
  return _more_accurate(study, 'noise_3x', REINIT)


def _adam_at(study: Study, wanted: Callable[[float], bool]) -> list[View]:
  """Returns the runs of Adam at some learning rates of the paper's range."""

  def is_wanted(recipe: dict[str, Any]) -> bool:
    rate = errors.read_number(recipe.get('learning_rate')) or 0.0
    return _is(recipe, 'adam') and 0.0002 <= rate <= 0.002 and wanted(rate)

  what = 'Adam at several learning rates from 0.0002 to 0.002'
  return _varying(study, what, is_wanted, 'learning_rate')


def _mean_stop(views: list[View]) -> Bounded:
  """Returns early stop at P_m = 21.1%, mean over recipes."""
  return bounded.mean([_stop(one, TICKET, SPARSE) for one in views])


@CLAIMS.part('C25', 'points', paper='yes', null=0.3, side='below')
def rates_are_as_accurate(study: Study) -> Measured:
  """Adam at 0.0002 to 0.002 is similarly accurate, soonest at 0.0012 and 0.002.

  Greatest minus least accuracy at P_m = 21.1% over the learning rates (App.
  G.2); null: 0.3 points, the gain of a ticket.
  """
  views = _adam_at(study, lambda rate: True)
  if len(views) < 2:
    raise view.NotMeasuredError(
      'wanted: tickets found with Adam at two learning rates or more'
    )
  return bounded.spread([_accuracy(one, TICKET, SPARSE) for one in views])


@CLAIMS.part('C25', 'percent', margin=5)
def best_rates_are_fastest(study: Study) -> Measured:
  """Early stop at P_m = 21.1%: percent fewer at 0.0012, 0.002 than others."""
  best = (0.0012, 0.002)
  fast = _adam_at(study, lambda rate: rate in best)
  slow = _adam_at(study, lambda rate: rate not in best)
  return bounded.percent_fewer(_mean_stop(fast), _mean_stop(slow))


@CLAIMS.part('C26', 'ratio', paper='yes', null=1.25, side='below')
def sgd_is_as_fast(study: Study) -> Measured:
  """SGD at 0.4 or 0.8 is as fast as Adam, and accurate below 1% (App. G.3).

  Early stop at P_m = 21.1% over that with Adam at the main recipe's learning
  rate; null: a quarter more iterations.
  """
  sgd, adam = _sgd(study, 0.4, 0.8), _adam(study)
  return _mean_stop(sgd) / _stop(adam, TICKET, SPARSE)


@CLAIMS.part('C26', 'points', null=-0.25)
def sgd_keeps_accuracy(study: Study) -> Measured:
  """Accuracy minus dense accuracy, mean over the levels of 1% >= P_m >= 0.5%.

  Null: 0.25 points less.
  """
  gains = [_gained(one, TICKET, 1, 0.5) for one in _sgd(study, 0.4, 0.8)]
  return bounded.mean(list(map(estimands.mean, gains)))


def _at_size(study: View, count: float) -> Bounded:
  """Returns the accuracy in percent of tickets of so many weights."""
  return estimands.interpolated(study, 'accuracy', count) * 100


def _by_percent(study: Study, *percents: float) -> Bounded:
  """Returns accuracy at equal size of tickets pruned that much a round."""

  def is_wanted(recipe: dict[str, Any]) -> bool:
    found = recipe.get('prune_percents')
    return isinstance(found, dict) and found.get('layer0') in percents

  names = ' or '.join(f'{100 * percent:g}%' for percent in percents)
  what = f'{names} of the hidden layers pruned a round'
  views = _varying(study, what, is_wanted, 'prune_percents')
  return bounded.mean([_at_size(one, SURVIVORS) for one in views])


@CLAIMS.part('C28', 'points', paper='yes', margin=EFFECT)
def pruning_faster_is_worse(study: Study) -> Measured:
  """Pruning 10% or 20% a round is good, 40% and more is worse (App. G.4).

  Accuracy at 9,537 weights with 20% pruned a round minus that with 40% or more.
  """
  return _by_percent(study, 0.2) - _by_percent(study, 0.4, 0.6, 0.8)


@CLAIMS.part('C28', 'points', side='near', margin=0.2)
def pruning_slower_is_as_good(study: Study) -> Measured:
  """Accuracy at 9,537 weights with 10% a round minus 20%, to be within 0.2."""
  return _by_percent(study, 0.1) - _by_percent(study, 0.2)


def _sizes(study: Study) -> list[View]:
  """Returns the runs of networks of each size."""
  found = study.varying(lambda recipe: True, 'layers')
  if len(found) >= 3:
    return found
  raise view.NotMeasuredError(
    'wanted: tickets of networks of three sizes or more'
  )


def _gain_at(study: Study, count: float) -> Bounded:
  """Returns accuracy gained over the dense network, mean over sizes."""
  return bounded.mean(
    [_at_size(one, count) - _accuracy(one) for one in _sizes(study)]
  )


@CLAIMS.part('C30', 'rho', paper='9,000 to 15,000 weights')
def larger_is_better(study: Study) -> Measured:
  """Larger networks give better tickets; all fall at 9,000 to 15,000 weights.

  Spearman's rank correlation of accuracy at 12,000 weights with the size of the
  dense network (App. G.6).
  """
  accuracies = {
    one.runs.remaining.max(): _at_size(one, EQUAL_SIZE) for one in _sizes(study)
  }
  return estimands.correlation(bounded.columns(accuracies))


@CLAIMS.part('C30', 'points')
def above_dense_at_15_000(study: Study) -> Measured:
  """Accuracy at 15,000 weights minus dense accuracy, mean over sizes."""
  return _gain_at(study, 15_000)


@CLAIMS.part('C30', 'points', side='below')
def below_dense_at_9_000(study: Study) -> Measured:
  """Accuracy at 9,000 weights minus dense accuracy, mean over sizes."""
  return _gain_at(study, 9_000)

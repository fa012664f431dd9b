"""The paper's claims about this network, and what is measured of each.

Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635 v5), Section
2 and Appendices B, E, F and G. An entry of `CLAIMS` says what the paper says
and, for each part of it, the estimand: one number a trial; the null, which the
claim says it lies above, or below, or near; and the margin, if one is stated:
effects inside it are as good as none.

Levels are those that the paper names, or are chosen on other trials than the
one they are judged on; a crossing starts from the best level, which each
resample of its bootstrap chooses anew. "Early stop" is the iteration of minimum
validation loss; "accuracy" is test accuracy then, unless it says "at the end".
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from lottery_ticket.analysis import estimands
from lottery_ticket.analysis import metrics
from lottery_ticket.analysis import study as study_lib

_MNIST = 'ea86ff7c055482ea823fcb6209fba81b6b4f2ab84970edabb36ed7b5af638674'

RECIPE = {
  'layers': [[300, 'relu'], [100, 'relu'], [10, None]],
  'kernel_initializer': 'glorot_normal',
  'optimizer': 'Adam',
  'learning_rate': 1.2e-3,
  'optimizer_settings': {},
  'batch_size': 60,
  'training_len': ['iterations', 50_000],
  'evaluation_interval': 100,
  'validation_size': 5_000,
  'prune_percents': {'layer0': 0.2, 'layer1': 0.2, 'layer2': 0.1},
  'pruner': 'magnitude',
  'reset': 'initial',
  'permute_labels': False,
  'scaling': 'unit',  # The paper does not say; this matches its numbers.
  'test data': _MNIST,  # The test images and labels, so scaled.
}

Study = study_lib.Study
Estimand = Callable[[Study], estimands.Measured]


class Part(NamedTuple):
  """One number that a claim is about.

  Attributes:
    estimand: What it is, in words.
    unit: Its unit.
    measure: Takes a study, returns what was measured.
    null: What it is if the claim is wrong.
    side: Where it is if the claim is right: 'above' or 'below' the null, or
      'near' it: within the margin.
    margin: Half the width of what is as good as the null; NaN if not stated.
    paper_value: The paper's number, or NaN.
    also: {name: what else to measure, for the note}.
  """

  estimand: str
  unit: str
  measure: Estimand
  null: float = 0.0
  side: str = 'above'
  margin: float = math.nan
  paper_value: float = math.nan
  also: dict[str, Estimand] = {}  # noqa: RUF012  # Nobody changes it.


class Claim(NamedTuple):
  """A claim of the paper.

  Attributes:
    claim: Its number, like 'C1'.
    statement: What the paper says.
    paper: The paper's number, in words.
    parts: What it comes to; the first is the one that the paper's number is
      about.
  """

  claim: str
  statement: str
  paper: str
  parts: tuple[Part, ...]


TICKET, DENSE, SPARSE = study_lib.TICKET, study_lib.DENSE, study_lib.SPARSE
REINIT, ONE_SHOT, RANDOM = 'reinit', 'one_shot', 'random'
_LAST = 3.6  # P_m (%) of the sparsest tickets that do as well as dense ones.
_ABOUT_LAST = 2.0  # P_m (%): from two levels before that to three after.
_EFFECT = 0.05  # Points of accuracy: 5 of the 10,000 test images.


def _stop(
  study: study_lib.View, experiment: str = TICKET, percent: float = DENSE
) -> pd.Series:
  return study.at('early_stop', experiment, percent)


def _accuracy(
  study: study_lib.View, experiment: str = TICKET, percent: float = DENSE
) -> pd.Series:
  """Returns test accuracy at early stop, in percent."""
  return 100 * study.at('accuracy', experiment, percent)


def _stops(
  study: study_lib.View, experiment: str, highest: float, lowest: float = 0
) -> pd.DataFrame:
  return study.over('early_stop', experiment, highest, lowest)


def _accuracies(
  study: study_lib.View,
  experiment: str,
  highest: float,
  lowest: float = 0,
  measure: str = 'accuracy',
) -> pd.DataFrame:
  return 100 * study.over(measure, experiment, highest, lowest)


def _saved(
  study: study_lib.View, experiment: str, highest: float, lowest: float = 0
) -> pd.DataFrame:
  """Returns how many percent fewer iterations than the dense network's."""
  ratios = _stops(study, experiment, highest, lowest).div(_stop(study), axis=0)
  return 100 * (1 - ratios)


def _gained(
  study: study_lib.View,
  experiment: str,
  highest: float,
  lowest: float = 0,
  measure: str = 'accuracy',
) -> pd.DataFrame:
  """Returns how many points more accurate than the dense network."""
  dense = 100 * study.at(measure)
  table = _accuracies(study, experiment, highest, lowest, measure)
  return table.sub(dense, axis=0)


_PRUNED = 90.0  # Percent: without level 0.
_HALF = 51.3  # P_m (%) of the first pruned level in the paper's figures.


def _back(
  study: Study, gains: Callable[..., pd.DataFrame], experiment: str
) -> estimands.OverTrials:
  table = gains(study, experiment, _PRUNED)
  return estimands.crossing(table, study.percents)


def _back_earlier(study: Study, experiment: str) -> estimands.OverTrials:
  """Returns P_m at which others are back to dense minus that of tickets."""
  return estimands.crossing_later(
    _gained(study, TICKET, _PRUNED),
    _gained(study, experiment, _PRUNED),
    study.percents,
  )


def _more_accurate(
  study: Study, first: str, second: str, highest: float = SPARSE
) -> estimands.OverLevels:
  """Returns by how many points the first is the better one, over levels."""
  return estimands.mean(
    _accuracies(study, first, highest) - _accuracies(study, second, highest),
    study.percents,
  )


def _faster(
  study: Study, first: str, second: str, highest: float = SPARSE
) -> estimands.OverLevels:
  """Returns how many percent fewer iterations the first takes, over levels."""
  ratios = _stops(study, first, highest) / _stops(study, second, highest)
  return estimands.mean(100 * (1 - ratios), study.percents)


def _above_half_way(
  study: Study, experiment: str, sign: int = 1
) -> estimands.OverLevels:
  """Returns how much better than half-way from reinit to ticket, in points."""
  ticket, reinit, other = (
    _accuracies(study, name, SPARSE) for name in (TICKET, REINIT, experiment)
  )
  return estimands.mean(sign * (other - (ticket + reinit) / 2), study.percents)


def _of_layer(table: pd.DataFrame, layer: str) -> pd.DataFrame:
  """Returns a layer's rows; NaN if there is no such layer."""
  rows = table[table.layer == layer]
  return rows if len(rows) else table.reindex([-1])


def _bimodality(view: study_lib.View, layer: str) -> pd.Series:
  """Returns Sarle's coefficient of a layer's surviving initial weights."""
  return view.of_networks(
    lambda run: _of_layer(
      metrics.bimodality(run.masks, run.initial), layer
    ).bimodality.item(),
    _LAST,
  )


def _bimodality_part(
  layer: str, side: str, view: Callable[[Study], study_lib.View]
) -> Part:
  return Part(
    f"Sarle's bimodality coefficient of the initial weights of {layer} that"
    f' survive at P_m = {_LAST}%, against that of a uniform distribution',
    'coefficient',
    lambda study: _bimodality(view(study), layer),
    null=metrics.UNIFORM_BIMODALITY,
    side=side,
  )


def _moved(study: Study, summary: Callable[[pd.DataFrame], float]) -> pd.Series:
  """Returns how the dense network's weights moved, by whether they survive."""
  return study.of_networks(
    lambda dense, ticket: summary(
      metrics.movement(dense.masks, ticket.masks, dense.initial, dense.final)
    ),
    DENSE,
    SPARSE,
  )


def _distance_ratio(moved: pd.DataFrame) -> float:
  distances = moved.pivot(index='layer', columns='group', values='distance')
  return float((distances.kept / distances.pruned).mean())


def _share_away(moved: pd.DataFrame) -> float:
  kept = moved[moved.group == 'kept']
  return float(np.average(kept.away, weights=kept.weights))


def _uneven(
  layer: str, column: str, direction: str
) -> Callable[[Study], pd.Series]:
  """Returns what measures a column of `metrics.unevenness`."""

  def of_run(run: Any) -> float:
    table = metrics.unevenness(run.masks)
    rows = table[table.direction == direction]
    return _of_layer(rows, layer)[column].item()

  return lambda study: study.of_networks(of_run, SPARSE)


def _in_and_out(layer: str, following: str) -> dict[str, Estimand]:
  """Returns what correlates the connections into a layer's units and out."""

  def of_run(run: Any) -> float:
    if not {layer, following} <= run.masks.keys():
      return math.nan
    incoming = run.masks[layer].sum(axis=0)
    outgoing = run.masks[following].sum(axis=1)
    return float(stats.pearsonr(incoming, outgoing).statistic)

  words = f'correlation of connections into and out of a unit of {layer}'
  return {words: lambda study: study.of_networks(of_run, SPARSE)}


def _unevenness_part(layer: str, **also: Estimand) -> Part:
  outgoing = _uneven(layer, 'excess', 'outgoing')
  incoming = _uneven(layer, 'excess', 'incoming')
  return Part(
    f'connections a unit of {layer} at P_m = {SPARSE}%, their variance beyond'
    ' that of random placement over their squared mean: of outgoing minus of'
    ' incoming ones',
    'squared variation',
    lambda study: outgoing(study) - incoming(study),
    also={
      f'stddev / mean of {name} connections': _uneven(layer, 'variation', name)
      for name in ('incoming', 'outgoing')
    }
    | also,
  )


def _varying(
  study: Study, what: str, wanted: Callable[[dict], bool], *names: str
) -> list[tuple[dict[str, Any], study_lib.View]]:
  found = study.varying(wanted, *names)
  if found:
    return found
  raise study_lib.NotMeasuredError(
    f'wanted: tickets found with {what}, and else with the same recipe'
  )


def _mean_of(series: list[pd.Series]) -> pd.Series:
  """Returns the mean over recipes, one number a trial that has them all."""
  return pd.concat(series, axis=1).mean(axis=1, skipna=False)


_OPTIMIZER = ('optimizer', 'learning_rate', 'optimizer_settings')


def _is_sgd(*rates: float) -> Callable[[dict[str, Any]], bool]:
  def wanted(recipe: dict[str, Any]) -> bool:
    return (
      str(recipe.get('optimizer')).lower() == 'sgd'
      and recipe.get('learning_rate') in rates
      and not recipe.get('optimizer_settings')
    )

  return wanted


def _adam_main(study: Study) -> study_lib.View:
  if str(study.recipe.get('optimizer', 'Adam')).lower() == 'adam':
    return study
  raise study_lib.NotMeasuredError('wanted: tickets found with Adam')


def _sgd(study: Study) -> study_lib.View:
  what = 'SGD at learning rate 0.8'
  return _varying(study, what, _is_sgd(0.8), *_OPTIMIZER)[0][1]


def _fast_sgd(study: Study) -> list[study_lib.View]:
  what = 'SGD at learning rates 0.4 or 0.8'
  found = _varying(study, what, _is_sgd(0.4, 0.8), *_OPTIMIZER)
  return [view for _, view in found]


def _adam(
  study: Study, wanted: Callable[[float], bool] = lambda rate: True
) -> list[study_lib.View]:
  what = 'Adam at several learning rates from 0.0002 to 0.002'

  def is_adam(recipe: dict[str, Any]) -> bool:
    rate = recipe.get('learning_rate')
    return (
      str(recipe.get('optimizer')).lower() == 'adam'
      and isinstance(rate, (int, float))
      and 0.0002 <= rate <= 0.002
      and wanted(rate)
    )

  found = _varying(study, what, is_adam, 'learning_rate')
  return [view for _, view in found]


def _adam_range(study: Study) -> pd.Series:
  views = _adam(study)
  if len(views) < 2:
    raise study_lib.NotMeasuredError(
      'wanted: tickets found with Adam at two learning rates or more'
    )
  table = pd.concat([_accuracy(view, TICKET, SPARSE) for view in views], axis=1)
  table = table.dropna()
  return table.max(axis=1) - table.min(axis=1)


def _adam_stop(study: Study, wanted: Callable[[float], bool]) -> pd.Series:
  return _mean_of(
    [_stop(view, TICKET, SPARSE) for view in _adam(study, wanted)]
  )


def _adam_saved(study: Study) -> pd.Series:
  best = (0.0012, 0.002)
  fast = _adam_stop(study, lambda rate: rate in best)
  slow = _adam_stop(study, lambda rate: rate not in best)
  return 100 * (1 - fast / slow)


_SURVIVORS = 9_537  # Weights at level 15 of the paper's ladder: 3.6%.


def _by_percent(study: Study, *percents: float) -> pd.Series:
  """Returns accuracy at equal size of tickets pruned that much a round."""
  names = ' or '.join(f'{100 * percent:g}%' for percent in percents)

  def wanted(recipe: dict[str, Any]) -> bool:
    found = recipe.get('prune_percents')
    return isinstance(found, dict) and found.get('layer0') in percents

  what = f'{names} of the hidden layers pruned a round'
  found = _varying(study, what, wanted, 'prune_percents')
  return 100 * _mean_of(
    [estimands.interpolated(view, 'accuracy', _SURVIVORS) for _, view in found]
  )


_EQUAL_SIZE = 12_000  # Weights: the middle of 9,000 to 15,000.


def _sizes(study: Study) -> list[study_lib.View]:
  found = _varying(
    study, 'networks of other sizes', lambda recipe: True, 'layers'
  )
  if len(found) < 3:
    raise study_lib.NotMeasuredError(
      'wanted: tickets of networks of three sizes or more'
    )
  return sorted(
    (view for _, view in found), key=lambda view: view.runs.remaining.max()
  )


def _size_trend(study: Study) -> pd.Series:
  columns = {
    view.runs.remaining.max(): estimands.interpolated(
      view, 'accuracy', _EQUAL_SIZE
    )
    for view in _sizes(study)
  }
  return estimands.correlation(pd.DataFrame(columns))


def _gain_at(study: Study, count: float) -> pd.Series:
  """Returns accuracy gained over the dense network, mean over sizes."""
  return _mean_of(
    [
      100 * estimands.interpolated(view, 'accuracy', count) - _accuracy(view)
      for view in _sizes(study)
    ]
  )


_SPARSE_LEVELS = f'mean over the levels with P_m <= {SPARSE}%'
_TO_LOSS = (
  f'by iterations to a validation loss of {metrics.TARGET_LOSS}, of trials that'
  ' reach it'
)

CLAIMS = (
  Claim(
    'C1',
    "The winning ticket at P_m = 21%, the paper's fastest, stops early sooner"
    ' than the dense network.',
    '38% fewer iterations',
    (
      Part(
        f'early stop at P_m = {SPARSE}%: percent fewer iterations than the'
        " trial's dense network (mean of ratios)",
        'percent',
        lambda study: 100 * (1 - _stop(study, TICKET, SPARSE) / _stop(study)),
        margin=5,
        paper_value=38,
        also={
          'percent by the ratio of means': lambda study: (
            estimands.ratio_of_means(
              _stop(study) - _stop(study, TICKET, SPARSE), _stop(study) / 100
            )
          ),
          f'percent {_TO_LOSS}': lambda study: (
            100
            * (
              1 - study.at('loss_stop', TICKET, SPARSE) / study.at('loss_stop')
            )
          ),
        },
      ),
    ),
  ),
  Claim(
    'C2',
    'The sparser the ticket then, the later its early stop: it is back to that'
    ' of the dense network at P_m = 3.6%.',
    'P_m = 3.6%',
    (
      Part(
        'P_m of the first level, from the fastest on, whose early stop is not'
        " sooner than the dense network's (mean over trials of the ratio), to"
        f' be within {_ABOUT_LAST:g} of {_LAST}',
        'P_m (%)',
        lambda study: _back(study, _saved, TICKET),
        null=_LAST,
        side='near',
        margin=_ABOUT_LAST,
        paper_value=_LAST,
      ),
    ),
  ),
  Claim(
    'C3',
    "Test accuracy at early stop at P_m = 13.5%, the paper's highest, is above"
    ' that of the dense network.',
    'more than 0.3 points',
    (
      Part(
        'accuracy at P_m = 13.5% minus dense accuracy',
        'points',
        lambda study: _accuracy(study, TICKET, 13.5) - _accuracy(study),
        margin=_EFFECT,
        paper_value=0.3,
      ),
    ),
  ),
  Claim(
    'C4',
    'Test accuracy at early stop is back to that of the dense network at P_m ='
    ' 3.6%.',
    'P_m = 3.6%',
    (
      Part(
        'P_m of the first level, from the most accurate on, whose accuracy is'
        ' not above dense accuracy (mean over trials), to be within'
        f' {_ABOUT_LAST:g} of {_LAST}',
        'P_m (%)',
        lambda study: _back(study, _gained, TICKET),
        null=_LAST,
        side='near',
        margin=_ABOUT_LAST,
        paper_value=_LAST,
      ),
    ),
  ),
  Claim(
    'C5',
    'Tickets learn faster the more is pruned, to P_m = 21.1%, then slower'
    ' again; at 3.6% about as fast as the dense network.',
    'in this order',
    (
      Part(
        "Spearman's rank correlation of early stop with the level, P_m = 100"
        f' to {SPARSE}%',
        'rho',
        lambda study: estimands.trend(
          _stops(study, TICKET, DENSE, SPARSE), study.percents
        ),
        side='below',
      ),
      Part(
        f'early stop at P_m = {SPARSE}%: percent fewer iterations than at P_m ='
        f' {_HALF}%',
        'percent',
        lambda study: (
          100 * (1 - _stop(study, TICKET, SPARSE) / _stop(study, TICKET, _HALF))
        ),
      ),
      Part(
        "Spearman's rank correlation of early stop with the level, P_m ="
        f' {SPARSE} to {_LAST}%',
        'rho',
        lambda study: estimands.trend(
          _stops(study, TICKET, SPARSE, _LAST), study.percents
        ),
      ),
      Part(
        f'early stop at P_m = {_LAST}%: percent fewer iterations than dense, to'
        ' be within 30 (as much as dense early stops differ among themselves)',
        'percent',
        lambda study: 100 * (1 - _stop(study, TICKET, _LAST) / _stop(study)),
        side='near',
        margin=30,
      ),
    ),
  ),
  Claim(
    'C6',
    'A reinitialized ticket falls below dense accuracy from P_m = 21.1% on,'
    ' much earlier than the ticket (2.9%).',
    'P_m = 21.1%, tickets 2.9%',
    (
      Part(
        'P_m of the first level, from the most accurate on, at which'
        ' reinitialized tickets are not above dense accuracy (mean over trials)'
        ' minus that of tickets',
        'points of P_m',
        lambda study: _back_earlier(study, REINIT),
        paper_value=18.2,  # 21.1 - 2.9.
        also={
          'P_m (%) of reinitialized tickets': lambda study: _back(
            study, _gained, REINIT
          ),
          f'points from dense accuracy, {_SPARSE_LEVELS}': lambda study: (
            estimands.mean(_gained(study, REINIT, SPARSE), study.percents)
          ),
        },
      ),
    ),
  ),
  Claim(
    'C7',
    'At P_m = 21% the ticket stops early sooner than its reinitialization.',
    '2.51 times fewer iterations',
    (
      Part(
        f'early stop of the reinitialized ticket at P_m = {SPARSE}% over that'
        ' of the ticket (mean of ratios)',
        'ratio',
        lambda study: (
          _stop(study, REINIT, SPARSE) / _stop(study, TICKET, SPARSE)
        ),
        null=1,
        margin=0.1,
        paper_value=2.51,
        also={
          'ratio of means': lambda study: estimands.ratio_of_means(
            _stop(study, REINIT, SPARSE), _stop(study, TICKET, SPARSE)
          ),
          f'ratio {_TO_LOSS}': lambda study: (
            study.at('loss_stop', REINIT, SPARSE)
            / study.at('loss_stop', TICKET, SPARSE)
          ),
          f'ratio at P_m = {_LAST}%': lambda study: (
            _stop(study, REINIT, _LAST) / _stop(study, TICKET, _LAST)
          ),
        },
      ),
    ),
  ),
  Claim(
    'C8',
    'At P_m = 21% the ticket is more accurate than its reinitialization.',
    '0.5 points',
    (
      Part(
        f'accuracy of the ticket at P_m = {SPARSE}% minus that of the'
        ' reinitialized ticket',
        'points',
        lambda study: (
          _accuracy(study, TICKET, SPARSE) - _accuracy(study, REINIT, SPARSE)
        ),
        margin=_EFFECT,
        paper_value=0.5,
        also={
          f'points at P_m = {_LAST}%': lambda study: (
            _accuracy(study, TICKET, _LAST) - _accuracy(study, REINIT, _LAST)
          ),
        },
      ),
    ),
  ),
  Claim(
    'C9',
    'Reinitialized tickets learn ever more slowly as pruning goes on.',
    'yes',
    (
      Part(
        "Spearman's rank correlation of the reinitialized tickets' early stop"
        ' with the level',
        'rho',
        lambda study: estimands.trend(
          _stops(study, REINIT, DENSE), study.percents
        ),
      ),
    ),
  ),
  Claim(
    'C10',
    'Tickets are more accurate than the dense network at the end of training,'
    ' too.',
    'up to 0.35 points',
    (
      Part(
        'test accuracy at the end minus that of the dense network, at the level'
        ' that is best on average over the other trials',
        'points',
        lambda study: estimands.best_elsewhere(
          _gained(study, TICKET, _PRUNED, measure='final_accuracy')
        ),
        margin=_EFFECT,
        paper_value=0.35,
      ),
    ),
  ),
  Claim(
    'C11',
    'Training accuracy at the end is about 100% for tickets with P_m >= 2%.',
    'about 100%',
    (
      Part(
        'training accuracy at the end, the least over the levels with P_m >='
        ' 2%; null: 99.5%',
        'percent',
        lambda study: estimands.least(
          _accuracies(study, TICKET, _PRUNED, 2, 'final_train_accuracy'),
          study.percents,
        ),
        null=99.5,
        paper_value=100,
      ),
    ),
  ),
  Claim(
    'C12',
    'One-shot tickets stop early sooner than the dense network for 67.5% >='
    ' P_m >= 17.6%.',
    'P_m from 67.5% to 17.6%',
    (
      Part(
        'early stop: percent fewer iterations than dense, mean over the levels'
        ' with 67.5% >= P_m >= 17.6%',
        'percent',
        lambda study: estimands.mean(
          _saved(study, ONE_SHOT, 67.5, 17.6), study.percents
        ),
        margin=5,
        also={
          'back to dense at P_m (%)': lambda study: _back(
            study, _saved, ONE_SHOT
          ),
        },
      ),
      Part(
        'the same, at the last of these levels',
        'percent',
        lambda study: estimands.sparsest(
          _saved(study, ONE_SHOT, 67.5, 17.6), study.percents
        ),
      ),
    ),
  ),
  Claim(
    'C13',
    'One-shot tickets are more accurate than the dense network for 95.0% >='
    ' P_m >= 5.17%.',
    'P_m from 95.0% to 5.17%',
    (
      Part(
        'accuracy minus dense accuracy, mean over the levels with 95.0% >= P_m'
        ' >= 5.17%',
        'points',
        lambda study: estimands.mean(
          _gained(study, ONE_SHOT, 95.0, 5.17), study.percents
        ),
        margin=_EFFECT,
        also={
          'back to dense at P_m (%)': lambda study: _back(
            study, _gained, ONE_SHOT
          ),
        },
      ),
      Part(
        'the same, at the last of these levels',
        'points',
        lambda study: estimands.sparsest(
          _gained(study, ONE_SHOT, 95.0, 5.17), study.percents
        ),
      ),
    ),
  ),
  Claim(
    'C14',
    'Iterative pruning finds smaller, faster and more accurate tickets than'
    ' one-shot pruning.',
    'smaller, faster, more accurate',
    (
      Part(
        'accuracy of the ticket minus that of the one-shot ticket of equal'
        f' size, {_SPARSE_LEVELS}',
        'points',
        lambda study: _more_accurate(study, TICKET, ONE_SHOT),
        margin=_EFFECT,
      ),
      Part(
        'early stop: percent fewer iterations than the one-shot ticket of equal'
        f' size, {_SPARSE_LEVELS}',
        'percent',
        lambda study: _faster(study, TICKET, ONE_SHOT),
        margin=5,
      ),
      Part(
        'P_m at which one-shot tickets are back to dense accuracy minus that at'
        ' which tickets are',
        'points of P_m',
        lambda study: _back_earlier(study, ONE_SHOT),
      ),
    ),
  ),
  Claim(
    'C15',
    'Randomly sampled sparse networks learn slower and are less accurate the'
    ' sparser they are.',
    'yes',
    (
      Part(
        "Spearman's rank correlation of the random networks' early stop with"
        ' the level',
        'rho',
        lambda study: estimands.trend(
          _stops(study, RANDOM, DENSE), study.percents
        ),
      ),
      Part(
        "Spearman's rank correlation of the random networks' accuracy with the"
        ' level',
        'rho',
        lambda study: estimands.trend(
          _accuracies(study, RANDOM, DENSE), study.percents
        ),
        side='below',
      ),
    ),
  ),
  Claim(
    'C16',
    'Resetting the weights every round finds better tickets than going on from'
    ' the trained weights (App. B).',
    'yes',
    (
      Part(
        'accuracy of the ticket minus that of a ticket found without resetting,'
        f' {_SPARSE_LEVELS}',
        'points',
        lambda study: _more_accurate(study, TICKET, 'no_reset_ticket'),
        margin=_EFFECT,
      ),
      Part(
        'early stop: percent fewer iterations than a ticket found without'
        f' resetting, {_SPARSE_LEVELS}',
        'percent',
        lambda study: _faster(study, TICKET, 'no_reset_ticket'),
        margin=5,
      ),
    ),
  ),
  Claim(
    'C17',
    "Reinitializing a ticket's mask beats random sparsity of equal size (App."
    ' E).',
    'yes',
    (
      Part(
        'accuracy of the reinitialized ticket minus that of the random sparse'
        f' network, {_SPARSE_LEVELS}',
        'points',
        lambda study: _more_accurate(study, REINIT, RANDOM),
        margin=_EFFECT,
      ),
      Part(
        'early stop: percent fewer iterations than the random sparse network,'
        f' {_SPARSE_LEVELS}',
        'percent',
        lambda study: _faster(study, REINIT, RANDOM),
        margin=5,
      ),
    ),
  ),
  Claim(
    'C18',
    "With Adam the first layer's surviving initial weights stay Gaussian, the"
    " other layers' become bimodal (App. F.1).",
    'yes',
    (
      _bimodality_part('layer0', 'below', _adam_main),
      _bimodality_part('layer1', 'above', _adam_main),
      _bimodality_part('layer2', 'above', _adam_main),
    ),
  ),
  Claim(
    'C19',
    'With SGD at 0.8 the surviving initial weights are bimodal in every layer'
    ' (App. F.2).',
    'yes',
    tuple(
      _bimodality_part(layer, 'above', _sgd)
      for layer in ('layer0', 'layer1', 'layer2')
    ),
  ),
  Claim(
    'C20',
    "Sampling new weights from the ticket's own surviving initial weights, per"
    ' layer, is little better than reinitializing (App. F.3).',
    'yes',
    (
      Part(
        'accuracy half-way between ticket and reinitialized ticket minus that'
        f' of the sampled one, {_SPARSE_LEVELS}: above 0 it is nearer to the'
        ' reinitialized one',
        'points',
        lambda study: _above_half_way(study, 'own', sign=-1),
      ),
    ),
  ),
  Claim(
    'C21',
    'Pruning by magnitude at iteration 0 is worse than reinitializing (App.'
    ' F.4).',
    'yes',
    (
      Part(
        'accuracy of the network pruned at iteration 0 minus that of the'
        f' reinitialized ticket, {_SPARSE_LEVELS}',
        'points',
        lambda study: _more_accurate(study, 'init_magnitude', REINIT),
        side='below',
        margin=_EFFECT,
      ),
    ),
  ),
  Claim(
    'C22',
    'Weights of the ticket move more in training than the others, mostly away'
    ' from 0 (App. F.5).',
    'yes',
    (
      Part(
        'mean |final - initial| in the dense network of the weights that the'
        f' ticket at P_m = {SPARSE}% keeps over that of those it prunes, mean'
        ' over layers',
        'ratio',
        lambda study: _moved(study, _distance_ratio),
        null=1,
        margin=0.1,
      ),
      Part(
        'share of the weights it keeps that the dense network moved away from'
        ' 0; null: half',
        'share',
        lambda study: _moved(study, _share_away),
        null=0.5,
      ),
    ),
  ),
  Claim(
    'C23',
    "A ticket's incoming connections are even over a layer's units, the"
    ' outgoing ones of the units below are very uneven (App. F.6).',
    'yes',
    (
      _unevenness_part('layer0', **_in_and_out('layer0', 'layer1')),
      _unevenness_part('layer1', **_in_and_out('layer1', 'layer2')),
      _unevenness_part('layer2'),
    ),
  ),
  Claim(
    'C24',
    'Gaussian noise of half a stddev on the initial weights barely matters;'
    ' with three stddevs they still beat reinitialization (App. F.7).',
    'yes',
    (
      Part(
        'accuracy with noise of 0.5 stddevs minus that half-way between ticket'
        f' and reinitialized ticket, {_SPARSE_LEVELS}: above 0 it is nearer to'
        ' the ticket',
        'points',
        lambda study: _above_half_way(study, 'noise_0.5x'),
      ),
      Part(
        'accuracy with noise of 3 stddevs minus that of the reinitialized'
        f' ticket, {_SPARSE_LEVELS}',
        'points',
        lambda study: _more_accurate(study, 'noise_3x', REINIT),
      ),
    ),
  ),
  Claim(
    'C25',
    'Tickets found with Adam at 0.0002 to 0.002 are similarly accurate; those'
    ' at 0.0012 and 0.002 stop early first (App. G.2).',
    'yes',
    (
      Part(
        f'greatest minus least accuracy at P_m = {SPARSE}% over the learning'
        ' rates; null: 0.3 points, the gain of a ticket',
        'points',
        _adam_range,
        null=0.3,
        side='below',
      ),
      Part(
        f'early stop at P_m = {SPARSE}%: percent fewer iterations at 0.0012 and'
        ' 0.002 than at lower rates',
        'percent',
        _adam_saved,
        margin=5,
      ),
    ),
  ),
  Claim(
    'C26',
    'Tickets found with SGD at 0.4 or 0.8 stop as early as with the best Adam'
    ' and keep their accuracy below 1% of the weights (App. G.3).',
    'yes',
    (
      Part(
        f'early stop at P_m = {SPARSE}% over that with Adam at the main'
        " recipe's learning rate; null: a quarter more iterations",
        'ratio',
        lambda study: (
          _mean_of([_stop(v, TICKET, SPARSE) for v in _fast_sgd(study)])
          / _stop(_adam_main(study), TICKET, SPARSE)
        ),
        null=1.25,
        side='below',
      ),
      Part(
        'accuracy minus dense accuracy, mean over the levels with 1% >= P_m >='
        ' 0.5%; null: 0.25 points less',
        'points',
        lambda study: _mean_of(
          [
            estimands.mean(_gained(view, TICKET, 1, 0.5), view.percents).values
            for view in _fast_sgd(study)
          ]
        ),
        null=-0.25,
      ),
    ),
  ),
  Claim(
    'C28',
    'Pruning 10% or 20% a round is good, 40% and more is tangibly worse (App.'
    ' G.4).',
    'yes',
    (
      Part(
        f'accuracy at {_SURVIVORS:,} weights with 20% pruned a round minus that'
        ' with 40% or more',
        'points',
        lambda study: (
          _by_percent(study, 0.2) - _by_percent(study, 0.4, 0.6, 0.8)
        ),
        margin=_EFFECT,
      ),
      Part(
        f'accuracy at {_SURVIVORS:,} weights with 10% pruned a round minus that'
        ' with 20%, to be within 0.2',
        'points',
        lambda study: _by_percent(study, 0.1) - _by_percent(study, 0.2),
        side='near',
        margin=0.2,
      ),
    ),
  ),
  Claim(
    'C30',
    'Larger networks give better tickets at equal weight count; all fall to'
    ' dense accuracy at 9,000 to 15,000 weights (App. G.6).',
    '9,000 to 15,000 weights',
    (
      Part(
        f"Spearman's rank correlation of accuracy at {_EQUAL_SIZE:,} weights"
        ' with the size of the dense network',
        'rho',
        _size_trend,
      ),
      Part(
        'accuracy at 15,000 weights minus dense accuracy, mean over sizes',
        'points',
        lambda study: _gain_at(study, 15_000),
      ),
      Part(
        'accuracy at 9,000 weights minus dense accuracy, mean over sizes',
        'points',
        lambda study: _gain_at(study, 9_000),
        side='below',
      ),
    ),
  ),
)
"""All claims of the paper about this network, in its order."""

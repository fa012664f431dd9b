"""The parts of the paper's study of this network, as `make replicate` runs it.

Frankle & Carbin, arXiv 1803.03635 v5: Section 2 and Appendices B, E, F and G.
"""

from typing import TYPE_CHECKING, Any

from lottery_ticket.foundations import controls
from lottery_ticket.mnist_fc import recipe as recipe_lib

if TYPE_CHECKING:
  from lottery_ticket.study import replicate

LABELS = (3, 7, 9, 12, 15, 16, 18, 20)
"""Levels that the paper's figures label, but for 0: P_m = 51.3 to 1.2%."""
INITIAL_WEIGHTS = (
  *('own', 'init_magnitude'),
  *('noise_0.5x', 'noise_1x', 'noise_2x', 'noise_3x'),
)


def parts(
  recipe: recipe_lib.Recipe, sizes: 'replicate.Sizes'
) -> 'replicate.Parts':
  """Returns the parts, in the order in which they are worth their time."""
  labels = {'levels': sizes.at(sizes.levels, LABELS)}
  few = sizes.few()
  done = ('reinit', 'random', 'one_shot', 'no_reset_ticket', *INITIAL_WEIGHTS)
  others = [name for name in controls.CONTROLS if name not in done]

  def ladder(name: str, iterations: int, **values: Any) -> Any:
    flags = {'experiment_name': name, 'iterations': iterations, **values}
    trials = sizes.few_trials if iterations else 0
    return 'lottery_experiment', {'trials': trials, **flags}

  def control(*names: str, **flags: Any) -> Any:
    return 'control', {'controls': list(names), **flags}

  def percents(hidden: float) -> dict[str, float]:
    return recipe_lib.percents(len(recipe.layers), hidden, hidden / 2)

  def scaled(factor: float) -> list[Any]:
    *hidden, last = recipe.layers
    return [*((round(factor * n), kind) for n, kind in hidden), last]

  return {
    'tickets': [('lottery_experiment', {'iterations': sizes.iterations})],
    'labels': [
      control('reinit', **labels, repetitions=sizes.repetitions),
      control('random', 'one_shot', **labels),
    ],
    'initial_weights': [control(*INITIAL_WEIGHTS, **few)],  # Appendix F.
    'no_reset': [  # Appendix B.
      ladder('no_reset', max(few['levels'], default=0), reset='final'),
      control('no_reset_ticket', **few),
    ],
    'sgd': [  # Appendices F.2 and G.3, to P_m = 0.96%.
      ladder('sgd_0.4lr', 21, optimizer='SGD', learning_rate=0.4),
      ladder('sgd_0.8lr', 21, optimizer='SGD', learning_rate=0.8),
    ],
    'percents': [  # Appendix G.4, to P_m = 3.6% or the first level below.
      ladder('pruned_10pct', 32, prune_percents=percents(0.1)),
      ladder('pruned_40pct', 7, prune_percents=percents(0.4)),
      ladder('pruned_60pct', 4, prune_percents=percents(0.6)),
    ],
    'adam': [  # Appendix G.2, to P_m = 3.6%.
      ladder('adam_0.0002lr', 15, learning_rate=0.0002),
      ladder('adam_0.002lr', 15, learning_rate=0.002),
    ],
    'sizes': [  # Appendix G.6, to 9,000 weights.
      ladder('half_size', 12, layers=scaled(0.5)),
      ladder('double_size', 19, layers=scaled(2)),
    ],
    'others': [control(*others, **few | {'of_trials': few['of_trials'][:1]})],
  }

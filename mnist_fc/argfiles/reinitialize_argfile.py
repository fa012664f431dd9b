"""Prints flags for runners/reinitialize.py: one reinitialization a line."""

import itertools
from typing import Any

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import flags
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib

EXPERIMENTS = ('reinit', 'reuse', 'reuse_sign')


@recipe_lib.takes_values
def main(
  *,
  experiment: str = 'reinit',
  experiment_path: str = constants.EXPERIMENT_PATH,
  trials: int = 20,
  iterations: int = 30,
  reinitializations: int = 10,
  levels: list[int] | None = None,
  mnist_location: str | None = None,
  recipe: str | None = None,
  ticket_name: str = 'same_init',
  permute_labels: bool = False,
  overwrite: bool = False,
  **values: Any,
) -> None:
  """Prints one line of flags for each trial, level and reinitialization.

  Args:
    experiment: `reinit` (weights drawn anew), `reuse` (drawn from the initial
      weights that survived, pooled over trials), or `reuse_sign` (the same,
      with each weight's sign kept).
    experiment_path: The folder of all trials.
    trials: How many trials.
    iterations: The number of pruning rounds: levels 0 to `iterations`.
    reinitializations: How many for each level of each trial.
    levels: Only these levels, like [3,15].
    mnist_location: Folder with the data; the runner's by default.
    recipe: 'paper' (the runner's default) or 'google'.
    ticket_name: Name of the tickets' folders.
    permute_labels: Whether the tickets' classes were permuted.
    overwrite: Whether results of other runs in the folders may be lost.
    **values: Values of the recipe to replace, by name.
  """
  if experiment not in EXPERIMENTS:
    raise errors.InputError(
      f'experiment: wanted one of {list(EXPERIMENTS)}, got {experiment!r}'
    )
  constants.recipe(recipe or 'paper', **values)
  constants.check_name('ticket_name', ticket_name)
  argfiles.check_count('trials', trials)
  argfiles.check_count('reinitializations', reinitializations)
  argfiles.check_count('iterations', iterations, least=0)
  chosen = argfiles.check_numbers('levels', levels, range(iterations + 1))
  for trial, level, run_id in itertools.product(
    range(1, trials + 1), chosen, range(1, reinitializations + 1)
  ):
    trial_directory = paths.trial(experiment_path, trial)
    ticket = paths.run(trial_directory, level, ticket_name)
    pooled = paths.initialization(experiment_path, level)
    print(
      argfiles.line(
        output_dir=paths.run(trial_directory, level, experiment, run_id),
        masks=paths.masks(ticket),
        initialization_distribution=pooled if experiment != 'reinit' else None,
        same_sign=paths.initial(ticket) if experiment == 'reuse_sign' else None,
        mnist_location=mnist_location,
        recipe=recipe,
        seed=trial,
        level=level,
        run_id=run_id,
        permute_labels=permute_labels or None,
        overwrite=overwrite or None,
        **values,
      )
    )


if __name__ == '__main__':
  flags.call(main)

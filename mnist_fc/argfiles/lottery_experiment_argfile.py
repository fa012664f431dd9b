"""Prints flags for runners/lottery_experiment.py: one trial a line."""

from typing import Any

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import flags
from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib


@recipe_lib.takes_values
def main(
  *,
  experiment_path: str = constants.EXPERIMENT_PATH,
  trials: int = 20,
  iterations: int | None = None,
  mnist_location: str | None = None,
  recipe: str | None = None,
  experiment_name: str | None = None,
  permute_labels: bool = False,
  reset: str | int | None = None,
  overwrite: bool = False,
  **values: Any,
) -> None:
  """Prints one line of flags for each trial; its number is its seed.

  Args:
    experiment_path: The folder of all trials.
    trials: How many trials.
    iterations: The number of pruning rounds; the runner's 30 by default.
    mnist_location: Folder with the data; the runner's by default.
    recipe: 'paper' (the runner's default) or 'google'.
    experiment_name: Name of the runs' folders; the runner's by default.
    permute_labels: Whether to rename the classes by a random permutation.
    reset: What to reset to: 'initial' (the runner's default), 'final', or an
      iteration of the dense network's training.
    overwrite: Whether results of other runs in the folders may be lost.
    **values: Values of the recipe to replace, by name.
  """
  chosen = constants.recipe(recipe or 'paper', **values)
  if reset is not None:
    chosen.check_reset(reset)
  if experiment_name is not None:
    constants.check_experiment_name(experiment_name)
  argfiles.check_count('trials', trials)
  if iterations is not None:
    argfiles.check_count('iterations', iterations, least=0)
  for trial in range(1, trials + 1):
    print(
      argfiles.line(
        output_dir=paths.trial(experiment_path, trial),
        mnist_location=mnist_location,
        iterations=iterations,
        experiment_name=experiment_name,
        recipe=recipe,
        seed=trial,
        permute_labels=permute_labels or None,
        reset=reset,
        overwrite=overwrite or None,
        **values,
      )
    )


if __name__ == '__main__':
  flags.call(main)

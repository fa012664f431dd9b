"""Prints flags for runners/train.py: one dense network a line."""

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
  experiment_name: str = 'dense',
  mnist_location: str | None = None,
  recipe: str | None = None,
  overwrite: bool = False,
  **values: Any,
) -> None:
  """Prints one line of flags for each trial; its number is its seed.

  Args:
    experiment_path: The folder of all trials.
    trials: How many trials.
    experiment_name: Name of the runs' folders.
    mnist_location: Folder with the data; the runner's by default.
    recipe: 'paper' (the runner's default) or 'google'.
    overwrite: Whether results of other runs in the folders may be lost.
    **values: Values of the recipe to replace, by name.
  """
  constants.recipe(recipe or 'paper', **values)
  constants.check_name('experiment_name', experiment_name)
  argfiles.check_count('trials', trials)
  for trial in range(1, trials + 1):
    trial_directory = paths.trial(experiment_path, trial)
    print(
      argfiles.line(
        output_dir=paths.run(trial_directory, 0, experiment_name),
        mnist_location=mnist_location,
        recipe=recipe,
        seed=trial,
        overwrite=overwrite or None,
        **values,
      )
    )


if __name__ == '__main__':
  flags.call(main)

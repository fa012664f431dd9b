"""Prints flags for runners/initialization.py: one level a line."""

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import flags
from lottery_ticket.mnist_fc import constants


def main(
  *,
  experiment_path: str = constants.EXPERIMENT_PATH,
  iterations: int = 30,
  experiment_name: str | None = None,
  trials: list[int] | None = None,
  overwrite: bool = False,
) -> None:
  """Prints one line of flags for each level.

  Args:
    experiment_path: The folder of all trials.
    iterations: The number of pruning rounds: levels 0 to `iterations`.
    experiment_name: Name of the runs' folders; the runner's by default.
    trials: Names of the trials, like [1,2]; all that are there by default.
    overwrite: Whether other distributions there may be replaced.
  """
  if experiment_name is not None:
    constants.check_name('experiment_name', experiment_name)
  argfiles.check_count('iterations', iterations, least=0)
  for level in range(iterations + 1):
    print(
      argfiles.line(
        level=level,
        experiment_path=experiment_path,
        experiment_name=experiment_name,
        trials=trials,
        overwrite=overwrite or None,
      )
    )


if __name__ == '__main__':
  flags.call(main)

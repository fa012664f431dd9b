"""Prints flags for runners/control.py: one control of one ticket a line."""

import itertools
from typing import Any

from lottery_ticket.cli import argfiles
from lottery_ticket.cli import flags
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib

CONTROLS: dict[str, dict[str, Any]] = {
  'reinit': {},
  'reuse': {'trials': True},
  'reuse_sign': {'trials': True},
  'own': {},
  'own_sign': {},
  'random': {},
  'one_shot': {},
  'init_magnitude': {},
  'noise_0.5x': {'control': 'noise', 'scale': 0.5},
  'noise_1x': {'control': 'noise', 'scale': 1},
  'noise_2x': {'control': 'noise', 'scale': 2},
  'noise_3x': {'control': 'noise', 'scale': 3},
  'continued': {},
  'no_reset_ticket': {},
  'rewind_500its': {'control': 'rewind', 'rewind_to': 500},
  'permuted_labels': {},
  'other_order': {},
  'union': {'trials': True},
  'intersection': {'trials': True},
}
"""{name of the runs' folders: the control, where it has another name, and its
settings; `trials` stands for the folders of all}."""


@recipe_lib.takes_values
def main(
  *,
  controls: list[str] | None = None,
  experiment_path: str = constants.EXPERIMENT_PATH,
  trials: int = 5,
  levels: list[int] | None = None,
  repetitions: int = 1,
  of_trials: list[int] | None = None,
  mnist_location: str | None = None,
  recipe: str | None = None,
  ticket_name: str | None = None,
  permute_labels: bool = False,
  overwrite: bool = False,
  **values: Any,
) -> None:
  """Prints one line of flags for each control, trial, level and repetition.

  Args:
    controls: Which: reinit, reuse, reuse_sign, own, own_sign, random, one_shot,
      init_magnitude, noise_0.5x, noise_1x, noise_2x, noise_3x, continued,
      no_reset_ticket, rewind_500its, permuted_labels, other_order, union,
      intersection; by default all but no_reset_ticket, which needs an
      experiment with --reset=final --experiment_name=no_reset.
    experiment_path: The folder of all trials.
    trials: How many trials there are.
    levels: Of the tickets; by default [7,15], P_m = 21.1% and 3.6%.
    repetitions: How many of each.
    of_trials: Only the tickets of these trials, like [1]; by default of all.
    mnist_location: Folder with the data; the runner's by default.
    recipe: 'paper' (the runner's default) or 'google'.
    ticket_name: Name of the tickets' folders; the runner's by default.
    permute_labels: Whether the tickets' classes were permuted.
    overwrite: Whether results of other runs in the folders may be lost.
    **values: Values of the recipe to replace, by name.
  """
  constants.recipe(recipe or 'paper', **values)
  if ticket_name is not None:
    constants.check_name('ticket_name', ticket_name)
  argfiles.check_count('trials', trials)
  argfiles.check_count('repetitions', repetitions)
  names = _check_names(controls)
  everyone = [paths.trial(experiment_path, i) for i in range(1, trials + 1)]
  for trial, level, name, run_id in itertools.product(
    argfiles.check_numbers('of_trials', of_trials, range(1, trials + 1)),
    argfiles.check_numbers('levels', levels, (7, 15)),
    names,
    range(1, repetitions + 1),
  ):
    trial_directory = paths.trial(experiment_path, trial)
    settings = {'control': name} | CONTROLS[name]
    if 'trials' in settings:
      settings['trials'] = everyone
    print(
      argfiles.line(
        output_dir=paths.run(trial_directory, level, name, run_id),
        trial_dir=trial_directory,
        level=level,
        run_id=run_id,
        **settings,
        ticket_name=ticket_name,
        mnist_location=mnist_location,
        recipe=recipe,
        seed=trial,
        permute_labels=permute_labels or None,
        overwrite=overwrite or None,
        **values,
      )
    )


def _check_names(controls: list[str] | str | None) -> list[str]:
  if controls is None:
    return [name for name in CONTROLS if name != 'no_reset_ticket']
  if isinstance(controls, str):
    controls = [controls]
  if not isinstance(controls, (list, tuple)) or not controls:
    raise errors.InputError(
      f'controls: wanted a list of names, like [random,own], got {controls!r}'
    )
  for name in controls:
    if name not in CONTROLS:
      raise errors.InputError(
        f'controls: wanted some of {list(CONTROLS)}, got {name!r}'
      )
  return list(controls)


if __name__ == '__main__':
  flags.call(main)

"""The jobs of a runner: flags of each, as an argfile prints them.

A trial's number is its seed. Flags of the runner that an argfile does not know
are passed on.
"""

import itertools
from typing import Any

from lottery_ticket.foundations import controls as controls_lib
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import schedule
from lottery_ticket.study import names
from lottery_ticket.study import resets
from lottery_ticket.study import task as task_lib

Flags = dict[str, Any]
"""{flag: value}, without those that are not given."""

LEVELS = (7, 15)
"""Levels of the controls, by default: P_m = 21.1% and 3.6%."""
REINITIALIZATIONS = ('reinit', 'reuse', 'reuse_sign')


def lottery_experiment(
  task: task_lib.Task,
  /,
  *,
  experiment_path: str | None = None,
  trials: int = 20,
  iterations: int | None = None,
  experiment_name: str | None = None,
  reset: str | int | None = None,
  fine_tuning_len: schedule.Length | None = None,
  **given: Any,
) -> list[Flags]:
  """Prints flags for the runner lottery_experiment: one trial a line.

  Args:
    experiment_path: The folder of all trials; the task's by default.
    trials: How many trials.
    iterations: The number of pruning rounds; the runner's 30 by default.
    experiment_name: Name of the runs' folders; the runner's by default.
    reset: What each level starts from: initial (the runner's default), final,
      lr_rewind, fine_tune, or an iteration of the dense network's training.
    fine_tuning_len: How long fine_tune trains, like iterations,5000.

  Examples:
    --trials=3 --iterations=15
    --trials=1 --training_len=iterations,1000
  """
  recipe = _check(task, given, trials=trials, iterations=iterations)
  resets.check(recipe, 'initial' if reset is None else reset, fine_tuning_len)
  if experiment_name is not None:
    names.check_experiment(experiment_name)
  own: Flags = {'iterations': iterations, 'experiment_name': experiment_name}
  own |= {'reset': reset, 'fine_tuning_len': fine_tuning_len}
  return [
    _given(output_dir=folder, **own, seed=trial, **given)
    for trial, folder in _trials(task, experiment_path, trials).items()
  ]


def train(
  task: task_lib.Task,
  /,
  *,
  experiment_path: str | None = None,
  trials: int = 20,
  experiment_name: str = 'dense',
  **given: Any,
) -> list[Flags]:
  """Prints flags for the runner train: one dense network a line.

  Args:
    experiment_path: The folder of all trials; the task's by default.
    trials: How many trials.
    experiment_name: Name of the runs' folders.

  Examples:
    --trials=3
    --trials=1 --training_len=iterations,1000
  """
  _check(task, given, trials=trials, experiment_name=experiment_name)
  folders = _trials(task, experiment_path, trials)
  runs = {k: paths.run(top, 0, experiment_name) for k, top in folders.items()}
  return [_given(output_dir=run, seed=k, **given) for k, run in runs.items()]


def reinitialize(
  task: task_lib.Task,
  /,
  *,
  experiment: str = 'reinit',
  experiment_path: str | None = None,
  trials: int = 20,
  iterations: int = 30,
  reinitializations: int = 10,
  levels: list[int] | None = None,
  ticket_name: str = names.TICKET,
  **given: Any,
) -> list[Flags]:
  """Prints flags for the runner reinitialize: one reinitialization a line.

  Args:
    experiment: `reinit` (weights drawn anew), `reuse` (drawn from the initial
      weights that survived in all trials), or `reuse_sign` (signs kept).
    experiment_path: The folder of all trials; the task's by default.
    trials: How many trials.
    iterations: The number of pruning rounds: levels 0 to `iterations`.
    reinitializations: How many for each level of each trial.
    levels: Only these levels, like [3,15].
    ticket_name: Name of the tickets' folders.

  Examples:
    --trials=3 --levels=[3,15]
    --experiment=reuse_sign --reinitializations=1
  """
  errors.check_choice('experiment', experiment, list(REINITIALIZATIONS))
  own: Flags = {'levels': levels, 'ticket_name': ticket_name}
  own |= {'iterations': iterations, 'reinitializations': reinitializations}
  _check(task, given, trials=trials, **own)
  top = experiment_path or task.experiment_path
  jobs = []
  for (trial, folder), level, run_id in itertools.product(
    _trials(task, experiment_path, trials).items(),
    range(iterations + 1) if levels is None else levels,
    range(1, reinitializations + 1),
  ):
    ticket = paths.run(folder, level, ticket_name)
    run = paths.run(folder, level, experiment, run_id)
    job = {'output_dir': run, 'masks': paths.masks(ticket)}
    if experiment != 'reinit':
      job['initialization_distribution'] = paths.initialization(top, level)
    if experiment == 'reuse_sign':
      job['same_sign'] = paths.initial(ticket)
    jobs.append(_given(**job, seed=trial, level=level, run_id=run_id, **given))
  return jobs


def control(
  task: task_lib.Task,
  /,
  *,
  controls: list[str] | None = None,
  experiment_path: str | None = None,
  trials: int = 5,
  levels: list[int] | None = None,
  repetitions: int = 1,
  of_trials: list[int] | None = None,
  ticket_name: str | None = None,
  **given: Any,
) -> list[Flags]:
  """Prints flags for the runner control: one control of one ticket a line.

  Args:
    controls: Names in the table of `foundations/controls.py`, like
      [random,own]; by default all but no_reset_ticket, which needs an
      experiment with --reset=final --experiment_name=no_reset.
    experiment_path: The folder of all trials; the task's by default.
    trials: How many trials there are.
    levels: Levels of the tickets; by default [7,15], P_m = 21.1% and 3.6%.
    repetitions: How many of each.
    of_trials: Only the tickets of these trials, like [1]; by default of all.
    ticket_name: Name of the tickets' folders; the runner's by default.

  Examples:
    --trials=3 --levels=[7,15]
    --controls=[random,noise_0.5x] --of_trials=[1]
  """
  own: Flags = {'levels': levels, 'of_trials': of_trials}
  own |= {'ticket_name': ticket_name, 'repetitions': repetitions}
  _check(task, given, trials=trials, **own)
  everyone = _trials(task, experiment_path, trials)
  table = controls_lib.CONTROLS
  for name in controls or ():
    errors.check_choice('controls', name, list(table))
  jobs = []
  for trial, level, name, run_id in itertools.product(
    of_trials or everyone,
    levels or LEVELS,
    controls or [k for k, row in table.items() if 'no_reset' not in row.needs],
    range(1, repetitions + 1),
  ):
    row = table[name]
    folder = paths.trial(experiment_path or task.experiment_path, trial)
    settings = {'control': row.name or name, **row.settings}
    if 'trials' in settings:
      settings['trials'] = list(everyone.values())
    run = paths.run(folder, level, name, run_id)
    own = {'level': level, 'run_id': run_id, **settings, 'seed': trial, **given}
    own |= {'trial_dir': folder, 'ticket_name': ticket_name}
    jobs.append(_given(output_dir=run, **own))
  return jobs


def initialization(
  task: task_lib.Task,
  /,
  *,
  experiment_path: str | None = None,
  iterations: int = 30,
  experiment_name: str | None = None,
  trials: list[int | str] | None = None,
  overwrite: bool = False,
) -> list[Flags]:
  """Prints flags for the runner initialization: one level a line.

  Args:
    experiment_path: The folder of all trials; the task's by default.
    iterations: The number of pruning rounds: levels 0 to `iterations`.
    experiment_name: Name of the runs' folders; the runner's by default.
    trials: Names of the trials, like [1,2]; all that are there by default.
    overwrite: Whether other distributions there may be replaced.

  Examples:
    --iterations=15
    --trials=[1,2] --experiment_name=rewound
  """
  _check(task, {}, iterations=iterations, experiment_name=experiment_name)
  common: Flags = {'experiment_path': experiment_path or task.experiment_path}
  common |= {'experiment_name': experiment_name, 'trials': trials}
  common['overwrite'] = overwrite or None
  return [_given(level=level, **common) for level in range(iterations + 1)]


def _check(task: task_lib.Task, given: Flags, **own: Any) -> Any:
  """Returns the recipe, once numbers and names are checked."""
  for name, value in own.items():
    if isinstance(value, str):
      names.check(name, value)
    elif value is not None:
      least = 0 if name in ('iterations', 'levels') else 1
      for number in value if isinstance(value, list) else [value]:
        errors.check_integer(name, number, least)
  values = {k: v for k, v in given.items() if k not in task_lib.PLAIN}
  return task.choose(values.pop('recipe', None), **values)[0]


def _trials(
  task: task_lib.Task, experiment_path: str | None, trials: int
) -> dict[int, str]:
  """Returns {trial: its folder}."""
  top = experiment_path or task.experiment_path
  return {trial: paths.trial(top, trial) for trial in range(1, trials + 1)}


def _given(**flags: Any) -> Flags:
  return {name: value for name, value in flags.items() if value is not None}

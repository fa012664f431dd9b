"""Replicates the paper's study: tickets, controls, and a report."""

import functools
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import flags as flags_lib
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.study import argfiles
from lottery_ticket.study import names
from lottery_ticket.study import report
from lottery_ticket.study import task as task_lib

LABELS = (3, 7, 9, 12, 15, 16, 18, 20)
"""Levels that the paper's figures label, but for 0."""
_SAMPLES = (500, 2_500)  # Iterations, to measure the machine's speed.


def replicate(
  task: task_lib.Task,
  /,
  experiment_path: str | None = None,
  *,
  trials: int = 5,
  iterations: int = 20,
  levels: list[int] | None = None,
  control_trials: int = 1,
  control_levels: list[int] | None = None,
  repetitions: int = 1,
  recipe: str | None = None,
  jobs: int | None = None,
  log_dir: str | None = None,
  dry_run: bool = False,
  **values: Any,
) -> None:
  """Runs the whole study, says beforehand how long it takes, and reports.

  By default 5 trials of levels 0 to 20; at the levels that the paper's figures
  label, a random reinitialization, a random sparse network and a one-shot
  pruned one for each ticket; the other controls for some trials at two levels.
  Nothing that is finished is repeated: interrupted, it goes on when it is
  started again.

  Args:
    experiment_path: The folder of all trials, the task's by default; the report
      goes to its `report`.
    trials: How many trials.
    iterations: The number of pruning rounds: levels 0 to `iterations`.
    levels: Levels at which a reinitialized, a random and a one-shot network are
      trained for each ticket; by default those that the paper's figures label.
    control_trials: For how many trials all other controls are run.
    control_levels: Levels of these; by default [7,15], P_m = 21.1% and 3.6%.
    repetitions: How many of each control.
    recipe: Name of the recipe; the task's first by default.
    jobs: How many runs at a time; by default as many as there are processors.
    log_dir: Folder for what each job prints.
    dry_run: Only say how much there is to do.
    **values: Values of the recipe to replace, and where the data are.
  """
  errors.check_integer('trials', trials, 1)
  errors.check_integer('repetitions', repetitions, 1)
  errors.check_integer('iterations', iterations, 0)
  errors.check_integer('jobs', 1 if jobs is None else jobs, 1)
  if not 0 <= control_trials <= trials:
    raise errors.InputError(
      f'control_trials: wanted 0 to {trials}, as many as there are trials,'
      f' got {control_trials}'
    )
  length = task.choose(recipe, **values)[0].training_len
  path = experiment_path or task.experiment_path
  common = {'recipe': recipe, **values}
  study = plan(
    task,
    trials,
    iterations,
    argfiles.check_numbers('levels', levels, LABELS),
    control_trials,
    argfiles.check_numbers('control_levels', control_levels, argfiles.LEVELS),
    repetitions,
    experiment_path=path,
    **common,
  )
  runs = [runs_of(flags) for _, flags in study]
  left = [
    sum(not os.path.isfile(paths.record(run)) for run in those)
    for those in runs
  ]
  count = sum(map(len, runs))
  print(
    f'{count:,} runs of {length[1]:,} {length[0]},'
    f' {count - sum(left):,} of them finished before',
    flush=True,
  )
  if any(left):
    workers = jobs or argfile_runner.processors()
    print('Trying how fast this machine is ...', flush=True)
    seconds, iterations_ = _speed(task, length, common, workers)
    minutes = rounds(left, workers) * iterations_ * seconds / 60
    print(
      f'About {minutes // 60:.0f} h {minutes % 60:02.0f} min, {workers} at a'
      f' time ({workers / seconds:,.0f} iterations a second). It may be'
      ' interrupted: the same command goes on.',
      flush=True,
    )
  if dry_run:
    return
  todo = [job(task, *script_and_flags) for script_and_flags in study]
  succeeded = argfile_runner.run_jobs(todo, jobs=jobs, log_dir=log_dir)
  report.report(task, path)
  if not succeeded:
    sys.exit(flags_lib.FAILURE)


def plan(
  task: task_lib.Task,
  trials: int,
  iterations: int,
  levels: Iterable[int],
  control_trials: int,
  control_levels: Iterable[int],
  repetitions: int,
  **common: Any,
) -> list[tuple[str, argfiles.Flags]]:
  """Returns the jobs of the study: (script, flags).

  What takes longest comes first, so that no processor is left without work:
  the levels of a trial follow each other, while controls wait for nothing but
  the trials that they are about. Arguments are those of `replicate`; `common`
  is what all argfiles are given.
  """
  table = controls.CONTROLS
  main = [name for name, row in table.items() if row.is_main]
  levels, control_levels = (
    [level for level in numbers if level <= iterations]
    for numbers in (levels, control_levels)
  )
  ladder = functools.partial(argfiles.lottery_experiment, task, **common)
  control = functools.partial(
    argfiles.control, task, trials=trials, repetitions=repetitions, **common
  )
  ladders = ladder(trials=trials, iterations=iterations)
  others = []
  if control_levels and control_trials:
    ladders += ladder(
      trials=control_trials,
      iterations=max(control_levels),
      experiment_name=names.NO_RESET,
      reset='final',
    )
    others = control(
      controls=[name for name in table if name not in main],
      levels=control_levels,
      of_trials=list(range(1, control_trials + 1)),
    )
  mains = control(controls=main, levels=levels) if levels else []
  return [
    *(('lottery_experiment', flags) for flags in ladders),
    *(('control', flags) for flags in [*mains, *others]),
  ]


def runs_of(flags: argfiles.Flags) -> list[str]:
  """Returns the folders of the runs of a ladder or a control."""
  if 'iterations' not in flags:
    return [flags['output_dir']]
  name = flags.get('experiment_name', names.TICKET)
  levels = range(flags['iterations'] + 1)
  return [paths.run(flags['output_dir'], level, name) for level in levels]


def job(
  task: task_lib.Task, script: str, flags: argfiles.Flags
) -> jobs_lib.Job:
  """Returns the job that runs a runner of the task with these flags."""
  runner = os.path.join(task.folder, 'runners', f'{script}.py')
  argv = tuple(f'--{name}={value}' for name, value in flags.items())
  return jobs_lib.Job(runner, argv, folder=os.getcwd())


def rounds(left: Sequence[int], workers: int) -> float:
  """Returns after how many times the time of a run all will be done.

  The `left` runs of each job follow each other, a control the last of them.
  """
  longest = max(left)
  in_a_row = longest + 1 if longest > 1 else longest
  return max(sum(left) / workers, min(in_a_row, sum(left)))


def _speed(
  task: task_lib.Task,
  length: tuple[str, int],
  common: argfiles.Flags,
  workers: int,
) -> tuple[float, int]:
  """Returns the seconds an iteration, measured, and the iterations of a run."""
  with tempfile.TemporaryDirectory() as folder:

    def train(unit: str, count: int, workers: int) -> dict[str, Any]:
      flags = {k: v for k, v in common.items() if v is not None}
      flags |= {'training_len': f'{unit},{count}', 'seed': 1}
      runs = [f'{folder}/{i}/{unit}{count}' for i in range(workers)]
      jobs = [job(task, 'train', flags | {'output_dir': run}) for run in runs]
      if not argfile_runner.run_jobs(jobs, jobs=workers, quiet=True):
        raise errors.InputError('a short training fails; see above')
      found = [records.read(run) for run in runs]
      seconds = sum(record['seconds'] for record in found) / workers
      return {'seconds': seconds, 'iterations': found[0]['iterations']}

    unit, iterations = length
    if unit == 'epochs':
      iterations *= train(unit, 1, 1)['iterations']
    short, long = (
      train('iterations', count, workers)['seconds'] for count in _SAMPLES
    )
  # What a run takes beyond its iterations is in both.
  return max(long - short, 1e-9) / (_SAMPLES[1] - _SAMPLES[0]), iterations

"""Replicates a study, part by part: tickets, controls, and a report."""

import dataclasses
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import argfiles as argfiles_lib
from lottery_ticket.cli import flags as flags_lib
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.cli import pool
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.study import argfiles
from lottery_ticket.study import names
from lottery_ticket.study import report
from lottery_ticket.study import task as task_lib

Task = task_lib.Task

_SAMPLE = 2_500  # Iterations, to measure the machine's speed.

Parts = Mapping[str, Sequence[tuple[str, argfiles.Flags]]]
"""{part: [(argfile, its flags)]}; without trials or levels it has no jobs."""


@dataclasses.dataclass(frozen=True)
class Sizes:
  """How large a study is.

  Attributes:
    trials: How many trials; by default 5.
    iterations: The number of pruning rounds, by default 24: levels 0 to 24.
    levels: Levels of the controls of all trials; by default the task's.
    control_trials: For how many trials all else is run; by default 3, or all
      if there are fewer.
    control_levels: Levels of the other controls; by default [7,15], P_m = 21.1%
      and 3.6%.
    repetitions: How many reinitializations of each ticket; by default 3.
  """

  trials: int = 5
  iterations: int = 24
  levels: list[int] | None = None
  control_trials: int | None = None
  control_levels: list[int] | None = None
  repetitions: int = 3

  def __post_init__(self) -> None:
    least = {'trials': 1, 'repetitions': 1, 'iterations': 0}
    for name, number in least.items():
      errors.check_integer(name, getattr(self, name), number)
    few = self.few_trials
    errors.check_integer('control_trials', few, 0)
    wanted = f'0 to {self.trials}, as many as there are trials'
    errors.require(few <= self.trials, 'control_trials', wanted, few)

  @property
  def few_trials(self) -> int:
    """For how many trials all else is run."""
    few = self.control_trials
    return min(3, self.trials) if few is None else few

  def at(self, levels: Sequence[int] | None, default: Sequence[int]) -> Any:
    """Returns those of some levels that tickets are found at."""
    return [n for n in levels or default if n <= self.iterations]

  def few(self) -> argfiles.Flags:
    """Returns flags for controls of some trials at some levels."""
    return {
      'levels': self.at(self.control_levels, argfiles.LEVELS),
      'of_trials': list(range(1, self.few_trials + 1)),
    }


def usual_parts(recipe: Any, sizes: Sizes) -> Parts:
  """Returns the parts of a study of any task: tickets and all controls."""
  del recipe
  return {
    'tickets': [('lottery_experiment', {'iterations': sizes.iterations})],
    'controls': [('control', sizes.few())],
  }


def replicate(
  task: Task,
  /,
  experiment_path: str | None = None,
  *,
  parts: list[str] | None = None,
  recipe: str | None = None,
  jobs: int | None = None,
  log_dir: str | None = None,
  dry_run: bool = False,
  **values: Any,
) -> None:
  """Runs a whole study, says beforehand what it takes, and reports.

  Nothing that is finished is repeated: started again, it goes on.

  Args:
    experiment_path: The folder of all trials, the task's by default; the report
      goes to its `report`.
    parts: Only these parts, like [tickets,labels]; --dry_run lists all.
    recipe: Name of the recipe; the task's first by default.
    jobs: How many runs at a time; by default as many as there are processors.
    log_dir: Folder for what each job prints.
    dry_run: Only say how much there is to do.
    **values: Fields of `Sizes`, values of the recipe, and where the data are.

  Examples:
    --dry_run
    --trials=2 --parts=[tickets,labels]
  """
  own = [field.name for field in dataclasses.fields(Sizes)]
  sizes = Sizes(**{k: values.pop(k) for k in own if k in values})
  workers = pool.processors() if jobs is None else jobs
  errors.check_integer('jobs', workers, 1)
  path = experiment_path or task.experiment_path
  common = {'recipe': recipe, **values}
  unit, count = task.choose(recipe, **values)[0].training_len
  planned = plan(task, sizes, parts, experiment_path=path, **common)
  left = []
  for part, todo in planned.items():
    runs = [runs_of(flags) for _, flags in todo]
    done = [[os.path.isfile(paths.record(run)) for run in row] for row in runs]
    left += [row.count(False) for row in done]
    number, finished = sum(map(len, runs)), sum(map(sum, done))
    said = f'{number * count:12,} {unit}, {finished} finished before'
    print(f'{part:16}{number:5} runs {said}', flush=True)
  if any(left):
    print('Trying how fast this machine is ...', flush=True)
    seconds, iterations = _speed(task, (unit, count), common, workers)
    in_turn = max(sum(left) / workers, *left)  # Levels follow each other.
    minutes = in_turn * iterations * seconds / 60
    print(
      f'At most {minutes // 60:.0f} h {minutes % 60:02.0f} min, {workers} at a'
      f' time ({workers / seconds:,.0f} iterations a second of whole networks;'
      ' pruned ones take less). It may be interrupted: the same command goes'
      ' on.',
      flush=True,
    )
  if dry_run:
    return
  jobs_ = [job(task, *each) for part in planned.values() for each in part]
  succeeded = argfile_runner.run_jobs(jobs_, jobs=jobs, log_dir=log_dir)
  report.report(task, path)
  if not succeeded:
    sys.exit(flags_lib.FAILURE)


def plan(
  task: Task, sizes: Sizes, parts: Sequence[str] | None = None, **common: Any
) -> dict[str, list[tuple[str, argfiles.Flags]]]:
  """Returns {part: [(script, flags)]}; argfiles are given what is common."""
  values = {k: v for k, v in common.items() if k != 'experiment_path'}
  recipe, _ = task.choose(values.pop('recipe', None), **values)
  known = (task.parts or usual_parts)(recipe, sizes)
  chosen = parts or list(known)
  for part in chosen:
    errors.check_choice('parts', part, list(known))
  planned: dict[str, Any] = {part: [] for part in chosen}
  for part in chosen:
    for script, flags in known[part]:
      flags = {'trials': sizes.trials, **common, **flags}
      if all(flags.get(k, True) for k in ('trials', 'of_trials', 'levels')):
        jobs = getattr(argfiles, script)(task, **flags)
        planned[part] += [(script, each) for each in jobs]
  return planned


def runs_of(flags: argfiles.Flags) -> list[str]:
  """Returns the folders of the runs of a ladder or a control."""
  if 'iterations' not in flags:
    return [flags['output_dir']]
  name = flags.get('experiment_name', names.TICKET)
  levels = range(flags['iterations'] + 1)
  return [paths.run(flags['output_dir'], level, name) for level in levels]


def job(task: Task, script: str, flags: argfiles.Flags) -> jobs_lib.Job:
  """Returns the job that runs a runner of the task with these flags."""
  runner = os.path.join(task.folder, 'runners', f'{script}.py')
  return jobs_lib.Job(runner, argfiles_lib.flags(**flags), folder=os.getcwd())


def _speed(
  task: Task, length: tuple[str, int], common: argfiles.Flags, workers: int
) -> tuple[float, float]:
  """Returns the seconds an iteration, measured, and the iterations of a run."""
  unit, count = length
  tried = min(count, _SAMPLE) if unit == 'iterations' else 1
  flags = {**common, 'training_len': f'{unit},{tried}', 'seed': 1}
  with tempfile.TemporaryDirectory() as folder:
    runs = [os.path.join(folder, str(i)) for i in range(workers)]
    jobs = [job(task, 'train', flags | {'output_dir': run}) for run in runs]
    if not argfile_runner.run_jobs(jobs, jobs=workers, quiet=True):
      raise errors.InputError('a short training fails; see above')
    found = [records.read(run) for run in runs]
  iterations = found[0]['iterations']
  seconds = statistics.mean(record['seconds'] for record in found)
  return seconds / iterations, count * iterations / tried

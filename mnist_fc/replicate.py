"""Replicates the paper's Section 2: tickets, controls, and a report.

By default 5 trials of levels 0 to 20; at the levels that the paper's figures
label, a random reinitialization, a random sparse network and a one-shot pruned
one for each ticket; the other controls for some trials at two levels. Nothing
that is finished is repeated: interrupted, it goes on when it is started again.
"""

import importlib
import math
import os
import pathlib
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import argfiles
from lottery_ticket.cli import flags
from lottery_ticket.cli import jobs as jobs_lib
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import save_restore
from lottery_ticket.mnist_fc import constants
from lottery_ticket.mnist_fc import recipe as recipe_lib
from lottery_ticket.mnist_fc.argfiles import control_argfile

LABELS = (3, 7, 9, 12, 15, 16, 18, 20)
"""Levels that the paper's figures label, but for 0."""
MAIN_CONTROLS = ('reinit', 'random', 'one_shot')
NO_RESET = 'no_reset'
_SAMPLES = (500, 2_500)  # Iterations, to measure the machine's speed.
_MNIST_EXAMPLES = 60_000


@recipe_lib.takes_values
def replicate(
  experiment_path: str = constants.EXPERIMENT_PATH,
  *,
  trials: int = 5,
  iterations: int = 20,
  levels: list[int] | None = None,
  control_trials: int = 1,
  control_levels: list[int] | None = None,
  repetitions: int = 1,
  mnist_location: str | None = None,
  recipe: str | None = None,
  jobs: int | None = None,
  log_dir: str | None = None,
  dry_run: bool = False,
  **values: Any,
) -> None:
  """Runs the whole study, says beforehand how long it takes, and reports.

  Args:
    experiment_path: The folder of all trials; the report goes to its `report`.
    trials: How many trials.
    iterations: The number of pruning rounds: levels 0 to `iterations`.
    levels: At which a reinitialized, a random and a one-shot network are
      trained for each ticket; by default those that the paper's figures label.
    control_trials: For how many trials all other controls are run.
    control_levels: At which; by default [7,15], P_m = 21.1% and 3.6%.
    repetitions: How many of each control.
    mnist_location: Folder with the data; the runners' by default.
    recipe: 'paper' (by default) or 'google'.
    jobs: How many runs at a time; by default as many as there are processors.
    log_dir: Folder for what each line prints.
    dry_run: Only say how much there is to do.
    **values: Values of the recipe to replace, by name.

  Raises:
    InputError: Before any training, if an argument is of no use.
  """
  report = importlib.import_module('lottery_ticket.mnist_fc.report')
  argfiles.check_count('trials', trials)
  argfiles.check_count('repetitions', repetitions)
  argfiles.check_count('iterations', iterations, least=0)
  argfiles.check_count('jobs', 1 if jobs is None else jobs)
  if not 0 <= control_trials <= trials:
    raise errors.InputError(
      f'control_trials: wanted 0 to {trials}, as many as there are trials,'
      f' got {control_trials}'
    )
  chosen = constants.recipe(recipe or 'paper', **values)
  common = {'experiment_path': experiment_path, 'recipe': recipe}
  common |= {'mnist_location': mnist_location, **values}
  sizes = _Sizes(
    trials,
    iterations,
    _up_to(iterations, argfiles.check_numbers('levels', levels, LABELS)),
    control_trials,
    _up_to(
      iterations,
      argfiles.check_numbers('control_levels', control_levels, (7, 15)),
    ),
    repetitions,
  )
  scripts = list(_scripts(sizes, common))
  lines = [
    [not os.path.isfile(paths.record(run)) for run in _runs(line)]
    for argfile in scripts[1::2]
    for line in argfiles.read(argfile, 'mnist_fc')
  ]
  left, count = sum(map(sum, lines)), sum(map(len, lines))
  length, unit = chosen.training_len[1], chosen.training_len[0]
  print(f'{count:,} runs of {length:,} {unit},', end=' ')
  print(f'{count - left:,} of them finished before', flush=True)
  if left:
    workers = jobs or argfile_runner.processors()
    rounds = _rounds([sum(line) for line in lines], workers)
    _estimate(common, chosen, rounds, workers)
  if dry_run:
    return
  succeeded = argfile_runner.run_jobs(
    jobs_lib.from_argfiles(scripts, 'mnist_fc'), jobs=jobs, log_dir=log_dir
  )
  report.report(experiment_path)
  if not succeeded:
    sys.exit(flags.FAILURE)


class _Sizes(NamedTuple):
  """How much of everything."""

  trials: int
  iterations: int
  levels: list[int]
  control_trials: int
  control_levels: list[int]
  repetitions: int


def _up_to(most: int, levels: Iterable[int]) -> list[int]:
  return [level for level in levels if level <= most]


def _scripts(sizes: _Sizes, common: dict[str, Any]) -> Iterator[str]:
  """Yields runner, argfile, runner, argfile, ... of the study.

  What takes longest comes first, so that no processor is left without work:
  the levels of a trial follow each other, while controls wait for nothing but
  the trials that they are about.
  """
  others = [
    name for name in control_argfile.CONTROLS if name not in MAIN_CONTROLS
  ]
  of_some = bool(sizes.control_levels and sizes.control_trials)
  yield from _pair(
    'lottery_experiment',
    trials=sizes.trials,
    iterations=sizes.iterations,
    **common,
  )
  if of_some:
    yield from _pair(
      'lottery_experiment',
      trials=sizes.control_trials,
      iterations=max(sizes.control_levels),
      experiment_name=NO_RESET,
      reset='final',
      **common,
    )
  if sizes.levels:
    yield from _pair(
      'control',
      controls=list(MAIN_CONTROLS),
      levels=sizes.levels,
      trials=sizes.trials,
      repetitions=sizes.repetitions,
      **common,
    )
  if of_some:
    yield from _pair(
      'control',
      controls=others,
      levels=sizes.control_levels,
      trials=sizes.trials,
      of_trials=list(range(1, sizes.control_trials + 1)),
      repetitions=sizes.repetitions,
      **common,
    )


def _pair(script: str, **given: Any) -> Iterator[str]:
  yield f'runners/{script}.py'
  yield f'argfiles/{script}_argfile.py {argfiles.line(**given)}'


def _runs(line: list[str]) -> list[str]:
  """Returns the folders of the runs of a line of flags."""
  given = dict(flag.removeprefix('--').split('=', 1) for flag in line)
  folder = given['output_dir']
  if 'trial_dir' in given:
    return [folder]
  name = given.get('experiment_name', 'same_init')
  return [
    paths.run(folder, level, name)
    for level in range(int(given['iterations']) + 1)
  ]


def _rounds(lines: list[int], jobs: int) -> float:
  """Returns after how many times the time of a run all will be done.

  The runs of a line follow each other, and a control of its last one it.

  Args:
    lines: How many runs of each line are left.
    jobs: How many lines are run at a time.
  """
  longest = max(lines)
  in_a_row = longest + 1 if longest > 1 else longest
  return max(sum(lines) / jobs, min(in_a_row, sum(lines)))


def _estimate(
  common: dict[str, Any], recipe: recipe_lib.Recipe, rounds: float, jobs: int
) -> None:
  """Says how long runs will take, by trying how fast this machine is."""
  print('Trying how fast this machine is ...', flush=True)
  per_iteration = _seconds_per_iteration(common, jobs)
  count, unit = recipe.training_len[1], recipe.training_len[0]
  if unit == 'epochs':
    examples = _MNIST_EXAMPLES - recipe.validation_size
    count *= math.ceil(examples / recipe.batch_size)
  minutes = rounds * count * per_iteration / 60
  print(
    f'About {minutes // 60:.0f} h {minutes % 60:02.0f} min, {jobs} at a time'
    f' ({jobs / per_iteration:,.0f} iterations a second). It may be'
    ' interrupted: the same command goes on.',
    flush=True,
  )


def _seconds_per_iteration(common: dict[str, Any], jobs: int) -> float:
  """Returns how long an iteration takes while `jobs` runs are under way."""
  with tempfile.TemporaryDirectory() as folder:
    argfile = pathlib.Path(folder, 'argfile.py')
    lines = [
      argfiles.line(
        **{k: v for k, v in common.items() if k != 'experiment_path'}
        | {'output_dir': f'{folder}/{i}/{length}', 'seed': 1}
        | {'training_len': f'iterations,{length}'}
      )
      for length in _SAMPLES
      for i in range(jobs)
    ]
    argfile.write_text(f'print({chr(10).join(lines)!r})', encoding='utf-8')
    scripts = ['runners/train.py', shlex.quote(str(argfile))]
    todo = jobs_lib.from_argfiles(scripts, 'mnist_fc')
    if not argfile_runner.run_jobs(todo, jobs=jobs, quiet=True):
      raise errors.InputError('a short training fails; see above')
    short, long = (
      sum(
        save_restore.read_json(paths.record(f'{folder}/{i}/{length}'))[
          'seconds'
        ]
        for i in range(jobs)
      )
      / jobs
      for length in _SAMPLES
    )
  # What a run takes beyond its iterations is in both.
  return max(long - short, 1e-9) / (_SAMPLES[1] - _SAMPLES[0])

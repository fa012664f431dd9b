"""Measures how stable training is: whether a barrier parts what comes of it."""

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lottery_ticket.foundations import controls
from lottery_ticket.foundations import errors
from lottery_ticket.foundations import masks as masks_lib
from lottery_ticket.foundations import paths
from lottery_ticket.foundations import records
from lottery_ticket.foundations import save_restore
from lottery_ticket.foundations import seeds
from lottery_ticket.study import names
from lottery_ticket.study import plan as plan_lib
from lottery_ticket.study import resets
from lottery_ticket.study import task as task_lib


class _Line(NamedTuple):
  """A line to be measured."""

  name: str  # Path of its file, without the ending.
  ends: tuple[str, str]  # Folders of the two runs.
  plans: list[plan_lib.Plan]  # Of those to be trained for it, or of one.
  ticket: str | None  # Folder of what both start from; None if trained already.
  about: dict[str, Any]  # What its file says beside what is measured.


def stability(
  task: task_lib.Task,
  /,
  experiment_path: str | None = None,
  *,
  trials: list[int | str] | None = None,
  levels: list[int] | None = None,
  rewind_to: list[int] | None = None,
  ticket_name: str = names.TICKET,
  successive: bool = False,
  points: int = 30,
  **location: Any,
) -> None:
  """Measures the barrier between two networks that start from the same weights.

  Two copies are trained from the weights of iteration k. They differ in the
  seed of the order alone: in order, augmentation and dropout. The barrier is
  the highest test error on the line between them less the mean of its ends
  (arXiv 1912.05671). Prints a table of all such lines of the experiment, draws
  them, and judges that paper's claims by them.

  Args:
    experiment_path: The folder of all trials; the task's by default.
    trials: Names of the trials; by default all that are there.
    levels: Levels of the ladder; by default 0, the dense network, and with
      --successive all. A ticket's k is what its ladder was reset to.
    rewind_to: Iterations k, like [0,500]; by default what the ladder was reset
      to. Level 0 needs its checkpoint, which --reset=k keeps.
    ticket_name: Name of the folders of the ladder, or of a control's runs, like
      random1, which start from their own weights.
    successive: Whether to train nothing and measure the lines from each level
      to the next (arXiv 2210.03044).
    points: Number of points on a line, with both ends.
    **location: Folder of the data, if they have moved.

  Examples:
    --experiment_path=experiments/rewound --rewind_to=[0,500] --trials=[1]
    --levels=[0,7,15] --successive
  """
  names.check('ticket_name', ticket_name)
  errors.check_integer('points', points, least=2)
  experiment_path = experiment_path or task.experiment_path
  lines: list[_Line] = []
  for trial in names.trials(experiment_path, trials):
    folder = paths.trial(experiment_path, trial)
    run = functools.partial(paths.run, folder, experiment_name=ticket_name)
    make = functools.partial(plan_lib.make, task, 'stability', folder, location)
    plans = []
    for level in levels or (_finished(run) if successive else [0]):
      plan_lib.read_ticket(run(errors.check_integer('levels', level, least=0)))
      about = {'trials': [trial], 'levels': [level], 'ticket_name': ticket_name}
      about |= plan_lib.absolute(experiment_path=experiment_path)
      plans.append(make(tickets=[run(level)], level=level, sources=about))
    if successive:
      lines += _successive(run, plans)
    else:
      for plan in plans:
        lines += _copies(run(plan.level), plan, rewind_to)
  for line in lines:  # Before any of them takes hours.
    _start(line)
  for line in lines:
    _measure(line, points)
  _show(experiment_path, ticket_name, successive)


def _finished(run: Callable[[int], str]) -> list[int]:
  """Returns the levels of a ladder that are there, from 0 on."""
  level = 0
  while os.path.isfile(paths.record(run(level))):
    level += 1
  return list(range(level))


def _successive(
  run: Callable[[int], str], plans: list[plan_lib.Plan]
) -> Iterator[_Line]:
  """Yields the lines from each of these levels of a ladder to the next."""
  levels = [plan.level for plan in plans]
  errors.require(levels[1:], 'levels', 'two or more', levels)
  for first, plan in itertools.pairwise(plans):
    ends = run(first.level), run(plan.level)
    about = {'from_level': first.level}
    yield _Line(f'{ends[1]}_from{first.level}', ends, [plan], None, about)


def _copies(
  run: str, plan: plan_lib.Plan, rewind_to: list[int] | None
) -> Iterator[_Line]:
  """Yields the lines between copies of a run that start from iterations."""
  said = records.read(run)['description']
  own = said.get('reset', 'initial')
  own = 0 if own == 'initial' else own
  for k in rewind_to or [own]:
    if k != 0:
      resets.check_rewinding(plan.recipe, 'rewind_to', k, ['0'])
    advice = f'train a ladder with --reset={k or "initial"}'
    is_right = not plan.level or k == own
    wanted = f'{own}, the reset of {run}'
    errors.require(is_right, 'rewind_to', wanted, k, advice)
    folder, ladder = os.path.split(run)
    of = '' if said['script'] == 'lottery_experiment' else f'{ladder}_'
    name = os.path.join(folder, f'{of}stability{k}')
    about, plans = {'rewind_to': int(k)}, []
    for copy in (1, 2):
      order = seeds.integer(plan.seed, 'stability', copy)
      settings = {**about, 'copy': copy}
      plans.append(plan.replace(train_order_seed=order, settings=settings))
    yield _Line(name, (f'{name}_1', f'{name}_2'), plans, run, about)


def _start(line: _Line) -> controls.Ticket | None:
  """Returns what both copies start from; None if they are trained already."""
  if line.ticket is None:
    return None
  for plan, run in zip(line.plans, line.ends, strict=True):
    plan.check_folder(run)
  ticket, k = plan_lib.read_ticket(line.ticket), line.about['rewind_to']
  if line.plans[0].level or not k:
    return ticket  # A ticket's initial weights are those of its reset.
  folder = paths.checkpoint(line.ticket, k)
  if not os.path.isdir(folder):
    said = f'no such checkpoint; a ladder with --reset={k} keeps it'
    raise errors.MissingInputError(f'{folder}: {said}', folder)
  return ticket._replace(initial=save_restore.restore_network(folder))


def _measure(line: _Line, points: int) -> None:
  """Trains what is to be trained, and writes what the line is like."""
  from lottery_ticket.foundations import line as line_lib

  if ticket := _start(line):
    for plan, run in zip(line.plans, line.ends, strict=True):
      plan.train_ticket(ticket, run)
  first, second = (plan_lib.read_weights(run).final for run in line.ends)
  plan, path = line.plans[0], paths.line(line.name)
  dataset = plan.make_dataset()
  inputs = {
    'ends': [save_restore.checksum(end) for end in (first, second)],
    **{name: split.checksum for name, split in dataset.splits.items()},
    'points': points,
  }
  with contextlib.suppress(errors.InputError):
    if save_restore.read_json(path).get('inputs') == inputs:
      return
  found = line_lib.measure(plan.make_model(), dataset, first, second, points)
  masks = plan_lib.read_ticket(line.ends[1]).masks
  measured = {
    'trial': plan.sources['trials'][0],
    'level': plan.level,
    **line.about,
    'density': masks_lib.density(masks),
    'barrier': line_lib.barrier(found.error),
    'loss_barrier': line_lib.barrier(found.loss),
    **found._asdict(),
    'inputs': inputs,
  }
  save_restore.write_json(path, measured)


def _show(experiment_path: str, ladder: str, is_successive: bool) -> None:
  """Prints all lines of an experiment of a kind, draws and judges them."""
  from lottery_ticket.analysis import claims
  from lottery_ticket.analysis import plots
  from lottery_ticket.analysis import results
  from lottery_ticket.analysis import tables

  runs = results.read(experiment_path).runs
  by = 'from_level' if is_successive else 'rewind_to'
  table = results.lines(runs, by)
  folder, kind = 'successive', ladder
  if not is_successive:
    of_control = table.kind.str.startswith(f'{ladder}_stability').any()
    folder = kind = f'{ladder}_stability' if of_control else 'stability'
  table = table[table.kind.str.startswith(kind)]
  table = table.sort_values(['level', by, 'trial'])
  shown = {
    'P_m %': 100 * table.density,
    'error %': 50 * (table.error.str[0] + table.error.str[-1]),
    'highest %': 100 * table.error.map(max),
    'barrier %': 100 * table.barrier,
  }
  shown = table[['trial', 'level', by]].assign(**shown).round(2)
  shown['barrier of loss'] = table.loss_barrier.astype(float).round(4)
  print(shown.to_string(index=False))
  if averaged := table.averaged.max():
    print(f"batch norm's averages are of {averaged:,} training images")
  for name, figure in {
    'line': plots.lines(table, None if is_successive else by),
    'barrier': plots.barriers(table, 'level' if is_successive else by),
  }.items():
    path = paths.graph(experiment_path, folder, f'{name}.png')
    plots.save(figure, path)
    print(f'figure: {path}')
  for table in claims.of_runs(runs):
    judged = claims.judge(runs, table)
    if table.paper.startswith(claims.STABILITY) and len(judged):
      print(*dict.fromkeys(judged.claim + '  ' + judged.statement), sep='\n')
      print(tables.claims(judged))

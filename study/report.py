"""Shows what an experiment found: a page of claims, a table and a figure."""

import pathlib
import shlex
import sys
from typing import TYPE_CHECKING

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.study import commands
from lottery_ticket.study import task as task_lib

if TYPE_CHECKING:  # An extra.
  from lottery_ticket.analysis import results


def report(
  task: task_lib.Task,
  /,
  experiment_path: str | None = None,
  *,
  compare: list[str] | None = None,
  controls: list[str] | None = None,
  output_dir: str | None = None,
) -> None:
  """Judges the paper's claims by the runs of an experiment, on one page.

  Prints what was found, and the claims that the runs say something of. The
  page is `report/index.html`. Figures, claims as text, JSON and CSV, and the
  runs as CSV lie beside it. Whatever an older report left there is replaced.

  All of that comes from rows. Those of new runs are added to `rows.jsonl.gz`,
  and the masks of their tickets to `tickets.npz`: with these two files a report
  needs no folders of runs.

  With --compare the page is `comparison/index.html` instead: the tickets of
  several experiments side by side, with their differences level by level.

  Args:
    experiment_path: The folder of all trials; the task's by default.
    compare: Folders of other experiments to compare this one with.
    controls: Controls to compare as well, by name.
    output_dir: Folder for rows, tickets and pages; by default the same.

  Examples:
    --experiment_path=experiments/quickstart
    --compare=[experiments/fashion] --controls=[reinit]
  """
  from lottery_ticket.analysis import report as report_lib
  from lottery_ticket.analysis import results
  from lottery_ticket.analysis import rows
  from lottery_ticket.analysis import tables

  experiment_path = experiment_path or task.experiment_path
  output_dir = output_dir or experiment_path
  if compare is not None:
    _compare([experiment_path, *compare], controls or [], output_dir)
    return
  wanted = 'them with --compare alone'
  errors.require(not controls, 'controls', wanted, controls)
  found = results.read(experiment_path, beside=output_dir)
  rows.write(output_dir, found.rows, experiment_path)
  made_by = list(commands.of_runs(task, found.runs))
  written = report_lib.write(output_dir, found, commands=made_by)
  _tell(found)
  said = [*written.findings]
  if len(measured := written.judged[written.judged.n > 0]):
    said.append(f'\n{tables.claims(measured)}\n')
  print(*said, written.verdict, f'report: {written.page}', sep='\n')


def _compare(folders: list[str], controls: list[str], output_dir: str) -> None:
  """Compares the experiment of the first folder with the others."""
  from lottery_ticket.analysis import comparison
  from lottery_ticket.analysis import plots
  from lottery_ticket.analysis import results

  most = len(plots.LOOKS)
  parts = [pathlib.Path(folder).resolve().parts for folder in folders]
  are_some = len(set(parts)) == len(parts) <= most
  wanted = f'other folders, at most {most - 1}'
  errors.require(are_some, 'compare', wanted, folders[1:])
  # Names are ends of paths, as long as they must be to tell them apart.
  length = 1
  while len({part[-length:] for part in parts}) < len(parts):
    length += 1
  names = ['/'.join(part[-length:]) for part in parts]
  found = dict(zip(names, map(results.read, folders), strict=True))
  page = comparison.write(output_dir, found, controls)
  for each in found.values():
    _tell(each)
  print(f'comparison: {page}')


def _tell(found: 'results.Results') -> None:
  """Says which runs were left out, and why."""
  for directory, problem in found.problems.items():
    print(f'left out: {directory}: {problem}', file=sys.stderr)


def summarize(
  task: task_lib.Task,
  /,
  experiment_path: str | None = None,
  *,
  figure: str | None = None,
  layers: bool = False,
) -> None:
  """Prints a table of tickets and their reinitializations, and draws them.

  Args:
    experiment_path: The folder of all trials; the task's by default.
    figure: File of the figure, .png, .svg or .pdf; by default
      `graphs/tickets/early_stop.png` in the experiment's folder.
    layers: Whether to print how many weights of each layer tickets have, too.

  Examples:
    --layers
    --experiment_path=experiments/quickstart --figure=stop.pdf
  """
  from lottery_ticket.analysis import plots
  from lottery_ticket.analysis import results
  from lottery_ticket.analysis import tables

  is_right = figure is None or figure.endswith(('.png', '.svg', '.pdf'))
  wanted = 'a name ending in .png, .svg or .pdf'
  errors.require(is_right, 'figure', wanted, repr(figure))
  experiment_path = experiment_path or task.experiment_path
  found = results.read(experiment_path)
  summary = results.summarize(found.runs)
  print(tables.tickets(summary))
  if layers:
    print(f'\n{tables.layers(results.layers(found.runs))}\n')
  drawn = found.runs[found.runs.experiment.isin(plots.STYLES)]
  if differing := ', '.join(results.differences(drawn)):
    print(f'take care: the runs differ in {differing}', file=sys.stderr)
  if 'test' in set(found.runs.early_stop_split):
    print('early stop by test loss, where there is no validation set')
  _tell(found)
  path = figure or paths.graph(experiment_path, 'tickets', 'early_stop.png')
  plots.save(plots.tickets(summary), path)
  folder = shlex.quote(experiment_path)
  print(f'curves: lottery-ticket board --experiment_path={folder}')
  print(f'figure: {path}')

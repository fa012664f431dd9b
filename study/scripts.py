"""The scripts of every experiment folder: what each calls, with which flags.

A runner is `scripts.run(TASK, NAME)`, an argfile `scripts.show(TASK, NAME)`.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from lottery_ticket.cli import argfiles as argfiles_lib
from lottery_ticket.cli import entry
from lottery_ticket.cli import flags
from lottery_ticket.study import argfiles
from lottery_ticket.study import board
from lottery_ticket.study import control
from lottery_ticket.study import initialization
from lottery_ticket.study import lottery_experiment
from lottery_ticket.study import reinitialize
from lottery_ticket.study import repeat
from lottery_ticket.study import replicate
from lottery_ticket.study import report
from lottery_ticket.study import stability
from lottery_ticket.study import task as task_lib
from lottery_ticket.study import tickets
from lottery_ticket.study import train

_TRAINER = 'lottery_ticket.foundations.trainer'


class Script(NamedTuple):
  """What a script calls, with the folder's task and flags."""

  function: Callable[..., Any]
  # Gives the dataclass of the function's `**` flags.
  values: Callable[[task_lib.Task], type] = lambda task: task_lib.NoData
  imports: str = ''  # Module to import, quietly, once the flags are checked.


_given = operator.methodcaller('flags', task_lib.Given)
_common = operator.methodcaller('flags', task_lib.Common)
_sizes = operator.methodcaller('flags', replicate.Sizes)
_data = operator.attrgetter('data')

RUNNERS = {
  'train': Script(train.train, _given, _TRAINER),
  'lottery_experiment': Script(lottery_experiment.train, _given, _TRAINER),
  'reinitialize': Script(reinitialize.train, _given, _TRAINER),
  'control': Script(control.train, _given, _TRAINER),
  'initialization': Script(initialization.pool),
  'repeat': Script(repeat.repeat, _data, _TRAINER),
  'stability': Script(stability.stability, _data, _TRAINER),
  'replicate': Script(replicate.replicate, _sizes),
  'report': Script(report.report),
  'summarize': Script(report.summarize),
  'board': Script(board.board),
  'export_ticket': Script(tickets.export),
  'import_ticket': Script(tickets.unpack),
}
ARGFILES = {
  'train': Script(argfiles.train, _common),
  'lottery_experiment': Script(argfiles.lottery_experiment, _common),
  'reinitialize': Script(argfiles.reinitialize, _common),
  'control': Script(argfiles.control, _common),
  'initialization': Script(argfiles.initialization),
}


def run(task: task_lib.Task, name: str) -> None:
  """Calls a runner's function with the flags of the command line."""
  script = RUNNERS[name]
  entry.run(*bind(task, script), script.imports)


def show(task: task_lib.Task, name: str) -> None:
  """Prints the jobs of a runner, one a line, as its argfile does."""
  function, values = bind(task, ARGFILES[name])
  for job in flags.call(function, values=values) or ():  # None with --help.
    print(argfiles_lib.line(**job))


def bind(task: task_lib.Task, script: Script) -> tuple[Callable, type]:
  """Returns a script's function of flags alone, and the dataclass for them."""
  return functools.partial(script.function, task), script.values(task)

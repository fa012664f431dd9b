"""The program `lottery-ticket`: a word for each common job.

It calls the functions of runners and argfiles, with their flags.
"""

import argparse
import dataclasses
import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import NamedTuple

from lottery_ticket.cli import argfile_runner
from lottery_ticket.cli import argfiles
from lottery_ticket.cli import entry
from lottery_ticket.cli import flags as flags_lib
from lottery_ticket.foundations import errors
from lottery_ticket.study import commands
from lottery_ticket.study import replicate
from lottery_ticket.study import scripts
from lottery_ticket.study import task as task_lib

PACKAGE = __name__.partition('.')[0]
TASK = 'mnist_fc'


class Command(NamedTuple):
  """A word of the program."""

  script: str  # Name of the runner, and of the argfile if there is one.
  does: str
  takes: str  # How long, on two cores.


COMMANDS = {
  'download': Command('', 'brings the data', 'a minute'),
  'train': Command('train', 'trains networks', '2 minutes each; by default 20'),
  'ladder': Command(
    'lottery_experiment',
    'trains, prunes and resets, level by level',
    '15 minutes a trial of 30 levels; by default 20 trials',
  ),
  'control': Command(
    'control',
    'trains tickets with something changed',
    'a minute each; by default 180',
  ),
  'reinitialize': Command(
    'reinitialize',
    'trains tickets from other weights',
    'a minute each; by default 6,200',
  ),
  'stability': Command(
    'stability', 'trains copies, draws the line in between', '2 minutes each'
  ),
  'report': Command(
    'report', "judges the paper's claims, draws its figures", 'a minute'
  ),
  'summarize': Command(
    'summarize', 'prints a table of tickets, and draws it', 'seconds'
  ),
  'board': Command('board', 'shows all curves in TensorBoard', 'seconds'),
  'export': Command(
    'export_ticket', 'writes the ticket of a run as one file', 'seconds'
  ),
  'import': Command('import_ticket', 'unpacks such a file', 'seconds'),
  'repeat': Command(
    'repeat', 'makes a run again, compares the bytes', 'as long as the run took'
  ),
  'replicate': Command(
    'replicate', "runs the paper's whole study", 'hours; it says how many'
  ),
}
_HELP = {'--help', '-h'}


@dataclasses.dataclass(frozen=True)
class Pool(argfile_runner.Options):
  """Where jobs run, and whether they do.

  Attributes:
    dry_run: Whether only to print the same command for `argfile_runner.py`.
  """

  dry_run: bool = False


def main() -> None:
  """Does what the command line says."""
  words = sys.argv[1:]
  if words and words[0].endswith('.py'):
    argfile_runner.main(task=TASK)
  elif not words or words[0] in ('--help', '-h', 'help'):
    print(_overview())
  else:
    sys.argv[0] = 'lottery-ticket'
    with flags_lib.exiting():
      errors.check_choice('command', words[0], list(COMMANDS))
      name, argv = take_task(words[1:])
    command = COMMANDS[words[0]]
    other = '' if name == TASK else f' --task={name}'
    sys.argv = [f'lottery-ticket {words[0]}{other}', *argv]
    _run(command, name)
    if _HELP & set(argv):
      takes = 'as its networks need' if other else command.takes
      print(
        f'\nThe experiment folder: --task={TASK} (the default) or another one,'
        f' like cifar10_conv.\nTime on two cores: {takes}.'
      )


def _overview() -> str:
  width = max(map(len, COMMANDS))
  return '\n'.join(
    [
      'Does a large network contain a small one that trains just as well?\n',
      *(
        f'  {name:{width}}  {row.does} ({row.takes})'
        for name, row in COMMANDS.items()
      ),
      '\nEach has flags: lottery-ticket ladder --help. The experiment is',
      f'--task={TASK} by default. Minutes are those of two cores.\n\nExamples:',
      '  lottery-ticket ladder --trials=5 --jobs=2',
      '  lottery-ticket control "--controls=[reinit,random]" --trials=5',
      '  lottery-ticket report',
      '  lottery-ticket RUNNER ARGFILE  # as argfile_runner.py',
    ]
  )


def take_task(words: list[str]) -> tuple[str, list[str]]:
  """Returns the name of the experiment folder, and the other words."""
  parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
  parser.add_argument('--task', nargs='?', default=TASK, const='')
  given, others = parser.parse_known_args(words)
  name, find = given.task, importlib.util.find_spec
  folder = f'{PACKAGE}.{name}'  # A parent has to be there first.
  is_task = name.isidentifier() and find(folder) and find(f'{folder}.constants')
  wanted = f'an experiment folder like {TASK}'
  errors.require(is_task, 'task', wanted, repr(name))
  return name, others


def _run(command: Command, folder: str) -> None:
  if not command.script:
    entry.run(f'{PACKAGE}.{folder}.download_data:download')
    return
  entry.limit_threads()
  task = importlib.import_module(f'{PACKAGE}.{folder}.constants').TASK
  one = any(word.startswith('--output_dir') for word in sys.argv)
  if command.script in scripts.ARGFILES and not one:
    with flags_lib.exiting():
      _run_many(task, command)
  else:
    scripts.run(task, command.script)


def bind_many(task: task_lib.Task, script: str) -> tuple[Callable, type]:
  """Returns an argfile's function, and its flags with those of where jobs run.

  Returns:
    As `scripts.bind`.
  """
  function, values = scripts.bind(task, scripts.ARGFILES[script])
  bases = values, Pool
  return function, dataclasses.make_dataclass(
    'Flags', (), bases=bases, frozen=True
  )


def _run_many(task: task_lib.Task, command: Command) -> None:
  """Runs the jobs of an argfile, or says what they are."""
  function, both = bind_many(task, command.script)
  if _HELP & set(sys.argv):
    _, _, told = flags_lib.describe(function, both).partition('\n\n')
    one = 'trial' if command.script == 'lottery_experiment' else 'run'
    print(
      f'This {command.does}. With --output_dir it makes one {one}, and\ntakes'
      f' more flags: {sys.argv[0]} --output_dir=X --help\n\n{told}'
    )
    return
  _, given = flags_lib.read(function, sys.argv[1:], both)
  names = [field.name for field in dataclasses.fields(Pool)]
  pool = {name: given.pop(name) for name in names if name in given}
  todo = function(**given)
  jobs = [replicate.job(task, command.script, each) for each in todo]
  if pool.pop('dry_run', False):
    line = commands.argfile(task, command.script, given)
    print(f'{line} {argfiles.short_line(**pool)}'.strip())
  elif argfile_runner.run_jobs(jobs, **pool):
    where = {} if task.name == TASK else {'task': task.name}
    where |= {k: x for k, x in given.items() if k == 'experiment_path'}
    for does, word in {'claims': 'report', 'curves': 'board'}.items():
      line = f'lottery-ticket {word} {argfiles.short_line(**where)}'
      print(f'{does}: {line.strip()}')
  else:
    sys.exit(flags_lib.FAILURE)

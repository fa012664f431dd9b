"""Where the data of experiments lies: the only module that knows the names.

{experiment}/trial{trial}/{level}/{experiment_name}{run_id}/
  initial/  final/  masks/       one .npy file for each parameter
  checkpoint{iteration}/         the same, where asked for
  train.json  test.json  validate.json
  summaries/                     TensorBoard
  run.json                       how the run was made

Beside the folder of a run, called {run} here:

  {run}.part/                    the run under way, also in TensorBoard
    state                        what it goes on from if it is interrupted
  {run}.lock                     held meanwhile by the process that writes it
  {run}.old/                     a finished run that is just being replaced

  stability{k}.json              the line between stability{k}_1 and _2
  {run}_from{level}.json         the line from that level's {run} to this one
"""

import os
import pathlib
from typing import NamedTuple

RESERVED = ('.part', '.old', '.lock')
"""Endings of names beside a run's folder; no run's own name has one."""


def initial(directory: str) -> str:
  """The folder of a run's weights before training."""
  return os.path.join(directory, 'initial')


def final(directory: str) -> str:
  """The folder of a run's weights after training."""
  return os.path.join(directory, 'final')


def masks(directory: str) -> str:
  """The folder of a run's masks."""
  return os.path.join(directory, 'masks')


def checkpoint(directory: str, iteration: int) -> str:
  """The folder of a run's weights after `iteration` updates."""
  return os.path.join(directory, f'checkpoint{iteration}')


def log(directory: str, name: str) -> str:
  """The JSON log of a run's loss and accuracy on the split `name`."""
  return os.path.join(directory, f'{name}.json')


def summaries(directory: str) -> str:
  """The folder of a run's TensorBoard summaries."""
  return os.path.join(directory, 'summaries')


def record(directory: str) -> str:
  """The record of a run; finished if the folder has its final name."""
  return os.path.join(directory, 'run.json')


def part(directory: str) -> str:
  """The folder of a run that is under way or was interrupted."""
  return f'{directory}.part'


def state(directory: str) -> str:
  """The file that an interrupted run goes on from, in its `part`."""
  return os.path.join(directory, 'state')


def old(directory: str) -> str:
  """The folder of a run while another one takes its place."""
  return f'{directory}.old'


def lock(directory: str) -> str:
  """The file whose operating-system lock guards a run."""
  return f'{directory}.lock'


def line(directory: str) -> str:
  """The JSON file, beside runs, of the line between two of them."""
  return f'{directory}.json'


def trial(parent_directory: str, trial_name: str | int) -> str:
  """The folder of one trial of an experiment."""
  return os.path.join(parent_directory, f'trial{trial_name}')


def initialization(parent_directory: str, level: int) -> str:
  """The folder of a level's surviving initial weights, pooled over trials."""
  return os.path.join(parent_directory, 'weights', str(level), 'initialization')


def graph(parent_directory: str, category: str, filename: str) -> str:
  """The file of a figure."""
  return os.path.join(parent_directory, 'graphs', category, filename)


def rows(parent_directory: str) -> str:
  """The file of what claims and figures need of all runs."""
  return os.path.join(parent_directory, 'rows.jsonl.gz')


def tickets(parent_directory: str) -> str:
  """The file of the levels at which weights were pruned."""
  return os.path.join(parent_directory, 'tickets.npz')


def report(parent_directory: str) -> str:
  """The folder of the report on an experiment."""
  return os.path.join(parent_directory, 'report')


def comparison(parent_directory: str) -> str:
  """The folder of a page that compares an experiment with others."""
  return os.path.join(parent_directory, 'comparison')


def run(
  trial_directory: str,
  level: int,
  experiment_name: str = 'same_init',
  run_id: str | int = '',
) -> str:
  """The folder of one run: one network trained at one level of a trial.

  >>> run(trial('experiments', 2), 7, 'reinit', 3)
  'experiments/trial2/7/reinit3'
  """
  return os.path.join(trial_directory, str(level), f'{experiment_name}{run_id}')


class Run(NamedTuple):
  """Says which run a folder is of; `run_id` is '' without repetitions."""

  directory: str
  trial: str
  level: int
  experiment_name: str
  run_id: str


def find_parts(parent_directory: str) -> list[str]:
  """Returns the folders of runs that are under way or were interrupted."""
  folders = pathlib.Path(parent_directory).glob(part('trial*/*/*'))
  return sorted(str(folder) for folder in folders if folder.is_dir())


def find_runs(parent_directory: str) -> list[Run]:
  """Returns the finished runs of an experiment, by trial and level."""
  folders = pathlib.Path(parent_directory).glob('trial*/*/[!.]*')
  # A folder of another kind has no number above it, or an ending of ours.
  found = [
    read_run(str(folder))
    for folder in folders
    if folder.parent.name.isdecimal()
    and not folder.name.endswith(RESERVED)
    and folder.is_dir()
  ]
  return sorted(found, key=in_order)


def read_run(directory: str) -> Run:
  """Returns which run a folder is of, by its name."""
  trial_name, level, name = pathlib.PurePath(directory).parts[-3:]
  experiment_name = name.rstrip('0123456789')
  run_id = name.removeprefix(experiment_name)
  trial_name = trial_name.removeprefix('trial')
  return Run(directory, trial_name, int(level), experiment_name, run_id)


def in_order(run: Run) -> tuple:
  """Sorts runs by trial and level: trial 2 comes before trial 10."""
  place = len(run.trial), run.trial, run.level
  return place, (run.experiment_name, len(run.run_id), run.run_id)

"""TensorBoard for a whole experiment, under names that a reader understands."""

import os
import pathlib
import tempfile
import urllib.parse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lottery_ticket.foundations import errors
from lottery_ticket.foundations import paths
from lottery_ticket.study import task as task_lib

if TYPE_CHECKING:  # An extra.
  import pandas as pd


def board(
  task: task_lib.Task,
  /,
  experiment_path: str | None = None,
  *,
  levels: list[int] | None = None,
  experiments: list[str] | None = None,
  histograms: bool = False,
  port: int = 6006,
) -> None:
  """Shows an experiment's curves in TensorBoard, until Ctrl-C.

  TensorBoard calls a run by its folder. Here each is called by P_m, what was
  trained, and the trial, like "021.1% winning ticket, trial 1", and coloured by
  P_m. The page HPARAMS compares runs by level, P_m, control and seed.

  Args:
    experiment_path: The folder of all trials; the task's by default.
    levels: Only these levels, like [0,7,15].
    experiments: Only these folders of runs, like [same_init,reinit].
    histograms: Whether to show the weights left before and after training.
    port: Number of the port where the page is served.

  Examples:
    --levels=[0,7,15]
    --experiment_path=experiments/quickstart --histograms
  """
  from tensorboard import program

  from lottery_ticket.analysis import results

  errors.check_integer('port', port, 1)
  runs = results.read(experiment_path or task.experiment_path).runs
  runs = runs[runs.directory.map(os.path.isdir)]  # Of others there are rows.
  for column, chosen in {'level': levels, 'experiment': experiments}.items():
    if chosen is not None:
      runs = runs[runs[column].isin(chosen)]
  if runs.empty:
    raise errors.InputError('levels, experiments: wanted some run, found none')
  with tempfile.TemporaryDirectory() as folder:
    lay_out(runs, folder, histograms=histograms)
    tensorboard = program.TensorBoard()
    argv = [None, f'--logdir={folder}', f'--port={port}', '--load_fast=false']
    tensorboard.configure(argv=argv)
    by_density = urllib.parse.quote(r'regex:^(\S+)', safe='')
    url = f'http://localhost:{port}/?runColorGroup={by_density}#timeseries'
    print(f'{len(runs)} runs: {url}', flush=True)
    tensorboard.main()


def lay_out(
  runs: 'pd.DataFrame', folder: str, *, histograms: bool = False
) -> None:
  """Makes a folder, with links, from which TensorBoard shows runs."""
  from tensorboard.compat.proto import event_pb2
  from tensorboard.plugins.hparams import summary_v2
  from tensorboard.summary.writer import event_file_writer

  for run in runs.itertuples():
    place = pathlib.Path(folder, _name(run))
    place.mkdir(parents=True)
    for file in pathlib.Path(paths.summaries(run.directory)).glob('*tfevents*'):
      (place / file.name).symlink_to(file.resolve())
    values = {'level': run.level, 'P_m (%)': round(100 * run.density, 2)}
    # As a number, TensorBoard would make the seed a float.
    values |= {'control': run.experiment, 'seed': str(run.seed)}
    summaries = [(0, summary_v2.hparams_pb(values, trial_id=place.name))]
    more = _histograms(run) if histograms else ()
    writer = event_file_writer.EventFileWriter(str(place))
    for step, summary in (*summaries, *more):
      writer.add_event(event_pb2.Event(step=step, summary=summary))
    writer.close()


def _name(run: Any) -> str:
  from lottery_ticket.analysis import plots

  # The digits in front make the order of names that of P_m.
  what = plots.label(run.experiment) if run.level else 'dense network'
  name = f'{100 * run.density:05.1f}% {what} {run.run_id}'.rstrip()
  return f'{name}, trial {run.trial}'.replace(os.sep, ' ')


def _histograms(run: Any) -> Iterator[tuple[int, Any]]:
  from tensorboard.plugins.histogram import summary_v2

  from lottery_ticket.analysis import results

  found = results.networks(run.directory)
  for step, weights in ((0, found.initial), (run.iterations, found.final)):
    for name, mask in found.masks.items():
      left = weights[name][mask != 0]
      yield step, summary_v2.histogram_pb(f'weights/{name}', left)

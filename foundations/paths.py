"""Where the data of experiments lies: the only module that knows the names.

{experiment}/trial{trial}/{level}/{experiment_name}{run_id}/
  initial/  final/  masks/       one .npy file for each parameter
  checkpoint{iteration}/         the same, where asked for
  train.json  test.json  validate.json
  summaries/                     TensorBoard
  run.json                       written last: how the run was made
  unfinished.json                the same while the run is under way
  run.lock                       held while the run is under way
"""

import os


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
  """The record of a finished run."""
  return os.path.join(directory, 'run.json')


def unfinished(directory: str) -> str:
  """The record of a run that is under way or was interrupted."""
  return os.path.join(directory, 'unfinished.json')


def lock(directory: str) -> str:
  """The file whose operating-system lock guards a run's folder."""
  return os.path.join(directory, 'run.lock')


def trial(parent_directory: str, trial_name: str | int) -> str:
  """The folder of one trial of an experiment."""
  return os.path.join(parent_directory, f'trial{trial_name}')


def initialization(parent_directory: str, level: int) -> str:
  """The folder of a level's surviving initial weights, pooled over trials."""
  return os.path.join(parent_directory, 'weights', str(level), 'initialization')


def run(
  trial_directory: str,
  level: int,
  experiment_name: str = 'same_init',
  run_id: str | int = '',
) -> str:
  """The folder of one run: one network trained at one level of a trial."""
  return os.path.join(trial_directory, str(level), f'{experiment_name}{run_id}')

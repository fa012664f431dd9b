"""Checks an installed wheel from a folder where the checkout is not.

    python tests/wheel_check.py [FOLDER]

FOLDER is what `pip install --target` made of the wheel; without it, the wheel
is installed in this environment.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

IMPORTS = """
import importlib.resources
import pathlib
import lottery_ticket
from lottery_ticket.foundations import experiment, model_fc, trainer
from lottery_ticket.cifar10_conv import constants
from lottery_ticket.mnist_fc import locations, lottery_experiment
package = importlib.resources.files('lottery_ticket')
assert (package / 'py.typed').is_file()
assert str(package).startswith(FOLDER), package
assert pathlib.Path(locations.EXPERIMENT_PATH).parent == pathlib.Path.cwd()
"""


def _save_sample(location: pathlib.Path) -> None:
  """Makes a data location of the sample."""
  location.mkdir()
  with np.load(pathlib.Path(__file__).parent / 'mnist_sample.npz') as sample:
    for name, array in sample.items():
      np.save(location / f'{name}.npy', array)


def main(folder: str = sys.prefix) -> None:
  """Runs what a user would, and ends with an error if it does not work."""
  environment = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith('LOTTERY_TICKET')
  } | {'PYTHONPATH': folder, 'TF_CPP_MIN_LOG_LEVEL': '3'}
  runner = [sys.executable, '-m', 'lottery_ticket']
  program = runner
  if folder == sys.prefix:  # Where the command is installed, too.
    program = [str(pathlib.Path(sys.executable).with_name('lottery-ticket'))]
  argfile = (
    'argfiles/lottery_experiment_argfile.py --trials=1 --iterations=1'
    ' --training_len=iterations,20 --validation_size=100 --mnist_location=mnist'
  )
  convolutions = 'cifar10_conv/argfiles/train_argfile.py --recipe=resnet20'
  with tempfile.TemporaryDirectory() as elsewhere:
    _save_sample(pathlib.Path(elsewhere, 'mnist'))
    for command in (
      [sys.executable, '-c', f'FOLDER = {folder!r}{IMPORTS}'],
      [*runner, 'runners/lottery_experiment.py', argfile],
      [sys.executable, '-m', 'lottery_ticket.mnist_fc.runners.report'],
      [*runner, 'cifar10_conv/runners/train.py', convolutions, '--dry_run'],
      [*program, 'ladder', '--trials=1', '--dry_run'],
    ):
      subprocess.run(command, cwd=elsewhere, env=environment, check=True)
  print('The wheel works.')


if __name__ == '__main__':
  main(*(str(pathlib.Path(folder).resolve()) for folder in sys.argv[1:]))

"""Checks an installed wheel from a folder where the checkout is not.

    python tests/wheel_check.py FOLDER

FOLDER is what `pip install --target` made of the wheel.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

IMPORTS = """
import importlib.resources
import pathlib
import lottery_ticket
from lottery_ticket.foundations import experiment, model_fc, trainer
from lottery_ticket.mnist_fc import locations, lottery_experiment
package = importlib.resources.files('lottery_ticket')
assert (package / 'py.typed').is_file()
assert str(package).startswith(FOLDER), package
assert pathlib.Path(locations.EXPERIMENT_PATH).parent == pathlib.Path.cwd()
"""


def main(folder: str) -> None:
  """Runs what a user would, and ends with an error if it does not work."""
  environment = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith('LOTTERY_TICKET')
  } | {'PYTHONPATH': folder, 'TF_CPP_MIN_LOG_LEVEL': '3'}
  runner = [sys.executable, '-m', 'lottery_ticket.cli.argfile_runner']
  argfile = ['runners/train.py', 'argfiles/train_argfile.py --trials=2']
  with tempfile.TemporaryDirectory() as elsewhere:
    for command in (
      [sys.executable, '-c', f'FOLDER = {folder!r}{IMPORTS}'],
      [*runner, *argfile, '--dry_run'],
    ):
      subprocess.run(command, cwd=elsewhere, env=environment, check=True)
  print('The wheel works.')


if __name__ == '__main__':
  main(str(pathlib.Path(sys.argv[1]).resolve()))

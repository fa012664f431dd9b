"""Compares what two commits make of the same seeds, and how fast they do it.

    python tests/same_bytes.py COMMIT [COMMIT] [--pairs=5] [--keep=FOLDER]
      [--later=--execution=dense]

Each commit (the second is HEAD by default) is checked out aside and runs the
same commands with the Python of this environment: for each recipe, ladders
with resets to initial, trained and rewound weights, all controls, the 2018
reinitializations and a training across epochs. The bytes of all weights, masks
and logs must agree. `--pairs` then times both in turns, in processes that have
compiled their graphs. `--later` is a flag of the second commit's trainings, for
what it does by default and the first one does not know. The exit status is 1 if
bytes differ.
"""

import argparse
import ast
import contextlib
import hashlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECIPES = ('paper', 'google')
RECORD = 'run.json'  # Says when and where, so it always differs.
TIMED = 3_000  # Iterations.
CONTROLS = [  # But for those that `reinitialize` runs in the same folders.
  *('random', 'one_shot', 'init_magnitude', 'own', 'own_sign', 'reuse'),
  *('noise_0.5x', 'noise_1x', 'noise_2x', 'noise_3x', 'continued'),
  *('no_reset_ticket', 'rewind_500its', 'permuted_labels', 'other_order'),
  *('union', 'intersection'),
]
PAIRS = (
  ('lottery_experiment', '--trials=2 --iterations=2'),
  (
    'lottery_experiment',
    '--trials=1 --iterations=2 --reset=final --experiment_name=no_reset',
  ),
  (
    'lottery_experiment',
    '--trials=1 --iterations=1 --reset=130 --experiment_name=rewound',
  ),
  (
    'lottery_experiment',
    '--trials=1 --iterations=1 --pruner=global_magnitude'
    ' --experiment_name=global --permute_labels',
  ),
  ('initialization', '--iterations=2'),
  ('reinitialize', '--trials=1 --levels=[2] --reinitializations=1'),
  (
    'reinitialize',
    '--experiment=reuse_sign --trials=1 --levels=[2] --reinitializations=1',
  ),
  (
    'control',
    f'"--controls={CONTROLS}" --trials=2 --of_trials=[1] --levels=[2]',
  ),
  ('train', '--trials=1 --training_len=iterations,1000'),
)
"""(runner, its argfile's flags); what needs others comes after them."""
SHORT = '--training_len=iterations,520 --evaluation_interval=130'
TIMER = """
import sys, time
from lottery_ticket.mnist_fc import train
for line in sys.stdin:
  output_dir, recipe, length = line.split()
  began = time.perf_counter()
  train.train(output_dir, {mnist!r}, ('iterations', int(length)), seed=1,
              recipe=recipe, **{values!r})
  print('seconds', time.perf_counter() - began, flush=True)
"""


class Checkout:
  """A commit, checked out aside and importable under the library's name.

  Args:
    commit: What git calls it.
    folder: A new folder for the checkout and all that it makes.
    mnist: Folder with the data.
    flag: A flag of all its trainings, or ''.
  """

  def __init__(self, commit: str, folder: pathlib.Path, mnist: str, flag: str):
    self.commit, self.folder, self.mnist = commit, folder, mnist
    self.flag = flag
    self.code = folder / 'code'
    _git('worktree', 'add', '--quiet', '--detach', str(self.code), commit)
    self._link()

  def _link(self) -> None:
    """Maps the folders into the namespace as an installation would."""
    for name, source in _folders(self.code / 'setup.py').items():
      place = self.folder.joinpath('links', *name.split('.'))
      if name.count('.') == 0:  # The package itself has other ones inside.
        place.mkdir(parents=True)
        for file in (self.code / source).iterdir():
          (place / file.name).symlink_to(file)
      elif not place.exists():  # Inside of a folder that is linked.
        place.symlink_to(self.code / source)

  @property
  def environment(self) -> dict[str, str]:
    """The environment of its processes: its code, one thread."""
    threads = ('OMP_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS')
    return {
      **os.environ,
      **dict.fromkeys((*threads, 'TF_NUM_INTEROP_THREADS'), '1'),
      'PYTHONPATH': str(self.folder / 'links'),
      'TF_CPP_MIN_LOG_LEVEL': '3',
    }

  def run(self, recipe: str) -> None:
    """Runs all commands of a recipe."""
    common = f'--mnist_location={self.mnist} --recipe={recipe} {self.flag}'
    command = [sys.executable, str(self.code / 'argfile_runner.py')]
    for name, flags in PAIRS:
      given = f'--experiment_path={recipe} {flags}'
      if name != 'initialization':  # It pools what is there.
        length = '' if 'training_len' in flags else SHORT
        given = f'{given} {common} {length}'
      command += [f'runners/{name}.py', f'argfiles/{name}_argfile.py {given}']
    print(f'{self.commit}: {recipe}', flush=True)
    done = subprocess.run(
      command,
      cwd=self.folder,
      env=self.environment,
      stderr=subprocess.PIPE,
      text=True,
    )
    if done.returncode:
      sys.exit(f'{self.commit}: the commands of {recipe} fail:\n{done.stderr}')

  def digests(self) -> dict[str, str]:
    """Returns {file below the experiments: SHA-256} of weights and logs."""
    files = [
      path
      for recipe in RECIPES
      for path in (self.folder / recipe).rglob('*')
      if path.suffix in ('.npy', '.json') and path.name != RECORD
    ]
    return {
      str(path.relative_to(self.folder)): hashlib.sha256(
        path.read_bytes()
      ).hexdigest()
      for path in files
    }

  def _timer(self) -> str:
    name, _, value = self.flag.lstrip('-').partition('=')
    values = {name: value} if name else {}
    return TIMER.format(mnist=self.mnist, values=values)

  @contextlib.contextmanager
  def timer(self) -> Iterator[subprocess.Popen]:
    """Yields a process of this code that trains as it is told."""
    command = [sys.executable, '-c', self._timer()]
    with subprocess.Popen(
      command,
      cwd=self.folder,
      env=self.environment,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      text=True,
    ) as process:
      yield process
      process.stdin.close()


def _git(*arguments: str) -> None:
  subprocess.run(['git', '-C', str(ROOT), *arguments], check=True)


def _folders(setup: pathlib.Path) -> dict[str, str]:
  """Returns the table FOLDERS of a setup.py: {package: folder}."""
  for statement in ast.parse(setup.read_text(encoding='utf-8')).body:
    match statement:
      case ast.Assign(targets=[ast.Name(id='FOLDERS')], value=table):
        return ast.literal_eval(table)
  raise ValueError(f'{setup}: no FOLDERS')


def compare(first: Checkout, second: Checkout) -> bool:
  """Prints which files differ; returns whether none does."""
  before, after = first.digests(), second.digests()
  differing = [
    f'only of {here.commit}: {name}'
    for here, files, others in (
      (first, before, after),
      (second, after, before),
    )
    for name in sorted(files.keys() - others.keys())
  ]
  differing += [
    f'other bytes: {name}'
    for name in sorted(before.keys() & after.keys())
    if before[name] != after[name]
  ]
  print(*differing, sep='\n', end='\n' if differing else '')
  print(f'{len(before)} files, {len(differing)} differ')
  return not differing


def _seconds(process: subprocess.Popen, *told: object) -> float:
  """Returns how long a timer takes for one training."""
  print(*told, file=process.stdin, flush=True)
  for line in process.stdout:
    if line.startswith('seconds '):
      return float(line.split()[1])
  raise RuntimeError('a training failed')


def race(first: Checkout, second: Checkout, pairs: int) -> None:
  """Times both in turns; prints the ratios of the pairs and their median."""
  with first.timer() as before, second.timer() as after:
    for recipe in RECIPES:
      for process in (before, after):
        _seconds(process, f'warm_{recipe}', recipe, 200)
      ratios = []
      for i in range(pairs):
        took = {}
        for process in (before, after) if i % 2 else (after, before):
          took[process] = _seconds(process, f'{recipe}_{i}', recipe, TIMED)
        ratios.append(took[after] / took[before])
      shown = ' '.join(f'{ratio:.3f}' for ratio in ratios)
      print(
        f'{recipe}: time of {second.commit} / {first.commit}: median'
        f' {statistics.median(ratios):.3f} of {shown}',
        flush=True,
      )


def main() -> None:
  """Compares the commits of the command line."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('commits', nargs='+', metavar='COMMIT')
  parser.add_argument('--pairs', type=int, default=0, help='how many to time')
  parser.add_argument('--later', default='', help='flag of the second commit')
  parser.add_argument('--keep', help='new folder in which all is kept')
  parser.add_argument(
    '--mnist_location',
    default=os.environ.get('LOTTERY_TICKET_MNIST', ROOT / 'data' / 'mnist'),
  )
  given = parser.parse_args()
  commits = (*given.commits, 'HEAD')[:2]
  with contextlib.ExitStack() as stack:
    folder = given.keep or stack.enter_context(tempfile.TemporaryDirectory())
    stack.callback(_git, 'worktree', 'prune')
    checkouts = []
    for number, commit in enumerate(commits):
      place = pathlib.Path(folder, str(number)).resolve()
      place.mkdir(parents=True)
      mnist = str(pathlib.Path(given.mnist_location).resolve())
      flag = given.later if number else ''
      checkouts.append(Checkout(commit, place, mnist, flag))
      remove = ('worktree', 'remove', '--force', str(place / 'code'))
      stack.callback(_git, *remove)
    for recipe in RECIPES:
      for checkout in checkouts:
        checkout.run(recipe)
    agree = compare(*checkouts)
    if given.pairs:
      race(*checkouts, given.pairs)
  sys.exit(not agree)


if __name__ == '__main__':
  main()

"""Kills small trainings again and again, and compares what comes of them.

    python tests/crash/kill_many.py [--kills=100] [--seed=1]

A ladder of three levels and a network with batch norm and dropout are killed
(SIGKILL) and started again in the same folder until they are done: at random
moments of time, or just before a random change of a file, since hardly any
moment of time lies between two renames. They save their states as often as
they can, and go on from these. Then weights and logs must be the bytes of an
undisturbed ladder. The next one, of another seed, optimizer and execution,
overwrites it, and so on until there were enough kills.
"""

import argparse
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import traceback

import numpy as np

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
os.environ.setdefault('TF_NUM_INTEROP_THREADS', '1')

import keras
import tensorflow as tf

from lottery_ticket.datasets import dataset_mnist
from lottery_ticket.foundations import model_base
from lottery_ticket.foundations import resumption
from lottery_ticket.foundations import trainer
from lottery_ticket.mnist_fc import lottery_experiment

SAMPLE = pathlib.Path(__file__).parent.parent / 'mnist_sample.npz'
LADDER = {
  'iterations': 2,
  'layers': (20, 10),
  'validation_size': 100,
  'batch_size': 50,
  'evaluation_interval': 5,  # So often can a state be saved.
  'training_len': ('iterations', 60),
}
SCHEDULE = {'initial_learning_rate': 0.1, 'decay_steps': 60}
BY_SEED = {
  1: {
    'optimizer': 'SGD',
    'optimizer_settings': {'momentum': 0.9},
    'learning_rate': {'CosineDecay': SCHEDULE},
    'execution': 'dense',
  },
  2: {'optimizer': 'Adam', 'execution': 'sparse'},
}
_CHANGES = {'os.mkdir', 'os.remove', 'os.rename', 'os.rmdir'}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Changes:
  """Counts the changes of files in a folder; dies before one of them."""

  def __init__(self, folder, last):
    self.count = 0
    self._folder = folder
    self._last = last
    sys.addaudithook(self._hear)

  def _hear(self, event, arguments):
    writes = event == 'open' and (arguments[2] or 0) & _WRITING
    if not writes and event not in _CHANGES:
      return
    paths = [path for path in arguments[:2] if isinstance(path, (str, bytes))]
    if any(self._folder in os.path.abspath(os.fsdecode(p)) for p in paths):
      self.count += 1
      if self.count == self._last:
        os.kill(os.getpid(), signal.SIGKILL)


class Normalized(model_base.ModelBase):
  """Two layers with batch norm and dropout between them."""

  def __call__(self, inputs, training):
    hidden = self.dense('hidden', inputs, 12, use_bias=False)
    hidden = self.batch_norm('norm', hidden, training)
    hidden = self.dropout(tf.nn.relu(hidden), 0.3, training)
    return self.dense('logits', hidden, 10)


def train(folder, mnist, seed, overwrite=False):
  """Trains a ladder and a network beside it, with all that a run can leave."""
  both = {'seed': seed, 'overwrite': overwrite}
  lottery_experiment.train(folder, mnist, **LADDER, **BY_SEED[seed], **both)
  trainer.train(
    dataset_mnist.DatasetMnist(
      mnist,
      train_order_seed=seed,
      train_batch_size=50,
      seed=seed,
      validation_size=100,
    ),
    Normalized(seed=seed),
    lambda: keras.optimizers.Adam(0.01),
    LADDER['training_len'],
    f'{folder}/normalized',
    test_interval=('iterations', 5),
    validate_interval=('iterations', 15),
    save_network=True,
    save_summaries=True,
    checkpoints=[10, 30, 50],
    jit_compile=False,
    overwrite=overwrite,
  )


def start(folder, mnist, last=0, **arguments):
  """Starts a ladder; returns its process and where it will say its changes."""
  receiver, sender = os.pipe()
  process = os.fork()
  if process:
    os.close(sender)
    return process, receiver
  try:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # What it says of its runs.
    changes = Changes(str(folder), last)
    resumption.SECONDS = 0
    train(str(folder), mnist, **arguments)
    os.write(sender, str(changes.count).encode())
  except BaseException:
    traceback.print_exc()
    os._exit(1)
  os._exit(0)


def end(process, receiver):
  """Waits for a ladder; returns its exit code and how much it changed."""
  code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
  with open(receiver, 'rb') as stream:
    changed = int(stream.read() or 0)
  return code, changed


def results(folder):
  """Returns what the same ladder always leaves: {path: bytes}."""
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in sorted(folder.rglob('*'))
    if path.is_file()
    and path.name != 'run.json'
    and path.parent.name != 'summaries'
  }


def finished(folder):
  """Returns which levels are finished."""
  return [
    path.parent.parent.name for path in folder.glob('*/same_init/run.json')
  ]


def kill_until_done(folder, mnist, dice, whole, seconds, changes, limit, **how):
  """Kills a ladder until it is done; returns how often.

  After `limit` kills it is left in peace.
  """
  kills = 0
  while True:
    by_change = dice.random() < 0.5 and kills < limit
    # There are more of them where there is something to remove.
    last = dice.randint(1, changes * 5 // 4) if by_change else 0
    process, receiver = start(folder, mnist, last, **how)
    if not by_change and kills < limit:
      time.sleep(dice.uniform(0, seconds))
      os.kill(process, signal.SIGKILL)
    code, _ = end(process, receiver)
    if code == 0:
      assert results(folder) == whole
      assert len(finished(folder)) == 1 + LADDER['iterations']
      return kills
    assert code == -signal.SIGKILL, code
    kills += 1


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--kills', type=int, default=100)
  parser.add_argument('--seed', type=int, default=1)
  flags = parser.parse_args()
  dice = random.Random(flags.seed)
  with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch).resolve()
    mnist = scratch / 'mnist'
    mnist.mkdir()
    with np.load(SAMPLE) as sample:
      for name, array in sample.items():
        np.save(mnist / f'{name}.npy', array)
    whole = {}
    for seed in (2, 1):  # The first one compiles, so the second one is timed.
      began = time.monotonic()
      alone = start(scratch / f'whole{seed}', str(mnist), seed=seed)
      code, changes = end(*alone)
      assert code == 0 and changes
      seconds = time.monotonic() - began
      whole[seed] = results(scratch / f'whole{seed}')
    print(f'undisturbed: {seconds:.1f} s, {changes} changes', flush=True)
    assert whole[1].keys() == whole[2].keys() and whole[1] != whole[2]
    kills, ladders = 0, 0
    while kills < flags.kills:
      seed = 1 + ladders % 2
      made = kill_until_done(
        scratch / 'killed',
        str(mnist),
        dice,
        whole[seed],
        seconds,
        changes,
        flags.kills - kills,
        seed=seed,
        overwrite=ladders > 0,
      )
      kills, ladders = kills + made, ladders + 1
      print(
        f'ladder {ladders}: killed {made} times, the same bytes', flush=True
      )
  print(f'{kills} kills, {ladders} ladders, {ladders - 1} of them overwriting')


if __name__ == '__main__':
  main()

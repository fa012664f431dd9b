"""Draws docs/story.png: how a winning ticket is found.

    python docs/story.py

The digits are MNIST's. The network is a sketch: its weights are drawn at
random, moved a little as training does, and pruned by magnitude.
"""

import itertools
import pathlib

import matplotlib

matplotlib.use('agg')

import matplotlib.pyplot as plt
import numpy as np

from lottery_ticket.mnist_fc import locations

UNITS = (5, 6, 4, 3)
KEPT = 0.4
BLUE, ORANGE, INK = '#0072b2', '#d55e00', '#333333'
STEPS = (
  ('1. Initialize', 'random weights'),
  ('2. Train', 'weights grow and shrink'),
  ('3. Prune', 'the smallest go'),
  ('4. Reset', 'to their first values'),
)


def place(layer, unit):
  """Returns where a unit is drawn."""
  return layer, unit - (UNITS[layer] - 1) / 2


def draw_network(axes, weights):
  """Draws units, and connections that are as thick as their weights are big."""
  for layer, kernel in enumerate(weights):
    for (source, target), weight in np.ndenumerate(kernel):
      if weight:
        ends = place(layer, source), place(layer + 1, target)
        axes.plot(
          *zip(*ends, strict=True),
          color=BLUE if weight > 0 else ORANGE,
          linewidth=3.2 * abs(weight),
          alpha=0.85,
          zorder=1,
        )
  for layer, count in enumerate(UNITS):
    x, y = zip(*(place(layer, unit) for unit in range(count)), strict=True)
    axes.scatter(x, y, 60, 'white', edgecolors=INK, linewidths=1.2, zorder=2)


def main():
  """Draws the digits, and the four steps beside them."""
  random = np.random.default_rng(3)
  shapes = list(itertools.pairwise(UNITS))
  initial = [random.normal(0, 0.4, shape) for shape in shapes]
  final = [w + random.normal(0, 0.35, w.shape) for w in initial]
  bars = [np.quantile(np.abs(w), 1 - KEPT) for w in final]
  masks = [np.abs(w) >= bar for w, bar in zip(final, bars, strict=True)]

  def masked(weights):
    return [w * mask for w, mask in zip(weights, masks, strict=True)]

  images = np.load(pathlib.Path(locations.MNIST_LOCATION, 'x_train.npy'))
  labels = np.load(pathlib.Path(locations.MNIST_LOCATION, 'y_train.npy'))
  digits = [images[np.flatnonzero(labels == digit)[1]] for digit in range(10)]

  figure = plt.figure(figsize=(11, 3.1), dpi=150)
  left = figure.add_axes((0.01, 0.19, 0.15, 0.56))
  left.imshow(
    np.block(
      [[digits[2 * row + column] for column in (0, 1)] for row in range(5)]
    ),
    cmap='gray_r',
  )
  left.axis('off')
  figure.text(0.085, 0.86, 'MNIST', ha='center', weight='bold', color=INK)
  networks = initial, final, masked(final), masked(initial)
  for i, ((title, text), weights) in enumerate(
    zip(STEPS, networks, strict=True)
  ):
    axes = figure.add_axes((0.185 + 0.205 * i, 0.19, 0.165, 0.56))
    draw_network(axes, weights)
    axes.axis('off')
    middle = 0.2675 + 0.205 * i
    figure.text(middle, 0.86, title, ha='center', weight='bold', color=INK)
    figure.text(middle, 0.78, text, ha='center', size=9, color=INK)
  again = {'arrowstyle': '->', 'color': INK, 'linewidth': 1.3}
  figure.add_artist(
    plt.Annotation(
      '',
      (0.472, 0.18),
      (0.883, 0.18),
      'figure fraction',
      arrowprops=again | {'connectionstyle': 'bar,fraction=-0.05'},
    )
  )
  said = {
    0.2675: 'blue: positive, orange: negative\nthick: large',
    0.677: 'train again, prune again, ...',
  }
  for x, text in said.items():
    figure.text(x, 0.035, text, ha='center', size=9, color=INK)
  figure.savefig(pathlib.Path(__file__).parent / 'story.png')


if __name__ == '__main__':
  main()

"""Compares whole runs with their bare matrix products, in time.

python benchmarks/speed.py [--rounds=3] [--iterations=3000]

A whole run has masks, evaluations, logs, summaries and saved networks. Its
50,000 iterations are computed from shorter ones: the start-up and the time that
an iteration takes. The whole takes about three minutes.
"""

from typing import Any

from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import entry

BARS = {'paper': 1.5, 'google': 1.3}


def main(**given: Any) -> None:
  """Measures how fast both recipes are, and prints it."""
  options = timing.OnMnist(**{'iterations': 3_000, **given})
  from lottery_ticket.benchmarks import runs

  figures = [
    figure
    for name, bar in BARS.items()
    for figure in runs.measure(name, *options.sizes(), bar)
  ]
  options.report('speed', figures)


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.speed:main', timing.OnMnist, 'keras')

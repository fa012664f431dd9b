"""Compares whole runs with their bare matrix products, in time.

python benchmarks/speed.py [--rounds=3] [--iterations=4500]

A whole run has masks, evaluations, logs, summaries and saved networks. Its
50,000 iterations are computed from shorter ones: the start-up and the time that
an iteration takes. Bare products take turns with it, in pauses that a callback
makes. The whole takes about three minutes.
"""

from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import entry
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import constants

BARS = {'paper': 1.5, 'google': 1.3}
SHORTEST = 1_500  # Iterations; fewer show no steady part.


def main(
  *,
  rounds: int = 3,
  iterations: int = 4_500,
  json: str = timing.FILE,
  mnist_location: str = constants.MNIST_LOCATION,
) -> None:
  """Measures how fast both recipes are, and prints it.

  Args:
    rounds: How often each measurement is made; the median counts.
    iterations: Length of the runs that are measured, at least 1,500.
    json: File for the numbers, beside those of the other benchmarks.
    mnist_location: Folder with MNIST.

  Raises:
    InputError: If a number is of no use.
  """
  from lottery_ticket.benchmarks import runs

  errors.check_integer('rounds', rounds, 1)
  errors.check_integer('iterations', iterations, SHORTEST)
  figures = [
    figure
    for name, bar in BARS.items()
    for figure in runs.measure(name, mnist_location, iterations, rounds, bar)
  ]
  timing.report(json, 'speed', figures, rounds=rounds, iterations=iterations)


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.speed:main', imports='tensorflow')

"""Compares runs that skip pruned weights with dense ones, over density.

python benchmarks/sparse.py [--rounds=3] [--iterations=1000] [--figure=...]

Tickets come from a short ladder of the recipe. A run has evaluations, logs,
summaries and saved networks; start-up is taken off. Dense and auto take turns.
The whole takes about six minutes.
"""

from lottery_ticket.benchmarks import timing
from lottery_ticket.cli import entry
from lottery_ticket.foundations import errors
from lottery_ticket.mnist_fc import constants


def main(
  *,
  rounds: int = 3,
  iterations: int = 1_000,
  json: str = timing.FILE,
  figure: str | None = None,
  mnist_location: str = constants.MNIST_LOCATION,
) -> None:
  """Measures how much faster both recipes are with fewer weights.

  Args:
    rounds: How often each measurement is made; the median counts.
    iterations: Length of the runs that are measured.
    json: File for the numbers, beside those of the other benchmarks.
    figure: File for a figure of them; by default none is drawn.
    mnist_location: Folder with MNIST.

  Raises:
    InputError: If a number is of no use.
  """
  from lottery_ticket.benchmarks import density

  errors.check_integer('rounds', rounds, 1)
  errors.check_integer('iterations', iterations, 1)
  tables = {
    name: density.measure(name, mnist_location, iterations, rounds)
    for name in constants.RECIPES
  }
  figures = [each for table in tables.values() for each in table.figures]
  others = {name: table.others for name, table in tables.items()}
  settings = {'rounds': rounds, 'iterations': iterations}
  timing.report(json, 'sparse', figures, times_as_fast=others, **settings)
  if figure is not None:
    density.draw(tables, figure)


if __name__ == '__main__':
  entry.run('lottery_ticket.benchmarks.sparse:main', imports='tensorflow')

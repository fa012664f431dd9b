"""The command `lottery-ticket`, also `python -m lottery_ticket`."""

from lottery_ticket.cli import argfile_runner


def main() -> None:
  """Runs a runner for each line that an argfile prints."""
  argfile_runner.main(task='mnist_fc')


if __name__ == '__main__':
  main()

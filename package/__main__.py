"""The command `lottery-ticket`, also `python -m lottery_ticket`."""

from lottery_ticket.study import program

main = program.main


if __name__ == '__main__':
  main()

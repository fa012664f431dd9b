"""Runs a finished run again and says whether the bytes agree.

RUN is its folder or its run.json; the flags are the arguments of `repeat` in
mnist_fc/repeat.py. `--help` lists them.
"""

from lottery_ticket.cli import entry

if __name__ == '__main__':
  entry.run('lottery_ticket.mnist_fc.repeat:repeat')

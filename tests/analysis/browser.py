"""A headless Chromium, spoken to through a pipe; it needs no other library."""

import base64
import fcntl
import itertools
import json
import os
import pathlib
import select
import shutil
import subprocess
import time
from typing import Any

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
SECONDS = 60  # For an answer.


def find() -> str | None:
  """Returns the browser's program, if there is one."""
  return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
  """A browser with one page, in the Chrome DevTools Protocol."""

  def __init__(self, program: str, profile: pathlib.Path):
    """Starts it.

    Args:
      program: As `find` returns it.
      profile: A folder for what it keeps.
    """
    reads, self._commands = os.pipe()
    self._answers, writes = os.pipe()
    command = [
      program,
      '--headless',
      '--no-sandbox',  # Tests may run as root.
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--no-first-run',
      '--hide-scrollbars',
      f'--user-data-dir={profile}',
      '--remote-debugging-pipe',
      'about:blank',
    ]
    # Chromium reads commands from descriptor 3 and answers on 4. Above 10 they
    # cannot be in each other's way; bash takes such numbers, sh need not.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (reads, writes)]
    shell = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
    self._process = subprocess.Popen(
      ['bash', '-c', shell, 'bash', *command],
      pass_fds=ends,
      stderr=subprocess.DEVNULL,
    )
    for end in (reads, writes, *ends):
      os.close(end)
    self._session: str | None = None
    self._ids = itertools.count(1)
    self._buffer = b''
    self.events: list[dict[str, Any]] = []
    targets = self.call('Target.getTargets')['targetInfos']
    page = next(target for target in targets if target['type'] == 'page')
    self._session = self.call(
      'Target.attachToTarget', targetId=page['targetId'], flatten=True
    )['sessionId']
    for domain in ('Page', 'Runtime', 'Log', 'Network'):
      self.call(f'{domain}.enable')

  def call(self, method: str, **parameters: Any) -> dict[str, Any]:
    """Calls a method of the protocol and returns its result."""
    number = next(self._ids)
    message = {'id': number, 'method': method, 'params': parameters}
    if self._session:
      message['sessionId'] = self._session
    os.write(self._commands, json.dumps(message).encode() + b'\0')
    answer = self._wait(lambda message: message.get('id') == number)
    assert 'error' not in answer, answer
    return answer['result']

  def open(self, page: pathlib.Path, width: int) -> None:
    """Opens a file, on a page that is `width` CSS pixels wide."""
    self.call(
      'Emulation.setDeviceMetricsOverride',
      width=width,
      height=800,
      deviceScaleFactor=1,
      mobile=width < 600,
    )
    self.events.clear()
    self.call('Page.navigate', url=page.as_uri())
    self._wait(lambda message: message.get('method') == 'Page.loadEventFired')

  def evaluate(self, expression: str) -> Any:
    """Returns the value of a JavaScript expression, as JSON can hold it."""
    answer = self.call(
      'Runtime.evaluate', expression=expression, returnByValue=True
    )
    assert 'exceptionDetails' not in answer, answer
    return answer['result'].get('value')

  def print(self) -> bytes:
    """Returns the page as PDF, on A4."""
    printed = self.call('Page.printToPDF', paperWidth=8.27, paperHeight=11.69)
    return base64.b64decode(printed['data'])

  def _wait(self, is_it: Any) -> dict[str, Any]:
    """Returns the first message that is wanted; keeps the others."""
    for event in self.events:
      if is_it(event):
        return event
    end = time.monotonic() + SECONDS
    while True:
      while b'\0' not in self._buffer:
        ready = select.select([self._answers], [], [], end - time.monotonic())
        assert ready[0], 'the browser does not answer'
        received = os.read(self._answers, 1 << 16)
        assert received, 'the browser has ended'
        self._buffer += received
      text, self._buffer = self._buffer.split(b'\0', 1)
      message = json.loads(text)
      if 'method' in message:
        self.events.append(message)
      if is_it(message):
        return message

  def close(self) -> None:
    """Ends it."""
    self._process.terminate()
    self._process.wait(SECONDS)
    os.close(self._commands)
    os.close(self._answers)

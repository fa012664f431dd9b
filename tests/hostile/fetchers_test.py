"""Hostile servers for lottery_ticket.datasets.fetchers, on this machine."""

import contextlib
import http.server
import threading
import time

import pytest

from lottery_ticket.datasets import fetchers
from lottery_ticket.foundations import errors

FILES = ('a', 'b', 'c', 'd')


@pytest.fixture
def limits(monkeypatch):
  monkeypatch.setattr(fetchers, 'MAX_DOWNLOAD_BYTES', 100_000)
  monkeypatch.setattr(fetchers, 'ANSWER_SECONDS', 1.0)
  monkeypatch.setattr(fetchers, 'DOWNLOAD_SECONDS', 1.0)


@pytest.fixture
def serve():
  """Starts a server that answers with a function; returns its URL."""
  with contextlib.ExitStack() as stack:

    def start(answer):
      class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
          with contextlib.suppress(OSError):
            answer(self)

        def log_message(self, *_):
          pass

      server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
      server.daemon_threads = True
      server.block_on_close = False
      thread = threading.Thread(target=server.serve_forever, args=(0.05,))
      thread.start()
      stack.callback(server.server_close)
      stack.callback(thread.join)
      stack.callback(server.shutdown)
      return f'http://127.0.0.1:{server.server_port}/'

    yield start


def begin(handler, **headers):
  handler.send_response(200)
  for name, value in headers.items():
    handler.send_header(name.replace('_', '-'), value)
  handler.end_headers()


def endless(handler):
  begin(handler)
  while True:
    handler.wfile.write(bytes(10_000))


def dripping(handler):
  begin(handler)
  while True:
    handler.wfile.write(b'x')
    time.sleep(0.05)


def silent(handler):
  time.sleep(2)


def endless_headers(handler):
  handler.wfile.write(b'HTTP/1.0 200 OK\r\n')
  while True:
    handler.wfile.write(b'X-More: 1\r\n')


def elsewhere(handler):
  handler.send_response(302)
  handler.send_header('Location', 'file:///etc/hostname')
  handler.end_headers()


def around(handler):
  handler.send_response(302)
  handler.send_header('Location', handler.path)
  handler.end_headers()


def no_http(handler):
  handler.wfile.write(b'\xff\0\n' * 100)


@pytest.mark.parametrize(
  ('answer', 'reason'),
  [
    (endless, 'has over 100000 bytes'),
    (dripping, 'took over 1 s'),
    (silent, 'took over 1 s|timed out'),
    (endless_headers, 'got more than 100 headers'),
    (elsewhere, 'HTTP 302'),
    (around, 'HTTP 302'),
    (no_http, 'a: '),
  ],
)
@pytest.mark.usefixtures('limits')
def test_is_refused_in_a_line_and_in_time(
  serve, tmp_path, tree, answer, reason
):
  mirror = fetchers.Mirror('mirror', serve(answer), FILES)
  before = tree()
  started = time.monotonic()
  with pytest.raises(errors.InputError, match=f'^a: .*{reason}|^{reason}') as e:
    mirror.fetch(tmp_path)
  assert time.monotonic() - started < 10
  assert len(str(e.value).splitlines()) == 1
  assert tree() == before


@pytest.mark.parametrize('length', ['3', '1000', '-5', 'many', '9' * 30])
def test_lies_about_the_length_bring_no_more_than_was_sent(
  serve, tmp_path, length
):
  def lie(handler):
    begin(handler, Content_Length=length)
    handler.wfile.write(b'x' * 10)

  fetchers.Mirror('mirror', serve(lie), ('a',)).fetch(tmp_path)
  assert (tmp_path / 'a').read_bytes() in (b'x' * 3, b'x' * 10)


@pytest.mark.usefixtures('limits')
def test_the_time_is_that_of_all_files_together(serve, tmp_path):
  def slow(handler):
    time.sleep(0.4)
    begin(handler)
    handler.wfile.write(b'x')

  with pytest.raises(errors.InputError, match=r'^[a-d]: took over 1 s'):
    fetchers.Mirror('mirror', serve(slow), FILES).fetch(tmp_path)


@pytest.mark.usefixtures('limits')
def test_no_thread_stays_with_a_server_that_drips(serve, tmp_path):
  before = set(threading.enumerate())
  with pytest.raises(errors.InputError):
    fetchers.Mirror('mirror', serve(dripping), FILES).fetch(tmp_path)
  for thread in set(threading.enumerate()) - before:
    if thread._target is fetchers._answer:
      thread.join(10)
      assert not thread.is_alive()

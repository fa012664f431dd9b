"""Opens a report in a real browser. Needs Chromium (on Debian: chromium).

Without one these tests are skipped, unless CI_BROWSER_REQUIRED=1.
"""

import importlib.util
import itertools
import os
import pathlib
import re

import pytest

pytestmark = pytest.mark.slow

_SPEC = importlib.util.spec_from_file_location(
  'browser', pathlib.Path(__file__).with_name('browser.py')
)
browser_lib = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(browser_lib)

WIDTHS = (400, 1280)

# WCAG 2: contrast of each text with the nearest background that is opaque.
CONTRASTS = """
(() => {
  const channels = color => color.match(/[0-9.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = channels(color).map(value => {
      const share = value / 255;
      if (share <= 0.04045) return share / 12.92;
      return ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      const alpha = channels(color)[3];
      if (alpha === undefined || alpha === 1) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    if (!text) continue;
    const element = walker.currentNode.parentElement;
    const [low, high] = [getComputedStyle(element).color, background(element)]
      .map(luminance).sort((a, b) => a - b);
    found.push([(high + 0.05) / (low + 0.05), text]);
  }
  return found;
})()
"""


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
  program = browser_lib.find()
  if program is None:
    message = f'no browser: wanted one of {", ".join(browser_lib.NAMES)}'
    if os.environ.get('CI_BROWSER_REQUIRED') == '1':
      pytest.fail(message)
    pytest.skip(message)
  started = browser_lib.Browser(program, tmp_path_factory.mktemp('profile'))
  yield started
  started.close()


@pytest.fixture(params=WIDTHS)
def opened(request, browser, written):
  """The browser with the report open, as wide as a phone or a desk."""
  browser.open(pathlib.Path(written.page), request.param)
  return browser


def test_nothing_is_fetched_and_nothing_is_wrong(opened, written):
  events = [(event['method'], event['params']) for event in opened.events]
  fetched = {
    parameters['request']['url']
    for method, parameters in events
    if method == 'Network.requestWillBeSent'
  }
  page = pathlib.Path(written.page).as_uri()
  assert page in fetched
  assert all(url == page or url.startswith('data:') for url in fetched)
  problems = ('Log.entryAdded', 'Runtime.exceptionThrown')
  problems += ('Runtime.consoleAPICalled',)
  assert [event for event in events if event[0] in problems] == []


def test_the_page_does_not_scroll_sideways(opened):
  width = opened.evaluate('innerWidth')
  assert width in WIDTHS
  assert opened.evaluate('document.documentElement.scrollWidth') <= width
  outside = opened.evaluate(
    """[...document.querySelectorAll('body *')].filter(element =>
      !element.closest('.scroll') && !element.closest('.hidden')
      && !element.closest('thead')
      && element.getBoundingClientRect().right > innerWidth + 1
    ).map(element => element.outerHTML.slice(0, 80))"""
  )
  assert outside == []


def test_figures_are_shown_whole_with_alternative_text(opened):
  images = opened.evaluate(
    """[...document.images].map(image => [
      image.complete, image.naturalWidth / image.naturalHeight,
      image.clientWidth / image.clientHeight, image.clientWidth, image.alt])"""
  )
  assert len(images) == 7
  for complete, natural, shown, width, alt in images:
    assert complete
    assert shown == pytest.approx(natural, rel=0.02)
    assert width > 300
    assert alt


def test_headings_are_in_order(opened):
  levels = opened.evaluate(
    """[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
      .map(heading => Number(heading.tagName[1]))"""
  )
  assert levels[0] == 1
  assert levels.count(1) == 1
  steps = [b - a for a, b in itertools.pairwise(levels)]
  assert max(steps) <= 1


def test_all_text_can_be_told_from_its_background(opened):
  contrasts = opened.evaluate(CONTRASTS)
  assert len(contrasts) > 200
  assert [found for found in contrasts if found[0] < 4.5] == []


def test_wide_tables_scroll_in_their_own_box_and_claims_become_cards(opened):
  display = opened.evaluate(
    "getComputedStyle(document.querySelector('.cards tbody tr')).display"
  )
  is_phone = opened.evaluate('innerWidth') == WIDTHS[0]
  assert display == ('block' if is_phone else 'table-row')
  boxes = opened.evaluate(
    """[...document.querySelectorAll('.scroll')].map(box => [
      box.tabIndex, box.getAttribute('role'), box.clientWidth])"""
  )
  assert boxes
  for tab_index, role, width in boxes:
    assert (tab_index, role) == (0, 'region')
    assert width <= WIDTHS[-1]


def test_it_prints(browser, written):
  browser.open(pathlib.Path(written.page), WIDTHS[-1])
  browser.call('Emulation.setEmulatedMedia', media='print')
  display = browser.evaluate(
    "getComputedStyle(document.querySelector('.cards tbody tr')).display"
  )
  browser.call('Emulation.setEmulatedMedia', media='')
  assert display == 'table-row'
  printed = browser.print()
  assert printed.startswith(b'%PDF')
  assert 3 < len(re.findall(rb'/Type\s*/Page\b', printed)) < 10

"""Opens a report in a real browser. Needs Chromium (on Debian: chromium).

Without one these tests are skipped, unless CI_BROWSER_REQUIRED=1.
"""

import importlib.util
import itertools
import os
import pathlib
import re

import pytest

from lottery_ticket.analysis import comparison
from lottery_ticket.analysis import results

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


@pytest.fixture(scope='module')
def compared(study, tmp_path_factory):
  """The page that compares the study with itself."""
  found = {name: results.read(str(study)) for name in ('study', 'again')}
  folder = str(tmp_path_factory.mktemp('compared'))
  return pathlib.Path(comparison.write(folder, found, ['reinit']))


@pytest.fixture(params=WIDTHS)
def opened(request, browser, written):
  """The browser with the report open, as wide as a phone or a desk."""
  browser.open(pathlib.Path(written.page), request.param)
  return browser


def test_nothing_is_fetched_and_nothing_is_wrong(opened, written):
  check_alone(opened, pathlib.Path(written.page))


@pytest.mark.parametrize('width', WIDTHS)
def test_a_comparison_stands_alone_as_well(browser, compared, width):
  browser.open(compared, width)
  assert browser.evaluate("document.querySelectorAll('.key').length") == 10
  assert browser.evaluate('document.documentElement.scrollWidth') <= width
  check_alone(browser, compared)
  pages = re.findall(rb'/Type\s*/Page\b', browser.print())
  assert len(pages) < 10


def check_alone(browser, page):
  """Checks that a page has fetched nothing else, and has no complaint."""
  events = [(event['method'], event['params']) for event in browser.events]
  fetched = {
    parameters['request']['url']
    for method, parameters in events
    if method == 'Network.requestWillBeSent'
  }
  assert page.as_uri() in fetched
  fetched = {url for url in fetched if not url.startswith('data:')}
  assert fetched == {page.as_uri()}
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
  figures = opened.evaluate(
    """[...document.querySelectorAll('.plot')].map(box => {
      const [image, drawing] = box.children;
      const {width, height} = drawing.getBoundingClientRect();
      return [image.complete, image.clientWidth, width, width / height,
        image.naturalWidth / image.naturalHeight, image.alt,
        drawing.getAttribute('aria-label')];
    })"""
  )
  assert len(figures) == 7
  for complete, width_of_image, width, shown, natural, alt, label in figures:
    assert complete
    assert not width_of_image  # The drawing has taken its place.
    assert shown == pytest.approx(natural, rel=0.02)
    assert width > 300
    assert alt == label


# The first figure, of tickets: what it tells, which of its curves can be seen,
# and which are pale.
SHOWN = """
(() => {
  const tip = document.querySelector('.tip');
  const box = document.querySelector('.plot');
  const parts = JSON.parse(box.dataset.curves).map(
    (curve, i) => [curve.name, box.querySelector(`#curve${i}_0`)]);
  const names = pairs => pairs.map(pair => pair[0]);
  return [tip.hidden ? '' : tip.innerText,
    names(parts.filter(pair => pair[1].getBoundingClientRect().width)),
    names(parts.filter(pair => pair[1].style.opacity))];
})()
"""
CURVES = ['dense network', 'winning ticket', 'reinitialized']
CURVES += ['random sparsity', 'one-shot pruning']
TOLD = 'winning ticket\nP_m = 50.0%: 500 [500 to 500], n = 3'


@pytest.fixture
def point(browser, written):
  """Returns a function that moves the mouse to an element, or clicks on it."""
  browser.open(pathlib.Path(written.page), WIDTHS[-1])

  def point_at(element, event='mouseMoved'):
    x, y = browser.evaluate(
      f"""(() => {{
        const element = {element};
        element.scrollIntoView({{block: 'center'}});
        const {{left, top, width, height}} = element.getBoundingClientRect();
        return [left + width / 2, top + height / 2];
      }})()"""
    )
    place = {'x': x, 'y': y, 'button': 'left', 'clickCount': 1}
    events = ['mouseMoved']
    if event == 'click':
      events += ['mousePressed', 'mouseReleased']
    for kind in events:
      browser.call('Input.dispatchMouseEvent', type=kind, **place)
    return browser.evaluate(SHOWN)

  return point_at


def test_a_point_that_is_pointed_at_says_its_value(point):
  marker = "document.querySelectorAll('#axes_1 [id^=curve1_] use')[1]"
  told, seen, pale = point(marker)
  assert told == TOLD
  assert seen == CURVES
  assert not pale
  told, _, _ = point("document.querySelector('h1')")
  assert not told


def test_names_in_the_legend_hide_and_show_curves(point):
  key = "document.querySelectorAll('.plot .key')[2]"
  _, seen, pale = point(key)
  assert seen == CURVES
  assert pale == [name for name in CURVES if name != 'reinitialized']
  _, seen, _ = point(key, 'click')
  assert seen == [name for name in CURVES if name != 'reinitialized']
  _, seen, _ = point(key, 'click')
  assert seen == CURVES
  assert point("document.querySelector('h1')")[2] == []


def press(browser, *keys):
  for key in keys:
    for kind in ('keyDown', 'keyUp'):
      browser.call('Input.dispatchKeyEvent', type=kind, key=key)
  return browser.evaluate(SHOWN)


def test_the_keyboard_does_the_same(browser, point):
  browser.evaluate("document.querySelectorAll('.plot .key')[1].focus()")
  assert press(browser, 'ArrowRight', 'ArrowRight')[0] == TOLD
  assert press(browser, 'Escape')[0] == ''
  assert press(browser, ' ')[1] == [x for x in CURVES if x != 'winning ticket']
  assert press(browser, 'Enter')[1] == CURVES
  switch = "document.activeElement.getAttribute('aria-checked')"
  assert browser.evaluate(switch) == 'true'
  role = "document.querySelector('.tip').getAttribute('role')"
  assert browser.evaluate(role) == 'status'


def test_headings_are_in_order(opened):
  levels = opened.evaluate(
    """[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
      .map(heading => Number(heading.tagName[1]))"""
  )
  assert levels[0] == 1
  assert levels.count(1) == 1
  steps = [b - a for a, b in itertools.pairwise(levels)]
  assert max(steps) <= 1


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_all_text_can_be_told_from_its_background(opened, scheme):
  wanted = [{'name': 'prefers-color-scheme', 'value': scheme}]
  opened.call('Emulation.setEmulatedMedia', features=wanted)
  look = 'getComputedStyle(document.body).backgroundColor'
  background = opened.evaluate(look)
  contrasts = opened.evaluate(CONTRASTS)
  opened.call('Emulation.setEmulatedMedia', features=[])
  is_dark = background == 'rgb(22, 22, 22)'
  assert is_dark == (scheme == 'dark')
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
  images = browser.evaluate(
    """[...document.querySelectorAll('.plot')].map(box =>
      box.children[0].clientWidth > 300
      && !box.children[1].getBoundingClientRect().width)"""
  )
  browser.call('Emulation.setEmulatedMedia', media='')
  assert display == 'table-row'
  assert images == [True] * 7  # As they are drawn, whatever is hidden by then.
  printed = browser.print()
  assert printed.startswith(b'%PDF')
  assert 3 < len(re.findall(rb'/Type\s*/Page\b', printed)) < 10

// A figure is an image, for print and without scripts. On screen its own drawing
// takes its place: names in the legend show and hide curves, points say their values.
const tip = document.body.appendChild(document.createElement('div'));
tip.className = 'tip';
tip.role = 'status'; // Screen readers read it out.
tip.hidden = true;
for (const box of document.querySelectorAll('[data-curves]')) {
  const image = box.firstChild;
  const bytes = Uint8Array.from(atob(image.src.split(',')[1]), c => c.charCodeAt(0));
  const drawing = new DOMParser().parseFromString(
    new TextDecoder().decode(bytes), 'image/svg+xml');
  const svg = box.appendChild(document.importNode(drawing.documentElement, true));
  const add = (name, attributes) => {
    const element = svg.appendChild(document.createElementNS(svg.namespaceURI, name));
    Object.entries(attributes).forEach(pair => element.setAttribute(...pair));
    return element;
  };
  const mark = add('circle', {r: 5, class: 'mark', visibility: 'hidden'});
  const curves = JSON.parse(box.dataset.curves);
  const points = curves.flatMap((curve, i) => curve.points.map(
    ([x, y, words]) => ({i, x, y, words: `${curve.name}\n${words}`.trim()})));
  const keys = new Map(); // From elements of the legend to the number of a curve.
  const hidden = new Set();
  let told;

  const each = (i, change) => svg.querySelectorAll(`[id^="curve${i}_"]`)
    .forEach(part => change(part.style));
  const shown = (i = null) => points.filter(
    point => !hidden.has(point.i) && (i ?? point.i) === point.i);
  const emphasize = i => curves.forEach((_, j) => each(
    j, style => { style.opacity = [undefined, j].includes(i) ? '' : 0.15; }));
  const tell = point => {
    told = point;
    tip.hidden = !point;
    mark.setAttribute('visibility', point ? 'visible' : 'hidden');
    if (!point) return;
    tip.textContent = point.words;
    mark.setAttribute('cx', point.x * svg.viewBox.baseVal.width);
    mark.setAttribute('cy', point.y * svg.viewBox.baseVal.height);
    const {left, bottom} = mark.getBoundingClientRect();
    const most = document.documentElement.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${scrollX + Math.max(4, Math.min(left + 12, most))}px`;
    tip.style.top = `${scrollY + bottom + 6}px`;
  };
  const toggle = (key, i) => {
    const isOff = !hidden.delete(i) && hidden.add(i);
    key.setAttribute('aria-checked', !isOff);
    each(i, style => { style.display = isOff ? 'none' : ''; });
    tell();
  };
  const near = event => {
    const {left, top, width, height} = svg.getBoundingClientRect();
    const far = point => Math.hypot(
      left + point.x * width - event.clientX, top + point.y * height - event.clientY);
    const nearest = shown().reduce((a, b) => far(b) < far(a) ? b : a, shown()[0]);
    tell(nearest && far(nearest) < 16 ? nearest : undefined);
  };

  curves.forEach(({name}, i) => {
    const text = svg.getElementById(`legend${i}`);
    if (!text) return;
    const {x, y, width, height} = text.getBBox(); // Its line is to the left.
    keys.set(add('rect', {
      x: x - 30, y: y - 4, width: width + 34, height: height + 8, class: 'key',
      tabindex: 0, role: 'switch', 'aria-checked': true, 'aria-label': name,
    }), i);
  });
  svg.setAttribute('role', 'group');
  svg.setAttribute('aria-label', image.alt);
  svg.setAttribute('tabindex', 0);
  svg.addEventListener('mousemove', near); // A tap does that, too.
  ['mouseover', 'focusin'].forEach(name => svg.addEventListener(
    name, event => emphasize(keys.get(event.target))));
  ['mouseleave', 'focusout'].forEach(name => svg.addEventListener(
    name, () => { emphasize(); tell(); }));
  svg.addEventListener('click', ({target}) => {
    if (keys.has(target)) toggle(target, keys.get(target));
  });
  svg.addEventListener('keydown', event => {
    const i = keys.get(event.target);
    const some = shown(i);
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (step) tell(some.at((some.indexOf(told) + step) % some.length));
    else if (event.key === 'Escape') tell();
    else if (i !== undefined && ['Enter', ' '].includes(event.key)) toggle(event.target, i);
    else return;
    event.preventDefault();
  });
}
document.querySelectorAll('.hint').forEach(hint => { hint.hidden = false; });

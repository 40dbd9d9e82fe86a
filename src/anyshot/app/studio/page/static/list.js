// The list of items. Only what is seen is in the document, so that 10,000 items scroll as smoothly as ten.

import { base, get } from "./server.js";
import { byId, make, t } from "./texts.js";

const list = byId("list"), scroller = byId("scroller"), tools = byId("tools");
const images = document.body.dataset.kind === "images";
const narrow = matchMedia("screen and (max-width: 900px)");
const numbers = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
const FEW_CELLS = 12, MANY_CELLS = 500;  // of a row of features that are shown
const GAP = 6, CARD_GAP = 12, CARD_WIDTH = 176, GROUP_HEIGHT = 48;

export const shown = { ids: [], labeled: new Set(), groups: null };  // in the order of the list
export const rows = new Map();                   // item id -> what the server said about it
export const selected = new Set();
export const classes = new Map();                // class id -> {id, name, color, key}
export let current = null;

let lines = [], tops = [], lineOf = new Map(), nodes = new Map(), height = 0, extra = 0;
let allCells = false;
const stale = new Set();
let fetching = false, fetched = Promise.resolve(), planned = false, seenIds = [];

/** Show these items; labeled: those with a label; groups: [{label, n}] when they are grouped by class; fresh: start at
 * the first. A key labels the current item: one that is confirmed becomes it only when a person chooses it. */
export function show(ids, labeled, groups = null, fresh = true) {
  const there = new Set(ids), lost = !fresh && current !== null && !there.has(current);
  const following = lost ? shown.ids.slice(shown.ids.indexOf(current) + 1).filter((id) => there.has(id)) : [];
  Object.assign(shown, { ids, labeled: new Set(labeled), groups });
  list.hidden = !ids.length;  // a feed needs an article
  if (fresh) current = ids.length && !isConfirmed(ids[0]) ? ids[0] : null;
  const focused = lost && list.contains(document.activeElement);
  if (lost) current = following.find((id) => !isConfirmed(id)) ?? null;
  layout();
  if (focused) setCurrent(current);
}

export const isConfirmed = (id) => shown.labeled.has(id) || (rows.get(id)?.label ?? null) !== null;

/** Return the next item of the list that is not confirmed, null if there is none. */
export function nextOpen() {
  return shown.ids.slice(shown.ids.indexOf(current) + 1).find((id) => !isConfirmed(id)) ?? null;
}

/** Compute where each line lies: a row of text, some cards of images, or the heading of a group. */
export function layout() {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const row = parseFloat(getComputedStyle(list).getPropertyValue(images ? "--card" : "--row")) * rem;
  const columns = images ? Math.max(2, Math.floor((list.clientWidth + CARD_GAP) / (CARD_WIDTH + CARD_GAP))) : 1;
  lines = []; tops = []; lineOf = new Map();
  let top = 0, at = 0;
  for (const group of shown.groups ?? [{ n: shown.ids.length }]) {
    if (shown.groups) {
      lines.push({ key: `group ${group.label}`, group });
      tops.push(top);
      top += GROUP_HEIGHT;
    }
    const end = at + group.n;
    for (; at < end; at += columns) {
      const ids = shown.ids.slice(at, Math.min(at + columns, end));
      ids.forEach((id) => lineOf.set(id, lines.length));
      lines.push({ key: `items ${ids.join()}`, ids, at });
      tops.push(top);
      top += row + (images ? CARD_GAP : GAP);
    }
    at = end;
  }
  height = top;
  list.dataset.columns = columns;
  draw();
}

/** Ask for a drawing before the next frame. */
export function draw() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; drawNow(); });
}

const topOf = (line) => tops[line] + (line > (lineOf.get(current) ?? Infinity) ? extra : 0);

const boxOfView = () => (narrow.matches ? { top: 0, bottom: innerHeight } : scroller.getBoundingClientRect());

function seen() {
  const box = boxOfView(), own = list.getBoundingClientRect();
  return [box.top - own.top, box.bottom - own.top];
}

/** Return the first line that ends below a height. */
function lineAt(y) {
  let low = 0, high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (topOf(middle + 1) <= y) low = middle + 1; else high = middle;
  }
  return low;
}

function drawNow() {
  tops[lines.length] = height;
  const [from, to] = seen(), margin = (to - from) / 2;
  const wanted = new Set();
  for (let line = lineAt(from - margin); line < lines.length && topOf(line) < to + margin; line++) wanted.add(line);
  if (lineOf.has(current)) wanted.add(lineOf.get(current));  // it keeps the focus when it is scrolled away
  const before = nodes;
  nodes = new Map();
  const ordered = [...wanted].sort((a, b) => a - b);
  for (const line of ordered) {
    const node = before.get(lines[line].key) ?? makeLine(lines[line]);
    before.delete(lines[line].key);
    nodes.set(lines[line].key, node);
    if (lines[line].ids) lines[line].ids.forEach((id, place) => fill(images ? node.children[place] : node, id, lines[line].at + place));
  }
  before.forEach((node) => node.remove());
  const opened = nodes.get(lines[lineOf.get(current)]?.key);  // others are moved around it, which keeps its focus and selection
  ordered.forEach((line, place) => {
    const node = nodes.get(lines[line].key);
    while (node === opened && opened.isConnected && list.children[place] !== node) list.append(list.children[place]);
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  });
  measure();
  ordered.forEach((line) => {
    const y = `translateY(${topOf(line)}px)`, { style } = nodes.get(lines[line].key);
    if (style.transform !== y) style.transform = y;
  });
  list.style.height = `${height + extra}px`;
  list.dispatchEvent(new Event("drawn"));
  seenIds = ordered.flatMap((line) => lines[line].ids ?? []);
  fetchMissing();
}

/** Measure by how much the opened row is taller than others. */
function measure() {
  const node = images ? null : nodeOf(current);
  const row = tops.length > 1 && lineOf.has(current) ? tops[lineOf.get(current) + 1] - tops[lineOf.get(current)] - GAP : 0;
  extra = node ? Math.max(0, node.offsetHeight - row) : 0;
}

function makeLine(line) {
  if (line.group) {
    const one = classes.get(line.group.label), heading = make("h3", { className: "group" }, one?.name ?? t("not_answered"));
    heading.append(make("span", { textContent: t("n_items", { n: line.group.n }) }));
    heading.dataset.color = one?.color ?? 0;
    return heading;
  }
  if (!images) return clone("row");
  const cards = make("div", { className: "cards" }, ...line.ids.map(() => clone("card")));
  cards.style.gridTemplateColumns = `repeat(${list.dataset.columns}, minmax(0, 1fr))`;
  return cards;
}

const clone = (id) => byId(id).content.firstElementChild.cloneNode(true);

/** Return the element of an item, if it is in the document. */
export function nodeOf(id) {
  const line = lineOf.get(id);
  const node = line === undefined ? undefined : nodes.get(lines[line].key);
  return images ? node?.querySelector(`[data-item="${id}"]`) : node;
}

/** Show in an element what is known of an item. */
function fill(node, id, place) {
  const row = rows.get(id), chosen = selected.has(id), opened = id === current;
  const reached = opened || (current === null && place === 0);  // by Tab
  const mark = [row?.stamp, row?.label, chosen, opened, reached, place, shown.ids.length, classes.stamp].join();
  if (node.dataset.mark === mark) return;
  Object.assign(node.dataset, { mark, item: id });
  node.classList.toggle("waiting", !row);
  node.classList.toggle("selected", chosen);
  node.classList.toggle("current", opened);
  node.tabIndex = reached ? 0 : -1;
  if (opened) node.setAttribute("aria-current", "true"); else node.removeAttribute("aria-current");
  node.setAttribute("aria-posinset", place + 1);
  node.setAttribute("aria-setsize", shown.ids.length);
  const box = node.querySelector("input");
  box.checked = chosen;
  if (!row) return;
  const title = row.text ?? row.name;
  box.setAttribute("aria-label", t("select_item", { name: title.slice(0, 60) }));
  if (images) {
    const image = node.querySelector("img"), source = `${base}items/${id}/thumbnail`;
    if (image.getAttribute("src") !== source) image.src = source;
    image.alt = image.title = row.name;
  } else {
    const text = node.querySelector(".text"), most = opened ? 20000 : 400, long = row.text.slice(0, most) + (row.text.length > most ? "…" : "");
    if (row.cells) fillCells(text, row.cells, opened);
    else if (text.textContent !== long) text.textContent = long;
  }
  fillAnswer(node, row);
  const said = node.querySelector(".answer span");
  node.setAttribute("aria-label", `${title.slice(0, 200)}. ${[...said.children].map((one) => one.textContent).join(", ")}`);
}

/** Show the values of a row of features with their names; of many, the opened row has a button for the rest. */
function fillCells(text, cells, opened) {
  const isCut = (place) => opened && !allCells && place >= FEW_CELLS, mark = `${opened} ${allCells} ${JSON.stringify(cells)}`;
  if (text.dataset.cells === mark) return;
  text.dataset.cells = mark;
  text.classList.add("cells");
  text.replaceChildren(...cells.slice(0, MANY_CELLS).flatMap(([name, value], place) => [make("span", { className: isCut(place) ? "cut" : "" }, make("i", { textContent: name }), " ", make("b", { textContent: value, title: value })), " "]));
  if (!opened || cells.length <= FEW_CELLS) return;
  const label = allCells ? t("fewer") : t("n_more", { n: cells.length - FEW_CELLS });
  text.append(make("button", { className: "link", type: "button", textContent: label, onclick: toggleCells }));
}

function toggleCells() {
  allCells = !allCells;
  rows.forEach((row) => (row.stamp = `${row.stamp} `));
  drawNow();
  nodeOf(current)?.querySelector(".cells button")?.focus();
}

function fillAnswer(node, row) {
  const answer = row.label ?? row.predicted, one = classes.get(answer), confirmed = row.label !== null;
  node.dataset.color = one?.color ?? 0;
  node.querySelector(".answer b").textContent = one?.name ?? "";
  const sure = node.querySelector(".answer em"), share = row.confidence ?? 0;
  sure.classList.toggle("confirmed", confirmed);
  sure.title = answer === "unknown" ? t("near_none") : "";
  if (confirmed) sure.replaceChildren("✓", make("span", { textContent: t("confirmed") }));
  else sure.textContent = answer === null ? t("no_answer_yet") : answer === "unknown" ? "" : numbers.format(share);
  node.querySelector(".meter i").style.width = `${confirmed ? 100 : answer === null || answer === "unknown" ? 0 : Math.round(share * 100)}%`;
  node.classList.toggle("changed", Boolean(row.changed));
}

/** Fetch the rows that are seen and not known, or known to be out of date, one request at a time. */
function fetchMissing() {
  const missing = seenIds.filter((id) => !rows.has(id) || stale.has(id)).slice(0, 150);
  if (missing.length && !fetching) {
    fetching = true;
    fetched = fetchRows(missing).then(() => { fetching = false; draw(); });
  }
  return fetched;
}

async function fetchRows(ids) {
  ids.forEach((id) => stale.delete(id));  // now, as what changes from here on makes them out of date again
  try {
    (await get(`items?ids=${ids.join()}`)).forEach(take);
  } catch {
    ids.forEach((id) => stale.add(id));
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function take(row) {
  const before = rows.get(row.id);
  row.changed = before && before.predicted !== null && before.predicted !== row.predicted && row.label === null;
  row.stamp = `${row.predicted} ${row.confidence} ${row.changed}`;
  if (!before?.sending) rows.set(row.id, row);
}

/** Say that answers may have changed; fresh: what is known of items now. All else that is seen is fetched at once. */
export function outdated(fresh) {
  rows.forEach((_, id) => stale.add(id));
  fresh.forEach(take);
  if (!fetching) fresh.forEach(({ id }) => stale.delete(id));  // else what is on its way is older
  draw();
  return fetchMissing();
}

/** Return the items on the screen. */
export const seenItems = () => seenIds.slice(0, 150);

/** Return the place of the last item that is seen. */
export function lastSeen() {
  const line = lines[Math.min(lineAt(seen()[1]), lines.length - 1)];
  return line?.ids ? line.at + line.ids.length : shown.ids.length;
}

/** Make an item the current one, and move the keyboard's focus to it. */
export function setCurrent(id) {
  current = id;
  drawNow();
  scrollTo(id);
  nodeOf(id)?.focus({ preventScroll: true });
}

function scrollTo(id) {
  const node = nodeOf(id);
  if (!node) return;
  const box = node.getBoundingClientRect(), view = boxOfView();
  const top = tools.getBoundingClientRect().bottom + 4, bottom = view.bottom - (byId("dock").hidden ? 12 : byId("dock").offsetHeight + 12);
  const by = box.top < top ? box.top - top : box.bottom > bottom ? Math.min(box.bottom - bottom, box.top - top) : 0;
  if (by) (narrow.matches ? window : scroller).scrollBy({ top: by, behavior: "instant" });
}

scroller.addEventListener("scroll", draw, { passive: true });
addEventListener("scroll", draw, { passive: true });

let width = 0;
new ResizeObserver(() => {
  if (list.clientWidth !== width) { width = list.clientWidth; layout(); } else draw();
}).observe(scroller);

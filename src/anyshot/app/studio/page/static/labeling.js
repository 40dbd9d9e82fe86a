// Labels: by the buttons of an item, by keys, and by dragging; for one item or for all that are selected. Classes are
// dragged here too.

import { classes, current, draw, layout, nextOpen, nodeOf, rows, selected, setCurrent, shown } from "./list.js";
import { base, onChange, send, state } from "./server.js";
import { ofBrowser, recall, remember } from "./storage.js";
import { announce, byId, make, t, toast } from "./texts.js";

const list = byId("list"), images = document.body.dataset.kind === "images";
let anchor = null, whyOpen = false;

/** Give items a label: the id of a class, "unknown", or null for none. It is shown at once and sent in the background. */
function label(ids, given) {
  if (!ids.length) return;
  if ("check" in list.dataset && ids.every((id) => rows.get(id)?.label === given)) return keep(ids);
  const isNew = (rows.get(ids[0])?.label ?? null) === null;
  for (const id of ids) {
    const row = rows.get(id);
    if (row) Object.assign(row, { label: given, changed: false, sending: true });
  }
  const name = classes.get(given)?.name;
  announce(given === null ? t("label_removed", { n: ids.length }) : t("labeled", { n: ids.length, name }));
  draw();
  const sent = () => ids.forEach((id) => rows.get(id) && (rows.get(id).sending = false));
  send("labels", { items: ids, label: given }).then(sent, (problem) => {
    ids.forEach((id) => rows.delete(id));
    draw();
    toast(problem.detail);
  });
  if (ids.length > 1 || selected.size) select([]);
  else if (ids[0] === current && given !== null && isNew) setCurrent(nextOpen());
}

/** Keep labels that look wrong, and take their items off the list. */
function keep(items) {
  send("labels/keep", { items }).then(() => {
    toast(t("label_kept", { n: items.length }));
    list.dispatchEvent(new CustomEvent("kept", { detail: items }));
  }, (problem) => toast(problem.detail));
}

/** Undo the last change; the server is told which one, as its answer named it, so that no other one is undone. */
export function undo(entry) {
  if (state.undo) takeBack("undo", () => ({ entry: entry ?? state.undo?.id ?? 0 }), "undone_what", ["key_redo", redo]);
}

/** Make the last change again that was undone, unless something else was done since. */
const redo = () => takeBack("redo", {}, "redone_what", ["undo", () => undo()]);

/** Undo or redo, and offer the opposite: beside it is told how many answers changed. */
function takeBack(path, body, said, [button, opposite]) {
  send(path, body).then((done) => {
    rows.clear();
    if (done.items?.length === 1 && shown.ids.includes(done.items[0])) setCurrent(done.items[0]);  // to be labeled again
    draw();
    if (done.sentence) toast(t(said, { what: done.sentence }), t(button), opposite);
  }, (problem) => toast(problem.detail));
}

function move(by, extend = false) {
  const at = shown.ids.indexOf(current), next = shown.ids[Math.max(0, Math.min(shown.ids.length - 1, at + by))];
  if (next === undefined) return;
  if (extend) [current, next].forEach((id) => selected.add(id));
  setCurrent(next);
  if (extend) showSelection();
}

export function select(ids) {
  selected.clear();
  ids.forEach((id) => selected.add(id));
  showSelection();
}

function toggle(id, range) {
  const [from, to] = [shown.ids.indexOf(anchor), shown.ids.indexOf(id)].sort((a, b) => a - b);
  if (range && from >= 0) shown.ids.slice(from, to + 1).forEach((one) => selected.add(one));
  else if (!selected.delete(id)) selected.add(id);
  anchor = id;
  showSelection();
}

function showSelection() {
  const bar = byId("several"), n = selected.size;
  byId("all").checked = n > 0 && n === shown.ids.length;
  byId("all").indeterminate = n > 0 && n < shown.ids.length;
  bar.hidden = n === 0;
  if (n) {
    const clear = make("button", { className: "button quiet", textContent: t("clear_selection"), onclick: () => select([]) });
    const text = make("b", { textContent: t("n_selected", { n }) });
    bar.replaceChildren(text, clear, ...picks(() => [...selected], undefined));
  }
  draw();
}

/** Return a button for each class; pressed: the label that the item has now. */
function picks(items, pressed) {
  return [...classes.values()].map((one) => {
    const button = make("button", { className: "button pick", type: "button", onclick: () => label(items(), one.id) });
    if (one.key) button.append(make("kbd", { textContent: one.key.toUpperCase(), ariaHidden: "true" }));
    button.append(one.name);
    button.dataset.color = one.color;
    if (pressed !== undefined) button.setAttribute("aria-pressed", String(pressed === one.id));
    return button;
  });
}

/** Show below the current item what can be done with it. */
function openCurrent() {
  document.querySelectorAll("#list .more").forEach((more) => !more.closest(`[data-item="${current}"]`) && more.remove());
  const row = rows.get(current), node = nodeOf(current), dock = byId("dock");
  if (selected.size) {
    const open = document.querySelector("#list .more");
    if (open) { open.remove(); draw(); }  // the rows below move up
    return;
  }
  const place = images ? dock : node;
  dock.hidden = !images || current === null || selected.size > 0 || !shown.ids.length;
  if (!place || !row || (images && dock.hidden)) return;
  let more = place.querySelector(".more");
  if (!more || more.dataset.item !== String(current)) {
    more?.remove();
    more = byId("more").content.firstElementChild.cloneNode(true);
    more.dataset.item = current;
    more.querySelector(".others").replaceChildren(row.name, ...row.others.flatMap(([name, value], place) => [...(place ? [" · "] : []), make("i", { textContent: name }), " ", value]));
    more.querySelector("[data-why]").onclick = () => toggleWhy(!whyOpen);
    more.querySelector("[data-like]").onclick = () => list.dispatchEvent(new CustomEvent("like", { detail: Number(more.dataset.item) }));
    place.append(more);
    if (whyOpen) showWhy();
  }
  const group = more.querySelector(".picks"), mark = `${row.label} ${classes.stamp}`, likely = row.label ?? row.predicted;
  group.setAttribute("aria-label", t("label_as"));
  if (group.dataset.mark !== mark) {
    group.dataset.mark = mark;
    const focused = [...group.children].indexOf(document.activeElement);
    const id = current, buttons = picks(() => [id], row.label);
    if (row.label !== null) buttons.push(make("button", { className: "button quiet", type: "button", textContent: t("remove_label"), onclick: () => label([id], null) }));
    group.replaceChildren(...buttons);
    more.querySelector(".aids").hidden = !classes.size;
    if (!classes.size) group.replaceChildren(make("span", { className: "dim", textContent: t("classes_first") }));
    group.children[focused]?.focus();
    delete group.dataset.likely;
    draw();
  }
  if (group.dataset.likely !== String(likely)) {  // the buttons stay: the click of one that is pressed would be lost
    group.dataset.likely = likely;
    [...classes.keys()].forEach((one, place) => group.children[place].classList.toggle("likely", one === likely));
    draw();
  }
}

function toggleWhy(open) {
  whyOpen = open;
  showWhy();
}

async function showWhy() {
  const more = document.querySelector(`.more[data-item="${current}"]`), why = more?.querySelector(".why");
  if (!why) return;
  const id = current;
  more.querySelector("[data-why]").setAttribute("aria-expanded", String(whyOpen));
  why.hidden = !whyOpen;
  if (whyOpen) {
    if (!why.childElementCount) why.textContent = t("looking");
    await window.htmx.ajax("GET", `${base}items/${id}/why`, { source: why, target: why, swap: "innerHTML" }).catch(() => {});  // the server is gone, as the page says
  }
  draw();
}

list.addEventListener("click", (event) => {
  const node = event.target.closest("[data-item]");
  if (!node || event.target.closest(".more")) return;
  const id = Number(node.dataset.item);
  if (event.target.matches("input") || event.shiftKey || event.ctrlKey || event.metaKey) return toggle(id, event.shiftKey);
  anchor = id;
  if (id !== current) setCurrent(id);
});
list.addEventListener("focusin", (event) => {
  const node = event.target.closest(".row, .card");
  if (node && event.target === node && Number(node.dataset.item) !== current) setCurrent(Number(node.dataset.item));
});
list.addEventListener("drawn", openCurrent);
list.addEventListener("pointerdown", (event) => {  // the text of the opened row can be selected, and copied
  const row = event.target.closest(".row");
  if (row) row.draggable = !event.target.closest(".current .text");
});
list.addEventListener("dragstart", (event) => {
  const node = event.target.closest("[data-item]");
  if (!node) return;
  const id = Number(node.dataset.item), ids = selected.has(id) ? [...selected] : [id];
  event.dataTransfer.setData("application/x-anyshot-items", JSON.stringify(ids));
  event.dataTransfer.effectAllowed = "copy";
  node.classList.add("dragged");
});
list.addEventListener("dragend", (event) => event.target.closest("[data-item]")?.classList.remove("dragged"));

// A class gets the items that are dropped onto it as its own, and a class that is dropped onto it takes its place.
let moved = null;  // the class that is dragged
byId("classes").addEventListener("dragstart", (event) => {
  const section = event.target.closest?.(".class");
  if (!section || !event.target.matches("header")) return;
  moved = section;
  event.dataTransfer.setData("application/x-anyshot-class", section.dataset.class);
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(section, 20, 20);
});
byId("classes").addEventListener("dragend", () => (moved = null));
for (const kind of ["dragover", "dragleave", "drop"]) {
  byId("classes").addEventListener(kind, (event) => {
    const target = event.target.closest?.("[data-class].class"), id = target?.dataset.class;
    const items = event.dataTransfer.types.includes("application/x-anyshot-items");
    if (!target || !(items || (moved && moved !== target && id !== "unknown"))) return;
    event.preventDefault();
    target.classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    if (items) label(JSON.parse(event.dataTransfer.getData("application/x-anyshot-items")), id === "unknown" ? id : Number(id));
    else moveClass(moved.dataset.class, id);
  });
}

/** Move a class to the place of another one. */
function moveClass(id, other) {
  const order = [...classes.keys()], by = order.indexOf(Number(other)) - order.indexOf(Number(id));
  send("classes/move", { id, by }).catch((problem) => toast(problem.detail));
}

byId("all").onchange = (event) => select(event.target.checked ? shown.ids : []);
byId("undo").onclick = () => undo();

const keysOn = byId("keys-on");
keysOn.checked = recall(ofBrowser, "anyshot keys") !== "off";
keysOn.onchange = () => remember(ofBrowser, "anyshot keys", keysOn.checked ? "on" : "off");

/** Give the current item its answer as its label. */
function confirm() {
  const row = rows.get(current);
  if (row && row.predicted !== null && row.label === null && !selected.size) label([current], row.predicted);
}

const chosen = () => (selected.size ? [...selected] : current === null ? [] : [current]);
const onKey = {
  j: (event) => move(1, event.shiftKey), k: (event) => move(-1, event.shiftKey),
  arrowdown: (event) => move(images ? Number(list.dataset.columns) : 1, event.shiftKey),
  arrowup: (event) => move(images ? -Number(list.dataset.columns) : -1, event.shiftKey),
  arrowright: () => images && move(1), arrowleft: () => images && move(-1),
  enter: confirm, u: () => label(chosen(), "unknown"), 0: () => label(chosen(), null), z: (event) => (event.shiftKey ? redo() : undo()),
  x: () => current !== null && toggle(current), w: () => toggleWhy(!whyOpen),
  "/": () => byId("search").focus(), a: () => byId("add-items").click(), "?": () => byId("show-keys").click(),
  escape: () => select([]),
};
addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, .more:not(:has(.picks))");
  if (typing || document.querySelector("dialog[open]") || event.altKey) return;
  const key = event.key.toLowerCase(), arrow = key.startsWith("arrow");
  if (event.ctrlKey || event.metaKey) {  // as in other programs
    if (key === "z" || key === "y") { event.preventDefault(); if (key === "y" || event.shiftKey) redo(); else undo(); }
    return;
  }
  if (!keysOn.checked) return;
  if (arrow && !event.target.closest("#list") && event.target !== document.body) return;
  if (key === "enter" && event.target.closest("button, a, summary")) return;
  const one = [...classes.values()].find((each) => each.key === key && key !== "u");
  if (!one && !(key in onKey)) return;
  event.preventDefault();
  if (one) label(chosen(), one.id);
  else onKey[key](event);
});

/** Read the classes from the panel on the left, which the server drew. */
export function readClasses() {
  classes.clear();
  for (const section of document.querySelectorAll("#classes [data-class]")) {
    const { class: id, color, key } = section.dataset, given = id === "unknown" ? id : Number(id);
    classes.set(given, { id: given, name: section.getAttribute("aria-label"), color, key: key ?? "" });
  }
  classes.stamp = JSON.stringify([...classes.values()]);
  if (selected.size) showSelection();
  if (shown.ids.length) layout();
}

onChange((subjects, { undo: last }) => {
  if (whyOpen && subjects.has("answers")) showWhy();
  byId("undo").disabled = !last;
  byId("undo").title = last ? t("undo_what", { what: last.sentence }) : t("undo");
});
readClasses();

// The page of a project: the panels on both sides, the order and search of the items, and what changed.

import { openAdd, openSheet, showTable, tell } from "./adding.js";
import { readClasses, select, undo } from "./labeling.js";
import { classes, current, isConfirmed, lastSeen, outdated, rows, seenItems, selected, setCurrent, show, shown } from "./list.js";
import { morph } from "./morph.js";
import { base, follow, get, onChange, reload, send, sendForm, state } from "./server.js";
import { CHOOSING, forget, ofBrowser, ofTab, recall, remember, TYPED } from "./storage.js";
import { announce, byId, make, t, toast } from "./texts.js";

const { htmx } = window, narrow = matchMedia("screen and (max-width: 900px)");
const choosing = `${CHOOSING}${base.split("/")[2]}`;
const view = byId("view"), filter = { params: {}, text: "", ids: null, labeled: [] };
let asked = 0, count = 0, anew = false;  // anew: a person asked for another order, which is not shown yet
let answered = false;  // whether what is seen is in an order by answers

/** Ask the server for the items in the chosen order. stays: whether what is seen then keeps its place, and only what
 * follows is sorted. */
async function order({ stays } = {}) {
  const mine = ++asked;
  anew ||= !stays;
  const search = byId("search").value.trim(), by = byId("search-by").value;
  const params = { view: view.value, ...(search ? { [by]: search } : {}), ...filter.params };
  const found = filter.ids ? filter : await get(`order?${new URLSearchParams(params)}`).catch((problem) => { if (problem.detail) toast(problem.detail); });
  await released;
  if (mine !== asked || !found) return;
  const keeps = !anew && stays();
  anew = false;
  answered = found.answered ?? answered;
  let { ids } = found;
  if (keeps && !found.groups && shown.ids.length) {  // what was just read stays, though its answer may be another now
    const there = new Set(ids), at = shown.ids.indexOf(current), wasRead = (id, place) => place < at || (place === at && !isConfirmed(id));
    const first = shown.ids.slice(0, lastSeen()).filter((id, place) => there.has(id) || wasRead(id, place));
    const seen = new Set(first);
    ids = [...first, ...ids.filter((id) => !seen.has(id))];
  }
  showRandom();
  show(ids, found.labeled, found.groups ?? null, !keeps);
  byId("nothing").hidden = Boolean(ids.length) || !state.n_items;
  byId("nothing").firstElementChild.textContent = t(view.value === "errors" && !search && !filter.text ? "no_errors" : "nothing_found");
  byId("filter").hidden = !filter.text;
  byId("filter").firstElementChild.textContent = filter.text;
  showCount(found.ids.length);
}

/** Say how many items are shown, or what they are. */
function showCount(n = count) {
  count = n;
  const search = byId("search").value.trim(), { ids, labeled, params, text } = filter;
  let shown = search || text ? t("n_of_items", { n, of: state.n_items }) : t("n_items_confirmed", { n: state.n_items, labels: t("n_confirmed", { n: state.n_labels }) });
  if (params.like || (search && byId("search-by").value === "meaning")) shown = t("most_similar");
  const areToCheck = n && (labeled.length || (view.value === "errors" && !ids));
  if (areToCheck) shown = t("to_check");
  byId("list").toggleAttribute("data-check", Boolean(areToCheck));
  byId("shown").textContent = shown;
}

/** Say why there are items in the list whose answers are sure. */
function showRandom() {
  const sorted = view.value === "first" && !byId("search").value.trim() && !filter.ids && !filter.params.like && !filter.params.view;
  byId("at-random").hidden = !sorted || !state.answered || Boolean(state.reading);
}

/** Show some of the items only; labeled: those of the ids that have a label. */
function showOnly(text, { params = {}, ids = null, labeled = [] } = {}) {
  Object.assign(filter, { text, params, ids, labeled });
  byId("search").value = "";
  select([]);
  order().then(() => { announce(byId("shown").textContent); if (text && current !== null) setCurrent(current); });
  toTop();
}

/** Show the beginning of the list, which on a narrow screen is below what was pressed. */
function toTop() {
  if (narrow.matches) byId("tools").scrollIntoView();
  else byId("scroller").scrollTo({ top: 0 });
}

const showAll = () => showOnly("");
byId("filter").querySelector("button").onclick = showAll;
byId("show-all").onclick = () => { view.value = "first"; showAll(); };
view.onchange = () => { delete filter.params.view; filter.params.of ? order() : showAll(); toTop(); };
let typing;
byId("search").oninput = () => { clearTimeout(typing); typing = setTimeout(order, 250); };
byId("search-by").onchange = () => order();
byId("search-form").onsubmit = (event) => { event.preventDefault(); order(); byId("list").querySelector("[tabindex='0']")?.focus(); };
byId("list").addEventListener("kept", ({ detail: items }) => {
  select([]);
  if (filter.ids) filter.ids = filter.ids.filter((id) => !items.includes(id));
  order();
});
byId("list").addEventListener("like", ({ detail: id }) => {
  const row = rows.get(id), name = (row.text ?? row.name).slice(0, 40);
  showOnly(t("filter_like", { name }), { params: { like: id } });
});

// Panels. While a button is pressed nothing moves, neither here nor in the list, since its click would be lost.
const asked_for = new Set(), again = new Set();
const SURE_AFTER = 5;  // of which the rest is estimated [s]
let asking = false, askWords = [];  // the new classes that are still to be asked for words
let released = Promise.resolve();
addEventListener("pointerdown", () => {
  released = new Promise((done) => ["pointerup", "pointercancel"].forEach((name) => addEventListener(name, () => setTimeout(done), { once: true })));
});
async function refresh(id) {
  if (asked_for.has(id)) return again.add(id);
  asked_for.add(id);
  const ask = askWords.length ? `?ask=${askWords.join()}` : "";
  const content = await fetch(`${base}${id}${ask}`).then((answer) => (answer.ok ? answer.text() : null)).catch(() => null);
  await released;
  if (content !== null) drawPanel(byId(id), content);
  else {  // the server is gone, or the project
    again.add(id);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  asked_for.delete(id);
  if (again.delete(id)) refresh(id);
}
const buttonsIn = (panel) => [...panel.querySelectorAll("button")].filter((one) => one.checkVisibility());
function drawPanel(panel, content) {
  const focused = document.activeElement, at = buttonsIn(panel).indexOf(focused);
  const fresh = panel.cloneNode(false), first = byId("new-class").elements.names, typed = first.value;
  fresh.innerHTML = content;
  morph(panel, fresh);
  htmx.process(panel);
  if (at >= 0 && !focused.isConnected) buttonsIn(panel)[at]?.focus();  // what took the place of what is gone
  if (panel.id === "quality") {
    byId("brief").textContent = panel.querySelector(".headline").textContent;
    hideDismissed();
  }
  if (panel.id !== "classes") return;
  const { names } = byId("new-class").elements, ask = panel.querySelector(".ask.words textarea");
  if (names !== first && typed && byId("add-class")) fillNewClass(typed);  // someone else has named the first ones
  if (ask && !asking && isFree()) ask.focus();
  if (asking && !ask && narrow.matches) panel.closest("details").open = false;  // what follows is below
  asking = ask !== null;
  readClasses();
  byId("n-classes").textContent = classes.size ? t("n_classes", { n: classes.size - 1 }) : t("classes");
}
// Notes that a person does not want to see again in this browser.
const dismissed = new Set(JSON.parse(recall(ofBrowser, `anyshot dismissed ${base}`) || "[]"));
function hideDismissed() {
  const notes = [...document.querySelectorAll("[data-note]")];
  notes.forEach((one) => (one.hidden = dismissed.has(one.dataset.note)));
  const box = notes[0]?.closest(".notes");
  if (box) box.hidden = notes.every((one) => one.hidden);
}
hideDismissed();
const isWorkedOn = () => selected.size || [byId("list"), byId("dock")].some((one) => one.contains(document.activeElement));
const isFree = () => document.activeElement === document.body || byId("classes").contains(document.activeElement);
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "sheet-content" && !byId("sheet").open) byId("sheet").showModal();
  if (event.target.classList?.contains("why")) byId("list").dispatchEvent(new Event("scroll"));
});
document.body.addEventListener("htmx:responseError", (event) => {
  let text = t("failed");
  try { text = JSON.parse(event.detail.xhr.responseText).detail; } catch { /* no problem document */ }
  toast(text);
});
document.body.addEventListener("htmx:sendError", () => { if (byId("gone").hidden) toast(t("gone")); });

// Forms that change something: sent through the queue of changes, so that none is lost.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-send]");
  if (!form) return;
  event.preventDefault();
  const body = Object.fromEntries(new FormData(form, event.submitter)), error = form.querySelector(".error");
  if (error) error.textContent = "";
  sendForm(form, form.dataset.send, body).then((done) => {
    const dialog = form.closest("dialog");
    dialog?.close();
    if (form.closest("#classes")) form.reset();
    if (form.id === "new-class") { askWords = done.added; if (byId("add-class")) openNewClass(false); }
    if (form.classList.contains("words")) { askWords = []; form.remove(); }
    if (form.dataset.send.startsWith("classes")) refreshPanels();
    if (form.dataset.send.startsWith("tables")) {
      history.replaceState(null, "", base);  // where the table was named
      forget(ofBrowser, choosing);
    }
    if (done.kind && done.kind !== document.body.dataset.kind) return reloadAs(done);
    if (done.message) toast(done.message);
    else if (typeof done.added === "number") tell(done);
    else if (dialog && done.undo) toast(done.undo.sentence, t("undo"), () => undo(done.undo.id));
  }, (problem) => { if (error) error.textContent = problem.detail; else toast(problem.detail); });
});
/** Show the page of a project that became one of another kind, and then what was added. */
function reloadAs(done) {
  remember(ofTab, `anyshot added ${base}`, JSON.stringify(done));
  reload();
}
const words = (id, change) => send("classes/words", { id, ...change }).catch((problem) => toast(problem.detail));
const idOf = (element) => Number(element.closest("[data-class]").dataset.class);

document.addEventListener("click", (event) => {
  const on = (name) => event.target.closest(`[data-${name}]`);
  let found;
  if ((found = on("strike"))) { found.closest(".chip").classList.add("struck"); words(idOf(found), { strike: found.dataset.strike }); }
  if ((found = on("restore"))) { found.closest(".chip").remove(); words(idOf(found), { add: found.dataset.restore }); }
  if ((found = on("add-word"))) { const form = found.nextElementSibling; found.hidden = true; form.hidden = false; form.elements.add.focus(); }
  if ((found = on("more-words"))) found.parentElement.toggleAttribute("data-open");
  if ((found = on("add-class"))) openNewClass(true);
  if (on("cancel-class")) openNewClass(false);
  if ((found = on("dismiss"))) {
    dismissed.add(found.closest("[data-note]").dataset.note);
    remember(ofBrowser, `anyshot dismissed ${base}`, JSON.stringify([...dismissed]));
    hideDismissed();
    byId("right").querySelector("summary").focus();
  }
  if ((found = on("skip-words"))) { askWords = []; found.form.reset(); refreshPanels(); }
  if ((found = on("show-class"))) showOnly(t("filter_class", { name: found.dataset.name ?? found.textContent }), { params: { of: found.dataset.showClass, ...(found.dataset.order ? { view: found.dataset.order } : {}) } });
  if ((found = on("enlarge"))) enlarge(Number(found.closest(".more").dataset.item));
  if ((found = on("view"))) { view.value = found.dataset.view; showAll(); }
  if ((found = on("show-ids"))) { const ids = found.dataset.showIds.split(",").map(Number); showOnly(found.dataset.showName, { ids, labeled: ids }); }
  if ((found = on("focus"))) {
    const there = document.querySelector(found.dataset.focus);
    there?.closest("details")?.setAttribute("open", "");  // on a narrow screen, it may be folded
    there?.click();
  }
  if (on("undo")) { byId("sheet").close(); undo(); }
  if ((found = on("copy"))) navigator.clipboard.writeText(found.previousElementSibling.textContent).then(() => { found.textContent = t("copied"); announce(t("copied")); });
});

/** Show a picture as large as the screen allows; in the list, its edges are cut off. */
function enlarge(id) {
  const { name } = rows.get(id);
  openSheet(name, make("img", { className: "picture", src: `${base}items/${id}/picture`, alt: name }));
}
byId("list").addEventListener("dblclick", ({ target }) => target.matches(".card > img") && enlarge(Number(target.parentElement.dataset.item)));
function openNewClass(open) {
  byId("add-class").hidden = open;
  byId("new-class").hidden = !open;
  (open ? byId("new-class").querySelector("input, textarea") : byId("add-class")).focus();
}
function fillNewClass(typed) {
  if (byId("add-class")) openNewClass(true);
  byId("new-class").elements.names.value = byId("add-class") ? typed.replaceAll("\n", ", ") : typed;
}
const typedBefore = recall(ofTab, TYPED + base);
forget(ofTab, TYPED + base);
if (typedBefore) fillNewClass(typedBefore);
document.addEventListener("focusout", (event) => {
  const form = event.target.closest(".chips form");
  if (form && !form.elements.add.value) setTimeout(() => { form.hidden = true; form.previousElementSibling.hidden = false; }, 150);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest(".chips form")) { event.target.value = ""; event.target.blur(); }
  if (event.key === "Escape" && event.target.closest("#new-class") && byId("add-class")) openNewClass(false);
});

// An export is fetched, so that the page can say that it is being prepared, or why there is none.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a.choice[download]");
  if (!link) return;
  event.preventDefault();
  if (link.ariaBusy === "true") return;
  const error = byId("export-error"), notes = byId("export-notes"), about = link.querySelector("small"), before = about.textContent;
  link.ariaBusy = "true";
  error.textContent = "";
  notes.hidden = true;
  about.replaceChildren(t("preparing"), " ", make("progress", { ariaLabel: t("preparing") }));
  announce(t("preparing"));
  try {
    const answer = await fetch(link.href);
    if (answer.ok) {
      notes.textContent = JSON.parse(decodeURIComponent(answer.headers.get("X-Anyshot-Notes"))).join(" ");
      notes.hidden = !notes.textContent;
      saveFile(await answer.blob(), link.download);
    } else error.textContent = (await answer.json()).detail;
  } catch {
    error.textContent = t("gone_once");
  }
  about.textContent = before;
  link.ariaBusy = "false";
});

function saveFile(content, name) {
  const address = URL.createObjectURL(content);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

// What changed, in this tab or elsewhere.
let later;
function refreshPanels() {
  clearTimeout(later);
  refresh("classes");
  refresh("quality");
}
let items = state.n_items;
onChange((subjects, now) => {
  const any = (...names) => names.some((name) => subjects.has(name));
  const seen = any("answers", "labels", "classes", "items") ? outdated(now.rows) : Promise.resolve();
  const grown = any("items") || now.n_items !== items, sorted = any("answers") && view.value === "first";
  const keep = now.n_items === items && answered;
  seen.then(() => {  // what is seen comes first, and the server can do one thing at a time
    if (any("classes", "answers", "items")) refreshPanels();
    if (grown || sorted) order({ stays: () => keep || isWorkedOn() });  // it may be when the answer comes
  });
  if (any("labels") && !any("answers")) clearTimeout(later), later = setTimeout(refreshPanels, 1000);  // the answers follow
  showCount();
  items = now.n_items;
  showRandom();
  byId("no-items").hidden = now.n_items > 0;
  byId("tools").hidden = now.n_items === 0;
  if (now.changed?.length) toast(t("answers_changed", { n: now.changed.length }), t("show_them"), () => showOnly(t("answers_changed", { n: now.changed.length }), { ids: now.changed }), { follows: true });
  byId("no-answers").hidden = !now.problem;
  byId("no-answers").textContent = now.problem;
  showReading(now.reading);
});

/** Say how far reading is, and about how long the rest takes. */
let begun = null;
function showReading(reading) {
  const box = byId("reading"), { done, total } = reading ?? {}, at = performance.now();
  if (!begun || !reading || done < begun.done) begun = reading && { done, at };
  if (reading && box.hidden) announce(t("reading", reading));
  box.hidden = !reading;
  if (!reading) return;
  const parts = [t(done < total ? "reading" : "finding", reading)], seconds = (at - begun.at) / 1000;
  const left = seconds * (total - done) / (done - begun.done), minutes = Math.round(left / 60);
  if (seconds > SURE_AFTER && left > 0 && left < Infinity) parts.push(minutes ? t("time_left", { n: minutes }) : t("time_left_short"));
  byId("reading-text").textContent = parts.join(" · ");
  byId("reading-bar").value = done / Math.max(1, total);
}

// Items that are far from the screen are not in the document, and cannot be printed.
addEventListener("beforeprint", () => {
  const n = document.querySelectorAll("#list :is(.row, .card):not(.waiting)").length, of = shown.ids.length;
  byId("printed").textContent = n < of ? t("printed_part", { n, of }) : "";
});

// On a narrow screen the panels fold; on a wide one they are always open.
function fold() {
  byId("scroller")[narrow.matches ? "before" : "after"](byId("right"));  // the list is long: nothing is found below it
  document.querySelectorAll(".area > details").forEach((one) => {
    one.open = !narrow.matches || (one.parentElement.classList.contains("left") && classes.size === 0);
    one.firstElementChild.tabIndex = narrow.matches ? 0 : -1;
  });
}
narrow.addEventListener("change", fold);
document.querySelectorAll(".area > details > summary").forEach((one) => one.addEventListener("click", (event) => narrow.matches || event.preventDefault()));
fold();

document.querySelectorAll("[data-open=add]").forEach((button) => button.addEventListener("click", () => openAdd(button.dataset.tab)));
if (document.body.dataset.table) {
  get(`tables/${document.body.dataset.table}`).then(showTable, ({ detail }) => toast(detail));
  // The project was created for this table: if its columns are not chosen, it is of no use. Where this page is left or
  // closed, the first page discards it.
  const name = base.split("/")[2];
  remember(ofBrowser, choosing, name);
  navigator.locks.request(choosing, () => new Promise(() => {}));  // while this page is there
  const discard = () => {
    state.leaving = true;  // what the page asks of the project meanwhile is answered that it is gone
    send(`../../projects/${name}/discard`).then(() => { forget(ofBrowser, choosing); location.href = "/"; }, () => { state.leaving = false; });
  };
  byId("sheet").addEventListener("close", () => location.search && discard(), { once: true });
}
order();
follow(seenItems);

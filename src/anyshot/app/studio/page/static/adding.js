// Adding items: pasted texts, files, folders, tables with a choice of columns, and pictures of the camera.

import { isImage, onDrop, reasonOf, sendFiles, withoutHidden } from "./files.js";
import { classes } from "./list.js";
import { get, send, sendForm } from "./server.js";
import { forget, ofTab, recall } from "./storage.js";
import { byId, make, t, toast } from "./texts.js";

const dialog = byId("add"), kind = document.body.dataset.kind;
const box = byId("paste-text"), isBlank = () => byId("panel-paste").elements.blank?.checked;
// A spreadsheet copies a cell of several lines between quotes, with the quotes in it twice.
const CELL = /(?<=^|\t)"((?:[^"]|"")*\n(?:[^"]|"")*)"(?=\t|$)/gm, BREAK = "\u2028";
const TABLES = /\.(csv|tsv|txt|xlsx|jsonl|ndjson|parquet|json)$/i;

/** Tell what was added, and list what was not. */
export function tell({ added, repeated = 0, refused = [], notes = [] }) {
  dialog.close();
  if (box && hasColumns()) box.value = "";  // they were added as a table
  if (!classes.size) byId("new-class").elements.names.focus();  // what comes next
  const parts = [t("added", { n: added })];
  if (repeated) parts.push(t("repeated", { n: repeated }));
  if (refused.length) parts.push(t("refused", { n: refused.length }));
  if (notes.length) parts.push(t("n_notes", { n: notes.length }));
  if (!added && !repeated && refused.length === 1 && !notes.length) return toast(reasonOf(refused[0]));
  toast(parts.join(" "), refused.length || notes.length ? t("show") : "", () => showTold(refused, notes));
}

/** Show what was not added and why, below what should be known of the rest. */
function showTold(refused, notes) {
  const named = new Map();  // reason -> what it is true of
  for (const { name, reason } of refused) named.set(reason, [...(named.get(reason) ?? []), name]);
  const lines = [...named].slice(0, 200).map(([reason, names]) => make("li", { textContent: reasonOf({ name: names.join(", "), reason }) }));
  const shown = notes.map((one) => make("p", { className: "note", textContent: one }));
  if (lines.length) shown.push(make("ul", { className: "stack" }, ...lines));
  openSheet(refused.length ? t("refused", { n: refused.length }) : t("worth_knowing"), ...shown);
}

/** Open the dialog that shows what other parts put into it. */
export function openSheet(heading, ...content) {
  const close = make("button", { className: "button quiet square", type: "button", textContent: "×", ariaLabel: t("close") });
  close.dataset.close = "";
  const title = make("div", { className: "title" }, make("h2", { id: "dialog-title", textContent: heading }), close);
  byId("sheet-content").replaceChildren(title, ...content);
  if (!byId("sheet").open) byId("sheet").showModal();
}

/** Say why nothing was added: in the dialog, if it is open, since it covers the rest of the page. */
function failed({ detail }) {
  if (dialog.open) byId("add-error").textContent = detail;
  else toast(detail);
}

// What the first page added when it created the project.
const added = `anyshot added ${document.body.dataset.base}`, before = recall(ofTab, added);
if (before) {
  forget(ofTab, added);
  tell(JSON.parse(before));
}

/** Add files: a single table asks for its columns, all others are sent in parts. */
async function addFiles(files) {
  if (!files.length) return;
  if (box && files.length === 1 && TABLES.test(files[0].name)) return openTable(files[0]);
  dialog.close();  // it would cover how far they are sent
  await sendFiles(files, (form) => send("items/files", form), toast).then(tell, failed);
}

async function openTable(file, { pasted = false } = {}) {
  const body = new FormData();
  body.append("file", file, file.name);
  if (pasted) body.append("pasted", "");
  await send("tables", body).then((found) => { dialog.close(); showTable(found); }, failed);
}

/** Show a table with the choice of its columns. */
export function showTable({ html }) {
  byId("sheet-content").innerHTML = html;
  if (!byId("sheet").open) byId("sheet").showModal();
  markColumns();
}

/** Show in the preview which columns are chosen. */
function markColumns() {
  const chosen = [...document.querySelectorAll("#sheet [data-column]")].map((one) => one.value);
  for (const one of document.querySelectorAll("#sheet [data-use]")) if (one.checked) chosen.push(one.dataset.use);
  document.querySelectorAll("#sheet [data-at]").forEach((cell) => cell.classList.toggle("chosen", chosen.includes(cell.dataset.at)));
  const text = document.querySelector("#sheet [data-column=text]")?.value;
  document.querySelector(`#sheet th[data-at="${text}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

byId("sheet").addEventListener("change", ({ target }) => {
  if (target.matches("[data-use]")) markColumns();
  if (target.matches("[data-column]")) {
    const used = document.querySelector(`#sheet [data-use="${target.value}"]`);  // the classes are no feature
    if (used) used.checked = false;
    markColumns();
  }
  if (!target.matches("[data-reading]")) return;
  const { form, name } = target;  // the table is read again
  const reading = new URLSearchParams(new FormData(form));
  if (name === "sheet") reading.delete("kind");  // another sheet may hold other items
  get(`${form.dataset.send}?${reading}`).then((found) => {
    showTable(found);
    byId("sheet").querySelector(`select[name=${name}], [name=${name}]:checked`).focus();
  }, ({ detail }) => { form.querySelector(".error").textContent = detail ?? t("gone_once"); });
});

onDrop(addFiles);

for (const id of ["file-input", "folder-input"]) {
  byId(id).onchange = (event) => { addFiles(withoutHidden(event.target.files)); event.target.value = ""; };
}

const pasted = () => {
  const blank = isBlank();
  const text = blank ? box.value : box.value.replace(CELL, (_, cell) => cell.replaceAll('""', '"').replaceAll("\n", BREAK));
  return text.split(blank ? /\n\s*\n/ : /\n/).map((one) => one.replaceAll(BREAK, "\n").trim()).filter(Boolean);
};
/** Return whether several columns of a spreadsheet were pasted: most lines have as many tabs as the first. */
function hasColumns() {
  const tabs = box.value.replace(CELL, "").split("\n").filter((line) => line.trim()).map((line) => line.split("\t").length - 1);
  return kind === "rows" || !isBlank() && tabs.length > 1 && tabs[0] > 0 && tabs.filter((n) => n === tabs[0]).length > tabs.length / 2;
}
if (box) {
  // While the columns of pasted cells are chosen, the box with the cells is not seen.
  addEventListener("beforeunload", (event) => byId("sheet").open && box.value && hasColumns() && event.preventDefault());
  const count = () => {
    const n = pasted().length;
    byId("paste-add").disabled = !n;
    byId("paste-add").textContent = n && kind !== "rows" ? t("add_n", { n }) : t("add");
  };
  byId("panel-paste").oninput = count;
  byId("panel-paste").onsubmit = (event) => {
    event.preventDefault();
    if (hasColumns()) return openTable(new File([box.value], `${t("pasted_table")}.tsv`), { pasted: true });
    sendForm(event.target, "items", { texts: pasted() }).then((done) => { box.value = ""; count(); tell(done); }, failed);
  };
}
addEventListener("paste", (event) => {
  if (event.target.closest("input, textarea, dialog[open]")) return;
  const text = event.clipboardData.getData("text/plain"), isText = box && text.trim();
  const files = [...event.clipboardData.files].filter((file) => !isText || !isImage(file));  // of cells, there is a picture too
  event.preventDefault();  // the browser would put the text into the box, too
  if (files.length) addFiles(files);
  else if (isText) { openAdd("paste"); box.value = text; byId("panel-paste").oninput(); }
});

const tabs = [...dialog.querySelectorAll("[role=tab]")];
function choose(tab) {
  tabs.forEach((one) => {
    one.setAttribute("aria-selected", String(one === tab));
    one.tabIndex = one === tab ? 0 : -1;
    byId(one.getAttribute("aria-controls")).hidden = one !== tab;
  });
  if (tab.id === "tab-camera") startCamera(); else stopCamera();
}
tabs.forEach((tab, at) => {
  tab.onclick = () => choose(tab);
  tab.onkeydown = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { const next = tabs[(at + by + tabs.length) % tabs.length]; choose(next); next.focus(); }
  };
});

export function openAdd(name) {
  const tab = byId(`tab-${name}`) ?? tabs[0];
  choose(tab);
  byId("add-error").textContent = "";
  if (!dialog.open) dialog.showModal();
  if (tab.id !== "tab-paste") return;
  byId("panel-paste").oninput();  // a browser that goes back fills the box again
  box.focus();
}

let stream = null, opening = 0;
async function startCamera() {
  const error = byId("camera-error"), mine = ++opening, names = [...classes.values()].filter((one) => one.id !== "unknown");
  byId("camera-class").replaceChildren(make("option", { value: "", textContent: t("no_class") }), ...names.map((one) => make("option", { value: one.id, textContent: one.name })));
  error.textContent = "";
  try {
    const opened = await navigator.mediaDevices.getUserMedia({ video: { width: 960, height: 720 } });
    if (mine !== opening) return opened.getTracks().forEach((track) => track.stop());
    stream = opened;
    byId("video").srcObject = stream;
    await byId("video").play();
    byId("shoot").disabled = false;
  } catch {
    error.textContent = t("camera_refused");
  }
}
function stopCamera() {
  opening++;
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  if (byId("shoot")) byId("shoot").disabled = true;
}
dialog.addEventListener("close", stopCamera);
let shots = 0;
if (byId("shoot")) {
  byId("shoot").onclick = () => {
    const video = byId("video"), canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      const body = new FormData(), name = t("camera_file", { n: ++shots }), chosen = byId("camera-class").value;
      body.append("files", blob, `${name}.jpg`);
      if (chosen) body.append("label", chosen);
      const address = URL.createObjectURL(blob);
      send("items/files", body).then(() => byId("shots").prepend(make("img", { src: address, alt: name })), failed);
    }, "image/jpeg", 0.92);
  };
}

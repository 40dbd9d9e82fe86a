// The first page: projects are created, from samples and files too, renamed, removed and brought back.

import { isImage, lostFile, nameOf, onDrop, reasonOf, sendFiles, withoutHidden } from "./files.js";
import { CHOOSING, forget, keysOf, ofBrowser, ofTab, remember } from "./storage.js";
import { byId, t } from "./texts.js";

const MAX_REASONS = 3;  // that are shown of files of which none can be used
const error = byId("start-error"), working = byId("working");
const say = (text) => (working.firstElementChild.textContent = text);

async function post(path, body) {
  const files = body instanceof FormData;
  const headers = { "X-Anyshot-Token": document.body.dataset.token, ...(files ? {} : { "Content-Type": "application/json" }) };
  const sent = fetch(path, { method: "POST", headers, body: files ? body : JSON.stringify(body) });
  const answer = await sent.catch(async (fault) => { throw (await lostFile(body)) ?? fault; });
  const result = await answer.json();
  if (!answer.ok) throw result;
  return result;
}

const closeDialogs = () => document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());

/** Do something that takes a while: the page says so, or what was wrong. */
async function work(what) {
  closeDialogs();
  error.textContent = "";
  say(t("working"));
  working.hidden = false;
  document.body.classList.add("working");
  try {
    location.href = (await what()).address;
  } catch (problem) {
    error.textContent = problem.detail ?? t("gone_once");
    error.scrollIntoView({ block: "nearest" });
    working.hidden = true;
    document.body.classList.remove("working");
  }
}

document.querySelectorAll("[data-create]").forEach((form) => form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = Object.fromEntries(new FormData(form, event.submitter));
  work(() => post("/projects", body));
}));

/** Start with files: a table, what was saved here, the folder of a model, photographs, or several texts. */
async function startWith(files) {
  const names = files.map((file) => file.name), folder = nameOf(files[0]).split("/").slice(0, -1)[0];
  if (names.includes("project.sqlite")) throw { detail: t("start_project_folder") };
  const model = files.find((file) => file.name === "model.json");
  if (files.length === 1) say(t("reading_file", { name: names[0] }));
  if (files.length === 1 || model) {
    const body = new FormData(), beside = nameOf(model ?? files[0]).slice(0, -"model.json".length);
    const wanted = model ? files.filter((file) => /^(model\.json|arrays\.safetensors|README\.md)$/.test(file.name) && nameOf(file).startsWith(beside)) : files;
    if (model || !isImage(files[0])) {
      wanted.forEach((file) => body.append("files", file, nameOf(file)));
      return withAdded(await post("/projects/file", body));
    }
  }
  const kind = files.some((file) => isImage(file) || /\.zip$/i.test(file.name)) ? "images" : "texts";
  const name = folder ?? t(`kind_${kind}`), created = await post("/projects", { name, kind });
  const partly = (problem) => { throw problem.detail ? problem : { detail: t("gone_partly", { name }) }; };
  const done = await sendFiles(files, (form) => post(`${created.address}items/files`, form), say).catch(partly);
  if (!done.added) {  // a project without an item is of no use
    await post(`/projects/${created.address.split("/")[2]}/discard`, {});
    throw { detail: done.refused.slice(0, MAX_REASONS).map(reasonOf).join("; ") };
  }
  return withAdded({ ...created, done });
}
/** Remember what was added to a new project, for its page to show; return the project. */
function withAdded(created) {
  if (created.done) remember(ofTab, `anyshot added ${created.address}`, JSON.stringify(created.done));
  return created;
}
const take = (files) => files.length && work(() => startWith(files));
for (const input of document.querySelectorAll("[data-start-file], [data-start-folder]")) {
  input.addEventListener("change", () => { take(withoutHidden(input.files)); input.value = ""; });
}
onDrop(take);

// A browser that goes back shows the page as it was left, with the message that something is being done.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

/** Discard the projects whose pages were left or closed before the columns of their tables were chosen. */
async function discardLeft() {
  const discard = async (key, lock) => {
    if (!lock) return false;  // they are being chosen in another tab
    forget(ofBrowser, key);
    return post(`/projects/${key.slice(CHOOSING.length)}/discard`, {}).then(() => true, () => false);
  };
  const keys = keysOf(ofBrowser, CHOOSING), ask = (key) => navigator.locks.request(key, { ifAvailable: true }, (lock) => discard(key, lock));
  if ((await Promise.all(keys.map(ask))).some(Boolean)) location.reload();
}
discardLeft().then(() => setTimeout(discardLeft, 1000));  // the page that was left may hold its lock for a moment

// Changes of the projects that are there.
function openFor(id, { address, name }) {
  const dialog = byId(id);
  dialog.dataset.project = address;
  dialog.querySelectorAll(".error").forEach((one) => (one.textContent = ""));
  const field = dialog.querySelector("[name=name]"), shown = dialog.querySelector("[data-shown-name]");
  if (field) field.value = field.defaultValue = name;
  if (shown) shown.textContent = name;
  dialog.showModal();
  field?.select();
}
async function change(action, project, body, failed) {
  try {
    const { name } = await post(`/projects/${encodeURIComponent(project)}/${action}`, body);
    closeDialogs();
    location.href = action === "remove" ? `/?removed=${encodeURIComponent(name)}` : "/";
  } catch (problem) {
    failed.textContent = problem.detail ?? t("gone_once");
  }
}
addEventListener("click", (event) => {
  const edit = event.target.closest("[data-edit-project]"), gone = event.target.closest("[data-delete-project]"), restore = event.target.closest("button[data-change]");
  if (edit) openFor("edit-project", { address: edit.dataset.editProject, name: edit.dataset.name });
  if (gone) openFor("delete-project", { address: gone.dataset.deleteProject, name: gone.dataset.name });
  if (restore) change(restore.dataset.change, restore.dataset.project, {}, error);
});
document.querySelectorAll("form[data-change]").forEach((form) => form.addEventListener("submit", (event) => {
  event.preventDefault();
  const failed = form.closest("dialog").querySelector(".error");
  change(form.dataset.change, form.closest("dialog").dataset.project, Object.fromEntries(new FormData(form)), failed);
}));

// What is sent to the server and what comes from it. Changes are sent one after another. While the server is gone they
// wait here and in the tab's storage, so that neither a click nor a reload loses one.

import { lostFile } from "./files.js";
import { ofTab, recall, remember, TYPED } from "./storage.js";
import { byId, make, t } from "./texts.js";

export const base = document.body.dataset.base;
let token = document.body.dataset.token;
const waiting = `anyshot waiting ${base}`;
const queue = JSON.parse(recall(ofTab, waiting) || "[]").map((job) => ({ ...job, done() {}, failed() {} }));
const listeners = [];
let busy = false, gone = false, reason = "";
export const state = { version: Number(document.body.dataset.version), n_items: Number(document.body.dataset.items), n_labels: Number(document.body.dataset.labels) };

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Call a function with what changed, and the state, whenever something changed: in this tab or elsewhere. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Send a change: an object, a function that returns one when those before it are saved, or a FormData with files. The
 * promise is kept once the server has saved it. */
export function send(path, body = {}) {
  return new Promise((done, failed) => {
    queue.push({ path, body, done, failed });
    keep();
    pump();
  });
}

/** Send what is in a form, unless it is being sent. Its buttons are not disabled: the focus would be lost. */
export function sendForm(form, path, body) {
  if (form.ariaBusy === "true") return new Promise(() => {});
  form.ariaBusy = "true";
  const bar = make("progress", { ariaLabel: t("working") });  // a large table takes seconds
  const shown = setTimeout(() => form.querySelector(".buttons:last-child")?.append(bar), 500);
  return send(path, body).finally(() => { clearTimeout(shown); bar.remove(); form.ariaBusy = "false"; });
}

const valueOf = (body) => (typeof body === "function" ? body() : body);

function keep() {
  const plain = queue.filter((job) => !(job.body instanceof FormData));
  remember(ofTab, waiting, JSON.stringify(plain.map(({ path, body }) => ({ path, body: valueOf(body) }))));
  showSaved();
}

/** Show whether the server is gone, or answers only why it cannot: the project may have been removed. */
function isGone(now, why = "") {
  gone = now;
  reason = why;
  byId("gone").hidden = !now;
  showSaved();
}

function showSaved() {
  const saved = byId("saved");
  if (gone) byId("gone").textContent = reason || (queue.length ? t("gone_waiting", { n: queue.length }) : t("gone"));
  saved.classList.toggle("lost", gone);
  saved.classList.toggle("busy", queue.length > 0);
  const text = gone ? t("not_saved") : queue.length ? t("saving") : t("saved_labels", { n: state.n_labels });
  const shown = saved.querySelector(".word");
  if (shown.textContent !== text) shown.textContent = text;
}

/** Remember what undo takes back now: the last change that was answered, or that the server tells of. */
function setUndo(entry, version) {
  Object.assign(state, { undo: entry, changed_to: Math.max(version, state.changed_to ?? 0) });
  listeners.forEach((listener) => listener(new Set(), state));
}

async function post({ path, body }) {
  const files = body instanceof FormData;
  const headers = { "X-Anyshot-Token": token, ...(files ? {} : { "Content-Type": "application/json" }) };
  return fetch(base + path, { method: "POST", headers, body: files ? body : JSON.stringify(valueOf(body)) });
}

/** Send what waits, in order; try again each second while the server is gone. */
async function pump() {
  if (busy) return;
  busy = true;
  while (queue.length) {
    const job = queue[0];
    let answer;
    try {
      answer = await post(job);
      if (answer.status === 403 && (await renewToken())) answer = await post(job);
    } catch {
      const lost = await lostFile(job.body);
      if (lost === null) {
        isGone(true);
        await sleep(1);
      } else {
        queue.shift();  // it can never be sent, and others wait behind it
        keep();
        job.failed(lost);
      }
      continue;
    }
    if (answer.status === 503) {
      await sleep(1);
      continue;
    }
    isGone(false);
    const result = await answer.json().catch(() => ({ detail: t("failed") }));
    queue.shift();
    keep();
    if (answer.ok && "undo" in result) setUndo(result.undo, result.version);
    if (answer.ok) job.done(result);
    else job.failed(result);
  }
  busy = false;
}

/** Read the token of a server that was started again. */
async function renewToken() {
  const answer = await fetch("/token");
  const renewed = answer.ok ? (await answer.json()).token : token;
  const differs = renewed !== token;
  token = renewed;
  return differs;
}

export async function get(path) {
  const answer = await fetch(base + path);
  const result = await answer.json();
  if (!answer.ok) throw result;
  return result;
}

/** Show the page of a project that became one of another kind by its first items; the names that are typed stay. */
export function reload() {
  const form = byId("new-class");
  remember(ofTab, TYPED + base, form.elements.names.value);
  form.ariaBusy = "true";  // so that the browser does not ask
  location.reload();
}

/** Follow what changes, by requests that the server holds until there is something to tell; seen: returns the items
 * that are on the screen, which it sends along. */
export async function follow(seen) {
  if (queue.length) pump();
  for (let wait = 0; ; wait = document.hidden ? 0 : 15) {
    try {
      const news = await get(`changes?since=${state.version}&refit=${state.refit ?? 0}&wait=${wait}&ids=${seen().join()}`);
      // What was told before a change was answered knows less of it.
      const isOld = news.version < (state.changed_to ?? 0);
      Object.assign(state, news, isOld && { undo: state.undo });
      isGone(false);
      if (news.kind !== document.body.dataset.kind && !queue.length) reload();
      listeners.forEach((listener) => listener(new Set(news.subjects), state));
    } catch (problem) {
      if (!state.leaving) isGone(true, problem.detail);
      await sleep(1);
    }
    if (document.hidden) await sleep(2);
  }
}

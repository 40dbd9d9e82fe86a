// Files and folders that are dropped onto a page, and how they are sent.

import { byId, t } from "./texts.js";

const BATCH = 24;  // files of one request
export const nameOf = (file) => file.webkitRelativePath || file.path || file.name;
export const isImage = (file) => file.type.startsWith("image/") || /\.(heic|heif)$/i.test(file.name);

const SYSTEM = /^(\.|~\$|thumbs\.db$|desktop\.ini$)/i;
const byName = (one, other) => nameOf(one).localeCompare(nameOf(other), undefined, { numeric: true });
/** Return files by their names, without those that are hidden, which systems and programs leave in folders. */
export const withoutHidden = (files) => [...files].filter((file) => !SYSTEM.test(file.name)).sort(byName);

/** Return all files below what was dropped, those of folders too. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      file.path = entry.fullPath.slice(1);
      found.push(file);
    } else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (!some.length) break;
        for (const one of some) await walk(one);
      }
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}

/** Send files in parts by `post(form)`, say how far that is, and return what became of all of them. Meanwhile the browser
 * asks before it leaves the page, as the others would not be sent. */
export async function sendFiles(files, post, say) {
  const ask = (event) => event.preventDefault();
  addEventListener("beforeunload", ask);
  return sendParts(files, post, say).finally(() => removeEventListener("beforeunload", ask));
}

async function sendParts(files, post, say) {
  const total = { added: 0, repeated: 0, refused: [], notes: [] };
  const whole = files.filter(({ name }) => /\.txt$/i.test(name)).length > 1;  // several letters, rather than a list
  let entry;  // in the history, of which all parts are one
  for (let at = 0; at < files.length; at += BATCH) {
    const form = new FormData();
    if (entry !== undefined) form.append("entry", entry);
    if (files.length > BATCH) form.append("several", "");
    if (whole) form.append("whole", "");
    files.slice(at, at + BATCH).forEach((file) => form.append("files", file, nameOf(file)));
    say(t("sending_files", { n: Math.min(at + BATCH, files.length), total: files.length }));
    const part = await post(form);
    entry ??= part.undo?.id;
    total.added += part.added;
    total.repeated += part.repeated;
    total.refused.push(...part.refused);
    total.notes = [...new Set([...total.notes, ...part.notes])];
  }
  return { ...total, notes: joinedNotes(total.notes, files) };
}

/** Return notes, of those that say the same of several files only the first, with the number of the others. */
function joinedNotes(notes, files) {
  const firsts = new Map();  // what a note says, without the name of its file -> the first one, and how many others
  for (const note of notes) {
    const name = files.map(nameOf).find((one) => note.startsWith(one)) ?? "", said = note.slice(name.length);
    const [first, others] = firsts.get(said) ?? [note, -1];
    firsts.set(said, [first, others + 1]);
  }
  return [...firsts.values()].map(([first, n]) => (n ? `${first} ${t("same_of_others", { n })}` : first));
}

/** Return why a form could not be sent if a file of it was deleted or changed since it was chosen, null otherwise. */
export async function lostFile(form) {
  for (const file of form instanceof FormData ? form.values() : []) {
    const isThere = typeof file === "string" || (await file.slice(0, 1).arrayBuffer().catch(() => null));
    if (isThere === null) return { detail: t("file_lost", { name: file.name }) };
  }
  return null;
}

/** Return why a file was not taken; some reasons start with its name. */
export const reasonOf = ({ name, reason }) => (reason.startsWith(name) ? reason : `${name}: ${reason}`);

const ofFiles = (event) => event.dataTransfer?.types.includes("Files");

/** Call a function with the files that are dropped anywhere on the page. */
export function onDrop(take) {
  const here = byId("drop-here");
  let inside = 0;
  addEventListener("dragenter", (event) => { if (ofFiles(event)) { inside++; here.hidden = false; } });
  addEventListener("dragleave", (event) => { if (ofFiles(event) && --inside <= 0) here.hidden = true; });
  addEventListener("dragover", (event) => { if (ofFiles(event)) event.preventDefault(); });
  addEventListener("drop", async (event) => {
    if (!ofFiles(event)) return;
    event.preventDefault();
    inside = 0;
    here.hidden = true;
    take(withoutHidden(await filesOf(event.dataTransfer)));
  });
}

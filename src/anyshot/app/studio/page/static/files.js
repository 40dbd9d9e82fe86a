// Files and folders that are dropped onto a page.

import { byId } from "./texts.js";

export const BATCH = 24;  // files of one request
export const nameOf = (file) => file.webkitRelativePath || file.path || file.name;
export const isImage = (file) => file.type.startsWith("image/") || /\.(heic|heif)$/i.test(file.name);

/** Return all files below what was dropped, those of folders too, but no hidden ones. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      file.path = entry.fullPath.slice(1);
      if (!file.name.startsWith(".")) found.push(file);
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
    take(await filesOf(event.dataTransfer));
  });
}

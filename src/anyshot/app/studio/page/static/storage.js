// What the page remembers in the browser, for this tab or for all. Where storage is forbidden or full, the page works
// without it.

export const ofTab = () => window.sessionStorage, ofBrowser = () => window.localStorage;

/** Start of the key of each project that was created for a table whose columns are being chosen. The page with the choice
 * holds the lock of the same name, so that others can tell whether it was closed. */
export const CHOOSING = "anyshot choosing ";

/** Start of the key of the names of new classes that were typed when the page itself was loaded anew. */
export const TYPED = "anyshot typed ";

/** Return the keys of what is remembered that begin with a text. */
export function keysOf(storage, start) {
  try { return Object.keys(storage()).filter((key) => key.startsWith(start)); } catch { return []; }
}

/** Return a text that was remembered, null if there is none. */
export function recall(storage, key) {
  try { return storage().getItem(key); } catch { return null; }
}

/** Remember a text; an older one that it cannot replace is forgotten, since it is true no longer. */
export function remember(storage, key, text) {
  try { storage().setItem(key, text); } catch { forget(storage, key); }
}

export function forget(storage, key) {
  try { storage().removeItem(key); } catch { /* there is none */ }
}

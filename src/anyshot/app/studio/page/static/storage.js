// What the page remembers in the browser, for this tab or for all. Where storage is forbidden or full, the page works
// without it.

export const ofTab = () => window.sessionStorage, ofBrowser = () => window.localStorage;

/** Key of the project that was created for a table whose columns are being chosen. */
export const CHOOSING = "anyshot choosing";

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

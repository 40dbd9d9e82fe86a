// How a panel is drawn anew: only what differs is changed, so that what is in use stays, such as the focus, what is
// typed, and an open form.

const OWN = ["hidden", "aria-busy", "data-open"];  // attributes that the page sets, and the server does not know of

const keyOf = (node) => node.dataset?.part ?? node.id;

/** Make an element like another one. Those with a data-part or an id are found again where others came before them. */
export function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  const theirs = ({ name }) => !OWN.includes(name);
  [...old.attributes].filter(theirs).forEach(({ name }) => fresh.hasAttribute(name) || old.removeAttribute(name));
  [...fresh.attributes].filter(theirs).forEach(({ name, value }) => old.getAttribute(name) === value || old.setAttribute(name, value));
  const wanted = new Set([...fresh.children].map(keyOf)), known = new Map();
  for (const child of [...old.children]) {
    const key = keyOf(child);
    if (key && wanted.has(key)) known.set(key, child);
    else if (key) child.remove();
  }
  let at = old.firstChild;
  const drop = () => { const next = at.nextSibling; at.remove(); at = next; };
  for (const child of [...fresh.childNodes]) {
    const key = keyOf(child), isLike = at && !keyOf(at) && at.nodeName === child.nodeName;
    const same = key ? known.get(key) : isLike ? at : null;
    while (key && same && at !== same && !keyOf(at)) drop();  // rather than moving an element, which loses its focus
    if (!same) {
      old.insertBefore(child, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    morph(same, child);
  }
  while (at) drop();
}

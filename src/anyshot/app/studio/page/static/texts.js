// The page's texts in its language, and small helpers for what is shown.

const texts = JSON.parse(document.getElementById("texts").textContent);
const language = document.documentElement.lang;
const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/** Return a text of texts.json, with its {names} filled in; `n` chooses between singular and plural. */
export function t(key, values = {}) {
  let text = texts[key];
  if (typeof text !== "string") text = text[plural.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]));
}

export const byId = (id) => document.getElementById(id);

/** Make an element with some properties and children; texts are never read as HTML. */
export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Say something to screen readers. */
export function announce(text) {
  byId("announce").textContent = text;
}

let timer;

/** Show a message for some seconds, with a button if there is something to do about it; follows: beside one with a
 * button that is shown, as what it led to. */
export function toast(text, button, action, { follows = false } = {}) {
  const box = byId("toast"), leads = !box.hidden && "leads" in box.dataset;
  box.replaceChildren(...(follows && leads ? [...box.children].slice(0, 2) : []), make("span", { textContent: text }));
  box.toggleAttribute("data-leads", follows ? leads : Boolean(button));
  if (button) {
    const pressed = () => { box.hidden = true; action(); };
    box.append(make("button", { className: "link", textContent: button, onclick: pressed }));
  }
  box.append(make("button", { className: "link close", textContent: "×", ariaLabel: t("close"), onclick: () => (box.hidden = true) }));
  box.hidden = false;
  const hide = () => (box.matches(":hover, :focus-within") ? (timer = setTimeout(hide, 2000)) : (box.hidden = true));
  clearTimeout(timer);
  timer = setTimeout(hide, button ? 10000 : 5000);
}

// What all pages have: dialogs, the question before what is typed is lost, and the choice of the language.

import { byId } from "./texts.js";

addEventListener("click", (event) => {
  const open = event.target.closest("[data-open]"), close = event.target.closest("[data-close]"), pick = event.target.closest("[data-pick]");
  if (open && open.dataset.open !== "add") byId(open.dataset.open).showModal();
  if (close) close.closest("dialog").close();
  if (pick) byId(pick.dataset.pick).click();
  if (event.target.matches("dialog:not(:has(form))")) event.target.close();  // beside it; of a form, what was typed would be lost
});

// The browser asks before it leaves a page on which something is typed and neither sent nor being sent.
const isTyped = (field) => field.value !== field.defaultValue && field.form?.ariaBusy !== "true" && field.checkVisibility();
addEventListener("beforeunload", (event) => [...document.querySelectorAll("textarea, input[type=text]")].some(isTyped) && event.preventDefault());

document.querySelector("select[data-language]")?.addEventListener("change", (event) => {
  document.cookie = `anyshot_language=${event.target.value}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
});

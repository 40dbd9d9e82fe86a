// What all pages have: dialogs, the choice of the language, and the creation of projects.

import { byId, t } from "./texts.js";

addEventListener("click", (event) => {
  const open = event.target.closest("[data-open]"), close = event.target.closest("[data-close]");
  if (open && open.dataset.open !== "add") byId(open.dataset.open).showModal();
  if (close) close.closest("dialog").close();
  if (event.target.matches("dialog")) event.target.close();  // beside the dialog
});

document.querySelector("select[data-language]")?.addEventListener("change", (event) => {
  document.cookie = `anyshot_language=${event.target.value}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
});

/** Create a project, and go to it. */
async function create(path, body) {
  const files = body instanceof FormData, error = byId("start-error");
  const headers = { "X-Anyshot-Token": document.body.dataset.token, ...(files ? {} : { "Content-Type": "application/json" }) };
  error.textContent = "";
  document.body.classList.add("working");
  try {
    const answer = await fetch(path, { method: "POST", headers, body: files ? body : JSON.stringify(body) });
    const result = await answer.json();
    if (answer.ok) location.href = result.address;
    else error.textContent = result.detail;
  } catch {
    error.textContent = t("gone");
  }
  document.body.classList.remove("working");
}

document.querySelectorAll("[data-create]").forEach((form) => form.addEventListener("submit", (event) => {
  event.preventDefault();
  form.closest("dialog")?.close();
  create("/projects", { ...Object.fromEntries(new FormData(form, event.submitter)) });
}));
document.querySelector("[data-start-file]")?.addEventListener("change", ({ target }) => {
  const body = new FormData();
  body.append("file", target.files[0], target.files[0].name);
  create("/projects/file", body);
  target.value = "";
});

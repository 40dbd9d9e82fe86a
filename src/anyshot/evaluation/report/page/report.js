"use strict";
// A click on a column name sorts the table by it, a second click in the opposite order. Empty cells stay last.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const body = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const numeric = head.classList.contains("number");
    const order = (row) => row.cells[column].dataset.order;
    const rows = [...body.rows];
    rows.sort((one, two) => {
      const a = order(one), b = order(two);
      if (a === "" || b === "") return (a === "") - (b === "");
      const difference = numeric ? a - b : a.localeCompare(b);
      return ascending ? difference : -difference;
    });
    body.append(...rows);
  });
}

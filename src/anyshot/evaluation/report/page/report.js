"use strict";
// A click on a column's name sorts by it; a second click turns the order round. Empty cells stay last.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const body = head.closest("table").tBodies[0];
    const place = head.cellIndex;
    const rising = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const numeric = head.classList.contains("number");
    const order = (row) => row.cells[place].dataset.order;
    const rows = [...body.rows];
    rows.sort((one, two) => {
      const a = order(one), b = order(two);
      if (a === "" || b === "") return (a === "") - (b === "");
      const found = numeric ? a - b : a.localeCompare(b);
      return rising ? found : -found;
    });
    body.append(...rows);
  });
}

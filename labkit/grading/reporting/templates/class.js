"use strict";
// Sorts and filters the marks, and opens a student's feedback at the exercise clicked on. Without it all is still there.
const table = document.getElementById("table"), body = table.tBodies[0], rows = [...body.rows];
const words = document.getElementById("words"), kind = document.getElementById("kind");

function filter() {
  const wanted = words.value.trim().toLowerCase();
  let count = 0;
  for (const row of rows) {
    const named = row.cells[0].textContent.toLowerCase().includes(wanted);
    row.hidden = !named || !(kind.value === "" || row.dataset.kind.split(" ").includes(kind.value));
    count += !row.hidden;
  }
  document.getElementById("count").textContent = `${count} of ${rows.length} students`;
}

const VALUES = {
  text: cell => cell.textContent.trim().toLowerCase(),
  number: cell => -Number(cell.textContent),
  state: cell => cell.className === "passed" ? 1 : 0,
};

function sortBy(head, column) {
  const value = VALUES[head.dataset.sort], back = head.ariaSort === "ascending" ? -1 : 1;
  const keys = new Map(rows.map(row => [row, value(row.cells[column])]));
  rows.sort((a, b) => back * (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0));
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  head.ariaSort = back === 1 ? "ascending" : "descending";
  body.append(...rows);
}

const heads = [...table.tHead.querySelectorAll("[data-sort]")];
heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => sortBy(head, column));
  head.append(button);
});

body.addEventListener("click", event => {
  const cell = event.target.closest("td"), head = cell && heads[cell.cellIndex];
  if (head?.dataset.anchor) location.href = `${cell.parentElement.cells[0].querySelector("a").href}#${head.dataset.anchor}`;
});

words.addEventListener("input", filter);
kind.addEventListener("change", filter);
document.getElementById("filter").addEventListener("submit", event => event.preventDefault());
document.getElementById("filter").hidden = false;
filter();

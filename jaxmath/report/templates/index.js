"use strict";
(() => {
  const table = document.getElementById("runs");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const text = rows.map((row) => row.textContent.toLowerCase());
  const bar = document.getElementById("bar");
  const search = bar.querySelector("input");
  const outcome = bar.querySelector("select");
  const count = bar.querySelector("output");

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      const fits = words.every((word) => text[i].includes(word));
      row.hidden = !(fits && (outcome.value === "" || row.dataset.outcome === outcome.value));
      shown += !row.hidden;
    });
    count.textContent = shown + " of " + rows.length;
  }

  // Numbers before words, and what is empty last, whichever way.
  function compare(a, b, way) {
    if (a === "" || b === "") return (a === "") - (b === "");
    const x = Number(a), y = Number(b);
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return way * (Number.isNaN(x) ? a.localeCompare(b) : x - y);
  }

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      rows.map((row, i) => [key(row), i])
        .sort((a, b) => compare(a[0], b[0], way) || a[1] - b[1])
        .forEach(([, i]) => body.append(rows[i]));
    });
  });

  search.addEventListener("input", filter);
  outcome.addEventListener("input", filter);
  bar.hidden = false;
  filter();
})();

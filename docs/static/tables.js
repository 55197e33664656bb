// Long tables get a field that hides the rows without the words typed into it.
"use strict";

const LONG = 30;

document.addEventListener("DOMContentLoaded", () => {
  for (const wrapper of document.querySelectorAll(".table-wrapper")) {
    const rows = [...wrapper.querySelectorAll("tbody tr")];
    if (rows.length < LONG) continue;
    wrapper.classList.add("long");
    // A row whose first cell is empty goes on with the one above.
    let name = "";
    const texts = rows.map((row) => {
      name = row.cells[0].textContent.trim() || name;
      return `${name} ${row.textContent}`.toLowerCase();
    });
    const field = document.createElement("input");
    field.type = "search";
    field.className = "filter";
    field.placeholder = `Filter ${rows.length} rows`;
    field.setAttribute("aria-label", field.placeholder);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/);
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
      });
    });
    wrapper.before(field);
  }
});

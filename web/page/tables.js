// Tables, and files for the visitor to keep.

/** Fills a table and shows it. */
export function cells(table, caption, head, rows) {
  table.hidden = false;
  table.replaceChildren();
  table.createCaption().textContent = caption;
  const heading = table.createTHead().insertRow();
  for (const name of head) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = name;
    heading.append(cell);
  }
  const body = table.createTBody();
  for (const values of rows) addRow(body, values);
}

/** Adds a row to a table's body. */
export function addRow(body, values) {
  const row = body.insertRow();
  for (const value of values) row.insertCell().textContent = value;
}

/** Rows are the classes, columns what they were taken for. */
export function confusionTable(table, names, counts) {
  const rows = counts.map((row, actual) => [names[actual], ...row]);
  cells(table, 'Confusion matrix: rows are what it is, columns what it was taken for', ['', ...names], rows);
  counts.forEach((row, actual) => {
    const most = Math.max(1, ...row);
    row.forEach((count, predicted) => {
      const cell = table.tBodies[0].rows[actual].cells[predicted + 1];
      const strength = Math.round(60 * count / most);
      cell.style.background = `color-mix(in srgb, var(--accent) ${strength}%, var(--paper))`;
      if (predicted === actual) cell.className = 'hit';
    });
  });
}

/** Lets the visitor keep a file. */
export function save(name, bytes) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

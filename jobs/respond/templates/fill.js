(function () {
  var main = document.querySelector("main"), bar = document.getElementById("save"), said = document.getElementById("said");
  var columns = JSON.parse(main.dataset.columns), headings = JSON.parse(main.dataset.headings), unsaved = false;

  function fields(row) { return Array.prototype.slice.call(row.querySelectorAll("[data-cell]")); }
  function value(field) { return field.value.replace(/\s+/g, " ").trim(); }
  function unreadable(field) { var v = field.validity; return v.badInput || v.patternMismatch || v.rangeUnderflow || v.rangeOverflow; }
  function filled() {
    return Array.prototype.slice.call(document.querySelectorAll("[data-sheet]")).filter(function (row) { return fields(row).some(value); });
  }
  function lacking(row) {
    var own = fields(row).filter(function (f) { return !f.hasAttribute("data-alone"); });
    return own.some(value) ? own.filter(function (f) { return f.hasAttribute("data-needed") && !value(f); }) : [];
  }
  // A text that a spreadsheet would take for a formula gets an apostrophe, wherever a cell may begin; returned_csv.py takes it off again.
  function cell(text) {
    var safe = /^-?\d+(\.\d+)?$/.test(text) ? text : text.replace(/(^|[;|])([ ']*[=+\-@＝＋－＠])/g, "$1'$2");
    return '"' + safe.replace(/"/g, '""') + '"';
  }
  function line(row) {
    var cells = JSON.parse(row.dataset.locked);
    cells.sheet = row.dataset.sheet;
    fields(row).forEach(function (f) { cells[f.dataset.cell] = f.hasAttribute("pattern") ? value(f).replace(/,/g, "") : value(f); });
    return columns.map(function (key) { return cell(String(cells[key] || "").replace(/\s+/g, " ").trim()); }).join(",");
  }
  function count() {
    var rows = filled().length;
    said.textContent = rows ? "已填 " + rows + " 行 rows filled in" : "尚未填写 nothing filled in yet";
  }
  function save() {
    var all = Array.prototype.slice.call(document.querySelectorAll("[data-cell]"));
    all.forEach(function (f) { f.removeAttribute("aria-invalid"); });
    var bad = all.filter(unreadable), rows = filled();
    var open = rows.reduce(function (found, row) { return found.concat(lacking(row)); }, []);
    (bad.length ? bad : open).forEach(function (f) {
      f.setAttribute("aria-invalid", "true");
      for (var up = f.closest("details"); up; up = up.parentElement.closest("details")) { up.open = true; }
    });
    if (bad.length) {
      said.textContent = "未保存：" + bad.length + " 处无法识别，请改正标红的格 Not saved: mend the " + bad.length + " marked field(s)";
      bad[0].focus();
      return;
    }
    if (!rows.length) { count(); return; }
    var text = "\ufeff" + [columns, headings].map(function (h) { return h.map(cell).join(","); }).concat(rows.map(line)).join("\r\n") + "\r\n";
    var link = document.createElement("a"), address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.setAttribute("href", address);
    link.download = main.dataset.file;
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(address); }, 60000);
    unsaved = false;
    said.textContent = "已保存 " + rows.length + " 行，请将 " + link.download + " 发回 rows saved; send the file back"
      + (open.length ? "。标红的 " + open.length + " 格未填，所在行将被退回 The row of a marked empty field will be refused" : "");
  }

  document.addEventListener("input", function (event) {
    if (event.target.hasAttribute("data-cell")) { event.target.removeAttribute("aria-invalid"); unsaved = true; count(); }
  });
  document.querySelectorAll("button[data-more]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var last = button.previousElementSibling, next = last.cloneNode(true);
      fields(next).forEach(function (f) { f.value = ""; f.removeAttribute("aria-invalid"); });
      button.parentElement.insertBefore(next, button);
      fields(next)[0].focus();
    });
  });
  document.getElementById("keep").addEventListener("click", save);
  window.addEventListener("beforeunload", function (event) { if (unsaved) { event.preventDefault(); } });
  window.addEventListener("beforeprint", function () { document.querySelectorAll("details").forEach(function (d) { d.open = true; }); });
  bar.hidden = false;
  count();
})();

document.querySelectorAll("table.sortable").forEach(function (table) {
  var direction = {};
  table.querySelectorAll("thead th[data-key]").forEach(function (head, column) {
    head.addEventListener("click", function () {
      direction[column] = -(direction[column] || -1);
      var bodies = Array.prototype.slice.call(table.tBodies);
      bodies.sort(function (a, b) {
        var x = a.rows[0].cells[column].dataset.sort, y = b.rows[0].cells[column].dataset.sort;
        var order = head.dataset.key === "number" ? (parseFloat(x) || 0) - (parseFloat(y) || 0) : x.localeCompare(y, "zh-CN");
        return order * direction[column];
      });
      bodies.forEach(function (body) { table.appendChild(body); });
      table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", direction[column] > 0 ? "ascending" : "descending");
    });
  });
});

// A complaint about the YAML leads to its line.
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-line]");
    var text = document.getElementById("yaml");
    if (!button || !text) { return; }
    var lines = text.value.split("\n");
    var number = Number(button.dataset.line);
    var start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + lines[number - 1].length);
    text.scrollTop = Math.max(0, (number - 5) * parseFloat(getComputedStyle(text).lineHeight));
  });
})();

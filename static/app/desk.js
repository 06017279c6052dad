// The call desk: the timer, number keys for the script's answers, the parts of the form that an outcome needs.
(function () {
  "use strict";
  var form = document.querySelector("[data-desk]");
  var field = document.getElementById("minutes");
  var button = document.querySelector("[data-timer]");
  var started = 0;
  var before = 0;
  var ticking = 0;

  function seconds(text) {
    var parts = text.split(":");
    return parts.length === 2 ? Number(parts[0]) * 60 + Number(parts[1]) : Number(text.replace(",", ".")) * 60;
  }

  function show() {
    var all = Math.round(before + (Date.now() - started) / 1000);
    field.value = Math.floor(all / 60) + ":" + String(all % 60).padStart(2, "0");
  }

  function stop() {
    window.clearInterval(ticking);
    ticking = 0;
    if (button) { button.textContent = field.value ? "Go on" : "Start"; }
  }

  function start() {
    if (!field || ticking) { return; }
    before = seconds(field.value || "0") || 0;
    started = Date.now();
    ticking = window.setInterval(show, 1000);
    button.textContent = "Stop";
  }

  function parts() {
    if (!form) { return; }
    var chosen = form.querySelector("[name=outcome]:checked");
    form.querySelectorAll("[data-for]").forEach(function (part) {
      part.hidden = !chosen || chosen.value !== part.dataset.for;
    });
  }

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-dial]")) { start(); }
    if (event.target.closest("[data-timer]")) { if (ticking) { show(); stop(); } else { start(); } }
    var remove = event.target.closest("[data-remove-line]");
    if (remove) {
      var lines = document.getElementById("order-lines");
      remove.closest(".order-line").remove();
      window.htmx.trigger(lines, "line-removed");
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) { return; }
    var answer = /^[1-9]$/.test(event.key) && document.querySelector("#script-steps [data-key='" + event.key + "']");
    if (answer) { event.preventDefault(); answer.click(); }
  });

  document.body.addEventListener("htmx:afterSettle", function (event) {
    if (event.target.id === "order-lines" && form) {
      form.querySelector("[name=outcome][value=order]").checked = true;
      parts();
    }
  });

  if (field) { field.addEventListener("input", stop); }
  if (form) { form.addEventListener("change", parts); form.addEventListener("submit", function () { if (ticking) { show(); } }); }
  parts();
})();

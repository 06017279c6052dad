// Small behaviours of the frame: rows that open, the search key, the drawer, the theme.
(function () {
  "use strict";
  var drawer = document.getElementById("drawer");
  var opener = null;

  function closeDrawer() {
    if (!drawer || !drawer.classList.contains("open")) { return; }
    drawer.classList.remove("open");
    drawer.innerHTML = "";
    if (opener) { opener.focus(); }
  }

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-drawer-close]")) { closeDrawer(); return; }
    var link = event.target.closest("[data-drawer]");
    if (link) { opener = link; }
    if (event.target.closest("[data-theme-switch]")) {
      var root = document.documentElement;
      var next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", next);
      try { localStorage.setItem("theme", next); } catch (e) { return; }
    }
    var row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input, select, label, summary")) { window.location = row.dataset.href; }
  });

  document.addEventListener("keydown", function (event) {
    var typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing) { event.preventDefault(); document.getElementById("search").focus(); }
    if (event.key === "Escape") {
      closeDrawer();
      var results = document.getElementById("search-results");
      if (results) { results.innerHTML = ""; }
    }
    if (event.key === "Enter" && event.target.matches("tr[data-href]")) { window.location = event.target.dataset.href; }
  });

  document.addEventListener("submit", function (event) {
    var question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) { event.preventDefault(); }
  });

  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.target === drawer) { drawer.classList.add("open"); drawer.focus(); }
  });
})();

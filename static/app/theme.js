// Before the first paint: the theme that was chosen, else the system's.
(function () {
  var kept = null;
  try { kept = localStorage.getItem("theme"); } catch (e) { kept = null; }
  var dark = window.matchMedia && window.matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-bs-theme", kept || (dark ? "dark" : "light"));
})();

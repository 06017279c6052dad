// The sliders of a scorecard: each says its share of all weight; "Put back" returns to the saved draft.
(function () {
  "use strict";
  var form = document.getElementById("weights");
  if (!form) { return; }

  function sliders() { return Array.prototype.slice.call(form.querySelectorAll("[data-weight]")); }

  function sayShares() {
    var total = sliders().reduce(function (sum, one) { return sum + Number(one.value); }, 0);
    sliders().forEach(function (one) {
      var share = total ? Number(one.value) / total * 100 : 0;
      form.querySelector('output[for="' + one.id + '"]').textContent = Math.round(share) + " %";
    });
  }

  form.addEventListener("input", sayShares);
  form.addEventListener("click", function (event) {
    if (!event.target.closest("[data-weights-back]")) { return; }
    sliders().forEach(function (one) { one.value = one.dataset.start; });
    sayShares();
    form.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();

(function () {
  var body = document.body, svg = document.getElementById("run"), say = document.getElementById("say");
  var parts = Array.prototype.slice.call(svg.querySelectorAll("[data-t]")), pinned = "";
  function follow(thread) {
    body.classList.toggle("follow", thread !== "");
    parts.forEach(function (part) {
      part.classList.toggle("lit", part.getAttribute("data-t") === thread);
    });
  }
  function thread(event) {
    var part = event.target.closest("[data-t]");
    return part ? part.getAttribute("data-t") : "";
  }
  svg.addEventListener("mouseover", function (event) {
    var part = event.target.closest("[data-t], .bar, .wall"), title = part ? part.querySelector("title") : null;
    say.textContent = title ? title.textContent : "";
    say.style.display = title ? "block" : "none";
    if (pinned === "") follow(thread(event));
  });
  svg.addEventListener("mouseleave", function () {
    say.style.display = "none";
    if (pinned === "") follow("");
  });
  // A click keeps what belongs together in sight, until the next.
  svg.addEventListener("click", function (event) {
    var next = thread(event);
    pinned = next === pinned ? "" : next;
    follow(pinned);
  });
  document.querySelectorAll("[data-layer]").forEach(function (box) {
    function apply() { body.classList.toggle("no-" + box.getAttribute("data-layer"), !box.checked); }
    box.addEventListener("change", apply);
    apply();
  });
  document.getElementById("find").addEventListener("input", function (event) {
    var wanted = event.target.value.trim().toLowerCase(), hits = {};
    body.classList.toggle("finding", wanted !== "");
    parts.forEach(function (part) {
      var hit = part.textContent.toLowerCase().indexOf(wanted) !== -1;
      part.classList.toggle("hit", hit);
      if (hit) hits[part.getAttribute("data-t")] = true;
    });
    // Whatever belongs to something that was found is found too.
    parts.forEach(function (part) {
      var of = part.getAttribute("data-t");
      if (of !== "") part.classList.toggle("hit", part.classList.contains("hit") || hits[of] === true);
    });
  });
})();

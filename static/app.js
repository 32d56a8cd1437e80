// Labhook's own script. Every page works without it: it only spares reloads, copying by hand and UTC times.
(() => {
  "use strict";

  // Parts that only work with this script are written with the attribute hidden.
  for (const el of document.querySelectorAll("[data-script]")) el.hidden = false;

  // The time zone of the browser, for people whose account names none. The server reads the cookie.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    document.cookie = "labhook_zone=" + encodeURIComponent(zone) + ";path=/;max-age=31536000;samesite=lax";
    for (const input of document.querySelectorAll("input[data-zone]")) if (!input.value) input.value = zone;
  }

  // Copy buttons: <button data-copy="#id">. The text is that of the element, or its value.
  const say = (button, text) => {
    button.dataset.label ??= button.textContent;
    button.textContent = text;
    setTimeout(() => (button.textContent = button.dataset.label), 2000);
  };
  const copy = async (button) => {
    const source = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      say(button, "Copied");
    } catch {
      // Without TLS there is no clipboard: select the text, so that one key copies it.
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
      say(button, "Press Ctrl+C");
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    for (const list of document.querySelectorAll(".choice[open]")) if (!list.contains(event.target)) list.open = false;
  });

  document.addEventListener("change", (event) => {
    const box = event.target;
    // Show password: <input type="checkbox" data-reveal="#password">.
    if (box.dataset.reveal) document.querySelector(box.dataset.reveal).type = box.checked ? "text" : "password";
    if (box.id === "live") remember(box.checked);
  });

  // Live: sections with hx-trigger="live:tick from:body" ask the server again while somebody looks at them.
  const remember = (on) => {
    try {
      localStorage.setItem("live", on ? "on" : "off");
    } catch {
      // Storage is switched off: the choice holds for this page.
    }
  };
  const box = document.getElementById("live");
  try {
    if (box) box.checked = localStorage.getItem("live") !== "off";
  } catch {
    // As above.
  }
  const tick = () => {
    // The server may ask for a faster pace while something is on its way.
    const fast = document.querySelector("[data-live=fast]");
    setTimeout(tick, fast ? 2000 : 5000);
    if (!document.hidden && (!box || box.checked)) document.body.dispatchEvent(new CustomEvent("live:tick"));
  };
  setTimeout(tick, document.querySelector("[data-live=fast]") ? 2000 : 5000);

  // A section carries the hash of what it shows; the server answers 204 while that is still true.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const tag = ctx.sourceElement.dataset.etag;
    if (tag) ctx.request.headers["If-None-Match"] = '"' + tag + '"';
  });

  // When the server cannot be reached or refuses, say so and leave what is on the page. 422 is a form with messages,
  // and 401 comes with the address of the sign-in page, which htmx goes to.
  const strip = document.getElementById("stale");
  let fresh = new Date();
  const showStale = (on) => {
    if (strip.hidden === !on) return;
    if (on) strip.querySelector("time").textContent = fresh.toLocaleTimeString();
    strip.hidden = !on;
  };
  document.addEventListener("htmx:before:response", (event) => {
    const { status } = event.detail.ctx.response;
    if (status >= 400 && status !== 401 && status !== 422) {
      event.preventDefault();
      showStale(true);
      return;
    }
    fresh = new Date();
    showStale(false);
  });
  document.addEventListener("htmx:error", () => showStale(true));
})();

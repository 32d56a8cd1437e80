// Labhook's own script. Every page works without it: it only spares reloads, copying by hand and UTC times.
(() => {
  "use strict";

  // Parts that only work with this script are written with the attribute hidden, also in what htmx brings later.
  const show = () => {
    for (const el of document.querySelectorAll("[data-script][hidden]")) el.hidden = false;
  };
  show();
  document.addEventListener("htmx:after:swap", show);

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

  // Find among boxes: <input data-filter="#around">. What does not match is hidden; closed groups open meanwhile.
  const opened = new Map();
  const filter = (input) => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of document.querySelectorAll(input.dataset.filter + " details")) {
      if (!opened.has(group)) opened.set(group, group.open);
      let here = 0;
      for (const box of group.querySelectorAll(".check")) {
        const text = (group.firstElementChild.textContent + box.textContent + box.firstElementChild.value).toLowerCase();
        here += !(box.hidden = !words.every((word) => text.includes(word)));
      }
      group.hidden = !here;
      group.open = words.length ? here > 0 : opened.get(group) || group.querySelector(":checked") !== null;
      found += here;
    }
    if (!words.length) opened.clear();
    document.getElementById(input.id + "-found").textContent = words.length ? found + " found" : "";
  };
  // A retry policy suggests retries and timeout: they follow it where they are what the policy before suggested.
  const policy = document.getElementById("retry_policy");
  const suggestions = (name) => document.querySelector("[data-retries][data-policy=" + name + "]").dataset;
  let before = policy?.value;
  const suggest = () => {
    for (const name of ["retries", "timeout"]) {
      const field = document.getElementById(name);
      if (field.value === suggestions(before)[name]) field.value = suggestions(policy.value)[name];
    }
    before = policy.value;
  };
  // Both run before htmx looks: it is to send what they wrote, and nothing for the text of a filter.
  for (const type of ["input", "change"]) {
    document.addEventListener(type, (event) => {
      if (event.target.dataset.filter) {
        event.stopPropagation();
        filter(event.target);
      }
      if (type === "change" && event.target === policy) suggest();
    }, true);
  }
  // Enter in a filter sends no form: a browser may submit on either event.
  for (const type of ["keydown", "keypress"]) {
    document.addEventListener(type, (event) => {
      if (event.key !== "Enter" || !(event.target.dataset.filter || event.ctrlKey)) return;
      event.preventDefault();
      if (event.ctrlKey && type === "keydown") event.target.form?.requestSubmit();
    });
  }

  // Shortcuts: single keys, for people who have them switched on; never inside fields or with modifiers.
  const places = { a: "/admin", c: "/admin/integration/api-consumers", e: "/events", d: "/deliveries", l: "/lab-instances" };
  const clicks = {
    n: "a[rel=next]", p: "a[rel=prev]", "]": "#in-list a[rel=next]", "[": "#in-list a[rel=prev]",
    r: "form[action*='/resend'] button", c: "[data-copy^='#curl']",
  };
  const fields = { "/": "#find", f: "main .filters :is(summary, select, input)" };
  const rows = (step) => {
    const links = [...document.querySelectorAll("main tbody th a")];
    links[Math.max(0, links.indexOf(document.activeElement) + step)]?.focus();
  };
  // Clicks what is there, and opens what it stands in, so that the answer of a button is seen.
  const click = (found) => {
    if (!found) return;
    const around = found.closest("details");
    if (around) around.open = true;
    found.click();
  };
  // Selects the row that has the focus; in a list without boxes it begins the selection.
  const select = () => {
    const box = document.activeElement.closest("tbody tr")?.querySelector("[type=checkbox]");
    click(box ?? (document.querySelector("tbody [type=checkbox]") ? null : document.getElementById("select")));
  };
  // Shows an attempt of a delivery: one in full opens, of an earlier one the link is followed.
  const attempt = (number) => {
    const found = document.querySelector(`#attempt-${number} :is(summary, a)`);
    if (found?.matches("a")) return found.click();
    if (found) found.parentElement.open = true;
    found?.focus();
  };
  const showKeys = async () => {
    const answer = await fetch("/help/keys");
    const map = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("keys-map");
    if (!map) return location.assign("/help/keys"); // the session has ended
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Keyboard shortcuts");
    const close = document.createElement("button");
    close.className = "button";
    close.textContent = "Close";
    close.onclick = () => dialog.close();
    dialog.onclose = () => dialog.remove();
    dialog.append(map, close);
    document.body.append(dialog);
    dialog.showModal();
  };
  let gone = 0; // when g was pressed
  const shortcut = (key) => {
    const afterG = Date.now() - gone < 1500;
    gone = key === "g" ? Date.now() : 0;
    if (afterG && places[key]) location.assign(places[key]);
    else if (key === "?") showKeys();
    else if (key === "j" || key === "k") rows(key === "j" ? 1 : -1);
    else if (Object.hasOwn(fields, key)) document.querySelector(fields[key])?.focus();
    else if (Object.hasOwn(clicks, key)) click(document.querySelector(clicks[key]));
    else if (key === "x") select();
    else if (key >= "1" && key <= "9") attempt(key);
    else return key === "g";
    return true;
  };
  if (document.documentElement.dataset.shortcuts) {
    let taken = false; // the key did something, and is not to be typed where the focus went
    document.addEventListener("keydown", (event) => {
      taken = false;
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
      taken = shortcut(event.key);
      if (taken) event.preventDefault();
    });
    document.addEventListener("keypress", (event) => {
      if (taken) event.preventDefault();
    });
  }

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

  // Back and forward load the page of the address, once the browser has got there. htmx would do it on the way, where a
  // busy browser drops it, and not before it is ready itself: the rows would be those of another address.
  const address = () => location.pathname + location.search;
  let shown = address();
  for (const type of ["push", "replace"]) document.addEventListener("htmx:after:history:" + type, () => (shown = address()));
  document.addEventListener("htmx:before:history:restore", (event) => event.preventDefault());
  addEventListener("popstate", async () => {
    if (address() === shown) return;
    await window.navigation?.transition?.finished.catch(() => {});
    location.reload();
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

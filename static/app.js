/* Quimbi: the whole of the hand-written page script. Everything here is an extra; pages work without it.
   It is loaded in the head without defer, so that the chosen theme is there before the first paint. */
(() => {
  const root = document.documentElement;
  root.dataset.js = "";

  // What the content security policy refused; the browser tests expect nothing here.
  window.__violations = [];
  document.addEventListener("securitypolicyviolation", (e) => {
    window.__violations.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile ?? ""}:${e.lineNumber}`);
  });

  function read(key) { try { return localStorage.getItem(key); } catch { return null; } }
  function write(key, value) { try { localStorage.setItem(key, value); } catch { /* private mode */ } }

  // ---- Theme: light, dark, or what the system says ----
  function applyTheme(theme) {
    if (theme === "dark" || theme === "light") root.dataset.bsTheme = theme;
    else delete root.dataset.bsTheme;
  }
  function showTheme() {
    const theme = read("theme") || "auto";
    document.querySelectorAll("[data-theme-set]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeSet === theme)));
  }
  applyTheme(read("theme"));

  // ---- Pop-ups built on <details>, theme buttons, toast ----
  document.addEventListener("click", (e) => {
    const choice = e.target.closest("[data-theme-set]");
    if (choice) {
      write("theme", choice.dataset.themeSet);
      applyTheme(choice.dataset.themeSet);
      showTheme();
      document.dispatchEvent(new Event("q:theme"));
    }
    if (e.target.closest("[data-toast-close]")) hideToast();
    if (e.target.closest("[data-toast-retry]")) { const again = retry; hideToast(); again?.(); }
    document.querySelectorAll("details.q-menu[open]").forEach((d) => { if (!d.contains(e.target)) d.open = false; });
  });

  // ---- Copy a number; without the clipboard (plain http on a network) it is selected, to be copied by hand ----
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const announce = document.getElementById("announce");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.dataset.copied = "";
      setTimeout(() => { delete button.dataset.copied; }, 1500);
      announce.textContent = `Copied ${button.dataset.copy}`;
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      announce.textContent = `Selected ${button.dataset.copy}`;
    }
  });

  let retry = null;
  function hideToast() { document.getElementById("toast").hidden = true; retry = null; }
  function showToast(text, again) {
    const toast = document.getElementById("toast");
    toast.querySelector("[data-toast-text]").textContent = text;
    toast.querySelector("[data-toast-retry]").hidden = !again;
    retry = again;
    toast.hidden = false;
  }

  // ---- htmx: failures that have no place of their own, and a session that has run out ----
  function again(e) {
    const { elt, requestConfig: { verb, path, parameters, target } = {} } = e.detail;
    if (verb !== "get" || !elt.isConnected) return null;
    return () => window.htmx.ajax("GET", path, { source: elt, target, values: parameters, swap: elt.closest("[hx-swap]")?.getAttribute("hx-swap") ?? undefined });
  }
  document.addEventListener("htmx:responseError", (e) => {
    const id = e.detail.xhr.getResponseHeader("X-Request-Id");
    showToast(`That did not work (error ${e.detail.xhr.status}${id ? `, request ${id}` : ""}).`, again(e));
  });
  document.addEventListener("htmx:sendError", (e) => showToast("The server did not answer. Check the connection.", again(e)));
  document.addEventListener("htmx:beforeSwap", (e) => {
    if (e.detail.xhr.status === 200 && new URL(e.detail.xhr.responseURL || location.href).pathname === root.dataset.login) {
      e.detail.shouldSwap = false;
      location.reload();
    }
  });
  // Read aloud what a fragment brings, and go to the first wrong field of a form that came back with errors.
  document.addEventListener("htmx:afterSwap", (e) => {
    const said = e.detail.elt.querySelector?.("[data-announce]") ?? document.querySelector("[data-announce]");
    const announce = document.getElementById("announce");
    if (said && announce) announce.textContent = said.textContent.replace(/\s+/g, " ").trim();
    (e.detail.target.isConnected ? e.detail.target : document).querySelector("[aria-invalid='true']")?.focus();
  });

  // ---- A form that makes something is sent once: its button rests until the next page comes, or for ten seconds ----
  const resting = new Set();
  function wake() { resting.forEach((button) => { button.disabled = false; }); resting.clear(); }
  document.addEventListener("submit", (e) => {
    if (!e.target.matches("[data-once]")) return;
    const button = e.target.querySelector("[type=submit]");
    if (resting.has(button)) { e.preventDefault(); return; }
    resting.add(button);
    setTimeout(() => { button.disabled = resting.has(button); });  // once the browser has read the form
    setTimeout(wake, 10_000);
  });
  window.addEventListener("pageshow", wake);  // back again, and the page is as it was left

  // ---- Keyboard ----
  const typing = (el) => el.closest?.("input, textarea, select, [contenteditable]");
  let prefix = false;
  function showKeys() {
    const keys = document.getElementById("keys");
    if (!keys) return;
    keys.querySelector("[data-single-keys]").checked = read("singleKeys") !== "off";
    keys.showModal();
  }
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      document.querySelectorAll("details.q-menu[open]").forEach((d) => { d.open = false; d.querySelector("summary").focus(); });
      if (typing(e.target)) e.target.blur();
      return;
    }
    if (typing(e.target) || e.metaKey || e.ctrlKey || e.altKey || read("singleKeys") === "off" || document.querySelector("dialog[open]")) return;
    if (prefix) {
      prefix = false;
      const address = document.body.dataset[`go${e.key.toUpperCase()}`];
      if (address) { location.assign(address); return; }
    }
    if (e.key === "g") { prefix = true; setTimeout(() => { prefix = false; }, 900); return; }
    if (e.key === "?") { showKeys(); return; }
    if (e.key === "j" || e.key === "k") {
      const rows = [...document.querySelectorAll("[data-row]")];
      if (!rows.length) return;
      const at = rows.indexOf(document.activeElement.closest?.("[data-row]"));
      const next = rows[Math.min(rows.length - 1, Math.max(0, at + (e.key === "j" ? 1 : -1)))];
      next.focus();
      next.scrollIntoView({ block: "nearest" });
      return;
    }
    const bound = [...document.querySelectorAll("[data-key]")].find((el) => el.dataset.key.split(" ").includes(e.key));
    if (bound) { e.preventDefault(); if (bound.matches("input, textarea")) { bound.focus(); bound.select(); } else bound.click(); }
  });

  // The document listens, not the box: a page can be used before its charts have come and DOMContentLoaded is fired.
  document.addEventListener("change", (e) => {
    if (e.target.matches("[data-single-keys]")) write("singleKeys", e.target.checked ? "on" : "off");
  });

  document.addEventListener("DOMContentLoaded", () => {
    showTheme();
    document.querySelector("[aria-invalid='true']")?.focus();
  });
})();

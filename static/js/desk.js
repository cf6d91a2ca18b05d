"use strict";
// The pages work without this file. It keeps what a person has open, typed and focused when a live
// fragment is replaced, says changes to screen readers, and tells when the server does not answer.
(() => {
  let kept = null;

  function keep(target) {
    const focused = document.activeElement;
    kept = {
      focus: target.contains(focused) ? focused.id : "",
      selection: focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null,
      open: [...target.querySelectorAll("details[open][id]")].map((each) => each.id),
      typed: [...target.querySelectorAll("input[id], textarea[id], select[id]")]
        .filter((each) => each.type !== "hidden" && each.value !== each.defaultValue)
        .map((each) => [each.id, each.value]),
      scrolled: [...target.querySelectorAll("[data-keep-scroll][id]")].map((each) => [each.id, each.scrollTop]),
      lazy: [...target.querySelectorAll("details[id] > .lazy[data-loaded]")].map((each) => each),
    };
  }

  function restore() {
    if (!kept) return;
    const { focus, selection, open, typed, lazy } = kept;
    kept = null;
    // A difference that was loaded stays loaded: put it back before the details asks for it again.
    for (const old of lazy) {
      const details = document.getElementById(old.dataset.loaded);
      const place = details && details.querySelector(":scope > .lazy");
      if (place) {
        place.replaceWith(old);
        details.removeAttribute("hx-get");
      }
    }
    for (const id of open) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    for (const [id, value] of typed) {
      const field = document.getElementById(id);
      if (field) field.value = value;
    }
    const again = focus && document.getElementById(focus);
    if (again) {
      again.focus({ preventScroll: true });
      if (selection && selection[0] !== null && again.setSelectionRange) {
        again.setSelectionRange(...selection);
      }
    }
  }

  function announce(root) {
    const said = root.querySelector("[data-announce]");
    const announcer = document.getElementById("announcer");
    const words = said ? said.textContent.trim().replace(/\s+/g, " ") : "";
    if (announcer && words && announcer.textContent !== words) announcer.textContent = words;
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.shouldSwap && event.detail.target) keep(event.detail.target);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.classList.contains("lazy")) {
      target.dataset.loaded = target.parentElement.id;
      kept = null;
      return;
    }
    restore();
    announce(document);
  });

  // The server's word that it is there, or not.
  const lost = (isLost) => {
    const toast = document.getElementById("connection-lost");
    if (toast) toast.hidden = !isLost;
  };
  document.addEventListener("htmx:sendError", () => lost(true));
  document.addEventListener("htmx:responseError", () => lost(true));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) lost(false);
  });

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  });

  // "/" goes to the search field, as on many sites.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const search = document.getElementById("search");
    if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
})();

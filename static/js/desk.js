"use strict";
// The pages work without this file. It keeps what a person has open, typed and focused when a live
// fragment is replaced, says changes to screen readers, and tells when the server does not answer.
(() => {
  const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";
  let kept = null;

  const focusable = (root) => [...root.querySelectorAll(FOCUSABLE)];

  // What a field held when the page came.
  const given = (each) =>
    each.options ? ([...each.options].find((option) => option.defaultSelected) ?? each.options[0])?.value : each.defaultValue;

  function keep(target, sent) {
    const focused = target.contains(document.activeElement) ? document.activeElement : null;
    kept = {
      focus: focused && {
        id: focused.id,
        place: focusable(target).indexOf(focused),
        text: focused.textContent,
        selection: "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null,
      },
      open: [...target.querySelectorAll("details[open][id]")].map((each) => each.id),
      typed: [...target.querySelectorAll("input[id], textarea[id], select[id]")]
        .filter((each) => each.type !== "hidden" && each.value !== given(each) && each.form !== sent)
        .map((each) => [each.id, each.value]),
      loaded: [...target.querySelectorAll("details[data-version] > .lazy[data-loaded]")],
    };
  }

  function restore(root) {
    if (!kept) return;
    const { focus, open, typed, loaded } = kept;
    kept = null;
    // A difference that was loaded stays loaded, unless it is another one by now.
    for (const old of loaded) {
      const [id, version] = old.dataset.loaded.split(" ");
      const details = document.getElementById(id);
      if (details && details.dataset.version === version) {
        details.querySelector(":scope > .lazy").replaceWith(old);
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
    const led = root.querySelector("[autofocus]");
    if (led) led.focus();
    else if (focus) focusAgain(root, focus);
  }

  function focusAgain(root, { id, place, text, selection }) {
    const there = focusable(root)[place];
    const again = id ? document.getElementById(id) : there && there.textContent === text ? there : null;
    if (!again) return focusInstead(root);
    again.focus({ preventScroll: true });
    if (selection && selection[0] !== null) again.setSelectionRange(...selection);
  }

  // What had the focus is gone: what was done, or the title, takes it, so that the keyboard stays here.
  function focusInstead(root) {
    const told = root.querySelector("[data-takes-focus]");
    const instead = told || root.querySelector("h1");
    if (!instead) return;
    instead.tabIndex = -1;
    instead.focus({ preventScroll: !told });
  }

  function announce() {
    const said = document.querySelector("[data-announce]");
    const announcer = document.getElementById("announcer");
    const words = said ? said.textContent.trim().replace(/\s+/g, " ") : "";
    if (announcer.textContent !== words) announcer.textContent = words;
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.shouldSwap || !event.detail.target) return;
    const { elt, verb } = event.detail.requestConfig;
    // What was sent is not typed any more.
    keep(event.detail.target, verb === "post" ? elt : null);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (!target) return;
    if (target.classList.contains("lazy")) {
      target.dataset.loaded = `${target.parentElement.id} ${target.parentElement.dataset.version}`;
      kept = null;
      return;
    }
    restore(document.getElementById(target.id) || document);
    announce();
  });

  // The server's word that it is there, or not.
  const tell = (id) => {
    for (const each of ["connection-lost", "request-refused"]) {
      document.getElementById(each).hidden = each !== id;
    }
  };
  document.addEventListener("htmx:sendError", () => tell("connection-lost"));
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    tell(status >= 400 && status < 500 ? "request-refused" : "connection-lost");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) tell("");
  });

  // A button that is busy does nothing more.
  document.addEventListener(
    "click",
    (event) => {
      if (!event.target.closest("button[aria-busy=true]")) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.matches("[hx-post], [hx-boost]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // A form that stays on the page tells in its button that it is being sent, and is sent once as well.
  const buttons = (event) => {
    const { elt } = event.detail;
    return elt.matches("form") ? elt.querySelectorAll("button[type=submit]") : [];
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    for (const button of buttons(event)) {
      button.setAttribute("aria-busy", "true");
      button.setAttribute("aria-disabled", "true");
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    for (const button of buttons(event)) {
      button.removeAttribute("aria-busy");
      button.removeAttribute("aria-disabled");
    }
  });
  // The page may come back from the browser's memory.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("button")) {
        button.removeAttribute("aria-disabled");
        button.removeAttribute("aria-busy");
      }
    }
  });

  // "/" goes to the search field, as on many sites.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.getElementById("search");
    if (!search || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    search.focus();
  });

  // "n" and "p" go from change to change, where a reading of changes has the focus.
  document.addEventListener("keydown", (event) => {
    const by = { n: 1, p: -1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    const reading = event.target.closest("[data-reading]");
    if (!reading || event.target.closest("input:not([type=radio]), textarea, select")) return;
    const bodies = [...reading.querySelectorAll(".entry-body")];
    const body = event.target.closest(".entry")?.querySelector(".entry-body");
    const at = body ? bodies.indexOf(body) : by < 0 ? bodies.length : -1;
    const next = bodies[at + by];
    if (!next) return;
    event.preventDefault();
    goTo(reading, next);
  });

  function goTo(reading, body) {
    body.closest("details").open = true;
    for (const shape of reading.querySelectorAll(`.canvas-view a[href="#${body.id}"]`)) {
      if (shape.checkVisibility()) shape.scrollIntoView({ block: "nearest", inline: "center" });
    }
    body.focus({ preventScroll: true });
    body.scrollIntoView({ block: "nearest" });
  }

  // "j" and "k" go from component to component, "v" marks one as viewed, where the list or the difference has the focus.
  document.addEventListener("keydown", (event) => {
    const id = { j: "work-after", k: "work-before", v: "work-viewed" }[event.key];
    if (!id || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=radio]), textarea, select")) return;
    if (!event.target.closest("[data-workbench]")) return;
    const wanted = document.getElementById(id);
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
  });

  // The open component stays in sight in its list.
  function showPicked() {
    const picked = document.querySelector(".work-rows [aria-current]");
    const rows = picked?.closest(".work-rows");
    if (!rows) return;
    const above = picked.getBoundingClientRect().top - rows.getBoundingClientRect().top;
    if (above < 0 || above > rows.clientHeight - picked.clientHeight) rows.scrollTop += above - rows.clientHeight / 3;
  }
  document.addEventListener("htmx:afterSwap", showPicked);

  // The queue that refreshes itself tells in the title and the badge how many wait.
  document.addEventListener("htmx:afterSwap", () => {
    const waiting = document.querySelector("[data-waiting]")?.dataset.waiting;
    if (waiting === undefined) return;
    document.title = `${waiting === "0" ? "" : `(${waiting}) `}${document.title.replace(/^\(\d+\) /, "")}`;
    const badge = document.getElementById("waiting-badge");
    if (badge) badge.firstChild.textContent = waiting;
  });
  showPicked();

  // A click on the number of a line makes the next comment one on this line.
  document.addEventListener("click", (event) => {
    const number = event.target.closest("[data-workbench] [data-line]");
    if (!number || event.target.closest("a")) return;
    const form = number.closest("[data-workbench]").querySelector(".say:has([data-say-line])");
    if (!form) return;
    const [place, line] = number.dataset.line.split("-");
    form.querySelector("[data-say-place]").value = place;
    form.querySelector("[data-say-line]").value = line;
    form.querySelector("textarea").focus();
  });

  // A link to a change opens it, also where the browser does not do so by itself.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-reading] a[href^='#']");
    const body = link && document.getElementById(link.getAttribute("href").slice(1));
    if (body?.matches(".entry-body")) body.closest("details").open = true;
  });
})();

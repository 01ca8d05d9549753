"use strict";
(() => {
  const root = document.documentElement;
  const get = (id) => document.getElementById(id);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const fields = { search: get("search"), environment: get("environment"), component: get("component"), class: get("class"), made: get("made") };
  const items = all(".item");
  const places = new Map([...fields.environment.options].slice(1).map((option, index) => [option.value, index]));

  // Of many items what is inside waits as a text until it is opened; it is the page's own markup, with everything escaped.
  const build = (item) => {
    const waiting = item.querySelector(":scope > noscript");
    if (!waiting) return;
    const parts = document.createElement("template");
    parts.innerHTML = waiting.textContent;
    waiting.replaceWith(parts.content);
  };
  document.addEventListener("toggle", (event) => { if (event.target.matches(".item[open]")) build(event.target); }, true);

  // What is looked through: made when it is first needed, so that opening the page does not wait for it.
  const characters = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  const plain = (markup) => markup.replace(/<[^>]*>/g, "").replace(/&(?:lt|gt|quot|#39|amp);/g, (name) => characters[name]);
  const texts = new Map();
  const text = (item) => {
    if (!texts.has(item)) {
      const waiting = item.querySelector(":scope > noscript");
      const found = waiting ? item.firstElementChild.textContent + plain(waiting.textContent) : item.textContent;
      texts.set(item, found.toLowerCase());
    }
    return texts.get(item);
  };
  const isOn = (item, numbers) => item.dataset.on.split(" ").some((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return numbers.some((number) => first <= number && number <= last);
  });

  // The filter. Its state is the address, so that a link shows what its sender saw.
  let isSplit = false;
  const state = () => {
    const hash = location.hash.slice(1);
    return new URLSearchParams(hash.includes("=") ? hash : isSplit ? "view=split" : "");
  };
  const go = (parameters) => {
    const hash = parameters.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    show();
  };
  const set = (pairs) => {
    const parameters = state();
    for (const [name, value] of Object.entries(pairs)) {
      if (value) parameters.set(name, value);
      else parameters.delete(name);
    }
    go(parameters);
  };
  const select = (field, value) => {
    field.querySelector("[data-several]")?.remove();
    if (value && ![...field.options].some((option) => option.value === value)) {
      const option = new Option(value.includes(",") ? `${value.split(",").length} environments` : value, value);
      option.dataset.several = "";
      field.add(option);
    }
    field.value = value;
  };
  const show = () => {
    const parameters = state();
    const wanted = Object.fromEntries(Object.keys(fields).map((name) => [name, parameters.get(name) ?? ""]));
    for (const [name, field] of Object.entries(fields)) {
      if (name === "search") {
        if (field.value.trim() !== wanted.search) field.value = wanted.search;
      } else select(field, wanted[name]);
    }
    const words = wanted.search.toLowerCase().split(/\s+/).filter(Boolean);
    const numbers = wanted.environment && wanted.environment.split(",").map((name) => places.get(name) ?? -1);
    let shown = 0;
    for (const item of items) {
      const holds = (!wanted.component || item.dataset.component === wanted.component)
        && (!wanted.made || item.dataset.made === wanted.made)
        && (!wanted.class || item.dataset.class.split(" ").includes(wanted.class))
        && (!numbers || isOn(item, numbers))
        && words.every((word) => text(item).includes(word));
      item.hidden = !holds;
      if (holds) shown++;
    }
    const isFiltered = Object.values(wanted).some(Boolean);
    for (const section of all(".part:has(.item)")) {
      section.hidden = !section.querySelector(".item:not([hidden])");
      const fold = section.querySelector(".folded");
      // What is found is seen, also where it is folded.
      if (fold && isFiltered && !section.hidden && !fold.open) { fold.open = true; fold.dataset.opened = ""; }
      else if (fold && !isFiltered && "opened" in fold.dataset) { fold.open = false; delete fold.dataset.opened; }
    }
    get("shown").textContent = `${shown} of ${get("shown").dataset.total} changes shown`;
    get("clear").hidden = !isFiltered;
    for (const link of all(".counts a")) {
      if ([`class=${wanted.class}`, `made=${wanted.made}`].includes(link.dataset.set)) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    isSplit = parameters.get("view") === "split";
    root.toggleAttribute("data-split", isSplit);
    get("split").setAttribute("aria-pressed", isSplit);
  };
  const clear = () => set({ search: "", environment: "", component: "", class: "", made: "" });

  let typing = 0;
  fields.search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => set({ search: fields.search.value.trim() }), 60);
  });
  for (const name of ["environment", "component", "class", "made"]) {
    fields[name].addEventListener("change", () => set({ [name]: fields[name].value }));
  }
  get("clear").addEventListener("click", () => { clear(); fields.search.focus(); });
  document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());

  // Links that filter, and links to one change.
  const reveal = () => {
    const target = get(location.hash.slice(1));
    if (!target) return;
    const item = target.closest(".item");
    if (item) build(item);
    for (let at = target; at; at = at.parentElement) if (at.matches("details")) at.open = true;
    target.scrollIntoView();
    (item ? item.querySelector("summary") : target).focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-set]");
    if (link) {
      event.preventDefault();
      const pairs = Object.fromEntries([link.dataset.set, link.dataset.and].filter(Boolean).map((pair) => {
        const [name, ...value] = pair.split("=");
        return [name, value.join("=")];
      }));
      const parameters = state();
      const isSet = Object.entries(pairs).every(([name, value]) => parameters.get(name) === value);
      set(isSet ? Object.fromEntries(Object.keys(pairs).map((name) => [name, ""])) : pairs);
      return;
    }
    const button = event.target.closest(".copy");
    if (button) copy(button);
  });
  addEventListener("hashchange", () => {
    show();
    reveal();
  });

  const copy = async (button) => {
    const label = button.textContent;
    let done = false;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      done = true;
    } catch {
      // Where the clipboard is closed to pages, a selection may still be copied.
      const field = document.createElement("textarea");
      field.value = button.dataset.copy;
      document.body.append(field);
      field.select();
      done = document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  };

  // Switches.
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => { try { return localStorage.getItem("review-theme"); } catch { return null; } };
  const paint = (theme) => {
    if (theme) root.dataset.theme = theme;
    get("theme").setAttribute("aria-pressed", (theme ?? (darkness.matches ? "dark" : "light")) === "dark");
  };
  const turn = () => {
    const theme = get("theme").getAttribute("aria-pressed") === "true" ? "light" : "dark";
    try { localStorage.setItem("review-theme", theme); } catch { /* It holds for as long as the page is open. */ }
    paint(theme);
  };
  darkness.addEventListener("change", () => paint(root.dataset.theme));
  const split = () => set({ view: isSplit ? "" : "split" });
  const openAll = (isOpen) => {
    for (const item of items) if (!item.hidden) { if (isOpen) build(item); item.open = isOpen; }
    get("all").setAttribute("aria-pressed", isOpen);
  };
  const toggleAll = () => openAll(get("all").getAttribute("aria-pressed") !== "true");
  get("theme").addEventListener("click", turn);
  get("split").addEventListener("click", split);
  get("all").addEventListener("click", toggleAll);
  const help = get("help");
  get("keys").addEventListener("click", () => help.showModal());

  // Keys.
  const step = (by) => {
    const seen = items.filter((item) => item.checkVisibility());
    const now = seen.indexOf(document.activeElement?.closest(".item"));
    const next = seen[now < 0 ? (by > 0 ? 0 : seen.length - 1) : Math.min(Math.max(now + by, 0), seen.length - 1)];
    const summary = next?.querySelector("summary");
    summary?.focus({ preventScroll: true });
    summary?.scrollIntoView({ block: "nearest", behavior: "instant" });
  };
  const keys = { j: () => step(1), k: () => step(-1), o: toggleAll, s: split, t: turn, "/": () => fields.search.focus(), "?": () => help.showModal() };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open) return;
    if (event.key === "Escape") {
      if (event.target === fields.search && fields.search.value === "") fields.search.blur();
      else { clearTimeout(typing); clear(); }
      return;
    }
    if (event.target.matches("input, select, textarea")) return;
    const does = Object.hasOwn(keys, event.key) && keys[event.key];
    if (does) { event.preventDefault(); does(); }
  });

  // On paper everything is open; afterwards it is as it was.
  let closed = [];
  matchMedia("print").addEventListener("change", (event) => { if (event.matches) items.forEach(build); });
  addEventListener("beforeprint", () => {
    items.forEach(build);
    closed = all("details:not([open])");
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of closed) each.open = false; closed = []; });

  paint(remembered() ?? undefined);
  for (const each of all(".tools, .copy")) each.hidden = false;
  show();
  reveal();
})();

// Numbers everything that can be pressed in the order of the page; of a group of radios one stop is enough.
() => {
  let n = 0;
  const groups = new Set(), named = {};
  for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")) {
    if (e.tabIndex < 0 || e.disabled || e.type === "hidden" || e.closest("[inert], dialog:not([open])")) continue;
    const shown = (x) => x.checkVisibility({ visibilityProperty: true });
    if (!shown(e) && !(e.labels && [...e.labels].some(shown))) continue;
    if (e.type === "radio") {
      const group = e.name + (e.form ? e.form.action : "");
      if (groups.has(group)) continue;
      groups.add(group);
    }
    e.dataset.stop = n;
    named[n] = (e.getAttribute("aria-label") || e.textContent.trim() || e.name || e.tagName).slice(0, 40);
    n += 1;
  }
  return named;
}

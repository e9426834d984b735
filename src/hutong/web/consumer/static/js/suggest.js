// What may be meant, under the search box; and what was searched for lately, which stays on this phone. Without this the
// form simply searches.
const MOST = 8;
const shelf = (city) => `hutong-searches-${city}`;
const recent = (city) => {
  try {
    const kept = JSON.parse(localStorage.getItem(shelf(city)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((term) => typeof term === "string").slice(0, MOST) : [];
  } catch { return []; }
};
const keep = (city, terms) => { try { localStorage.setItem(shelf(city), JSON.stringify(terms)); } catch { /* private */ } };
const remember = (city, words) => {
  if (words) keep(city, [words, ...recent(city).filter((term) => term !== words)].slice(0, MOST));
};

for (const form of document.querySelectorAll("form[data-suggest]")) {
  const field = form.querySelector("input[type=search]"), list = form.querySelector("[data-hints]");
  const scope = form.querySelector("input[name=category]")?.value ?? "";
  let composing = false, waiting = 0, latest = 0;
  remember(form.dataset.city, field.defaultValue.trim());
  const show = async () => {
    const words = field.value.trim(), mine = ++latest;
    if (!words) { list.hidden = true; return; }
    try {
      const asked = new URLSearchParams(scope ? { q: words, category: scope } : { q: words });
      const answer = await fetch(`${form.dataset.suggest}?${asked}`, { headers: { "HX-Request": "true" } });
      if (!answer.ok || mine !== latest) return;
      list.innerHTML = await answer.text();
      list.hidden = !list.querySelector("a");
    } catch { list.hidden = true; }
  };
  const soon = () => { if (!composing) { clearTimeout(waiting); waiting = setTimeout(show, 140); } };
  field.addEventListener("compositionstart", () => { composing = true; });
  field.addEventListener("compositionend", () => { composing = false; soon(); });
  field.addEventListener("input", soon);
  form.addEventListener("submit", () => remember(form.dataset.city, field.value.trim()));
  list.addEventListener("click", () => remember(form.dataset.city, field.value.trim()));
  form.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    if (event.key === "Escape") { list.hidden = true; field.focus(); }
    if (list.hidden || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    (links[at + (event.key === "ArrowDown" ? 1 : -1)] ?? field).focus();
  });
  form.addEventListener("focusout", ({ relatedTarget }) => { if (relatedTarget && !form.contains(relatedTarget)) list.hidden = true; });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) list.hidden = true; });

  const lately = document.querySelector("[data-recent]");
  if (lately) {
    const terms = recent(form.dataset.city), row = lately.querySelector("[data-terms]");
    for (const term of terms) {
      const link = document.createElement("a");
      link.className = "chip";
      link.href = `${form.action}?${new URLSearchParams(scope ? { q: term, category: scope } : { q: term })}`;
      link.textContent = term;
      row.append(link);
    }
    lately.hidden = !terms.length;
    lately.querySelector("[data-forget]").addEventListener("click", () => {
      keep(form.dataset.city, []);
      lately.hidden = true;
      field.focus();
    });
  }
}

// What may be meant, under the search box. Without this the form simply searches.
for (const form of document.querySelectorAll("form[data-suggest]")) {
  const field = form.querySelector("input[type=search]");
  const list = document.createElement("div");
  list.className = "suggestions";
  list.hidden = true;
  form.append(list);
  let composing = false, waiting = 0, latest = 0;
  const show = async () => {
    const words = field.value.trim(), mine = ++latest;
    if (!words) { list.hidden = true; return; }
    try {
      const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(words)}`);
      if (!answer.ok || mine !== latest) return;
      list.innerHTML = await answer.text();
      list.hidden = !list.querySelector("a");
    } catch { list.hidden = true; }
  };
  const soon = () => { if (!composing) { clearTimeout(waiting); waiting = setTimeout(show, 160); } };
  field.addEventListener("compositionstart", () => { composing = true; });
  field.addEventListener("compositionend", () => { composing = false; soon(); });
  field.addEventListener("input", soon);
  form.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    if (event.key === "Escape") { list.hidden = true; field.focus(); }
    if (list.hidden || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    (links[at + (event.key === "ArrowDown" ? 1 : -1)] ?? field).focus();
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) list.hidden = true; });
}

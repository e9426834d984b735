// The result as a page of its own (the code was typed where the scanner had no script, or by another door).
const box = document.querySelector("[data-result]");
const signal = await import(box.closest("[data-signal-js]")?.dataset.signalJs ?? document.querySelector("[data-signal-js]").dataset.signalJs);
// Seen again through the browser's history it is old news.
const fresh = performance.getEntriesByType("navigation")[0]?.type === "navigate";
if (fresh) { signal.wake(); signal.ring(box.dataset.result); signal.buzz(box.dataset.result); }
const fuse = box.querySelector("[data-fuse]");
if (box.dataset.back && fresh) {
  const timer = setTimeout(() => location.replace(box.dataset.back), Number(box.dataset.after) * 1000);
  fuse?.classList.add("burning");
  const stay = () => { clearTimeout(timer); fuse?.classList.add("out"); };
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, stay, { once: true });
}

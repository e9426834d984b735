// A form that is on its way shows it and cannot be pressed again. (Pressing twice would be safe: its key is the same.)
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  event.submitter?.classList.add("busy");
});
// Coming back through the browser's history finds the page as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".btn.busy")) button.classList.remove("busy");
});

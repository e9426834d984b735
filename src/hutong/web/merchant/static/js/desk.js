// The manager's desk: what is wrong with a field is said to screen readers too; a save that is under way does not
// meet the form that is being sent.
const marked = () => {
  for (const words of document.querySelectorAll(".wrong[id^='w-']")) {
    for (const field of document.querySelectorAll(`[aria-describedby~="${words.id}"]`)) {
      if (words.textContent.trim()) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }
};
document.addEventListener("htmx:afterSettle", marked);
marked();
document.querySelector("#deal-form")?.addEventListener("submit", (event) => {
  htmx.trigger(event.target, "htmx:abort");
});
// Every day like Monday.
for (const button of document.querySelectorAll("[data-same-week]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const [first, ...rest] = button.closest("form").querySelectorAll("[data-week] input");
    for (const one of rest) one.value = first.value;
  });
}

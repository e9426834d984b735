// A download leaves the page where it is: its button can be pressed again after a moment.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-download")) return;
  setTimeout(() => {
    delete form.dataset.sent;
    form.querySelector("button")?.classList.remove("busy");
  }, 3000);
});

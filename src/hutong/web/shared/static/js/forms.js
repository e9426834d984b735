// What every page can do: forms that cannot be sent twice by accident, sheets, steppers, countdowns, a word when the
// network fails. Everything here is a convenience: without it the pages work as plain pages.

// A form that is on its way shows it and cannot be pressed again. (Pressing twice would be safe: its key is the same.)
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  event.submitter?.classList.add("busy");
});
// Coming back through the browser's history finds the page as it was left.
const fresh = () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".btn.busy")) button.classList.remove("busy");
};
addEventListener("pageshow", fresh);
document.addEventListener("htmx:afterRequest", fresh);
document.addEventListener("htmx:beforeRequest", (event) => {
  event.detail.requestConfig.triggeringEvent?.submitter?.classList.add("busy");
});

// Sheets: <button data-sheet="ID"> opens <dialog id="ID">; a press on the veil closes it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-sheet]");
  if (opener) document.getElementById(opener.dataset.sheet)?.showModal();
  if (event.target.matches?.("dialog.modal")) event.target.close();
});

// Steppers count in place; without this the buttons send the form.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-stepper] button[name=step]");
  if (!button) return;
  event.preventDefault();
  const box = button.closest("[data-stepper]"), input = box.querySelector("input");
  const least = Number(input.min), most = Number(input.max);
  input.value = Math.min(most, Math.max(least, (Number(input.value) || least) + Number(button.value)));
  const [less, more] = box.querySelectorAll("button[name=step]");
  less.disabled = Number(input.value) <= least;
  more.disabled = Number(input.value) >= most;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

// Countdowns, once a second while any is on the page.
const clock = () => {
  const all = document.querySelectorAll(".countdown[data-until]");
  for (const one of all) {
    const left = Math.floor((Date.parse(one.dataset.until) - Date.now()) / 1000);
    const time = one.querySelector("time");
    one.classList.toggle("soon", left < 300);
    if (left <= 0) {
      time.textContent = one.dataset.ended;
      one.removeAttribute("data-until");
      one.dispatchEvent(new CustomEvent("hutong:ended", { bubbles: true }));
    } else if (left < 48 * 3600) {
      const two = (n) => String(n).padStart(2, "0");
      const hours = Math.floor(left / 3600);
      time.textContent = `${hours ? `${hours}:` : ""}${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
    }
  }
  if (all.length) setTimeout(clock, 1000 - (Date.now() % 1000));
};
clock();
document.addEventListener("htmx:afterSettle", clock);

// A sentence at the foot of the page for a moment; pages may call it: document.dispatchEvent(new CustomEvent("hutong:say", {detail: words}))
let toast;
const say = (words) => {
  toast?.remove();
  toast = document.createElement("div");
  toast.className = "toast";
  toast.setAttribute("role", "status");
  toast.textContent = words;
  document.body.append(toast);
  setTimeout(() => toast.remove(), 5000);
};
document.addEventListener("hutong:say", (event) => say(event.detail));
document.addEventListener("htmx:sendError", () => say(document.body.dataset.offline));
document.addEventListener("htmx:responseError", () => say(document.body.dataset.failed));

// Fewer, more and all by a thumb; without this script the field takes the number by itself.
export const steppers = (root) => {
  for (const box of root.querySelectorAll("[data-steps]")) {
    const field = box.querySelector("input");
    const buttons = [...box.querySelectorAll("[data-step]")];
    const paint = () => {
      const value = Number(field.value);
      for (const button of buttons) {
        button.hidden = false;
        button.disabled = Number(button.dataset.step) < 0 ? value <= Number(field.min) : value >= Number(field.max);
      }
    };
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const value = Number(field.value || 0) + Number(button.dataset.step);
        field.value = Math.min(Number(field.max), Math.max(Number(field.min), value));
        paint();
      });
    }
    field.addEventListener("input", paint);
    paint();
  }
};
// What the bill gives, while its amount is typed: as the rule of the programme says, the result has the last word.
export const reckon = (root) => {
  const field = root.querySelector("input[data-gives]"), box = root.querySelector("[data-earns]");
  if (!field || !box) return;
  const { gives, per, least, halfUp, scale } = Object.fromEntries(Object.entries(field.dataset).map(([k, v]) => [k, Number(v)]));
  const rule = box.querySelector("[data-earns-rule]"), now = box.querySelector("[data-earns-now]");
  const use = root.querySelector("input[name=points][data-face]"); // points that the guest uses come off first
  const paint = () => {
    const units = Math.round(Number(field.value.replace(",", ".")) * 10 ** scale);
    const good = Number.isFinite(units) && units > 0;
    const face = Number(use?.dataset.face ?? 1), used = use?.checked ? Math.min(Number(use.value), Math.floor(units / face)) : 0;
    const paid = units - used * face;
    const points = !good || paid < least ? 0 : halfUp ? Math.round((paid * gives) / per) : Math.floor((paid * gives) / per);
    now.textContent = now.dataset.words.replace("%", points.toLocaleString("en-US"));
    now.hidden = !good;
    rule.hidden = good;
  };
  use?.addEventListener("change", paint);
  field.addEventListener("input", paint);
  paint();
};
steppers(document);
reckon(document);

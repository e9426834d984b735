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
steppers(document);

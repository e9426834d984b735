// Six digits are the whole code: send it as soon as they are there. A pasted message gives up its digits.
// The pages come and go by htmx, so everything listens on the document.
const field = (target) => (target.matches?.("form[data-code] input[name=code]") ? target : null);
const enter = (input, text) => {
  const digits = text.normalize("NFKC").replace(/\D/g, "").slice(0, 6);
  if (input.value !== digits) input.value = digits;
  if (digits.length === 6) input.form.requestSubmit(input.form.querySelector("button"));
};
document.addEventListener("input", (event) => {
  const input = field(event.target);
  if (input) enter(input, input.value);
});
document.addEventListener("paste", (event) => {
  const input = field(event.target);
  const found = input && event.clipboardData?.getData("text").normalize("NFKC").match(/(?<!\d)\d{3}\s?\d{3}(?!\d)/);
  if (!found) return;
  event.preventDefault();
  enter(input, found[0]);
});

// "Send again" waits as long as the house would refuse it anyway, and says how long.
const wait = () => {
  for (const button of document.querySelectorAll("button[data-again]")) {
    let left = Number(button.dataset.again);
    button.removeAttribute("data-again");
    if (!(left > 1)) continue;
    const words = button.textContent;
    button.disabled = true;
    const tick = () => {
      if (left <= 0) { button.disabled = false; button.textContent = words; return; }
      button.textContent = button.dataset.words.replace("{n}", left--);
      setTimeout(tick, 1000);
    };
    tick();
  }
};
wait();
document.addEventListener("htmx:afterSettle", wait);

// Six digits are the whole code: send it as soon as they are there.
const form = document.querySelector("form[data-code]");
const field = form?.querySelector("input[name=code]");
field?.addEventListener("input", () => {
  const digits = field.value.replace(/\D/g, "");
  if (field.value !== digits) field.value = digits;
  if (digits.length === 6 && !form.dataset.sent) form.requestSubmit(form.querySelector("button"));
});

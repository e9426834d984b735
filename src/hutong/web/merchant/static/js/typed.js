// The field for a typed code: groups of four, sent when twelve digits are there, and always ready for a scanner
// that acts as a keyboard (it types fast and ends with Enter).
const form = document.querySelector("form[data-typed]");
const field = form?.elements.presented;
const WAIT = 180; // ms: a scanner's own Enter comes sooner
let timer = 0;

const grouped = (digits) => digits.replace(/(\d{4})(?=\d)/g, "$1 ");
const tidy = () => {
  clearTimeout(timer);
  const plain = field.value.replace(/[\s\-·.]/g, "");
  if (!/^\d{0,12}$/.test(plain)) return;
  const atEnd = field.selectionStart === field.value.length;
  if (atEnd) field.value = grouped(plain);
  if (plain.length === 12) timer = setTimeout(() => { if (!form.dataset.sent) form.requestSubmit(); }, WAIT);
};
if (field) {
  field.addEventListener("input", tidy);
  form.addEventListener("submit", () => clearTimeout(timer), { capture: true }); // before the scanner takes it
  // What is typed while nothing is chosen belongs here.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    if (event.target.closest?.("input, textarea, select")) return;
    if (event.key === " ") return;
    field.focus();
  });
  if (form.classList.contains("small") === false && matchMedia("(pointer: fine)").matches) field.focus();
}

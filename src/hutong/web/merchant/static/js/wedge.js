// A hand scanner acts as a keyboard: it types fast and ends with Enter, wherever the cursor stands, whatever input
// method is on. People type slowly; their keys go where they always go.
const FAST = 60; // ms between two keys of a scanner at the most
const LEAST = 12;
const CODES = { Period: ".", Slash: "/", Minus: "-", Space: " " };

// An input method swallows the key but not its place on the board.
const sign = (event) => {
  if (event.key.length === 1) return event.key;
  if (event.key !== "Process") return "";
  if (/^(Digit|Numpad)\d$/.test(event.code)) return event.code.at(-1);
  if (/^Key[A-Z]$/.test(event.code)) return event.code.at(-1);
  return CODES[event.code] ?? "";
};

export const listen = (accepts, onCode) => {
  let text = "", last = 0, before = null;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = event.timeStamp;
    if (now - last > FAST) { text = ""; before = null; }
    if (event.key === "Enter") {
      const read = text.trimStart();
      text = "";
      if (read.length < LEAST || !accepts(read)) return;
      event.preventDefault(); // not the button that happens to be in focus
      event.stopImmediatePropagation();
      const [field, value] = before ?? [];
      if (field) field.value = value; // what it typed into a field does not belong there
      return onCode(read);
    }
    const one = sign(event);
    if (!one) return;
    if (!text) {
      const field = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea");
      before = field ? [field, field.value] : null;
    }
    text += one;
    last = now;
  }, { capture: true });
};

// Signing out: whoever has something to lose may stop it (event "hutong:sign-out"), and everything that this device
// keeps for the member hears of it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-sign-out")) return;
  const asked = new CustomEvent("hutong:sign-out", { cancelable: true, detail: { form } });
  if (!dispatchEvent(asked)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if ("BroadcastChannel" in window) new BroadcastChannel("hutong").postMessage({ kind: "signed-out" });
}, { capture: true });

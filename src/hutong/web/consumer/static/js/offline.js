// The page without a network stands at the address that could not come: its city leads to the wallet, and a press
// (or the network's return) tries that address again.
const city = /^\/c\/([a-z0-9-]+)\//.exec(location.pathname)?.[1];
const wallet = document.querySelector("[data-wallet]");
if (city && city !== "offline" && "caches" in window) {
  caches.open("hutong-mine").then((mine) => mine.match(`/c/${city}/vouchers`)).then((found) => {
    if (!found) return;
    wallet.href = `/c/${city}/vouchers`;
    wallet.hidden = false;
  });
}
const again = document.querySelector("[data-again]");
again.hidden = false;
again.addEventListener("click", () => location.reload());

// A network that shows itself for a blink (a lift, a tunnel) calls nobody back, least of all one who is on her way to
// her wallet: a reload would take that way from under her.
const STEADY = 800; // milliseconds
let leaving = false;
addEventListener("beforeunload", () => { leaving = true; });
addEventListener("pageshow", () => { leaving = false; });
addEventListener("online", () => setTimeout(() => {
  if (navigator.onLine && !leaving && !location.pathname.startsWith("/c/offline/")) location.reload();
}, STEADY));

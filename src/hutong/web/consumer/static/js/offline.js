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
addEventListener("online", () => { if (!location.pathname.startsWith("/c/offline/")) location.reload(); });

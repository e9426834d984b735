// On every page of the consumer: the service worker, and that nothing of one person is left for the next.
const who = document.querySelector("[data-who]")?.dataset.who ?? "";
const module = (name) => document.querySelector("[data-who]")?.dataset[name];
const line = "BroadcastChannel" in window ? new BroadcastChannel("hutong") : null;

const wipe = async () => {
  const doing = [];
  if ("caches" in window) doing.push(caches.delete("hutong-mine"));
  if (module("pocket")) doing.push(import(module("pocket")).then((pocket) => pocket.wipe()));
  if (module("token")) doing.push(import(module("token")).then((token) => token.forget?.()));
  await Promise.allSettled(doing);
};

const remember = () => {
  try {
    const before = localStorage.getItem("hutong-who");
    if (before === who) return;
    if (before) wipe();
    if (who) localStorage.setItem("hutong-who", who); else localStorage.removeItem("hutong-who");
  } catch { /* a browser that keeps nothing has nothing to forget */ }
};
if (navigator.onLine) remember();

window.addEventListener("hutong:sign-out", (event) => { setTimeout(() => { if (!event.defaultPrevented) wipe(); }); });
line?.addEventListener("message", ({ data }) => {
  if (data?.kind !== "signed-out") return;
  wipe();
  if (who && document.querySelector("[data-personal]")) location.reload();
});

// A page that was left before paying or signing in may be stale when the browser brings it back: ask for it anew.
addEventListener("pageshow", (event) => {
  if (event.persisted && document.querySelector("[data-fresh-only]")) location.reload();
});

if ("serviceWorker" in navigator && window.isSecureContext) {
  addEventListener("load", () => navigator.serviceWorker.register("/c/sw.js", { scope: "/c/" }).catch(() => {}));
}

// No network: say so where the page has a place for it.
const net = () => {
  for (const note of document.querySelectorAll("[data-offline-note]")) note.hidden = navigator.onLine;
};
addEventListener("online", net);
addEventListener("offline", net);
net();

// Sharing: the phone's own sheet, or the address in the clipboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-share]");
  if (!button) return;
  const what = { title: button.dataset.share, url: new URL(button.dataset.url, location.href).href };
  try {
    if (navigator.share) return await navigator.share(what);
    await navigator.clipboard.writeText(what.url);
    document.dispatchEvent(new CustomEvent("hutong:say", { detail: button.dataset.copied }));
  } catch { /* the reader has changed his mind */ }
});
for (const button of document.querySelectorAll("[data-share]")) button.hidden = !(navigator.share || navigator.clipboard);

// The wallet puts by what is in it, so that it can be shown in a basement: pages and keys of vouchers that can be
// used, a few at a time and only what is not there yet. Without a network it says which of them can be opened.
const list = document.querySelector("[data-tickets]");
const tickets = [...document.querySelectorAll("a[data-ticket]")], MOST = 12;

const there = async () => {
  const mine = await caches.open("hutong-mine");
  return new Set((await mine.keys()).map((request) => new URL(request.url).pathname));
};
const fetchAll = async () => {
  if (!navigator.serviceWorker || !window.isSecureContext || !navigator.onLine) return;
  await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) { // the very first page: the worker takes it over in a moment
    await new Promise((taken) => navigator.serviceWorker.addEventListener("controllerchange", taken, { once: true }));
  }
  const pocket = await import(list.dataset.pocket), have = await there();
  for (const ticket of tickets.slice(0, MOST)) {
    const path = new URL(ticket.href).pathname, kept = await pocket.kept(ticket.dataset.ticket);
    if (have.has(path) && kept?.version === Number(ticket.dataset.version)) continue;
    await fetch(path, { headers: { "x-hutong-keep": "1" } });
    await pocket.learn(path, ticket.dataset.ticket);
  }
};
const mark = async () => {
  if (navigator.onLine || !("caches" in window)) return;
  const have = await there();
  for (const ticket of tickets) ticket.classList.toggle("away", !have.has(new URL(ticket.href).pathname));
};
addEventListener("offline", () => mark().catch(() => {}));
mark().catch(() => {});
if (list) ("requestIdleCallback" in window ? requestIdleCallback : setTimeout)(() => fetchAll().catch(() => {}));

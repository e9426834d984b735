// The service worker of the counter: the scanner's page opens without a network. It keeps files whose names change with
// their content, and the scanner's page of the store that this device stands in; nothing that writes passes here.
const FILES = "hutong-till-files", PAGES = "hutong-till-pages", PATIENCE = 4000;
const SCAN = /^\/m\/sto_[A-Za-z0-9_]+\/scan$/;

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const keep = async ({ page, files }) => {
  const kept = await caches.open(FILES);
  await Promise.all(files.filter((file) => file.startsWith("/static/")).map(async (file) => {
    if (await kept.match(file)) return;
    const answer = await fetch(file).catch(() => null);
    if (answer?.status === 200) await kept.put(file, answer);
  }));
  if (!SCAN.test(page ?? "")) return;
  const answer = await fetch(page, { credentials: "same-origin" }).catch(() => null);
  if (answer?.status !== 200 || answer.redirected) return;
  const text = await answer.clone().text(), named = text.match(/\/static\/[A-Za-z0-9._/-]+/g) ?? [];
  await (await caches.open(PAGES)).put(page, answer);
  if (named.some((file) => !files.includes(file))) await keep({ files: [...new Set(named)] });
};
self.addEventListener("message", (event) => { if (event.data?.kind === "keep") event.waitUntil(keep(event.data)); });

const file = async (request) => {
  const kept = await caches.open(FILES), found = await kept.match(new URL(request.url).pathname);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.status === 200 && answer.type === "basic") await kept.put(new URL(request.url).pathname, answer.clone());
  return answer;
};
const page = async (event, path) => {
  const pages = await caches.open(PAGES);
  const coming = fetch(event.request).then(async (answer) => {
    if (answer.status === 401) await caches.delete(PAGES);
    else if (answer.status === 200 && answer.type === "basic" && !answer.redirected && SCAN.test(path)) await pages.put(path, answer.clone());
    return answer;
  });
  event.waitUntil(coming.catch(() => {}));
  const kept = await pages.match(path);
  if (kept) {
    const late = new Promise((resolve) => { setTimeout(() => resolve(kept.clone()), PATIENCE); });
    return Promise.race([coming.catch(() => kept.clone()), late]);
  }
  return coming.catch(async (error) => {
    const [scanner] = await pages.keys();
    if (scanner) return Response.redirect(new URL(scanner.url).pathname, 302);
    throw error;
  });
};
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (request.mode === "navigate" && url.pathname.startsWith("/m")) event.respondWith(page(event, url.pathname));
});

new BroadcastChannel("hutong").addEventListener("message", ({ data }) => {
  if (["signed-out", "signed-in"].includes(data?.kind)) caches.delete(PAGES);
});

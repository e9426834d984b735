// The service worker of the consumer's pages. (The server puts `const KEEP = {assets, offline}` before this text.)
// It keeps: files whose names change with their content, the wallet and the vouchers that were opened, and two pages
// that say "no network". It never touches what writes, pays, or leads to either; at sign-out nothing personal is left.
const STATIC = "hutong-static", MINE = "hutong-mine", SPOKEN = "/c/spoken";
const PERSONAL = /^\/c\/[a-z0-9-]+\/(vouchers(\/vch_[A-Za-z0-9_]+)?|points\/code)$/;
const PATIENCE = 4000; // milliseconds after which what was kept is better than what may still come

self.addEventListener("install", (event) => {
  const fill = async () => {
    const kept = await caches.open(STATIC);
    await Promise.all([...KEEP.assets, ...KEEP.offline].map(async (url) => {
      const fresh = KEEP.offline.includes(url);
      if (!fresh && (await kept.match(url))) return;
      const answer = await fetch(url, { cache: fresh ? "reload" : "default", credentials: "omit" });
      if (answer.ok) await kept.put(url, answer);
    }));
    await self.skipWaiting(); // pages come whole from the server, so an old page and a new worker get along
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(prune().then(() => self.clients.claim()));
});

// Of every file the newest two: a page that was kept yesterday still asks for yesterday's names.
const stem = (path) => path.replace(/\.[0-9a-f]{10}\.(\w+)$/, ".$1");
const prune = async () => {
  const kept = await caches.open(STATIC), seen = new Map();
  for (const request of (await kept.keys()).reverse()) {
    const name = stem(new URL(request.url).pathname), times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    if (times > 2) await kept.delete(request);
  }
};

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/static/")) return event.respondWith(file(request, url));
  const whole = request.mode === "navigate" || request.headers.get("x-hutong-keep") === "1";
  if (!whole) return;
  if (PERSONAL.test(url.pathname)) return event.respondWith(personal(event, url));
  if (request.mode === "navigate") event.respondWith(fetch(request).then(spoken, () => away()));
});

const file = async (request, url) => {
  const kept = await caches.open(STATIC), found = await kept.match(url.pathname);
  if (found) return found;
  try {
    const answer = await fetch(request);
    if (answer.status === 200 && answer.type === "basic") await kept.put(url.pathname, answer.clone());
    return answer;
  } catch (error) { // no network: the same file as it was at another time will do
    for (const other of (await kept.keys()).reverse()) {
      if (stem(new URL(other.url).pathname) === stem(url.pathname)) return kept.match(other);
    }
    throw error;
  }
};

// The network first, because a voucher may be used meanwhile; what was kept when it is away or too slow.
const personal = async (event, url) => {
  const first = !url.searchParams.has("after") && (url.searchParams.get("tab") ?? "unused") === "unused";
  const coming = fetch(event.request).then(async (answer) => {
    if (answer.status === 401) await wipe();
    const mine = await caches.open(MINE);
    if (answer.status === 404) await mine.delete(url.pathname);
    if (answer.status === 200 && answer.type === "basic" && !answer.redirected && first) {
      await mine.put(url.pathname, answer.clone());
    }
    return spoken(answer);
  });
  event.waitUntil(coming.catch(() => {}));
  const kept = first ? await (await caches.open(MINE)).match(url.pathname) : undefined;
  if (!kept) return coming.catch(() => away());
  const late = new Promise((resolve) => { setTimeout(() => resolve(kept), PATIENCE); });
  return Promise.race([coming.catch(() => kept), late]);
};

// The language in which the last page spoke: the page without a network speaks the same.
const spoken = async (answer) => {
  const language = (answer.headers.get("content-language") ?? "").slice(0, 2);
  if (answer.type === "basic" && ["zh", "en"].includes(language)) {
    const kept = await caches.open(STATIC), before = await kept.match(SPOKEN);
    if (!before || (await before.text()) !== language) await kept.put(SPOKEN, new Response(language));
  }
  return answer;
};
const away = async () => {
  const kept = await caches.open(STATIC), said = await kept.match(SPOKEN);
  const language = said ? await said.text() : (self.navigator.language.startsWith("zh") ? "zh" : "en");
  const page = await kept.match(`/c/offline/${language}`);
  return page ? new Response(page.body, { status: 503, headers: page.headers }) : Response.error();
};

// All that is one person's: the pages, and the keys (the database goes as soon as no page holds it open).
const wipe = async () => {
  await caches.delete(MINE);
  indexedDB.deleteDatabase("hutong-pocket");
};
new BroadcastChannel("hutong").addEventListener("message", ({ data }) => {
  if (["signed-out", "signed-in"].includes(data?.kind)) wipe();
});

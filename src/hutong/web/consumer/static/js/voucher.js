// The open voucher: a fresh code every half minute (the server's picture, or one made on the phone when there is no
// network), a screen that stays awake, and the news when it is used.
const page = document.querySelector("[data-voucher]");
const { voucher: id, base, pocket: pocketUrl, writer: qrUrl, token: tokenUrl, csrf } = page.dataset;
const find = (name) => document.querySelector(`[data-${name}]`);
let pocket, writer, token, mine, shown = "", ends = 0, face = "near", busy = false;

const tools = async () => {
  if (!("indexedDB" in window) || !window.isSecureContext) return false;
  [pocket, writer] = await Promise.all([pocket ?? import(pocketUrl), writer ?? import(qrUrl)]);
  mine = await pocket.kept(id);
  return Boolean(mine);
};
const show = (picture) => {
  const image = find("qr");
  if (!image || picture === shown) return;
  shown = picture;
  const url = URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
  image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
};

// Made on the phone: for a till with a network, or the longer one for a till without.
const local = async () => {
  if (!mine && !(await tools())) return false;
  const { now, left } = pocket.moment(mine);
  const long = token && face === "far" ? await token.text(id, { ...mine, now, online: navigator.onLine }) : null;
  const words = long ?? (await pocket.text(mine));
  if (!words) return false;
  ends = performance.now() + left;
  show(pocket.draw(writer, words));
  return true;
};
// Asked for now instead of at the next beat, in place: a page that was loaded anew would not say what has changed.
const news = () => {
  const part = find("live");
  if (!part || !window.htmx) return location.reload();
  part.dispatchEvent(new CustomEvent("news"));
};
const remote = async () => {
  const answer = await fetch(`${base}/code.svg`, { cache: "no-store" });
  if (answer.status === 401) return location.reload();
  if (answer.status === 404) return news(); // used or given back a moment ago
  if (answer.ok) show(await answer.text());
  return answer.ok;
};
const refresh = async () => {
  if (busy || !find("qr")) return;
  busy = true;
  try {
    if (face === "far" || !navigator.onLine) { if (await local()) return; }
    if (navigator.onLine) await remote();
  } catch {
    await local().catch(() => {});
  } finally { busy = false; }
};

const paint = () => {
  const bar = find("fresh"), image = find("qr");
  if (!bar || !image) return;
  const left = Math.max(0, ends - performance.now()) / (Number(image.dataset.step) * 1000);
  bar.style.transform = `scaleX(${Math.min(1, left)})`;
};
const begin = () => {
  const image = find("qr");
  if (!image) return;
  ends = performance.now() + Number(image.dataset.left) * 1000;
  shown = "";
};
let beat = 0;
setInterval(() => {
  const image = find("qr");
  if (document.hidden || !image) return;
  const over = performance.now() >= ends;
  while (performance.now() >= ends) ends += Number(image.dataset.step) * 1000;
  paint();
  beat += 1;
  if (over || beat % 40 === 0) refresh();
}, 250);

// A screen that goes dark at the till is no use; it is asked for again whenever the page comes back.
const awake = () => {
  if (!document.hidden && find("qr") && "wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});
};
document.addEventListener("visibilitychange", () => { if (!document.hidden) { awake(); refresh(); } });
addEventListener("online", refresh);
addEventListener("offline", refresh);

// Asking for news makes no sense without a network or with the screen off.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.hasAttribute("data-live") && (document.hidden || !navigator.onLine)) event.preventDefault();
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.detail.elt.closest("#voucher") && event.detail.elt.id !== "voucher") return;
  begin();
  const note = find("changed");
  if (!note) return;
  note.focus();
  if (!find("qr")) { navigator.vibrate?.(200); pocket?.drop(id).catch(() => {}); }
  keep();
});

// Two faces of the code: the short one, and the one that tills without a network can check.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-face]");
  if (!button) return;
  face = face === "near" ? "far" : "near";
  button.setAttribute("aria-pressed", String(face === "far"));
  find("code-box")?.classList.toggle("long", face === "far");
  shown = "";
  (face === "far" ? local() : refresh()).catch(() => {});
});

// Several units of one order lie side by side: a swipe over the ticket is the press of an arrow.
let from = null;
document.addEventListener("touchstart", (event) => {
  const [touch] = event.touches;
  from = event.touches.length === 1 && event.target.closest(".voucher") ? { x: touch.clientX, y: touch.clientY } : null;
}, { passive: true });
document.addEventListener("touchend", (event) => {
  if (!from) return;
  const [touch] = event.changedTouches, x = touch.clientX - from.x, y = touch.clientY - from.y;
  from = null;
  if (Math.abs(x) > 60 && Math.abs(x) > 2 * Math.abs(y)) {
    document.querySelector(`.pager a[rel=${x < 0 ? "next" : "prev"}]`)?.click();
  }
}, { passive: true });

// Put by for later: the page (by the service worker) and the key.
const keep = async () => {
  if (!navigator.onLine) return;
  if (navigator.serviceWorker) {
    await navigator.serviceWorker.ready;
    if (new URLSearchParams(location.search).has("new") || !navigator.serviceWorker.controller || find("changed")) {
      await fetch(base, { headers: { "x-hutong-keep": "1" } });
    }
  }
  if (!find("qr") || !(await tools().then(() => pocket))) return;
  const learnt = await pocket.learn(base, id);
  mine = await pocket.kept(id);
  if (!learnt || !tokenUrl) return;
  token = await import(tokenUrl);
  await token.prepare?.(id, learnt.offline ? { ...learnt.offline, csrf } : null);
  const { now } = pocket.moment(mine);
  const button = find("face");
  if (button) button.hidden = !(await token.text(id, { ...mine, now, online: true }));
};
const wake = async () => {
  begin();
  paint();
  awake();
  if (!navigator.onLine) {
    await refresh();
    if (tokenUrl && mine) {
      token = await import(tokenUrl);
      const { now } = pocket.moment(mine), button = find("face");
      if (button) button.hidden = !(await token.text(id, { ...mine, now, online: false }));
    }
  }
  await keep();
};
wake().catch(() => {});
// The kept copy is reached by the plain address, and going back is not paid for twice.
if (new URLSearchParams(location.search).has("new")) history.replaceState(null, "", base);

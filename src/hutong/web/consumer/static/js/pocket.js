// What the phone keeps of a voucher so that it can be shown without a network: a key that signs and cannot be read
// out, and how far the server's clock is from the phone's. Written as vouchers/codes.py says it.
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
let opening;

const base = () => opening ??= new Promise((resolve, reject) => {
  const request = indexedDB.open("hutong-pocket", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("vouchers", { keyPath: "id" });
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => { opening = undefined; reject(request.error); };
});
const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const store = async (mode) => (await base()).transaction("vouchers", mode).objectStore("vouchers");

export const kept = async (id) => asked((await store("readonly")).get(id));
export const drop = async (id) => asked((await store("readwrite")).delete(id));
export const wipe = async () => asked((await store("readwrite")).clear());

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

// Asks the server for what a phone may keep, and keeps it. Gives what came beside the key; null when there is nothing.
export const learn = async (address, id) => {
  const answer = await fetch(`${address}/pocket`, { cache: "no-store", headers: { accept: "application/json" } });
  if (answer.status === 404) await drop(id);
  if (!answer.ok) return null;
  const { secret, now, offline, ...rest } = await answer.json();
  const key = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  await asked((await store("readwrite")).put({ ...rest, key, skew: now - Date.now() }));
  return { ...rest, offline };
};

export const crockford = (data) => {
  let value = 0n;
  for (const byte of data) value = (value << 8n) | BigInt(byte);
  let text = "";
  for (let n = Math.ceil((data.length * 8) / 5); n > 0; n -= 1) { text = LETTERS[Number(value & 31n)] + text; value >>= 5n; }
  return text;
};

// The moment by the server's clock, and how much of its step is left, in milliseconds.
export const moment = (mine) => {
  const now = Date.now() + mine.skew;
  return { now, step: Math.floor(now / mine.step), left: mine.step - (now % mine.step) };
};

// The QR text of this half minute; null when the voucher is not (or no longer) to be shown.
export const text = async (mine) => {
  const { now, step } = moment(mine);
  if (now < mine.from || now >= mine.to) return null;
  const head = mine.kind === "member" ? [109, 101, 109, 98, 101, 114] : []; // people/badges.py says "member" before it
  const message = new DataView(new ArrayBuffer(head.length + 8));
  head.forEach((byte, n) => message.setUint8(n, byte));
  message.setBigUint64(head.length, BigInt(Math.max(step, mine.after + 1)));
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", mine.key, message));
  if (head.length) return `HM1.${mine.short}.${crockford(mac.subarray(0, 10))}`;
  return `HT1.${mine.city}.${mine.short}.${crockford(mac.subarray(0, 10))}`;
};

// The text as an SVG picture, black on white with a quiet border of two. `qr` is the vendored writer.
export const draw = (qr, words) => {
  const code = qr.generate(words, { minCorrectionLevel: qr.correction.M }), edge = 2, wide = code.size + 2 * edge;
  let path = "";
  for (let y = 0; y < code.size; y += 1) for (let x = 0; x < code.size; x += 1) {
    if (!code.get(x, y)) continue;
    let run = 1;
    while (code.get(x + run, y)) run += 1;
    path += `M${x + edge} ${y + edge}h${run}v1h-${run}z`;
    x += run;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${wide}" shape-rendering="crispEdges">` +
    `<rect width="${wide}" height="${wide}" fill="#fff"/><path d="${path}" fill="#000"/></svg>`;
};

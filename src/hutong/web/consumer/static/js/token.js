// The code for counters without a network: a capsule that the house signed for this phone's key, and the half minute
// signed by that key, which cannot be read out. Written as vouchers/capsules.py says it.
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const STEP = 30_000, FRESH = 3_600_000; // ms; a capsule younger than this is not asked for again
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
let opening;

const base = () => opening ??= new Promise((resolve, reject) => {
  const request = indexedDB.open("hutong-phone", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("keys");
    request.result.createObjectStore("capsules");
  };
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => { opening = undefined; reject(request.error); };
});
const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const store = async (name, mode) => (await base()).transaction(name, mode).objectStore(name);
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

// The phone's own key: made once, not extractable.
const phoneKey = async () => {
  const kept = await asked((await store("keys", "readonly")).get("phone"));
  if (kept) return kept;
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  await asked((await store("keys", "readwrite")).put(pair, "phone"));
  return pair;
};

export const base45 = (data) => {
  let text = "";
  for (let i = 0; i + 1 < data.length; i += 2) {
    const number = data[i] * 256 + data[i + 1];
    text += DIGITS[number % 45] + DIGITS[Math.floor(number / 45) % 45] + DIGITS[Math.floor(number / 2025)];
  }
  if (data.length % 2) text += DIGITS[data.at(-1) % 45] + DIGITS[Math.floor(data.at(-1) / 45)];
  return text;
};

// Asks for a capsule of the voucher. `offline`: {url, csrf} from the server; null when no counter takes it offline.
export const prepare = async (voucher, offline) => {
  if (!offline) { await asked((await store("capsules", "readwrite")).delete(voucher)); return false; }
  const kept = await asked((await store("capsules", "readonly")).get(voucher));
  if (kept && Date.now() - kept.at < FRESH && Date.now() < kept.expires) return true;
  const pair = await phoneKey();
  const { x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const csrf = offline.csrf ?? document.querySelector("[data-csrf]")?.dataset.csrf ?? "";
  const answer = await fetch(offline.url, {
    method: "POST", body: JSON.stringify({ x, y }), headers: { "content-type": "application/json", "x-csrftoken": csrf },
  });
  if (!answer.ok) {
    if ([404, 409].includes(answer.status)) await asked((await store("capsules", "readwrite")).delete(voucher));
    return false;
  }
  const { capsule, expires } = await answer.json();
  const row = { signed: bytes(capsule), expires, at: Date.now() };
  await asked((await store("capsules", "readwrite")).put(row, voucher));
  return true;
};

// The QR text of the half minute of `now` (ms, the server's clock); null without a living capsule.
export const text = async (voucher, { now = Date.now() } = {}) => {
  const kept = await asked((await store("capsules", "readonly")).get(voucher)).catch(() => null);
  const pair = kept && (await asked((await store("keys", "readonly")).get("phone")));
  if (!pair || now >= kept.expires) return null;
  const message = new Uint8Array(3 + 16 + 4), step = Math.floor(now / STEP);
  message.set([0x48, 0x54, 0x32]);
  message.set(kept.signed.subarray(10, 26), 3);
  new DataView(message.buffer).setUint32(19, step);
  const signature = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, message));
  const whole = new Uint8Array(kept.signed.length + 68);
  whole.set(kept.signed);
  whole.set(message.subarray(19), kept.signed.length);
  whole.set(signature, kept.signed.length + 4);
  return `HT2.${base45(whole)}.`;
};

// Nothing of the member stays: capsules and key go.
export const forget = async () => {
  await asked((await store("capsules", "readwrite")).clear());
  await asked((await store("keys", "readwrite")).clear());
};

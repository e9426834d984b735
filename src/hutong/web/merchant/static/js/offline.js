// The counter without a network. This browser is a device of the store: it has a key that cannot be read out, a log
// whose rows are numbered and signed, an allowance, and the vouchers that are used. It decides alone, writes the row
// down for good, and only then says yes; it tells the log when the network is back. Written as vouchers/capsules.py
// and desk/offline.py say it.
const frame = document.querySelector("[data-offline-js]");
const words = JSON.parse(frame?.dataset.words ?? "{}");
const STEP = 30_000, TOLERANCE = 150_000, EVERY = 60_000, MOST = 200, KEPT = 100;
const CURVE = { name: "ECDSA", namedCurve: "P-256" }, SIGN = { name: "ECDSA", hash: "SHA-256" };
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const b64 = (data) => btoa(String.fromCharCode(...new Uint8Array(data))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const unb64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const hex = (data) => [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const fill = (text, facts = {}) => String(text ?? "").replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);

// ---- what lies on the device: everything about it in "state", used vouchers in "used", the numbered log in "log"
let opening;
const base = () => opening ??= new Promise((resolve, reject) => {
  const request = indexedDB.open("hutong-till", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("state");
    request.result.createObjectStore("used");
    request.result.createObjectStore("log", { keyPath: "seq" });
  };
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => { opening = undefined; reject(request.error); };
});
// One transaction; it is over, and on the disk, when this resolves.
const within = async (names, mode, work) => {
  const tx = (await base()).transaction(names, mode, { durability: "strict" });
  const asked = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = () => reject(request.error); });
  const done = new Promise((resolve, reject) => { tx.oncomplete = resolve; tx.onabort = tx.onerror = () => reject(tx.error ?? new Error("aborted")); });
  const [answer] = await Promise.all([Promise.resolve(work((name) => tx.objectStore(name), asked)).catch((error) => { try { tx.abort(); } catch { /* over already */ } throw error; }), done]);
  return answer;
};
const read = () => within(["state"], "readonly", (store, asked) => asked(store("state").get("device"))).catch(() => undefined);
const change = (changes) => within(["state"], "readwrite", async (store, asked) => {
  const next = { ...(await asked(store("state").get("device"))), ...changes };
  await asked(store("state").put(next, "device"));
  return next;
});
const rows = (open) => within(["log"], "readonly", async (store, asked) => (await asked(store("log").getAll())).filter((row) => !open || !row.outcome));
const alone = (name, work) => (navigator.locks ? navigator.locks.request(name, work) : work());

// ---- reading a code
const plain = (text) => {
  const out = [];
  for (let i = 0; i < text.length; i += 3) {
    const part = [...text.slice(i, i + 3)].map((char) => DIGITS.indexOf(char));
    if (part.length === 1 || part.includes(-1)) return null;
    const number = part[0] + part[1] * 45 + (part[2] ?? 0) * 2025;
    if (number >= 256 ** (part.length - 1)) return null;
    if (part.length === 3) out.push(number >> 8);
    out.push(number & 255);
  }
  return Uint8Array.from(out);
};
export const parse = (text) => {
  const found = /^HT2\.([0-9A-Z $%*+\-./:]{200,700})\.$/.exec(text), data = found && plain(found[1]);
  if (!data || data.length < 68 + 148) return null;
  const signed = data.subarray(0, -68), view = new DataView(data.buffer);
  const stores = signed[82], at = 83 + 6 * stores + 1, spans = signed[at - 1];
  if (signed[0] !== 1 || stores > 8 || at > signed.length - 64 || spans > 8 || at + 4 * spans + 64 !== signed.length) return null;
  const issued = view.getUint32(38), minute = (from) => (issued + from) * 60_000;
  return {
    signed, step: view.getUint32(signed.length), signature: data.subarray(-64), kind: signed[5],
    house: hex(signed.subarray(1, 5)), city: view.getUint32(6), voucher: signed.subarray(10, 26), tail: hex(signed.subarray(20, 26)),
    merchant: hex(signed.subarray(26, 32)), offer: hex(signed.subarray(32, 38)), from: minute(0), to: minute(view.getUint16(42)),
    face: view.getUint32(45), phone: signed.subarray(49, 82),
    stores: Array.from({ length: stores }, (_, i) => hex(signed.subarray(83 + 6 * i, 89 + 6 * i))),
    windows: Array.from({ length: spans }, (_, i) => {
      const start = view.getUint16(at + 4 * i);
      return [minute(start), minute(start + view.getUint16(at + 4 * i + 2))];
    }),
  };
};

// Browsers take points whole, capsules carry them short: y is the square root of x^3 - 3x + b.
const P = (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const power = (value, times) => {
  let result = 1n;
  for (let rest = times, one = value % P; rest > 0n; rest >>= 1n) { if (rest & 1n) result = (result * one) % P; one = (one * one) % P; }
  return result;
};
const whole = (short) => {
  const x = BigInt(`0x${hex(short.subarray(1))}`), square = (((x * x * x - 3n * x + B) % P) + P) % P;
  let y = power(square, (P + 1n) >> 2n);
  if ((y & 1n) !== BigInt(short[0] & 1)) y = P - y;
  const point = new Uint8Array(65);
  point[0] = 4;
  point.set(short.subarray(1), 1);
  point.set(y.toString(16).padStart(64, "0").match(/../g).map((pair) => parseInt(pair, 16)), 33);
  return point;
};
const proves = async (short, signature, message) => {
  try {
    const key = await crypto.subtle.importKey("raw", whole(short), CURVE, false, ["verify"]);
    return await crypto.subtle.verify(SIGN, key, signature, message);
  } catch { return false; } // no point of the curve
};
const genuine = async (token, keys) => {
  const house = keys?.[token.house];
  if (!house) return "unknown_key";
  if (!(await proves(unb64(house), token.signed.subarray(-64), token.signed.subarray(0, -64)))) return "forged_capsule";
  const message = new Uint8Array(23);
  message.set([0x48, 0x54, 0x32]);
  message.set(token.voucher, 3);
  new DataView(message.buffer).setUint32(19, token.step);
  return (await proves(token.phone, token.signature, message)) ? null : "forged_token";
};

// ---- deciding alone
const serverNow = (state) => Date.now() + (state.offset ?? 0);
const whyNot = (token, state, now) => {
  const { device, allowance, spent = {} } = state;
  const used = spent[allowance.number] ?? { count: 0, units: 0 };
  if (token.city !== device.city || token.merchant !== device.merchant_tail) return "wrong_merchant";
  if (token.kind !== 1) return "online_only";
  if (token.stores.length && !token.stores.includes(device.store_tail)) return "wrong_store";
  if (Math.abs(now - (token.step * STEP + STEP / 2)) > TOLERANCE) return "stale_token";
  if (now < token.from || now >= token.to || !token.windows.some(([from, to]) => now >= from && now < to)) return "outside_windows";
  if (token.face > allowance.max_face) return "over_face";
  if (used.count + 1 > allowance.max_count || used.units + token.face > allowance.max_units) return "over_allowance";
  return null;
};
// Decides and, for a yes, writes the row down. Gives {reason, token, row}.
export const decide = (text) => alone("hutong-till", async () => {
  const state = await read();
  if (!state?.id) return { reason: "not_enrolled" };
  if (state.gone) return { reason: "device_gone" };
  const token = parse(text.trim());
  if (!token) return { reason: /^HT1\.|(^|\/)HT1\.|^[\d\s-]{12,}$/i.test(text.trim()) ? "needs_offline_code" : "unreadable" };
  const now = serverNow(state);
  if (!state.allowance || now >= state.allowance.until || now < state.allowance.issued - 120_000) return { reason: state.device?.active === false ? "device_gone" : "no_allowance", token };
  const reason = (await genuine(token, state.keys)) ?? whyNot(token, state, now);
  if (reason) return { reason, token };
  const seq = (state.seq ?? 0) + 1;
  const payload = `HS1|${seq}|${now}|${state.allowance.number}|${frame?.dataset.staff ?? "-"}|${text.trim()}`;
  const signature = b64(await crypto.subtle.sign(SIGN, state.keyPair.privateKey, new TextEncoder().encode(payload)));
  const row = { seq, payload, signature, at: now, tail: token.tail, offer: token.offer, face: token.face, store: state.device.store };
  try {
    return await within(["state", "used", "log"], "readwrite", async (store, asked) => {
      const fresh = await asked(store("state").get("device"));
      if (await asked(store("used").get(token.tail))) return { reason: "used_here", token };
      if ((fresh.seq ?? 0) + 1 !== seq || fresh.allowance?.number !== state.allowance.number) return { reason: "busy", token };
      const used = fresh.spent?.[state.allowance.number] ?? { count: 0, units: 0 };
      const spent = { [state.allowance.number]: { count: used.count + 1, units: used.units + token.face } };
      await asked(store("log").add(row));
      await asked(store("used").put(now, token.tail));
      await asked(store("state").put({ ...fresh, seq, spent }, "device"));
      return { reason: "accepted", token, row, left: state.allowance.max_count - used.count - 1, state: fresh };
    });
  } catch { return { reason: "disk", token }; } // nothing was written down, so nothing was accepted
});

// ---- telling the server
const message = async (kind, data) => {
  const state = await change({ number: Math.max(((await read())?.number ?? 0) + 1, Date.now()) });
  const body = JSON.stringify({ number: state.number, at: Date.now(), ...data });
  const signature = b64(await crypto.subtle.sign(SIGN, state.keyPair.privateKey, new TextEncoder().encode(`${kind}\n${body}`)));
  const answer = await fetch(`/api/v1/offline/${kind}s`, {
    method: "POST", body, credentials: "omit", signal: AbortSignal.timeout?.(20_000),
    headers: { "content-type": "application/json", "hutong-device": state.id, "hutong-signature": signature },
  });
  if (answer.status === 401) { await change({ gone: true, allowance: null }); throw new Error("gone"); }
  if (!answer.ok) throw new Error(`answer ${answer.status}`);
  return answer.json();
};
const upload = async () => {
  for (let turn = 0; turn < 50; turn += 1) {
    const waiting = (await rows(true)).slice(0, MOST);
    if (!waiting.length) return;
    const { answers } = await message("upload", { rows: waiting.map((row) => [row.seq, row.payload, row.signature]) });
    await within(["log", "used"], "readwrite", async (store, asked) => {
      for (const one of answers) {
        const row = await asked(store("log").get(one.seq));
        if (row) await asked(store("log").put({ ...row, outcome: one.outcome, why: one.reason, told: Date.now() }));
      }
    });
    document.dispatchEvent(new CustomEvent("hutong:uploaded", { detail: { answers } }));
    if (!answers.length) return;
  }
};
const pull = async (wants = true) => {
  const state = await read();
  const answer = await message("pull", { holds: state.allowance?.number ?? 0, told: state.seq ?? 0, since: state.since ?? 0, wants });
  await within(["state", "used", "log"], "readwrite", async (store, asked) => {
    for (const [tail, usable] of answer.changed) await asked(usable ? store("used").delete(tail) : store("used").put(answer.now, tail));
    for (const row of await asked(store("log").getAll())) {
      if (!row.outcome) await asked(store("used").put(row.at, row.tail)); // ours, whatever the server knows
      else if (row.seq < (state.seq ?? 0) - KEPT) await asked(store("log").delete(row.seq));
    }
    const fresh = await asked(store("state").get("device"));
    await asked(store("state").put({
      ...fresh, device: answer.device, allowance: answer.allowance, keys: answer.keys, titles: answer.titles, gone: false,
      since: answer.now, offset: answer.now - Date.now(), missing: answer.missing,
    }, "device"));
  });
};
let running = null;
export const sync = () => running ??= alone("hutong-till-sync", async () => {
  const state = await read();
  if (!state?.id || navigator.onLine === false) return false;
  try {
    await upload(); // first, so that a fresh allowance can be given
    await paint();
    await pull();
    return true;
  } catch (error) { return error.message === "gone" ? "gone" : false; } finally { await paint(); }
}).finally(() => { running = null; });

// ---- becoming a device
export const prepare = async () => {
  const known = await read();
  if (known?.keyPair && !known.gone) return known;
  const keyPair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  await within(["state", "used", "log"], "readwrite", async (store, asked) => {
    for (const name of ["state", "used", "log"]) await asked(store(name).clear());
    await asked(store("state").put({ keyPair, number: 0, seq: 0 }, "device"));
  });
  await navigator.storage?.persist?.();
  return read();
};
// A key that was revoked is not used again; rows that are still here would be refused, so they must be gone first.
export const reset = async () => {
  if (await waiting()) throw new Error("rows wait");
  await within(["state"], "readwrite", (store, asked) => asked(store("state").delete("device")));
};
export const publicKey = async () => {
  const { keyPair } = await prepare();
  const { x, y } = await crypto.subtle.exportKey("jwk", keyPair.publicKey);
  return hex(Uint8Array.from([2 + (unb64(y).at(-1) & 1), ...unb64(x)]));
};
// The list of the store's devices says which one has our key.
export const claim = async (devices) => {
  const state = await read();
  if (!state?.keyPair) return null;
  const mine = await publicKey(), found = devices.find((one) => one.key === mine);
  if (found && state.id !== found.id) { await change({ id: found.id, gone: false }); await keepPage(); await sync(); }
  return found?.id ?? state.id ?? null;
};
export const device = read;
export const log = () => rows(false);

// ---- what is seen: the badge in the header, and what is blocked while rows wait
let count = 0;
export const waiting = async () => (await rows(true).catch(() => [])).length;
const paint = async () => {
  const state = await read();
  const badge = document.querySelector("[data-offline-badge]");
  count = state?.id ? await waiting() : 0;
  document.dispatchEvent(new CustomEvent("hutong:waiting", { detail: { count } }));
  if (!badge) return;
  const alive = state?.allowance && serverNow(state) < state.allowance.until;
  const used = state?.spent?.[state?.allowance?.number]?.count ?? 0;
  const say = count ? fill(words.waiting, { n: count }) : navigator.onLine === false && state?.id ? (alive ? fill(words.ready, { n: state.allowance.max_count - used }) : words.stopped) : "";
  badge.hidden = !say;
  badge.dataset.tone = count ? "waiting" : alive ? "ready" : "stopped";
  let button = badge.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.className = "till-queue";
    button.addEventListener("click", open);
    badge.replaceChildren(button);
  }
  button.textContent = say;
};
const sheet = () => document.querySelector("[data-offline-sheet]");
const open = async (event, blocked = false) => {
  const box = sheet();
  if (!box) return;
  box.querySelector("[data-blocked]").hidden = !blocked;
  const list = box.querySelector("[data-rows]"), all = (await log()).reverse().slice(0, 30), state = await read();
  list.replaceChildren(...all.map((row) => {
    const line = box.querySelector("template").content.firstElementChild.cloneNode(true);
    line.querySelector("[data-title]").textContent = titleOf(state, row.offer);
    line.querySelector("[data-at]").textContent = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", day: "numeric", month: "numeric" }).format(row.at);
    const mark = line.querySelector("[data-outcome]");
    mark.textContent = words.outcome[row.outcome ?? "waiting"];
    mark.className = `badge ${row.outcome === "redeemed" || row.outcome === "duplicate_of_self" ? "" : row.outcome ? "badge-error" : "badge-warning"}`;
    return line;
  }));
  box.querySelector("[data-none]").hidden = all.length > 0;
  box.querySelector("[data-still]").textContent = fill(words.still, { n: count });
  if (!box.open) box.showModal();
};
const titleOf = (state, offer) => state?.titles?.[offer]?.[frame.dataset.language] ?? words.voucher;
const money = (units, asset) => {
  const shown = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: asset, currencyDisplay: "narrowSymbol", trailingZeroDisplay: "stripIfInteger" });
  return shown.format(units / 10 ** shown.resolvedOptions().maximumFractionDigits);
};
const block = (event) => {
  if (!count) return;
  event.preventDefault();
  event.stopImmediatePropagation?.();
  open(event, true);
};
addEventListener("hutong:sign-out", block);
document.addEventListener("submit", (event) => { if (event.target.matches?.("[data-sign-out], form[action='/sign-out']")) block(event); }, { capture: true });
document.addEventListener("click", (event) => { if (event.target.closest?.("[data-store-switch]")) block(event); }, { capture: true });

// What the scanner asks when there is no network: decides, and gives the filled result.
export const accept = async (text) => {
  let answer = await decide(text);
  for (let turn = 0; answer.reason === "busy" && turn < 5; turn += 1) answer = await decide(text);
  await paint();
  const state = await read(), good = answer.reason === "accepted";
  const made = document.querySelector(`template[data-offline-${good ? "accepted" : "refused"}]`).content.firstElementChild.cloneNode(true);
  const why = words.why[answer.reason] ?? words.why.unreadable;
  const tone = good ? "warn" : ["used_here", "forged_capsule", "forged_token", "wrong_merchant", "unreadable", "unknown_key"].includes(answer.reason) ? "bad" : "warn";
  made.dataset.result = tone;
  made.dataset.reason = answer.reason;
  const put = (name, value) => { const spot = made.querySelector(`[data-${name}]`); if (spot) spot.textContent = value; };
  if (good) {
    put("title", titleOf(state, answer.token.offer));
    put("facts", [money(answer.token.face, state.allowance.asset), `#${answer.row.seq}`].join(" · "));
    put("rest", fill(words.left, { n: answer.left }));
    if (navigator.onLine !== false) setTimeout(sync, 1500);
  } else {
    put("title", why[0]);
    put("step", why[1]);
  }
  return { tone, element: made, stay: !good, reason: answer.reason };
};

// ---- the page without a network
const keepPage = async () => {
  if (!("serviceWorker" in navigator) || !frame?.dataset.sw) return;
  await navigator.serviceWorker.register(frame.dataset.sw, { scope: "/m/" });
  const ready = await navigator.serviceWorker.ready, named = new Set();
  for (const one of document.querySelectorAll("*")) for (const { value } of one.attributes) if (value.startsWith("/static/")) named.add(value.split("#")[0]);
  ready.active?.postMessage({ kind: "keep", page: frame.dataset.scan, files: [...named] });
};
const begin = async () => {
  const state = await read();
  await paint();
  if (!state?.id) return;
  keepPage().catch(() => {});
  sync();
  setInterval(() => { if (!document.hidden) sync(); }, EVERY);
};
if (frame && "indexedDB" in window && crypto.subtle) {
  addEventListener("online", () => { paint(); sync(); });
  addEventListener("offline", paint);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) sync(); });
  document.addEventListener("click", (event) => {
    const now = event.target.closest?.("[data-upload-now]");
    if (!now) return;
    now.disabled = true;
    sync().then(() => open(event, false)).finally(() => { now.disabled = false; });
  });
  begin().catch(() => {});
}

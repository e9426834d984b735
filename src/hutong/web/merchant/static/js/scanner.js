// The scanner: one page that stays. A code becomes a sheet over the camera, a tap a result over the screen, and then
// the camera again. All words come from the server; a code that is checked twice is the same sheet, a sheet that is
// sent twice the same redemption.
const page = document.querySelector("[data-scanner]");
const sheet = page.parentElement.querySelector("[data-sheet-box]");
const result = page.parentElement.querySelector("[data-result-box]");
const lost = page.parentElement.querySelector("[data-lost]");
const typed = page.querySelector("form[data-typed]");
const [{ Camera, isOurs }, wedge, signal, { steppers, reckon }] = await Promise.all(
  [page.dataset.cameraJs, page.dataset.wedgeJs, page.dataset.signalJs, page.dataset.verifyJs].map((address) => import(address)),
);
const SAME = 3000; // ms that a code must be out of sight before it counts as shown again
const PAUSES = [1000, 2000, 4000, 8000];
const PATIENCE = 15000; // ms for an answer
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// What this device likes: kept on it, never sent.
const KEPT = "hutong.till";
const liked = { sound: true, auto: false, stay: false, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
const remember = {
  get: (name) => liked[name],
  set: (name, value) => { liked[name] = value; try { localStorage.setItem(KEPT, JSON.stringify(liked)); } catch { /* private window */ } },
};
for (const field of page.querySelectorAll("[data-setting]")) {
  field.checked = Boolean(liked[field.dataset.setting]);
  field.addEventListener("change", () => remember.set(field.dataset.setting, field.checked));
}
page.querySelector("[data-device]").hidden = false;

let busy = false, fuse = 0, ticking = 0, shown = { key: "", at: 0 };
const keyOf = (text) => text.trim().toUpperCase().split(".").slice(0, 3).join("."); // the rotating end left off
const post = async (address, body) => {
  const answer = await fetch(address, {
    method: "POST", body, headers: { "hx-request": "true" }, signal: AbortSignal.timeout?.(PATIENCE), redirect: "follow",
  });
  if (answer.status >= 502) throw new TypeError("no answer");
  return answer;
};
const partOf = async (answer, marks) => {
  const box = document.createElement("template");
  box.innerHTML = await answer.text();
  return marks.map((mark) => box.content.querySelector(mark)).find(Boolean) ?? null;
};

// ---- the result
const close = () => {
  clearTimeout(fuse);
  clearInterval(ticking);
  for (const box of [sheet, result]) { if (box.open) box.close(); box.replaceChildren(); }
  result.className = "till-result result";
  busy = false;
  shown.at = Date.now();
  camera.resume();
  typed.elements.presented.value = "";
  if (matchMedia("(pointer: fine)").matches) typed.elements.presented.focus({ preventScroll: true });
};
const countdown = () => {
  const mark = result.querySelector("[data-left]");
  if (!mark) return;
  const paint = () => {
    const left = Math.max(0, Math.round((new Date(mark.dataset.left) - Date.now()) / 1000));
    mark.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  };
  paint();
  ticking = setInterval(paint, 1000);
};
const stay = () => { clearTimeout(fuse); result.querySelector("[data-fuse]")?.classList.replace("burning", "out"); };
const show = (element, { after, tone } = {}) => {
  if (sheet.open) sheet.close();
  sheet.replaceChildren();
  const kind = tone ?? element.dataset.result ?? "warn";
  result.className = `till-result result ${kind}`;
  result.replaceChildren(element);
  if (!result.open) result.showModal();
  (result.querySelector("[data-next]") ?? result.querySelector("h1"))?.focus({ preventScroll: true });
  if (liked.sound) signal.ring(kind);
  signal.buzz(kind);
  countdown();
  window.htmx?.process(element); // a bill that waits for the guest's phone asks how it stands
  busy = false;
  const seconds = after ?? Number(element.dataset.after ?? 0);
  clearTimeout(fuse);
  if (seconds && !liked.stay) {
    result.querySelector("[data-fuse]")?.classList.add("burning");
    fuse = setTimeout(close, seconds * 1000);
  }
  if (element.dataset.redemption) {
    document.dispatchEvent(new CustomEvent("hutong:redeemed", { detail: { redemption: element.dataset.redemption } }));
  }
};
const latest = async () => {
  const answer = await fetch(page.dataset.latest, { headers: { "hx-request": "true" } }).catch(() => null);
  if (answer?.ok) page.querySelector("[data-latest-rows]").innerHTML = await answer.text();
};
// Signed out meanwhile, or something that no part can say: the page says it.
const elsewhere = (answer) => (answer.status === 401 ? location.reload() : location.assign(location.pathname));

// ---- a code comes in
const offline = async () => {
  const address = document.querySelector("[data-offline-js]")?.dataset.offlineJs ?? page.dataset.offline;
  return address ? import(address).catch(() => null) : null;
};
const withoutNetwork = async (text, way) => {
  const module = await offline();
  const answer = await module?.accept?.(text, { way }).catch?.(() => null);
  if (answer?.element) return show(answer.element, { tone: answer.tone, after: answer.tone === "warn" && !answer.stay ? 3 : 0 });
  show(lost.content.firstElementChild.cloneNode(true));
  result.querySelector("[data-again]").addEventListener("click", () => { close(); check(text, way); });
};
const check = async (text, way) => {
  if (busy || sheet.querySelector("form[data-sent]")) return; // a redemption is on its way
  busy = true;
  clearTimeout(fuse);
  camera.pause();
  camera.say("reading");
  shown = { key: keyOf(text), at: Date.now() };
  performance.mark("hutong:code");
  document.dispatchEvent(new CustomEvent("hutong:scan", { detail: { text, way } }));
  const body = new URLSearchParams({ _csrf_token: typed.elements._csrf_token.value, presented: text });
  let answer = null, part = null;
  try {
    if (navigator.onLine === false) throw new TypeError("offline");
    answer = await post(typed.action, body);
    part = await partOf(answer, ["[data-verify]", "[data-result]"]);
  } catch { return withoutNetwork(text, way); }
  if (!part) return elsewhere(answer);
  if (!part.matches("[data-verify]")) { show(part); return part.dataset.result === "good" && latest(); }
  if (result.open) { result.close(); result.replaceChildren(); }
  sheet.replaceChildren(part);
  steppers(sheet);
  reckon(sheet);
  if (!sheet.open) sheet.showModal();
  (sheet.querySelector("[data-first]") ?? sheet.querySelector("[data-confirm]")).focus({ preventScroll: true });
  performance.measure("hutong:sheet", "hutong:code");
  busy = false;
  if (way !== "typed") navigator.userActivation?.hasBeenActive && navigator.vibrate?.(40);
  if (liked.auto && way !== "typed" && part.hasAttribute("data-plain")) part.requestSubmit();
};

// ---- a sheet is confirmed: the same form again and again until its answer is known
const redeem = async (form, chosen) => {
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const button = chosen ?? form.querySelector("[data-confirm]"), unsure = form.querySelector("[data-unsure]");
  const body = new URLSearchParams(new FormData(form, chosen?.name ? chosen : undefined));
  button.classList.add("busy");
  for (let round = 0; ; round += 1) {
    try {
      const answer = await post(form.action, body);
      const part = await partOf(answer, ["[data-result]"]);
      if (!part) return elsewhere(answer);
      delete form.dataset.sent;
      show(part);
      return latest();
    } catch {
      unsure.hidden = false;
      if (round < PAUSES.length) { await wait(PAUSES[round]); continue; }
      button.classList.remove("busy");
      delete form.dataset.sent; // the same form by a tap: the same number
      return;
    }
  }
};
const undo = async (form) => {
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  stay();
  try {
    const part = await partOf(await post(form.action, new URLSearchParams(new FormData(form))), ["[data-result]"]);
    if (part) { show(part); return latest(); }
  } catch { /* as a page, then: the same form, the same key */ }
  form.submit();
};

const camera = new Camera(page.querySelector("[data-camera]"), {
  remember,
  onCode: (text) => {
    const again = keyOf(text) === shown.key && Date.now() - shown.at < SAME;
    if (again) { shown.at = Date.now(); return; } // still lying there
    check(text, "camera");
  },
});
wedge.listen(isOurs, (text) => check(text, "wedge"));
typed.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopImmediatePropagation();
  const text = typed.elements.presented.value.trim();
  if (text) check(text, "typed");
}, { capture: true });
for (const box of [sheet, result]) {
  box.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    (event.target.matches("[data-verify]") ? redeem : undo)(event.target, event.submitter);
  });
  box.addEventListener("click", (event) => {
    if (event.target.closest("[data-next]")) { event.preventDefault(); if (!sheet.querySelector("form[data-sent]")) close(); }
  });
  box.addEventListener("cancel", (event) => { event.preventDefault(); if (!sheet.querySelector("form[data-sent]")) close(); });
}
result.addEventListener("paid", async (event) => {
  const answer = await fetch(event.detail.value, { headers: { "hx-request": "true" } }).catch(() => null);
  const part = answer?.ok ? await partOf(answer, ["[data-result]"]) : null;
  if (part) { show(part); latest(); }
});
result.addEventListener("pointerdown", stay);
result.addEventListener("keydown", stay);
if (navigator.mediaDevices?.getUserMedia) camera.begin();
page.dataset.ready = "1";

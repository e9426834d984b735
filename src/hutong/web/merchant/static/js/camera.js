// The camera reads codes by itself. The browser's own reader where there is one, else ours in WebAssembly.
const box = document.querySelector("[data-camera]");
const video = box?.querySelector("[data-video]");
const says = box?.querySelector("[data-says]");
const allow = box?.querySelector("[data-allow]");
const torch = box?.querySelector("[data-torch]");
const form = document.querySelector("form[data-typed]");
const OURS = /(?:^|\/)HT1\.\d{1,9}\.[0-9A-Z]{26}\.[0-9A-Z]{16}$/i;
const EVERY = 120; // ms between two looks
let stream = null, reader = null, looking = 0, foreign = 0;

const say = (words) => { says.textContent = words; };
const script = (address) => new Promise((done, failed) => {
  const tag = document.createElement("script");
  tag.src = address;
  tag.onload = done;
  tag.onerror = failed;
  document.head.append(tag);
});

const makeReader = async () => {
  if ("BarcodeDetector" in window) {
    const known = await window.BarcodeDetector.getSupportedFormats().catch(() => []);
    if (known.includes("qr_code")) return new window.BarcodeDetector({ formats: ["qr_code"] });
  }
  await script(box.dataset.reader);
  const kit = window.BarcodeDetectionAPI;
  const locateFile = (path, prefix) => (path.endsWith(".wasm") ? box.dataset.wasm : prefix + path);
  await kit.prepareZXingModule({ overrides: { locateFile }, fireImmediately: true });
  return new kit.BarcodeDetector({ formats: ["qr_code"] });
};

const found = (text) => {
  clearInterval(looking);
  box.classList.add("found");
  navigator.vibrate?.(40);
  form.elements.presented.value = text;
  form.requestSubmit();
};
let busy = false;
const look = async () => {
  if (busy || document.hidden || video.readyState < 2 || form.dataset.sent) return;
  busy = true;
  try {
    const seen = (await reader.detect(video)).map((one) => one.rawValue.trim());
    const ours = seen.find((text) => OURS.test(text) || /^\d{12}$/.test(text));
    if (ours) return found(ours);
    if (seen.length) { foreign = Date.now(); say(box.dataset.foreign); }
    else if (foreign && Date.now() - foreign > 1500) { foreign = 0; say(box.dataset.aim); }
  } catch { /* a frame that cannot be read is followed by another */ } finally { busy = false; }
};

const stop = () => {
  clearInterval(looking);
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
};
const withTorch = (track) => {
  torch.hidden = !track.getCapabilities?.().torch;
  torch.onclick = async () => {
    const on = torch.getAttribute("aria-pressed") !== "true";
    await track.applyConstraints({ advanced: [{ torch: on }] }).catch(() => {});
    torch.setAttribute("aria-pressed", String(on));
  };
};
const start = async () => {
  if (stream) return;
  box.hidden = false;
  allow.hidden = true;
  say(box.dataset.starting);
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false, video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch (error) {
    const denied = error.name === "NotAllowedError";
    box.classList.add("dark");
    allow.hidden = !denied;
    return say(denied ? box.dataset.denied : box.dataset.absent);
  }
  box.classList.remove("dark");
  video.srcObject = stream;
  withTorch(stream.getVideoTracks()[0]);
  await video.play().catch(() => {});
  try {
    reader ??= await makeReader();
  } catch {
    box.classList.add("dark");
    stop();
    return say(box.dataset.absent);
  }
  box.classList.add("live");
  say(box.dataset.aim);
  looking = setInterval(look, EVERY);
  if ("wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});
};
if (box && navigator.mediaDevices?.getUserMedia) {
  allow.addEventListener("click", start);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) start(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && stream && "wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {}); });
  start();
}

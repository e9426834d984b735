// A live camera that reads codes. The browser's own reader where there is one, else ours in WebAssembly, fetched
// when the page has nothing better to do. Nothing that it sees leaves the device.
const PAUSE = 60; // ms between two looks
const OURS = [/(?:^|\/)HT1\.\d{1,9}\.[0-9A-Z]{26}\.[0-9A-Z]{16}$/i, /^HT2\.[0-9A-Z $%*+\-.\/:]+\.$/, /^\d{12}$/, /(?:^|\/)HTC1\.\d{16}$/i, /(?:^|\/)HM1\.[0-9A-Z]{26}\.[0-9A-Z]{16}$/i, /^\d{16}$/];
export const isOurs = (text) => OURS.some((shape) => shape.test(text));

const script = (address) => new Promise((done, failed) => {
  const tag = document.createElement("script");
  tag.src = address;
  tag.onload = done;
  tag.onerror = failed;
  document.head.append(tag);
});
const makeReader = async (box) => {
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

export class Camera {
  constructor(box, { onCode, remember }) {
    this.box = box;
    this.onCode = onCode;
    this.remember = remember; // { get(name), set(name, value) }
    for (const name of ["video", "says", "allow", "help", "torch", "turn"]) this[name] = box.querySelector(`[data-${name}]`);
    this.stream = this.reader = this.timer = null;
    this.wanted = this.looking = false;
    this.allow.addEventListener("click", () => this.start(true));
    this.turn.addEventListener("click", () => this.next());
    this.torch.addEventListener("click", () => this.light());
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.wanted && this.start()));
    addEventListener("pagehide", () => this.stop());
    addEventListener("pageshow", (event) => { if (event.persisted && this.wanted) this.start(); });
  }

  say(name) { this.says.textContent = name ? this.box.dataset[name] : ""; }

  // The reader costs half a megabyte: not before the page stands.
  ready() {
    this.loading ??= new Promise((done) => {
      const load = () => done(makeReader(this.box));
      if ("requestIdleCallback" in window) requestIdleCallback(load, { timeout: 600 });
      else setTimeout(load, 150);
    }).catch((error) => { this.loading = null; throw error; });
    return this.loading;
  }

  // By itself only where it will not ask out of the blue: allowed already, or allowed here before.
  async begin() {
    this.box.hidden = false;
    const state = await navigator.permissions?.query({ name: "camera" }).then((one) => {
      one.onchange = () => { if (one.state === "granted" && !this.stream) this.start(); };
      return one.state;
    }).catch(() => "unknown");
    if (state === "granted" || (state !== "denied" && this.remember.get("allowed"))) return this.start();
    if (state === "denied") return this.dark("denied");
    this.dark("ask");
  }

  dark(why) {
    this.box.classList.add("dark");
    this.box.classList.remove("live");
    this.say(why);
    this.allow.hidden = why === "absent";
    this.help.hidden = why !== "denied";
  }

  async start(asked = false) {
    this.wanted = true;
    if (this.stream || this.opening || document.hidden) return;
    this.opening = true;
    this.allow.hidden = this.help.hidden = true;
    this.say("starting");
    const device = this.remember.get("device");
    const video = { width: { ideal: 1280 }, height: { ideal: 720 }, ...(device ? { deviceId: { ideal: device } } : { facingMode: "environment" }) };
    const reader = this.ready();
    reader.catch(() => {});
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
      if (document.hidden && !asked) return this.stop();
      this.remember.set("allowed", true);
      this.box.classList.remove("dark");
      this.video.srcObject = this.stream;
      await this.video.play().catch(() => {});
      await this.tools();
      this.reader = await reader;
    } catch (error) {
      this.stop();
      const why = { NotAllowedError: "denied", SecurityError: "denied", NotReadableError: "busy", AbortError: "busy" };
      if (error.name === "NotAllowedError") this.remember.set("allowed", false);
      return this.dark(why[error.name] ?? "absent");
    } finally { this.opening = false; }
    this.box.classList.add("live");
    this.say("aim");
    document.dispatchEvent(new CustomEvent("hutong:camera-live"));
    this.awake();
    this.look();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.box.classList.remove("live");
  }

  awake() { navigator.wakeLock?.request("screen").catch(() => {}); }

  async tools() {
    const track = this.stream.getVideoTracks()[0];
    this.torch.hidden = !track.getCapabilities?.().torch;
    this.torch.setAttribute("aria-pressed", "false");
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    this.cameras = all.filter((one) => one.kind === "videoinput");
    this.turn.hidden = this.cameras.length < 2;
  }

  async light() {
    const on = this.torch.getAttribute("aria-pressed") !== "true";
    const track = this.stream?.getVideoTracks()[0];
    await track?.applyConstraints({ advanced: [{ torch: on }] }).catch(() => {});
    this.torch.setAttribute("aria-pressed", String(on));
  }

  next() {
    const now = this.stream?.getVideoTracks()[0]?.getSettings().deviceId;
    const at = this.cameras.findIndex((one) => one.deviceId === now);
    this.remember.set("device", this.cameras[(at + 1) % this.cameras.length].deviceId);
    this.stop();
    this.start(true);
  }

  // While a sheet or a result stands before it, it sees and says nothing.
  pause() { this.paused = true; this.box.classList.add("found"); }
  resume() { this.paused = false; this.box.classList.remove("found"); if (this.stream) this.say("aim"); }

  async look() {
    if (!this.stream) return;
    if (!this.paused && !document.hidden && this.video.readyState >= 2) {
      const codes = await this.reader.detect(this.video).catch(() => []); // a frame that cannot be read is followed by another
      const seen = codes.map((one) => one.rawValue.trimStart());
      if (!this.paused) this.judge(seen);
    }
    if (this.stream) this.timer = setTimeout(() => this.look(), PAUSE);
  }

  judge(seen) {
    const text = seen.find((one) => isOurs(one) || isOurs(one.trim()));
    if (text) return this.onCode(text);
    if (seen.length) { this.foreign = Date.now(); this.say("foreign"); }
    else if (this.foreign && Date.now() - this.foreign > 1500) { this.foreign = 0; this.say("aim"); }
  }
}

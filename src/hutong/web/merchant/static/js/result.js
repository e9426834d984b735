// The result is heard and felt as well as seen; a good one returns to the camera by itself.
const box = document.querySelector("[data-result]");
const kind = box.dataset.result;
const NOTES = { good: [[880, 0, 0.12], [1318, 0.12, 0.2]], warn: [[440, 0, 0.22]], bad: [[196, 0, 0.22], [147, 0.26, 0.34]] };
const BUZZ = { good: [60], warn: [60, 80, 60], bad: [220, 90, 220] };

const ring = () => {
  const sound = new AudioContext();
  if (sound.state !== "running") return sound.close(); // the browser wants a tap first: stay silent
  for (const [pitch, from, long] of NOTES[kind]) {
    const tone = sound.createOscillator(), loud = sound.createGain(), at = sound.currentTime + from;
    tone.type = kind === "bad" ? "square" : "sine";
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.0001, at);
    loud.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, at + long);
    tone.connect(loud).connect(sound.destination);
    tone.start(at);
    tone.stop(at + long);
  }
};
// Seen again through the browser's history it is old news.
const fresh = performance.getEntriesByType("navigation")[0]?.type === "navigate";
if (fresh) {
  try { navigator.vibrate?.(BUZZ[kind]); ring(); } catch { /* neither is needed */ }
}
const fuse = box.querySelector("[data-fuse]");
if (box.dataset.back && fresh) {
  const timer = setTimeout(() => location.replace(box.dataset.back), Number(box.dataset.after) * 1000);
  fuse?.classList.add("burning");
  const stay = () => { clearTimeout(timer); fuse?.classList.add("out"); };
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, stay, { once: true });
}

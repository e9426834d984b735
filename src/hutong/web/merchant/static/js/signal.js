// A result is heard and felt as well as seen: up for yes, one tone for wait, down and rough for no.
const NOTES = { good: [[880, 0, 0.12], [1318, 0.12, 0.2]], warn: [[440, 0, 0.22]], bad: [[196, 0, 0.22], [147, 0.26, 0.34]], calm: [] };
const BUZZ = { good: [60], warn: [60, 80, 60], bad: [220, 90, 220], calm: [] };
let sound = null;

// Browsers want one touch before they let a page sound; until then it is silent.
export const wake = () => {
  try { sound ??= new AudioContext(); sound.resume().catch(() => {}); } catch { /* no sound here */ }
};
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, wake, { once: true, capture: true });

export const ring = (kind) => {
  if (sound?.state !== "running") return false;
  for (const [pitch, from, long] of NOTES[kind] ?? []) {
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
  return true;
};
export const buzz = (kind) => {
  if (navigator.userActivation?.hasBeenActive !== false && BUZZ[kind]?.length) navigator.vibrate?.(BUZZ[kind]);
};

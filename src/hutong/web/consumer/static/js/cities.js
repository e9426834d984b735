// Choosing a city: filters while one types (Chinese, pinyin, initials), shows where one has been, finds where one is.
const field = document.querySelector("[data-filter] input"), none = document.querySelector("[data-none]");
const rows = [...document.querySelectorAll("li[data-find]")], letters = document.querySelectorAll("[data-letter]");
const known = document.querySelector("[data-known]"), place = document.querySelector("[data-place]");
const index = document.querySelector(".letters");

const filter = () => {
  const typed = field.value.trim().toLowerCase();
  for (const row of rows) row.hidden = !row.dataset.find.split(" ").some((name) => name.startsWith(typed));
  for (const letter of letters) letter.hidden = !letter.querySelector("li:not([hidden])");
  for (const one of [known, place, index]) if (one) one.hidden = Boolean(typed);
  if (none) none.hidden = rows.some((row) => !row.hidden);
};
field.addEventListener("input", filter);
// Enter opens the one that is left.
field.form.addEventListener("submit", (event) => {
  const left = rows.filter((row) => !row.hidden);
  if (field.value.trim() && left.length === 1) { event.preventDefault(); location.assign(left[0].querySelector("a").href); }
});

// The last cities on this phone, newest first.
const KEPT = "hutong-cities";
let been = [];
try { been = JSON.parse(localStorage.getItem(KEPT) ?? "[]"); } catch { /* private window */ }
const tile = (slug, name, words) => {
  if (!known || known.querySelector(`[data-slug="${CSS.escape(slug)}"]`)) return;
  const link = document.createElement("a"), small = document.createElement("small"), bold = document.createElement("b");
  link.className = "city"; link.href = `/c/${slug}/`; link.dataset.slug = slug;
  small.textContent = words; bold.textContent = name;
  link.append(small, bold);
  known.append(link);
};
if (known && place && Array.isArray(been)) {
  for (const slug of been.slice(0, 3)) {
    const row = rows.find((one) => one.querySelector("a").dataset.slug === slug);
    if (row) tile(slug, row.querySelector("a").dataset.name, place.dataset.recent);
  }
}
document.addEventListener("click", ({ target }) => {
  const slug = target.closest("a[data-slug]")?.dataset.slug;
  if (!slug) return;
  const left = Array.isArray(been) ? been.filter((one) => one !== slug) : [];
  try { localStorage.setItem(KEPT, JSON.stringify([slug, ...left].slice(0, 5))); } catch { /* private window */ }
});

const button = document.querySelector("button[data-find]");
const find = () => navigator.geolocation.getCurrentPosition(
  async ({ coords }) => {
    const at = new URLSearchParams({ lat: coords.latitude.toFixed(3), lon: coords.longitude.toFixed(3) });
    const answer = await fetch(`${button.dataset.find}?${at}`);
    const city = answer.ok ? await answer.json() : {};
    button.hidden = true;
    if (city.slug) tile(city.slug, city.name, place.dataset.words);
    known?.querySelector(`[data-slug="${CSS.escape(city.slug ?? "")}"]`)?.focus();
  },
  () => { button.disabled = true; button.lastChild.textContent = button.dataset.denied; },
  { maximumAge: 300000, timeout: 10000 },
);
if (button && "geolocation" in navigator) {
  button.hidden = false;
  button.addEventListener("click", find);
}

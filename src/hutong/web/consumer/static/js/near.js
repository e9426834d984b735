// Distances from where the reader is, if he wants that; and lists that change in place. The place is rounded to about a
// hundred metres before it is kept, in a cookie of two hours.
const secure = location.protocol === "https:" ? ";secure" : "";
const keep = ({ latitude, longitude }) => {
  document.cookie = `hutong_at=${latitude.toFixed(3)},${longitude.toFixed(3)};path=/;max-age=7200;samesite=lax${secure}`;
};
const asked = { maximumAge: 300000, timeout: 10000 };

// Is the phone in another city than the page? Asked at most once a day, and never of somebody who has not allowed it.
const bar = document.querySelector("[data-elsewhere]");
const today = () => new Date().toISOString().slice(0, 10);
const remembered = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private window */ } };
const elsewhere = async (coords) => {
  if (!bar || remembered("hutong-elsewhere") === today()) return false;
  const at = new URLSearchParams({ lat: coords.latitude.toFixed(3), lon: coords.longitude.toFixed(3) });
  const answer = await fetch(`${bar.dataset.ask}?${at}`);
  const city = answer.ok ? await answer.json() : {};
  if (!city.slug || city.slug === bar.dataset.elsewhere) return false;
  remember("hutong-elsewhere", today());
  const words = bar.querySelector("[data-words]"), way = bar.querySelector("[data-switch]");
  words.textContent = words.dataset.words.replace("{city}", city.name);
  way.textContent = way.dataset.switch.replace("{city}", city.name);
  way.href = city.url;
  bar.querySelector("[data-stay]").addEventListener("click", () => { bar.hidden = true; });
  bar.hidden = false;
  return true;
};

const locate = (button) => {
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    async ({ coords }) => {
      keep(coords);
      const away = await elsewhere(coords).catch(() => false);
      if (away) { button.hidden = true; } else { location.reload(); }
    },
    () => {
      button.hidden = true;
      const words = button.parentElement.querySelector("[data-near]");
      if (words) words.textContent = button.dataset.denied;
    },
    asked,
  );
};

const ready = (root) => {
  for (const button of root.querySelectorAll("[data-locate]")) {
    if ("geolocation" in navigator) button.hidden = false;
    button.addEventListener("click", () => locate(button));
  }
  // The chosen chip is in sight, also when its row is long.
  for (const chip of root.querySelectorAll(".chips [aria-current]")) {
    const row = chip.parentElement;
    row.scrollLeft = chip.offsetLeft - (row.clientWidth - chip.clientWidth) / 2;
  }
};
ready(document);

if ("geolocation" in navigator && navigator.permissions) {
  navigator.permissions.query({ name: "geolocation" }).then((permission) => {
    if (permission.state !== "granted" || !bar) return;
    navigator.geolocation.getCurrentPosition(({ coords }) => elsewhere(coords).catch(() => {}), () => {}, asked);
  }).catch(() => {});
}

// A list that was swapped is ready again; of the next page the first shop takes the focus that the link had.
let next = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const from = detail.requestConfig?.elt;
  next = from?.rel === "next" && document.activeElement === from ? from.previousElementSibling : null;
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.elt?.id === "finding" || detail.target?.id === "finding") ready(document.getElementById("finding"));
  next?.nextElementSibling?.querySelector("a")?.focus({ preventScroll: true });
  next = null;
});
// Only one of the little menus is open, and a press beside it closes it.
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.pick[open]")) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.pick[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

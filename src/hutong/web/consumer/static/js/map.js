// The map of a city: signs for stores (one sign for many), a list of what is in sight, "search this area". Streets come
// from the tile server of the house, or are drawn from the city's own GeoJSON. Leaflet stands ready as `L`.
const box = document.querySelector("[data-map]");
const drawer = document.querySelector("[data-drawer]"), again = document.querySelector("[data-again]");
const head = document.querySelector("[data-head]"), status = document.querySelector("[data-status]");
const told = box.dataset;
const start = [Number(told.lat), Number(told.lon)];
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

const map = L.map(box, { zoomControl: false, attributionControl: false, zoomAnimation: !calm, fadeAnimation: !calm,
  maxZoom: 19, minZoom: 9 }).setView(start, told.store ? 17 : 14);
const credit = L.control.attribution({ prefix: "Leaflet" }).addTo(map);
if (told.credit) credit.addAttribution(escape(told.credit));
L.control.zoom({ position: "bottomright", zoomInTitle: told.zoomIn, zoomOutTitle: told.zoomOut }).addTo(map);

function escape(words) {
  const box = document.createElement("i");
  box.textContent = words;
  return box.innerHTML;
}

// --- streets -------------------------------------------------------------------------------------------------------
// Colours come from the stylesheet: each kind of line is a class.
const LANES = { city: {}, water: { weight: 14 }, park: {}, lane: { weight: 2 }, ring: { weight: 5 }, avenue: { weight: 6 } };
const draw = async () => {
  const answer = await fetch(told.lanes);
  if (!answer.ok) return;
  const city = await answer.json();
  const lines = city.features.filter((one) => LANES[one.properties.kind]);
  L.geoJSON({ type: "FeatureCollection", features: lines }, {
    interactive: false,
    style: ({ properties }) => ({ className: `lane-${properties.kind}`, ...LANES[properties.kind] }),
  }).addTo(map);
  for (const { properties, geometry } of city.features.filter((one) => one.geometry.type === "Point")) {
    const [lon, lat] = geometry.coordinates;
    const name = escape(properties[told.language] ?? properties.en);
    L.marker([lat, lon], { interactive: false, keyboard: false, zIndexOffset: -10000, icon: L.divIcon({ className: `map-name map-${properties.kind}`, html: name, iconSize: null }) }).addTo(map);
  }
};
if (told.tiles) L.tileLayer(told.tiles, { maxZoom: 19 }).addTo(map);
else draw().catch(() => {});

if (told.located) {
  L.circleMarker(start, { radius: 8, className: "map-me", interactive: false }).bindTooltip(told.me).addTo(map);
}

// --- stores --------------------------------------------------------------------------------------------------------
const signs = L.layerGroup().addTo(map);
let asking = 0, asked = null;
const around = () => {
  const bounds = map.getBounds();
  return [bounds.getSouth(), bounds.getWest(), bounds.getNorth(), bounds.getEast()].map((n) => n.toFixed(6)).join(",");
};
const query = (more) => new URLSearchParams(told.category ? { ...more, category: told.category } : more);

const sign = (cell) => {
  const many = cell.n > 1;
  const words = many ? told.stores.replace("{n}", cell.n) : cell.name;
  const price = told.from.replace("{price}", cell.price);
  const size = many ? Math.min(3, 1 + Math.floor(Math.log10(cell.n))) : 0;
  const html = many ? `<b>${cell.n}</b>` : `<b>${escape(cell.price)}</b>`;
  const marker = L.marker([cell.lat, cell.lon], {
    icon: L.divIcon({ className: many ? `map-many size-${size}` : "map-one", html, iconSize: null }),
    keyboard: true, riseOnHover: true, zIndexOffset: many ? 0 : 100,
  });
  marker.on("add", () => {
    const element = marker.getElement();
    element.setAttribute("aria-label", `${words}, ${price}`);
    if (cell.store) element.dataset.store = cell.store;
    element.classList.toggle("on", cell.store === told.store);
  });
  marker.on("click keypress", ({ type, originalEvent }) => {
    if (type === "keypress" && originalEvent.key !== "Enter") return;
    if (many) zoom_to(cell); else pick(cell.store, marker);
  });
  return marker;
};
const zoom_to = ({ box: [south, west, north, east], lat, lon }) => {
  const inner = L.latLngBounds([south, west], [north, east]);
  const wanted = map.getBoundsZoom(inner.pad(0.2));
  if (wanted > map.getZoom()) map.flyToBounds(inner.pad(0.2), { duration: calm ? 0 : 0.4, maxZoom: 18 });
  else if (map.getZoom() < 18) map.setView([lat, lon], map.getZoom() + 2);
  else list({ box: [south, west, north, east].join(",") });
};
const pick = (store, marker) => {
  for (const one of document.querySelectorAll(".map-one.on")) one.classList.remove("on");
  marker.getElement().classList.add("on");
  list({ store }).then(() => drawer.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" }));
};
const list = async (what) => {
  const mine = ++asking;
  const answer = await fetch(`${told.list}?${query(what)}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok || mine !== asking) return;
  drawer.innerHTML = await answer.text();
  drawer.parentElement.scrollTop = 0;
  if (what.box) head.textContent = head.dataset.sight;
};
const load = async () => {
  again.hidden = true;
  asked = { at: map.getCenter(), zoom: map.getZoom() };
  status.textContent = "";
  try {
    const answer = await fetch(`${told.places}?${query({ box: around(), zoom: map.getZoom() })}`);
    if (!answer.ok) throw new Error(answer.status);
    const { cells } = await answer.json();
    signs.clearLayers();
    for (const cell of cells) signs.addLayer(sign(cell));
    const stores = cells.reduce((sum, cell) => sum + cell.n, 0);
    status.textContent = told.stores.replace("{n}", stores);
    box.dataset.ready = stores;
  } catch {
    status.textContent = told.failed;
    again.hidden = false;
  }
};
// Zooming asks at once, because signs of another zoom would lie; moving offers to ask.
map.on("zoomend", () => load().then(() => list({ box: around() })));
map.on("moveend", () => {
  if (!asked || map.getZoom() !== asked.zoom) return;
  again.hidden = map.distance(map.getCenter(), asked.at) < map.distance(map.getBounds().getNorthWest(), map.getBounds().getNorthEast()) / 6;
});
again.addEventListener("click", () => load().then(() => list({ box: around() })));
load().then(() => { if (told.store) list({ store: told.store }); });

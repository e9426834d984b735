// A pin on the city's own map: tap the map, drag the pin, use the phone's place, or type the coordinates. The field says
// where the pin is and is what is sent, so without scripts, or without a map, typing does the same. Whoever reviews looks
// at a pin that stands still. Leaflet is `L`.
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const KINDS = { city: {}, water: { weight: 14 }, park: {}, lane: { weight: 2 }, ring: { weight: 5 }, avenue: { weight: 6 } };
const plain = (words) => {
  const box = document.createElement("i");
  box.textContent = words;
  return box.innerHTML;
};

// The same streets, edge, districts and landmarks as on the map of the city; colours come from the stylesheet.
export const lanes = async (map, url, language) => {
  const answer = await fetch(url);
  if (!answer.ok) return null;
  const city = await answer.json();
  const lines = city.features.filter((one) => KINDS[one.properties.kind]);
  L.geoJSON({ type: "FeatureCollection", features: lines }, {
    interactive: false,
    style: ({ properties }) => ({ className: `lane-${properties.kind}`, ...KINDS[properties.kind] }),
  }).addTo(map);
  for (const { properties, geometry } of city.features.filter((one) => one.geometry.type === "Point")) {
    const [lon, lat] = geometry.coordinates;
    const icon = L.divIcon({ className: `map-name map-${properties.kind}`, html: plain(properties[language] ?? properties.en), iconSize: null });
    L.marker([lat, lon], { interactive: false, keyboard: false, zIndexOffset: -10000, icon }).addTo(map);
  }
  return city;
};

const begin = (root) => {
  const told = root.dataset, box = root.querySelector("[data-pin-map]"), say = root.querySelector("[data-pin-said]");
  const field = document.getElementById(told.field); // none: the pin of `place` is only looked at
  const read = () => {
    const match = (field?.value ?? told.place ?? "").match(/^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,，\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/);
    return match ? L.latLng(Number(match[1]), Number(match[2])) : null;
  };
  const first = read();
  root.hidden = false;
  const map = L.map(box, { zoomControl: false, attributionControl: false, zoomAnimation: !calm, fadeAnimation: !calm, maxZoom: 19, minZoom: 9 })
    .setView(first ?? [Number(told.lat), Number(told.lon)], first ? (field ? 16 : 14) : 13); // a reviewer wants to see what lies around
  L.control.zoom({ position: "bottomright", zoomInTitle: told.zoomIn, zoomOutTitle: told.zoomOut }).addTo(map);
  const credit = L.control.attribution({ prefix: "Leaflet" }).addTo(map);
  if (told.credit) credit.addAttribution(plain(told.credit));
  if (told.tiles) L.tileLayer(told.tiles, { maxZoom: 19 }).addTo(map);
  else lanes(map, told.lanes, told.language).catch(() => {});

  let pin = null;
  const words = ({ lat, lng }) => `${lat.toFixed(6)}, ${lng.toFixed(6)}`;
  const put = (place, look) => {
    if (pin) pin.setLatLng(place);
    else {
      pin = L.marker(place, { draggable: Boolean(field), interactive: Boolean(field), keyboard: false, icon: L.divIcon({ className: "map-pin", html: "<b></b>", iconSize: null }) }).addTo(map);
      pin.on("dragend", () => take(pin.getLatLng()));
    }
    if (look) map.setView(place, Math.max(map.getZoom(), 16));
    if (say) say.textContent = told.said.replace("{place}", words(place));
    root.dataset.set = words(place);
  };
  const take = (place, look = false) => {
    field.value = words(place);
    put(place, look);
  };
  if (first) put(first, false);
  if (!field) return;
  map.on("click", ({ latlng }) => take(latlng));
  field.addEventListener("change", () => { const place = read(); if (place) put(place, true); });
  // With the keyboard: the arrows move the map, this puts the pin into its middle.
  root.querySelector("[data-pin-middle]").addEventListener("click", () => take(map.getCenter()));
  const here = root.querySelector("[data-pin-here]");
  if ("geolocation" in navigator) here.hidden = false;
  here.addEventListener("click", () => {
    here.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => { take(L.latLng(coords.latitude, coords.longitude), true); here.disabled = false; },
      () => { say.textContent = told.denied; here.disabled = false; },
      { enableHighAccuracy: true, timeout: 10000 },
    );
  });
};
for (const root of document.querySelectorAll("[data-pin]")) begin(root);

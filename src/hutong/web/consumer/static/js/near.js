// Distances from where the reader is, if he wants that. The place is rounded to about a hundred metres.
const button = document.querySelector("[data-locate]");
if (button && "geolocation" in navigator) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const secure = location.protocol === "https:" ? ";secure" : "";
        const place = `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`;
        document.cookie = `hutong_at=${place};path=/;max-age=7200;samesite=lax${secure}`;
        location.reload();
      },
      () => { button.disabled = false; button.hidden = true; },
      { maximumAge: 300000, timeout: 10000 },
    );
  });
}
// The chosen chip is in sight, also when its row is long.
for (const chip of document.querySelectorAll(".chips [aria-current]")) {
  const row = chip.parentElement;
  row.scrollLeft = chip.offsetLeft - (row.clientWidth - chip.clientWidth) / 2;
}

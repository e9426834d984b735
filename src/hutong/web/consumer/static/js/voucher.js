// Keeps the code fresh: a new picture when its half minute is over. When the voucher was used meanwhile, shows that.
const image = document.querySelector("[data-qr]");
const bar = document.querySelector("[data-fresh]");
const step = Number(image.dataset.step), address = image.getAttribute("src");
let ends = performance.now() + Number(image.dataset.left) * 1000;
let shown = "";

const paint = () => {
  const left = Math.max(0, ends - performance.now()) / (step * 1000);
  bar.style.transform = `scaleX(${Math.min(1, left)})`;
};
const refresh = async () => {
  const answer = await fetch(address, { cache: "no-store" });
  if (answer.status === 404 || answer.status === 401) return location.reload();
  if (!answer.ok) return;
  const picture = await answer.text();
  if (picture === shown) return;
  shown = picture;
  const url = URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
  image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
};
let beat = 0;
setInterval(() => {
  if (document.hidden) return;
  const over = performance.now() >= ends;
  while (performance.now() >= ends) ends += step * 1000;
  paint();
  beat += 1;
  if (over || beat % 16 === 0) refresh().catch(() => {});
}, 250);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh().catch(() => {}); });
paint();
// A screen that goes dark at the till is no use.
if ("wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});

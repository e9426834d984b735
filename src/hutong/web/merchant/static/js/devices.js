// The manager's page: makes this browser's key before the form goes, and knows which of the devices it is.
const form = document.querySelector("form[data-enrol]");
const list = [...document.querySelectorAll("[data-device-id]")];
const known = list.map(({ dataset }) => ({ id: dataset.deviceId, key: dataset.deviceKey }));
const till = await import(form.dataset.offline);

const begin = async () => {
  const state = await till.device(), mine = state?.keyPair ? await till.publicKey() : null;
  const row = list.find(({ dataset }) => dataset.deviceKey === mine);
  if (row) {
    row.querySelector("[data-this]").hidden = false;
    if (!row.classList.contains("gone")) { await till.claim(known); return; }
  }
  form.hidden = false;
};
form.addEventListener("submit", async (event) => {
  if (form.elements.public_key.value) return;
  event.preventDefault();
  const state = await till.device(), mine = state?.keyPair ? await till.publicKey() : null;
  const ended = list.some((row) => row.dataset.deviceKey === mine && row.classList.contains("gone"));
  if (ended) await till.reset();
  form.elements.public_key.value = await till.publicKey();
  delete form.dataset.sent; // what was stopped above was not sent
  form.requestSubmit();
});
if ("indexedDB" in window && crypto.subtle) await begin();

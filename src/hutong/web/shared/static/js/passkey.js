// Passkeys: a form[data-passkey=get|create] asks the house what to sign (data-options), lets the device do it, puts the
// answer into its hidden field and is sent like any other form. Without WebAuthn the form stays hidden.
const able = "PublicKeyCredential" in window && "credentials" in navigator;
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const wish = async (form) => {
  const body = new URLSearchParams({ _csrf_token: form.elements._csrf_token.value });
  const answer = await fetch(form.dataset.options, { method: "POST", body, credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  const options = await answer.json();
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of [options.allowCredentials, options.excludeCredentials])
    for (const one of list ?? []) one.id = bytes(one.id);
  if (options.allowCredentials?.length === 0) delete options.allowCredentials;
  return options;
};

const told = (credential) => {
  const from = credential.response, response = { clientDataJSON: text(from.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (from[name]) response[name] = text(from[name]);
  if (from.getTransports) response.transports = from.getTransports();
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
};

let waiting = null;
const stop = () => { waiting?.abort(); waiting = null; };

const say = (form, words) => {
  const place = form.querySelector("[data-said]");
  if (place) place.textContent = words;
};

const perform = async (form, more = {}) => {
  const options = await wish(form);
  const kind = form.dataset.passkey;
  const credential = await navigator.credentials[kind]({ publicKey: options, ...more });
  form.elements.answer.value = told(credential);
  form.requestSubmit();
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.passkey || form.elements.answer.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  stop();
  const button = form.querySelector("button");
  button.disabled = true;
  say(form, form.dataset.busy);
  try {
    await perform(form);
  } catch (error) {
    say(form, error.name === "NotAllowedError" || error.name === "AbortError" ? form.dataset.cancelled : form.dataset.failed);
  } finally {
    button.disabled = false;
  }
}, { capture: true });

// Where the browser can, it offers passkeys in the list under the phone field, without any button.
const offer = async () => {
  stop();
  if (!able) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) form.hidden = false;
  const form = document.querySelector("form[data-conditional]");
  if (!form || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  try {
    await perform(form, { mediation: "conditional", signal: waiting.signal });
  } catch { /* nobody chose one: the number and the code are there */ }
};
offer();
document.addEventListener("htmx:afterSettle", offer);
addEventListener("pagehide", stop);

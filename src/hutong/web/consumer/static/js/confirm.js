// The address of a form names the form's key: whoever comes back to it after paying sees the order, not a second form.
const name = () => {
  const form = document.querySelector("form[data-confirm]");
  if (!form) return;
  const address = new URL(location.href);
  address.searchParams.set("offer", form.elements.offer.value);
  address.searchParams.set("quantity", form.elements.seen.value);
  address.searchParams.set("key", form.elements.key.value);
  history.replaceState(history.state, "", address.pathname + address.search);
};
name();
document.addEventListener("htmx:afterSettle", name);

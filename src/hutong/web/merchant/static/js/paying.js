// A bill waits for the guest's phone: when the money is there, the result is shown by itself.
document.addEventListener("paid", (event) => location.replace(event.detail.value));

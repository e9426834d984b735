// The answer came: go there, and leave no page in the history that would ask for it again.
document.addEventListener("settled", (event) => location.replace(event.detail.value));

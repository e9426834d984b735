// A picture of a review, large, over the page; without this its link opens the picture itself.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-picture]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const box = document.createElement("dialog");
  box.className = "picture-box";
  const picture = document.createElement("img");
  picture.src = link.href;
  picture.alt = link.querySelector("img")?.alt ?? "";
  const close = document.createElement("button");
  close.type = "button";
  close.setAttribute("aria-label", link.dataset.close);
  close.textContent = "✕";
  box.append(picture, close);
  box.addEventListener("click", () => box.close());
  box.addEventListener("close", () => { box.remove(); link.focus(); });
  document.body.append(box);
  box.showModal();
});

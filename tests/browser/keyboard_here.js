// Where one stands, and whether it is seen: it, its label or what holds it looks otherwise than without one.
() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const look = (x) => {
    const s = getComputedStyle(x);
    const line = s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 1 ? "" : `${s.outlineWidth} ${s.outlineColor}`;
    return [line, s.boxShadow, s.backgroundColor, s.borderColor].join();
  };
  const parent = e.parentElement;
  const around = [e, ...(e.labels || []), e.nextElementSibling, parent, parent && parent.parentElement];
  const radio = e.type === "radio" && document.querySelector(`[data-stop][type=radio][name="${e.name}"]`);
  const looks = () => around.map((x) => (x ? look(x) : "")).join(";");
  const standing = looks();
  e.blur();
  const left = looks();
  e.focus({ preventScroll: true });
  const box = e.getBoundingClientRect();
  return {
    stop: e.dataset.stop ?? (radio ? radio.dataset.stop : null),
    seen: standing !== left,
    tab: e.tabIndex,
    name: (e.getAttribute("aria-label") || e.textContent.trim() || e.name || e.tagName).slice(0, 40),
    inside: box.bottom > 0 && box.top < innerHeight,
  };
}

// What a page may not do, looked up inside the page. Gives [{rule, at, what}]; see crawl.py for who asks.
(asked) => {
  const found = [];
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const path = (e) => {
    const own = (x) => {
      const name = x.getAttribute && (x.getAttribute("name") || x.getAttribute("data-tab") || "");
      const cls = typeof x.className === "string" ? x.className.trim().split(/\s+/).slice(0, 2).filter(Boolean) : [];
      return x.tagName.toLowerCase() + (x.id ? "#" + x.id : "") + cls.map((c) => "." + c).join("") + (name ? `[name=${name}]` : "");
    };
    const parent = e.parentElement;
    return (parent && parent.tagName !== "BODY" ? own(parent) + " > " : "") + own(e);
  };
  const say = (rule, e, what) => found.push({ rule, at: e ? path(e) : "", what: String(what).slice(0, 160) });

  // Words that somebody sees or hears, with the language of the place where they stand.
  const here = document.documentElement.lang.slice(0, 2);
  const strange = (e) => {
    const marked = e.closest("[lang], [translate=no], [data-words=theirs]");
    return marked && marked !== document.documentElement &&
      (marked.hasAttribute("translate") || marked.hasAttribute("data-words") || marked.lang.slice(0, 2) !== here);
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    const words = node.textContent.replace(/\s+/g, " ").trim();
    if (!words || ["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT"].includes(e.tagName) || strange(e)) continue;
    texts.push([words, path(e)]);
  }
  for (const e of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
    if (strange(e)) continue;
    for (const name of ["aria-label", "placeholder", "title", "alt"]) {
      const words = (e.getAttribute(name) || "").replace(/\s+/g, " ").trim();
      if (words) texts.push([words, path(e) + "@" + name]);
    }
  }
  texts.push([document.title, "title"]);

  // Fields without a name.
  for (const e of document.querySelectorAll("input, select, textarea")) {
    if (e.type === "hidden" || e.type === "submit") continue;
    const named = (e.labels && e.labels.length && [...e.labels].some((l) => l.textContent.trim() || l.querySelector("[aria-label], svg title, img[alt]"))) ||
      e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.getAttribute("title");
    if (!named) say("unlabelled", e, e.name || e.type);
  }
  for (const e of document.querySelectorAll("a[href], button")) {
    const name = e.textContent.trim() || e.getAttribute("aria-label") || e.getAttribute("title") ||
      e.getAttribute("aria-labelledby") || [...e.querySelectorAll("img[alt], svg[aria-label], svg title")].length;
    if (!name && seen(e)) say("nameless", e, e.getAttribute("href") || "");
  }

  // Targets for a thumb: 44 by 44; links inside sentences are text.
  if (asked.targets) {
    const inSentence = (e) => {
      if (getComputedStyle(e).display !== "inline") return false;
      return [...e.parentElement.childNodes].some((n) => n !== e && n.nodeType === 3 && n.textContent.trim().length > 1);
    };
    for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button], [role=tab]")) {
      if (e.type === "hidden" || e.disabled || !seen(e) || e.closest("[inert], .skip, .sr-only")) continue;
      if (e.classList.contains("skip") || e.classList.contains("sr-only")) continue;
      let boxes = [e.getBoundingClientRect()];
      if (e.labels) boxes = boxes.concat([...e.labels].map((l) => l.getBoundingClientRect()));
      if (e.tagName === "A" && inSentence(e)) continue;
      const tall = Math.max(...boxes.map((b) => b.height)), wide = Math.max(...boxes.map((b) => b.width));
      if (tall === 0 && wide === 0) continue;
      if (tall < 43.5 || wide < 43.5) say("target", e, `${Math.round(wide)}x${Math.round(tall)} ${e.textContent.trim().slice(0, 20)}`);
    }
  }

  // Nothing sticks out to the side.
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > innerWidth) {
    const out = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1 && seen(e) &&
      !e.closest("[data-scrolls]") && getComputedStyle(e).position !== "fixed");
    say("overflow", out[out.length - 1] || document.body, `${document.documentElement.scrollWidth} > ${innerWidth}`);
  }

  // A page that a script of somebody else could write.
  if (window.__canary || document.querySelector('img[src="x"], img[src$="/x"]')) say("canary", document.body, "stored text became elements");
  if (/\b49\b/.test(document.body.innerText) && document.body.innerText.includes("canary49")) say("canary", document.body, "a template was run");
  const links = [...document.querySelectorAll("a[href]")].map((a) => [a.href, a.textContent.trim().slice(0, 30)]);
  const parts = [...document.querySelectorAll("[hx-get]")].map((e) => [new URL(e.getAttribute("hx-get"), location.href).href, path(e)]);
  return { found, texts, links, parts, lang: document.documentElement.lang };
}

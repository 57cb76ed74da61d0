// Search, the light and dark switch, copying. Without this file every page reads the same.
"use strict";

const theme = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
function stored() { try { return localStorage.getItem("theme"); } catch { return null; } }
function isDark() { return (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark"; }
function label() { theme.textContent = isDark() ? "Light" : "Dark"; }
if (stored()) document.documentElement.dataset.theme = stored();
theme.hidden = false;
label();
system.addEventListener("change", label);
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", document.documentElement.dataset.theme); } catch { /* private windows */ }
  label();
});

// a button on every block; of a command it copies what is typed, without the prompt
for (const pre of document.querySelectorAll(".text pre:not(.output, [aria-label*='/'])")) {
  const frame = document.createElement("div"), button = document.createElement("button");
  frame.className = "block";
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${pre.textContent.trim().slice(0, 40)}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent.replace(/^\$ /, "").trimEnd());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  pre.replaceWith(frame);
  frame.append(pre, button);
}

// on a wide screen the list of pages is always open
const menu = document.querySelector(".menu");
const wide = matchMedia("(min-width: 56.01rem)");
function fold() { menu.open = wide.matches; }
fold();
wide.addEventListener("change", fold);
menu.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });

const query = document.getElementById("query");
const found = document.getElementById("found");
let places = [];
let chosen = -1;
document.querySelector(".search").hidden = false;

// the index is as long as all pages together: it is read when it is first needed
query.addEventListener("focus", () => {
  const index = document.createElement("script");
  index.src = "search.js";
  index.addEventListener("load", () => { places = window.PLACES; search(); });
  document.head.append(index);
}, { once: true });

function score(place, words) {
  const heading = place.h.toLowerCase(), page = place.p.toLowerCase(), text = place.t.toLowerCase();
  let total = 0;
  for (const word of words) {
    const points = (heading === word ? 8 : 0) + (heading.startsWith(word) ? 8 : 0) + (heading.includes(word) ? 8 : 0) + (page.includes(word) ? 3 : 0) + (text.includes(word) ? 1 : 0);
    if (!points) return 0;
    total += points;
  }
  return total;
}

function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const best = words.length
    ? places.map((place) => [score(place, words), place]).filter(([s]) => s).sort((a, b) => b[0] - a[0]).slice(0, 12)
    : [];
  found.replaceChildren(...best.map(([, place], i) => {
    const item = document.createElement("li"), link = document.createElement("a"), more = document.createElement("small");
    item.id = `found-${i}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    link.href = place.a;
    link.tabIndex = -1;
    link.textContent = place.h;
    more.textContent = place.p === place.h ? place.t.slice(0, 90) : `${place.p}: ${place.t.slice(0, 90)}`;
    link.append(more);
    item.append(link);
    return item;
  }));
  if (words.length && !best.length) {
    const none = document.createElement("li");
    none.className = "none";
    none.textContent = "Nothing found";
    found.append(none);
  }
  found.hidden = !words.length;
  query.setAttribute("aria-expanded", String(!!words.length));
  choose(-1);
}

function choose(i) {
  const options = [...found.querySelectorAll("[role=option]")];
  chosen = options.length ? Math.max(-1, Math.min(i, options.length - 1)) : -1;
  options.forEach((option, k) => option.setAttribute("aria-selected", String(k === chosen)));
  if (chosen < 0) query.removeAttribute("aria-activedescendant");
  else { query.setAttribute("aria-activedescendant", options[chosen].id); options[chosen].scrollIntoView({ block: "nearest" }); }
}

query.addEventListener("input", search);
query.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { choose(chosen + (event.key === "ArrowDown" ? 1 : -1)); event.preventDefault(); }
  else if (event.key === "Enter") found.querySelectorAll("[role=option] a")[Math.max(chosen, 0)]?.click();
  else if (event.key === "Escape") { query.value = ""; search(); }
});
document.addEventListener("click", (event) => { if (!event.target.closest(".search")) found.hidden = true; });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/input|textarea/i.test(event.target.tagName)) { query.focus(); event.preventDefault(); }
});

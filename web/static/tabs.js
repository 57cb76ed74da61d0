// Tabs: arrow keys move between them, one at a time is in the order of the Tab key.

import { el } from "./dom.js";

/** Tabs with their panels: [{id, label, content}]; `show(id)` is told which one is looked at. */
export function tabs(panels, chosen, show) {
  const first = panels.some((panel) => panel.id === chosen) ? chosen : panels[0]?.id;
  const buttons = panels.map((panel) => el("button", {
    type: "button", role: "tab", id: `tab-${panel.id}`, "aria-controls": `panel-${panel.id}`,
    onclick: () => choose(panel.id), onkeydown: (event) => move(event, panel.id),
  }, panel.label));
  const bodies = panels.map((panel) => el("div", {
    role: "tabpanel", id: `panel-${panel.id}`, "aria-labelledby": `tab-${panel.id}`, tabindex: "0",
  }, panel.content));
  const list = el("div", { role: "tablist", "aria-label": "More about the answer" }, buttons);

  function choose(id, told = true) {
    panels.forEach((panel, i) => {
      const on = panel.id === id;
      buttons[i].setAttribute("aria-selected", String(on));
      buttons[i].tabIndex = on ? 0 : -1;
      bodies[i].hidden = !on;
      if (on) requestAnimationFrame(() => { list.scrollLeft = buttons[i].offsetLeft - list.offsetLeft - 40; }); // once it is on the page
    });
    if (told) show(id);
  }

  function move(event, id) {
    const at = panels.findIndex((panel) => panel.id === id);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: panels.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + panels.length) % panels.length;
    choose(panels[next].id);
    buttons[next].focus();
  }

  choose(first, false);
  return [list, ...bodies];
}

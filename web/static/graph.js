// The computation graph as a picture: quantities, what they are made of, the adjoints that come back along the edges.

import { svg } from "./dom.js";
import { laidOut } from "./layout.js";

const HEIGHT = 44;
const MARGIN = 24;
const LETTER = 7.3; // width of a letter of the small type

/** An SVG with a `highlight(name)`; `look(name or null)` is told what is pointed at, `go(name)` what is chosen. */
export function picture({ nodes, edges, function: loss }, { look, go }) {
  const sized = nodes.map((node) => {
    const text = shortened(node.text);
    return { ...node, short: text, width: Math.max(48, 26 + LETTER * Math.max(text.length, node.name.length * 1.15)), height: HEIGHT };
  });
  const known = new Set(nodes.map((node) => node.name));
  const drawn = edges.filter((edge) => known.has(edge.from) && known.has(edge.to));
  const places = laidOut(sized, drawn);
  const width = places.width + 2 * MARGIN;
  const height = places.height + HEIGHT + 2 * MARGIN;
  const root = svg("svg", {
    class: "graph", viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
    "aria-label": `Computation graph of ${loss}: ${nodes.length} quantities. Arrow keys move between them.`,
  });
  root.append(svg("defs", {}, svg("marker", {
    id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto",
  }, svg("path", { d: "M0 0.8 7.2 4 0 7.2z", class: "tip" }))));
  const at = ({ x, y }) => ({ x: x + MARGIN, y: y + MARGIN + HEIGHT / 2 });
  const lines = svg("g", { "aria-hidden": "true" });
  const labels = svg("g", { "aria-hidden": "true" });
  const edgeNodes = drawn.map((edge, i) => {
    const points = places.edges[i].map(at);
    points[0].y += HEIGHT / 2;
    points.at(-1).y -= HEIGHT / 2 + 1;
    const line = svg("path", { d: curve(points), class: "edge", "marker-end": "url(#arrow)" });
    lines.append(line);
    const middle = between(points);
    const label = edge.adjoint ? svg("text", { x: middle.x, y: middle.y + 4, class: "adjoint" }, edge.adjoint) : null;
    if (label) labels.append(label);
    return { ...edge, parts: [line, label].filter(Boolean) };
  });
  const groups = new Map();
  const names = sized.map((node) => node.name);
  const adjoints = new Map(drawn.map((edge) => [edge.from, edge.adjoint]));

  for (const node of sized) {
    const { x, y } = at(places.nodes.get(node.name));
    const kind = node.name === loss ? "node loss" : node.text ? "node" : "node input";
    const says = `${node.name}${node.text ? ` = ${node.text}` : ", given"}${adjoints.get(node.name) ? `; adjoint ${adjoints.get(node.name)}` : ""}`;
    groups.set(node.name, svg("g", {
      class: kind, role: "button", tabindex: "-1", "data-name": node.name,
      onpointerenter: () => look(node.name), onpointerleave: () => look(null),
      onfocus: () => look(node.name), onblur: () => look(null),
      onclick: () => go(node.name), onkeydown: (event) => key(event, node.name),
    },
      svg("rect", { x: x - node.width / 2, y: y - HEIGHT / 2, width: node.width, height: HEIGHT, rx: 8 }),
      svg("text", { x, y: node.short ? y - 4 : y + 4.5, class: "quantity", "aria-hidden": "true" }, node.name),
      node.short ? svg("text", { x, y: y + 13, class: "made", "aria-hidden": "true" }, node.short) : null,
      svg("title", {}, says)));
  }
  groups.get(names[0])?.setAttribute("tabindex", "0");
  root.append(lines, labels, ...groups.values());

  function key(event, name) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      go(name);
      return;
    }
    const to = neighbor(event.key, name);
    if (!to) return;
    event.preventDefault();
    for (const group of groups.values()) group.setAttribute("tabindex", "-1");
    groups.get(to).setAttribute("tabindex", "0");
    groups.get(to).focus();
  }

  /** The nearest node in the direction of the key. */
  function neighbor(pressed, name) {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[pressed];
    if (!step) return null;
    const from = places.nodes.get(name);
    const ahead = names.map((other) => {
      const to = places.nodes.get(other);
      const along = (to.x - from.x) * step[0] + (to.y - from.y) * step[1];
      const aside = Math.abs((to.x - from.x) * step[1]) + Math.abs((to.y - from.y) * step[0]);
      return { other, along, cost: along + (step[0] ? 50 * aside : 0.5 * aside) };
    }).filter(({ other, along }) => other !== name && along > 1);
    return ahead.sort((a, b) => a.cost - b.cost)[0]?.other ?? null;
  }

  root.highlight = (name) => {
    const inside = name !== null && groups.has(name);
    root.classList.toggle("looking", inside);
    for (const [other, group] of groups) group.classList.toggle("on", other === name);
    for (const edge of edgeNodes) {
      for (const part of edge.parts) part.classList.toggle("on", edge.from === name || edge.to === name);
    }
  };
  return root;
}

function shortened(text) {
  return text.length > 30 ? `${text.slice(0, 29)}…` : text;
}

/** A smooth line downwards through the points. */
function curve(points) {
  let d = `M${points[0].x} ${points[0].y}`;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    const middle = (a.y + b.y) / 2;
    d += ` C${a.x} ${middle} ${b.x} ${middle} ${b.x} ${b.y}`;
  }
  return d;
}

function between(points) {
  const [a, b] = [points[0], points[1]];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

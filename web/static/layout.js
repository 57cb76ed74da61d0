// Where the nodes of a computation graph stand: in layers, ordered so that few edges cross. Sugiyama's method, small.

const GAP = 28; // between nodes of a layer
const LAYER = 96; // from one layer to the next
const SWEEPS = 6;

/** Places for nodes {name, width, height} and edges {from, to}: {nodes: Map(name, {x, y}), edges: [points], width, height}. */
export function laidOut(nodes, edges) {
  const layer = layers(nodes, edges);
  const items = nodes.map((node) => ({ name: node.name, width: node.width, layer: layer.get(node.name), up: [], down: [] }));
  const byName = new Map(items.map((item) => [item.name, item]));
  const paths = edges.map((edge) => path(edge, byName, items));
  const rows = Array.from({ length: Math.max(0, ...layer.values()) + 1 }, () => []);
  for (const item of items) rows[item.layer].push(item);
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(rows, sweep % 2 === 0);
  place(rows);
  const left = Math.min(...items.map((item) => item.x - item.width / 2));
  for (const item of items) { item.x -= left; item.y = item.layer * LAYER; }
  return {
    nodes: byName,
    edges: paths.map((items) => items.map(({ x, y }) => ({ x, y }))),
    width: Math.max(...items.map((item) => item.x + item.width / 2)),
    height: (rows.length - 1) * LAYER,
  };
}

/** The longest way from an input; inputs stand just above what first uses them. */
function layers(nodes, edges) {
  const into = new Map(nodes.map((node) => [node.name, []]));
  const out = new Map(nodes.map((node) => [node.name, []]));
  for (const { from, to } of edges) { into.get(to).push(from); out.get(from).push(to); }
  const found = new Map();
  const missing = new Map(nodes.map((node) => [node.name, into.get(node.name).length]));
  const ready = nodes.filter((node) => !missing.get(node.name)).map((node) => node.name);
  while (ready.length) {
    const name = ready.shift();
    found.set(name, Math.max(-1, ...into.get(name).map((other) => found.get(other))) + 1);
    for (const next of out.get(name)) {
      missing.set(next, missing.get(next) - 1);
      if (!missing.get(next)) ready.push(next);
    }
  }
  for (const { name } of nodes) {
    if (!into.get(name).length && out.get(name).length) {
      found.set(name, Math.max(0, Math.min(...out.get(name).map((other) => found.get(other))) - 1));
    }
  }
  return found;
}

/** The items along an edge; in each layer that it crosses it has a place of its own. */
function path({ from, to }, byName, items) {
  const found = [byName.get(from)];
  for (let layer = byName.get(from).layer + 1; layer < byName.get(to).layer; layer++) {
    const bend = { width: 8, layer, up: [], down: [], bend: true };
    items.push(bend);
    found.push(bend);
  }
  found.push(byName.get(to));
  for (let i = 1; i < found.length; i++) {
    found[i - 1].down.push(found[i]);
    found[i].up.push(found[i - 1]);
  }
  return found;
}

function order(rows, downwards) {
  const run = downwards ? rows : [...rows].reverse();
  for (const row of rows) row.forEach((item, i) => { item.rank = i / Math.max(1, row.length - 1); });
  for (const row of run) {
    for (const item of row) {
      const near = downwards ? item.up : item.down;
      item.pull = near.length ? mean(near.map((other) => other.rank)) : item.rank;
    }
    row.sort((a, b) => a.pull - b.pull);
    row.forEach((item, i) => { item.rank = row.length > 1 ? i / (row.length - 1) : 0.5; });
  }
}

/** Each item over the middle of its neighbors, as far as the others in its layer leave room. */
function place(rows) {
  for (const row of rows) {
    let x = 0;
    for (const item of row) { item.x = x + item.width / 2; x += item.width + GAP; }
    const middle = (x - GAP) / 2;
    for (const item of row) item.x -= middle;
  }
  for (let sweep = 0; sweep < 10; sweep++) {
    for (const row of sweep % 2 ? [...rows].reverse() : rows) {
      const wanted = row.map((item) => {
        const near = [...item.up, ...item.down];
        return near.length ? mean(near.map((other) => other.x)) : item.x;
      });
      settle(row, wanted);
    }
  }
}

/** As near to what is wanted as possible without overlap: neighbors that collide move as one block. */
function settle(row, wanted) {
  const blocks = [];
  let offset = 0;
  row.forEach((item, i) => {
    if (i) offset += (row[i - 1].width + item.width) / 2 + GAP;
    item.offset = offset;
    blocks.push({ sum: wanted[i] - offset, count: 1, first: i });
    while (blocks.length > 1 && blocks.at(-2).sum / blocks.at(-2).count > blocks.at(-1).sum / blocks.at(-1).count) {
      const last = blocks.pop();
      blocks.at(-1).sum += last.sum;
      blocks.at(-1).count += last.count;
    }
  });
  for (const block of blocks) {
    for (let i = block.first; i < block.first + block.count; i++) row[i].x = row[i].offset + block.sum / block.count;
  }
}

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

"use strict";
// What the page answers. It is apart from what draws, so that it can be asked without a browser.
const binas = {
  // at is the network of the frontier within a limit, -1 where there is none.
  at(d, limit) {
    let lo = 0, hi = d.ms.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (d.ms[mid] <= limit) lo = mid + 1; else hi = mid;
    }
    return lo - 1;
  },
  depth(d, i, stage) { return +d.paths[i][stage]; },
  // option is the option of a block, -1 where it is off.
  option(d, i, block) {
    const c = d.paths[i][d.stages.length + block];
    return c === "." ? -1 : c.charCodeAt(0) - 97;
  },
  architecture(d, i) {
    const list = codes => "[" + codes.map(c => "'" + c + "'").join(", ") + "]";
    const stages = d.stages.map((_, s) => {
      const blocks = [];
      for (let k = 0; k < binas.depth(d, i, s); k++) {
        const b = s * d.max_depth + k;
        blocks.push(d.codes[b][binas.option(d, i, b)]);
      }
      return list(blocks);
    });
    return "[" + [list([d.first]), ...stages, list([d.last])].join(", ") + "]";
  },
  // rows are the decisions of a network: stages and, below each, its blocks with the time up to them.
  rows(d, i) {
    const out = [];
    let sum = d.fixed_ms;
    d.stages.forEach((stage, s) => {
      out.push({ stage: s + 1, depth: binas.depth(d, i, s), output: stage.channels + " × " + stage.resolution + "²" });
      for (let k = 0; k < binas.depth(d, i, s); k++) {
        const b = s * d.max_depth + k, o = binas.option(d, i, b);
        sum += d.block_ms[b][o];
        out.push({ block: (s + 1) + "." + k, option: d.options[o], ms: d.block_ms[b][o], sum });
      }
    });
    return out;
  },
  digits(d) { return d.min_ms >= 1 ? 2 : 2 + Math.ceil(-Math.log10(d.min_ms || 1)); },
  sentence(d, limit) {
    const n = binas.digits(d), i = binas.at(d, limit);
    if (i < 0) return "No network within " + limit.toFixed(n) + " ms: at least " + d.ms[0].toFixed(n) + " ms are needed.";
    const sure = d.deviation ? " ± " + d.deviation[i].toFixed(2) : "";
    const best = d.exact ? "the best of " + d.count.toExponential(1).replace("e+", "e") + ", proved" : "the best that was found";
    let text = d.accuracy[i].toFixed(2) + " %" + sure + " within " + limit.toFixed(n) + " ms (takes " + d.ms[i].toFixed(n) + " ms): " + best +
      (d.extrapolated[i] ? ", extrapolated" : "") + ".";
    const more = binas.at(d, limit + 1);
    if (limit + 1 <= d.max_ms) text += " 1 ms more buys " + (d.accuracy[more] - d.accuracy[i]).toFixed(2) + " points.";
    const there = (d.published || []).filter(p => p.ms <= limit).sort((p, q) => q.accuracy - p.accuracy)[0];
    if (there) {
      const gain = d.accuracy[binas.at(d, there.ms)] - there.accuracy;
      text += " " + (gain < 0 ? Math.abs(gain).toFixed(2) + " under " : "+" + gain.toFixed(2) + " over ") + there.name + " as published, at its latency of " + there.ms.toFixed(n) + " ms.";
    }
    return text;
  },
  // colour of an option in the sweep: hue is the kernel; how far the lightness is from
  // that of the paper, the expansion.
  colour(d, code, dark) {
    const o = d.options[code], kernels = [...new Set(d.options.map(o => o.kernel))].sort(), widths = [...new Set(d.options.map(o => o.expansion))].sort((a, b) => a - b);
    const hue = [212, 28, 140, 290][kernels.indexOf(o.kernel) % 4];
    const wide = widths.indexOf(o.expansion) / Math.max(1, widths.length - 1);
    return "hsl(" + hue + " 75% " + (dark ? 26 + 46 * wide : 82 - 42 * wide) + "%)";
  },
};

function start(d) {
  const $ = id => document.getElementById(id), n = binas.digits(d);
  let limit = Math.min(Math.max(d.limit_ms, d.min_ms), d.max_ms), plot;
  const root = document.documentElement, css = name => getComputedStyle(root).getPropertyValue("--" + name).trim();
  const dark = matchMedia("(prefers-color-scheme: dark)"), darkNow = () => dark.matches && !root.classList.contains("printed");

  const budget = $("budget"), typed = $("typed");
  budget.min = d.min_ms; budget.max = d.max_ms; budget.step = (d.max_ms - d.min_ms) / 2000 || "any";
  typed.min = d.min_ms; typed.max = d.max_ms;
  const move = ms => { if (Number.isFinite(ms)) { limit = Math.min(Math.max(ms, d.min_ms), d.max_ms); show(); } };
  budget.oninput = () => move(+budget.value);
  typed.onchange = () => move(+typed.value);
  if (d.published) $("published").textContent = " Orange: the published networks A-F of BINAS and a-f of HardCoRe-NAS, with their published accuracy.";
  const step = by => move(d.ms[Math.min(Math.max(binas.at(d, limit) + by, 0), d.ms.length - 1)]);
  $("previous").onclick = () => step(-1);
  $("next").onclick = () => step(1);
  $("copy").onclick = () => { $("architecture").select(); document.execCommand("copy"); };

  // The frontier.
  const line = keep => d.accuracy.map((a, i) => keep(i) ? a : null);
  const series = [{ label: "latency ms", value: (_, v) => v == null ? "" : v.toFixed(n) }];
  const values = [d.ms];
  const add = (data, options) => { values.push(data); series.push(Object.assign({ points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), value: (_, v) => v == null ? "" : v.toFixed(2) + " %" }, options)); };
  add(line(i => !d.extrapolated[i]), { label: "accuracy", stroke: () => css("blue"), width: 3 });
  if (d.extrapolated.some(x => x)) add(line(i => d.extrapolated[i] || (i + 1 < d.ms.length && d.extrapolated[i + 1])), { label: "extrapolated", stroke: () => css("blue"), width: 2, dash: [6, 4] });
  const bands = [];
  if (d.deviation) {
    add(d.accuracy.map((a, i) => a + d.deviation[i]), { label: "+ one deviation", stroke: "#0000" });
    add(d.accuracy.map((a, i) => a - d.deviation[i]), { label: "− one deviation", stroke: "#0000" });
    bands.push({ series: [values.length - 2, values.length - 1], fill: () => css("band") });
  }
  const dots = [...(d.published || []).map(p => ({ ...p, colour: "orange" })), ...(d.marks || []).map(m => ({ ...m, colour: "violet" }))];
  const shown = dots.filter(p => p.ms >= d.min_ms && p.ms <= d.max_ms).map(p => p.accuracy);
  const low = Math.min(d.accuracy[0], ...shown), high = Math.max(d.accuracy[d.accuracy.length - 1], ...shown);
  const over = u => {
    const c = u.ctx, x = u.valToPos(limit, "x", true), i = binas.at(d, limit), left = u.bbox.left, right = left + u.bbox.width;
    c.save(); c.beginPath(); c.rect(left, u.bbox.top, u.bbox.width, u.bbox.height); c.clip();
    c.fillStyle = css("beyond"); c.fillRect(Math.max(x, left), u.bbox.top, Math.max(0, right - x), u.bbox.height);
    c.strokeStyle = css("red"); c.lineWidth = 2 * devicePixelRatio; c.beginPath(); c.moveTo(x, u.bbox.top); c.lineTo(x, u.bbox.top + u.bbox.height); c.stroke();
    c.font = 12 * devicePixelRatio + "px system-ui, sans-serif"; c.textAlign = "left"; c.textBaseline = "middle";
    for (const p of dots) {
      const px = u.valToPos(p.ms, "x", true), py = u.valToPos(p.accuracy, "y", true);
      c.fillStyle = css(p.colour); c.beginPath(); c.arc(px, py, 4 * devicePixelRatio, 0, 7); c.fill();
      c.fillText(p.letter || p.name, px + 7 * devicePixelRatio, py);
    }
    if (i >= 0) {
      c.fillStyle = css("green"); c.beginPath();
      c.arc(u.valToPos(d.ms[i], "x", true), u.valToPos(d.accuracy[i], "y", true), 6 * devicePixelRatio, 0, 7); c.fill();
    }
    c.restore();
  };
  plot = new uPlot({
    width: $("plot").clientWidth, height: 380, bands, series,
    scales: { x: { time: false, range: (_, a, b) => a === b ? [a - 1, b + 1] : [a, b] }, y: { range: (u, a, b) => u.scales.x.min > d.ms[0] || u.scales.x.max < d.ms[d.ms.length - 1] ? uPlot.rangeNum(a, b, 0.1, true) : uPlot.rangeNum(low, high, 0.05, true) } },
    axes: [{ label: "latency, ms" }, { label: "top-1 accuracy, %", size: 60 }].map(a => ({ ...a, stroke: () => css("text"), grid: { stroke: () => css("line"), width: 1 }, ticks: { stroke: () => css("line"), width: 1 } })),
    hooks: { draw: [over] },
  }, values, $("plot"));
  let pressed = 0; // where, to tell a click from a drag
  plot.over.addEventListener("mousedown", e => { pressed = e.clientX; });
  plot.over.addEventListener("click", e => { if (plot.cursor.left >= 0 && Math.abs(e.clientX - pressed) < 4) move(plot.posToVal(plot.cursor.left, "x")); });
  plot.over.addEventListener("mousemove", e => {
    const near = dots.map(p => [Math.hypot(plot.valToPos(p.ms, "x") - e.offsetX, plot.valToPos(p.accuracy, "y") - e.offsetY), p]).sort((a, b) => a[0] - b[0])[0];
    if (!near || near[0] > 14) return;
    const p = near[1], i = binas.at(d, p.ms);
    $("pointer").textContent = p.name + ": " + p.accuracy.toFixed(2) + " % at " + p.ms.toFixed(n) + " ms" +
      (i >= 0 ? "; the frontier has " + d.accuracy[i].toFixed(2) + " % there (" + (d.accuracy[i] - p.accuracy).toFixed(2) + " points more)" : "");
  });

  // The sweep.
  const sweep = $("sweep"), rows = [], label = 62, axis = 22;
  d.stages.forEach((_, s) => { rows.push({ s, b: -1, name: "stage " + (s + 1) }); for (let k = 0; k < d.max_depth; k++) rows.push({ s, b: s * d.max_depth + k, name: (s + 1) + "." + k }); });
  const high1 = 15;
  const column = x => d.min_ms + (d.max_ms - d.min_ms) * (x - label) / (sweep.clientWidth - label);
  const depths = d.stages.map((_, s) => Math.max(...d.paths.map(p => +p[s]))), slowest = Math.max(...d.block_ms.flat());
  // chart is the sweep without the budget, drawn once for a width and a scheme of colours.
  let chart, chartOf = "";
  const drawChart = (w, h, ratio) => {
    chart = document.createElement("canvas");
    chart.width = w * ratio; chart.height = h * ratio;
    const c = chart.getContext("2d"), night = darkNow(), text = css("text"), off = css("off"), colours = d.options.map((_, o) => binas.colour(d, o, night));
    c.scale(ratio, ratio); c.font = "11px system-ui, sans-serif"; c.textBaseline = "middle";
    for (let x = label; x < w; x += 2) {
      const i = binas.at(d, column(x + 2));
      if (i < 0) continue;
      rows.forEach((r, y) => {
        const o = r.b < 0 ? 0 : binas.option(d, i, r.b), top = y * high1, depth = 60 * binas.depth(d, i, r.s) / Math.max(depths[r.s], d.max_depth);
        c.fillStyle = r.b < 0 ? "hsl(0 0% " + (night ? 10 + depth : 95 - depth) + "%)" : colours[o] || off;
        c.fillRect(x, top, 2, high1 - 1);
        if (r.b >= 0 && o >= 0 && d.options[o].se) { c.fillStyle = text; c.fillRect(x, top + high1 / 2 - 1, 2, 2); }
      });
    }
    c.fillStyle = text;
    rows.forEach((r, y) => c.fillText(r.name, r.b < 0 ? 0 : 14, y * high1 + high1 / 2));
    const y = rows.length * high1 + axis / 2, ticks = Math.max(2, Math.floor((w - label) / 110));
    for (let i = 0; i <= ticks; i++) { const v = d.min_ms + (d.max_ms - d.min_ms) * i / ticks; c.textAlign = i === ticks ? "right" : i ? "center" : "left"; c.fillText(v.toFixed(n) + " ms", label + (w - label) * i / ticks, y); }
  };
  const drawSweep = () => {
    const ratio = window.devicePixelRatio || 1, w = sweep.clientWidth || 900, h = rows.length * high1 + axis, of = [w, ratio, darkNow()].join();
    if (of !== chartOf) { drawChart(w, h, ratio); chartOf = of; drawLegend(); }
    sweep.width = chart.width; sweep.height = chart.height; sweep.style.height = h + "px";
    const c = sweep.getContext("2d"), x = label + (w - label) * (limit - d.min_ms) / (d.max_ms - d.min_ms || 1);
    c.drawImage(chart, 0, 0);
    c.scale(ratio, ratio); c.fillStyle = css("red"); c.fillRect(x - 1, 0, 2, rows.length * high1);
  };
  sweep.onclick = e => move(column(e.offsetX));
  sweep.onmousemove = e => {
    const r = rows[Math.floor(e.offsetY / high1)], ms = column(e.offsetX), i = binas.at(d, ms);
    if (!r || i < 0 || e.offsetX < label) return;
    const o = r.b < 0 ? -1 : binas.option(d, i, r.b);
    $("cell").textContent = r.name + " at " + ms.toFixed(n) + " ms: " + (r.b < 0 ? "depth " + binas.depth(d, i, r.s) : o < 0 ? "off" : d.options[o].name);
  };
  const drawLegend = () => {
    const night = darkNow(), wide = Math.max(...d.options.map(o => o.expansion));
    const chip = (text, colour, ink) => { const s = document.createElement("span"); s.textContent = text; s.style.background = colour; s.style.color = ink; $("legend").append(s); };
    $("legend").replaceChildren();
    d.options.forEach((o, i) => { if (!o.se) chip("k" + o.kernel + " e" + o.expansion, binas.colour(d, i, night), (o.expansion === wide) === night ? "#0d1117" : "#fff"); });
    chip("off", css("off"), css("text")); chip("a line: squeeze-excite", css("paper"), css("text")); chip("grey: depth of the stage", css("line"), css("text"));
  };

  const show = () => {
    const i = binas.at(d, limit);
    budget.value = limit; typed.value = limit.toFixed(n + 1);
    $("answer").textContent = binas.sentence(d, limit);
    const body = document.querySelector("#network tbody");
    body.replaceChildren();
    if (i >= 0) {
      const row = (cells, name) => {
        const tr = body.insertRow();
        tr.className = name;
        cells.forEach(c => { const td = tr.insertCell(); if (c instanceof Node) td.append(c); else td.textContent = c; });
      };
      row(["fixed parts", "", "", d.fixed_ms.toFixed(n + 1), "", d.fixed_ms.toFixed(n + 1)], "");
      for (const r of binas.rows(d, i)) {
        if (r.stage) { row(["stage " + r.stage, "depth " + r.depth, r.output, "", "", ""], "stage"); continue; }
        const bar = document.createElement("span");
        bar.className = "bar"; bar.style.width = 180 * r.ms / slowest + "px";
        row([r.block, r.option.name, "", r.ms.toFixed(n + 1), bar, r.sum.toFixed(n + 1)], "");
      }
      $("architecture").value = binas.architecture(d, i);
      $("size").textContent = (d.params[i] / 1e6).toFixed(2) + " M parameters, " + (d.macs[i] / 1e6).toFixed(0) + " M MACs";
    }
    plot.redraw(false);
    drawSweep();
  };
  dark.addEventListener("change", show);
  window.addEventListener("beforeprint", () => { root.classList.add("printed"); show(); });
  window.addEventListener("afterprint", () => { root.classList.remove("printed"); show(); });
  window.addEventListener("resize", () => { plot.setSize({ width: $("plot").clientWidth, height: 380 }); show(); });
  show();
}

if (typeof document !== "undefined") start(JSON.parse(document.getElementById("data").textContent));

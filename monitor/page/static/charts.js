// Pictures of values over time that can be zoomed into, all on a page together. Without this file, or without uPlot,
// the pictures of the page stay as they are. Colours are those of these pictures, so they follow the style sheet.
"use strict";
(() => {
  const tools = document.getElementById("zoom");
  const figures = [...document.querySelectorAll("[data-figures]")];
  if (!tools || !figures.length || typeof uPlot === "undefined") return;

  const pad = (n) => String(n).padStart(2, "0");
  const day = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const hour = (at) => `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  const stamp = (ms) => `${day(new Date(ms))} ${hour(new Date(ms))}`;
  const LEAST = 4; // windows that are shown at least
  const DAY_MS = 86_400_000;
  const first = JSON.parse(figures[0].dataset.figures);
  const whole = [first.begin, first.end];
  const plots = [];
  let view = whole;

  function show(from, to) {
    const length = Math.min(Math.max(to - from, LEAST * first.length), whole[1] - whole[0]);
    const begin = Math.min(Math.max((from + to - length) / 2, whole[0]), whole[1] - length);
    view = [begin, begin + length];
    for (const plot of plots) plot.batch(() => plot.setScale("x", { min: view[0], max: view[1] })); // at once
    const isWhole = length === whole[1] - whole[0];
    tools.querySelector("[data-zoom=all]").disabled = tools.querySelector("[data-zoom=out]").disabled = isWhole;
    tools.querySelector("[role=status]").textContent = isWhole ? "" : `${stamp(view[0])} – ${stamp(view[1])}`;
  }

  function zoom(share, at = (view[0] + view[1]) / 2) {
    const length = (view[1] - view[0]) * share;
    const from = at - (at - view[0]) * share;
    show(from, from + length);
  }

  const steps = { in: () => zoom(0.5), out: () => zoom(2), all: () => show(...whole) };

  // How something is drawn in the picture that the server made.
  const drawn = (svg, where, what) => {
    const found = svg.querySelector(where);
    return found ? getComputedStyle(found)[what] : "transparent";
  };

  function number(value) {
    const [unit, size] = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1]].find((each) => Math.abs(value) >= each[1]) ?? ["", 1];
    return Number((value / size).toPrecision(3)) + unit;
  }
  const values = (unit) => (_, splits) => splits.map((each) => (unit ? `${Number((100 * each).toPrecision(3))} %` : number(each)));

  // Hours with their day where it begins, or days with their year.
  function times(_, splits) {
    const isDays = splits.length > 1 && splits[1] - splits[0] >= DAY_MS;
    let before = "";
    return splits.map((ms) => {
      const at = new Date(ms);
      const [large, small] = isDays ? [String(at.getFullYear()), day(at).slice(5)] : [day(at).slice(5), hour(at)];
      const text = large === before ? small : `${small}\n${large}`;
      before = large;
      return text;
    });
  }

  // Of each series three columns, its interval's ends and its values; those that are bad once more, on top.
  function columns(given) {
    const parts = given.series.flatMap((each) => [each.low, each.high, each.value]);
    const bad = given.series.map((each) => each.value.map((value, i) => (each.bad[i] ? value : null)));
    return [given.at.map((at) => at + given.length / 2), ...parts, ...bad];
  }

  function series(given, svg) {
    const points = (style, size) => ({ show: true, size, stroke: () => drawn(svg, style, "stroke"), fill: () => drawn(svg, style, "stroke"), width: 0 });
    const edge = { stroke: "transparent", width: 0, points: { show: false } };
    const parts = given.series.flatMap(({ style }) => [
      edge,
      edge,
      { stroke: () => drawn(svg, `.line.${style}`, "stroke"), width: 1.6, points: points(`.dot.${style}`, 4.5) },
    ]);
    const bad = given.series.map(({ style }) => ({ paths: () => null, points: points(`.dot.${style}.bad`, 7) }));
    return [{}, ...parts, ...bad];
  }

  function range(given) {
    return (_, low, high) => {
      if (low === null || low === high || view[1] - view[0] >= whole[1] - whole[0]) return [given.low, given.high];
      return uPlot.rangeNum(given.low === 0 ? 0 : low, high, 0.1, true);
    };
  }

  function spans(plot, given, svg) {
    const { left, top, width, height } = plot.bbox;
    plot.ctx.save();
    plot.ctx.fillStyle = drawn(svg, ".span", "fill");
    for (const span of given.spans) {
      const [from, to] = span.map((at) => Math.min(Math.max(plot.valToPos(at, "x", true), left), left + width));
      if (to > left && from < left + width) plot.ctx.fillRect(from, top, Math.max(to - from, 2), height);
    }
    plot.ctx.restore();
  }

  function levels(plot, given, svg) {
    const { left, top, width, height } = plot.bbox;
    plot.ctx.save();
    plot.ctx.strokeStyle = drawn(svg, ".level", "stroke");
    plot.ctx.lineWidth = 1.5 * devicePixelRatio;
    plot.ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const y of given.levels.map((each) => plot.valToPos(each, "y", true))) {
      if (y < top || y > top + height) continue;
      plot.ctx.beginPath();
      plot.ctx.moveTo(left, y);
      plot.ctx.lineTo(left + width, y);
      plot.ctx.stroke();
    }
    plot.ctx.restore();
  }

  // A finger that moves sideways chooses a stretch, as the mouse does; up and down it moves the page.
  function touch(plot) {
    let from = null;
    const over = plot.over;
    const at = (event) => Math.min(Math.max(event.clientX - over.getBoundingClientRect().left, 0), over.clientWidth);
    const select = (event) => {
      const [left, right] = [Math.min(from, at(event)), Math.max(from, at(event))];
      return { left, width: right - left, top: 0, height: over.clientHeight };
    };
    over.addEventListener("pointerdown", (event) => {
      from = event.pointerType === "touch" ? at(event) : null;
    });
    over.addEventListener("pointermove", (event) => {
      if (from !== null) plot.setSelect(select(event), false);
    });
    over.addEventListener("pointerup", (event) => {
      if (from !== null) plot.setSelect(select(event));
      from = null;
    });
    over.addEventListener("pointercancel", () => {
      from = null;
      plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    });
  }

  function chosen(plot) {
    const { left, width } = plot.select;
    if (width < 8) return;
    const stretch = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    show(...stretch);
  }

  function enliven(frame) {
    const given = JSON.parse(frame.dataset.figures);
    const svg = frame.querySelector("svg");
    const host = document.createElement("div");
    const reading = document.createElement("output");
    const texts = [...svg.querySelectorAll(".pane title")].map((each) => each.textContent.split("\n").slice(1).join("\n"));
    const known = given.at.map((_, i) => i).filter((i) => given.series.some((each) => each.value[i] !== null));
    const told = new Map(known.map((i, place) => [i, `${stamp(given.at[i])}\n${texts[place]}`]));
    host.className = "live";
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    host.setAttribute("aria-label", `${svg.getAttribute("aria-label")}: arrows read the windows, plus and minus zoom, Escape shows all`);
    reading.className = "reading";
    reading.hidden = true;

    function read(plot) {
      const text = told.get(plot.cursor.idx);
      reading.hidden = text === undefined || plot.cursor.left < 0;
      if (reading.hidden || reading.textContent === text) return;
      reading.textContent = text;
      reading.classList.toggle("right", plot.cursor.left < plot.over.clientWidth / 2);
    }

    const quiet = () => getComputedStyle(tools).color;
    const grid = { stroke: () => drawn(svg, ".grid", "stroke"), width: 1 };
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: quiet, font, ticks: { show: false } };
    frame.append(host);
    const plot = new uPlot(
      {
        width: host.clientWidth,
        height: host.clientHeight,
        ms: 1,
        padding: [6, 16, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => steps.all } },
        scales: { x: { range: () => view }, y: { range: range(given) } },
        axes: [
          { ...axis, grid: { show: false }, values: times, space: 64, size: 34 },
          { ...axis, grid, values: values(given.unit), size: 52, gap: 6, space: 32 },
        ],
        series: series(given, svg),
        bands: given.series.map(({ style }, i) => ({ series: [3 * i + 2, 3 * i + 1], fill: () => drawn(svg, `.band.${style}`, "fill") })),
        hooks: {
          drawClear: [(plot) => spans(plot, given, svg)],
          draw: [(plot) => levels(plot, given, svg)],
          setSelect: [chosen],
          setCursor: [read],
        },
      },
      columns(given),
      host,
    );
    host.append(reading);
    touch(plot);
    host.addEventListener("keydown", (event) => key(event, plot, known, given));
    host.addEventListener("blur", () => plot.setCursor({ left: -10, top: -10 }));
    new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: host.clientHeight })).observe(host);
    frame.classList.add("enlivened");
    plots.push(plot);
  }

  function key(event, plot, known, given) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = (i) => given.at[i] + given.length / 2;
    const at = plot.cursor.left >= 0 && plot.cursor.idx !== null ? plot.cursor.idx : null;
    const around = at === null ? undefined : middle(at);
    const moves = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === "Escape" || event.key === "0") steps.all();
    else if (event.key === "+" || event.key === "=") zoom(0.5, around);
    else if (event.key === "-") zoom(2, around);
    else if (event.key in moves && known.length) {
      const place = at === null ? known.length - 1 : known.indexOf(at) + moves[event.key];
      const next = known[Math.min(Math.max(place, 0), known.length - 1)];
      const shift = Math.min(given.at[next] - view[0], 0) + Math.max(given.at[next] + given.length - view[1], 0);
      if (shift) show(view[0] + shift, view[1] + shift);
      plot.setCursor({ left: plot.valToPos(middle(next), "x"), top: 10 });
    } else return;
    event.preventDefault();
  }

  for (const frame of figures) enliven(frame);
  for (const [name, step] of Object.entries(steps)) tools.querySelector(`[data-zoom=${name}]`).addEventListener("click", step);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach((plot) => plot.redraw(false)));
  show(...whole);
  tools.hidden = false;
})();

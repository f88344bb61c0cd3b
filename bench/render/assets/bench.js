// Draws the page's curves from the JSON in it.
(function () {
  "use strict";
  const curves = JSON.parse(document.getElementById("data").textContent) || [];
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
  const exact = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Lines differ in colour, dashes and marks, so that no pair needs colour alone.
  const looks = [
    ["--blue", []], ["--purple", [10, 4]], ["--red", []], ["--orange", [6, 4]],
    ["--green", []], ["--teal", [10, 4]], ["--brown", [3, 3]], ["--soft", []], ["--pink", [6, 4]], ["--ink", [3, 3]],
  ];

  const spell = a => a.unit && !a.label.endsWith(a.unit) ? a.label + ", " + a.unit : a.label;

  function axis(a, more) {
    return {
      label: spell(a), labelSize: 22, labelFont: "600 12px system-ui, sans-serif", font: "12px system-ui, sans-serif", stroke: style("--soft"),
      grid: { stroke: style("--rule"), width: 1 }, ticks: { stroke: style("--rule"), width: 1, size: 5 },
      values: (_, ticks) => ticks.map(v => v === null ? "" : compact.format(v)), ...more,
    };
  }

  function scale(a, low, high) {
    if (a.log) return { time: false, distr: 3, range: () => [10 ** Math.floor(Math.log10(low) + 1e-9), 10 ** Math.ceil(Math.log10(high) - 1e-9 + (low === high ? 1 : 0))] };
    return { time: false, range: () => [0, high > 0 ? high * 1.05 : 1] };
  }

  const extent = values => [Math.min(...values), Math.max(...values)];

  function size(element) {
    return { width: Math.max(240, Math.floor(element.clientWidth)), height: element.clientWidth < 420 ? 240 : 300 };
  }

  function plot(element) {
    const curve = curves[Number(element.dataset.curve)];
    const points = curve.series.flatMap(s => s.points);
    const data = uPlot.join(curve.series.map(s => [s.points.map(p => p.x), s.points.map(p => p.y)]));
    const series = curve.series.map((s, i) => {
      const [color, dash] = looks[i % looks.length];
      return { label: s.name, stroke: style(color), width: 2, dash, spanGaps: true, points: { show: true, size: 6, fill: style(color) }, value: (_, v) => v === null ? "–" : exact.format(v) };
    });
    return new uPlot({
      ...size(element),
      scales: { x: scale(curve.x, ...extent(points.map(p => p.x))), y: scale(curve.y, ...extent(points.map(p => p.y))) },
      axes: [axis(curve.x, { size: 34 }), axis(curve.y, { size: (_, texts) => 16 + 7 * Math.max(2, ...(texts || []).map(t => t.length)) })],
      series: [{ label: spell(curve.x), value: (_, v) => v === null ? "–" : exact.format(v) }].concat(series),
      cursor: { y: false, drag: { x: false, y: false } },
    }, data, element);
  }

  const drawn = new Map();

  function draw(element) {
    const old = drawn.get(element);
    if (old) old.destroy();
    drawn.set(element, plot(element));
  }

  const all = () => document.querySelectorAll("[data-curve]");
  const drawAll = () => all().forEach(draw);

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  const watch = new ResizeObserver(changes => {
    for (const c of changes) {
      const chart = drawn.get(c.target);
      const wanted = size(c.target);
      if (chart && chart.width !== wanted.width) chart.setSize(wanted);
    }
  });
  all().forEach(e => watch.observe(e));
  // Paper is white, and shows everything.
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.print = "";
    drawAll();
    drawn.forEach(chart => chart.setSize({ width: 640, height: 280 }));
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.print;
    drawAll();
  });
})();

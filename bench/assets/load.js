// Draws the charts of a load from the JSON in the page.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.course || [];
  const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const at = rows.map(r => r.from_seconds);

  function axis(label, more) {
    return {
      label, labelSize: 22, labelFont: "600 12px system-ui, sans-serif", font: "12px system-ui, sans-serif", stroke: style("--soft"), size: 64,
      grid: { stroke: style("--rule"), width: 1 }, ticks: { stroke: style("--rule"), width: 1, size: 5 },
      values: (_, ticks) => ticks.map(v => v === null ? "" : exact.format(v)), ...more,
    };
  }

  function line(label, color, dash) {
    return { label, stroke: style(color), width: 2, dash, points: { show: rows.length < 3 }, value: (_, v) => v === null ? "–" : exact.format(v) };
  }

  const seconds = { label: "second", value: (_, v) => v === null ? "–" : exact.format(v) };
  const positive = v => v > 0 ? v : null;

  // rarity is how many requests there are for each that takes longer.
  const rarity = percent => 1 / (1 - Math.min(percent, 99.9999999) / 100);

  const charts = {
    rate: () => ({
      data: [at, rows.map(r => r.decided_per_second), rows.map(r => r.failed / r.seconds)],
      series: [seconds, line("decided/s", "--blue"), line("failed/s", "--red", [3, 3])],
      axes: [axis("seconds after the warm-up", { size: 34 }), axis("requests a second")],
      scales: { x: { time: false }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.05 : 1] } },
    }),
    latency: () => ({
      data: [at].concat(["p50", "p99", "max"].map(p => rows.map(r => positive(r.latency_ms[p])))),
      series: [seconds, line("p50", "--green"), line("p99", "--orange", [8, 3]), line("max", "--red", [3, 3])],
      axes: [axis("seconds after the warm-up", { size: 34 }), axis("milliseconds")],
      scales: { x: { time: false }, y: { distr: 3 } },
    }),
    tail: () => ({
      data: uPlot.join(data.tails.map(t => [t.points.map(p => rarity(p.percent)), t.points.map(p => positive(p.ms))])),
      series: [{ label: "percentile", value: (_, v) => v === null ? "–" : "p" + (100 - 100 / v).toFixed(4).replace(/\.?0+$/, "") }]
        .concat(data.tails.map((t, i) => ({ ...line(t.phase, ["--blue", "--orange"][i], i ? [8, 3] : undefined), spanGaps: true }))),
      axes: [axis("percentile", { size: 34, values: (_, ticks) => ticks.map(v => [1, 10, 100, 1e3, 1e4, 1e5, 1e6].includes(v) ? "p" + (100 - 100 / v) : "") }), axis("milliseconds")],
      scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
    }),
  };

  const size = element => ({ width: Math.max(240, Math.floor(element.clientWidth)), height: 300 });
  const drawn = new Map();

  function draw(element) {
    const old = drawn.get(element);
    if (old) old.destroy();
    const { data: values, ...options } = charts[element.dataset.chart]();
    if (!values || !values.length || !values[0].length) return;
    drawn.set(element, new uPlot({ ...size(element), cursor: { y: false, drag: { x: false, y: false } }, ...options }, values, element));
  }

  const elements = document.querySelectorAll("[data-chart]");
  elements.forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => elements.forEach(draw));
  const watch = new ResizeObserver(changes => {
    for (const c of changes) {
      const chart = drawn.get(c.target);
      if (chart && chart.width !== size(c.target).width) chart.setSize(size(c.target));
    }
  });
  elements.forEach(e => watch.observe(e));
})();

// The charts of a page: what they look like, and their life. Each is drawn into an
// element that has data-chart, and again when that gets wider, when it gets dark, and
// for print. The page's own script says what is drawn.
const charts = (function () {
  "use strict";
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
  const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

  // color returns a colour of the page's style as it is now: light or dark.
  const color = name => getComputedStyle(root).getPropertyValue(name).trim();

  // exact tells four digits of a number, and all that stand before its point.
  const exact = v => Math.abs(v) < 1000 ? digits.format(v) : whole.format(v);

  // value is what the legend says; lines that are joined lack some points.
  const value = (_, v) => v == null ? "–" : exact(v);

  // ticks are alike on an axis: all are spelled out unless one is long.
  function ticks(_, list) {
    const format = Math.max(...list) < 1e4 ? exact : v => compact.format(v);
    return list.map(v => v === null ? "" : format(v));
  }

  function axis(label, more) {
    return {
      label, labelSize: 22, labelFont: "600 12px system-ui, sans-serif", font: "12px system-ui, sans-serif", stroke: color("--soft"),
      grid: { stroke: color("--rule"), width: 1 }, ticks: { stroke: color("--rule"), width: 1, size: 5 }, values: ticks, ...more,
    };
  }

  const xAxis = (label, more) => axis(label, { size: 34, ...more });

  // yAxis leaves as much room as its longest number needs.
  const yAxis = label => axis(label, { size: (_, texts) => 16 + 7 * Math.max(2, ...(texts || []).map(t => t.length)) });

  const line = (label, name, more) => ({ label, stroke: color(name), width: 2, points: { show: false }, ...more });

  const fromZero = (_, low, high) => [0, high > 0 ? high * 1.05 : 1];

  const isNarrow = element => element.clientWidth < 420;

  // Paper is as wide as it is; the style knows data-print too, for paper is white.
  const isPaper = () => "print" in root.dataset;

  function size(element) {
    if (isPaper()) return { width: 640, height: 280 };
    return { width: Math.max(240, Math.floor(element.clientWidth)), height: isNarrow(element) ? 240 : 300 };
  }

  function plot(element, { data, series, scales, ...own }) {
    return new uPlot({
      ...size(element), ...own,
      series: series.map(s => ({ value, ...s })),
      scales: { ...scales, x: { time: false, ...scales.x } },
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { markers: { dash: (u, i) => (u.series[i].dash || []).length ? "dashed" : "solid" } },
    }, data, element);
  }

  // draw draws what make says of each element: uPlot's options and, as data, its data.
  // An element without data stays empty.
  function draw(make) {
    const elements = document.querySelectorAll("[data-chart]");
    const drawn = new Map();

    function drawAll() {
      drawn.forEach(chart => chart.destroy());
      drawn.clear();
      for (const element of elements) {
        const made = make(element);
        if (made.data.length && made.data[0].length) drawn.set(element, plot(element, made));
      }
    }

    drawAll();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
    const watch = new ResizeObserver(changes => {
      for (const { target } of changes) {
        const chart = drawn.get(target);
        const wanted = size(target);
        if (chart && chart.width !== wanted.width) chart.setSize(wanted);
      }
    });
    elements.forEach(element => watch.observe(element));
    addEventListener("beforeprint", () => {
      root.dataset.print = "";
      drawAll();
    });
    addEventListener("afterprint", () => {
      delete root.dataset.print;
      drawAll();
    });
  }

  return { data, exact, color, xAxis, yAxis, line, fromZero, isNarrow, draw };
})();

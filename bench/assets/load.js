// Draws the course and the tail of a load.
(function () {
  "use strict";
  const { data, xAxis, yAxis, line, fromZero } = charts;
  const course = data.course || [];
  const tails = data.tails || [];
  const at = course.map(r => r.from_seconds);
  const positive = v => v > 0 ? v : null;

  // A line of one or two points is not seen without them.
  const points = { show: course.length < 3 };

  // rarity is how many requests there are for each that takes longer.
  const rarity = percent => 1 / (1 - Math.min(percent, 99.9999999) / 100);
  const marks = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];

  const make = {
    rate: () => ({
      data: [at, course.map(r => r.decided_per_second), course.map(r => r.failed / r.seconds)],
      series: [{ label: "second" }, line("decided/s", "--blue", { points }), line("failed/s", "--red", { points, dash: [3, 3] })],
      axes: [xAxis("seconds after the warm-up"), yAxis("requests a second")],
      scales: { y: { range: fromZero } },
    }),
    latency: () => ({
      data: [at].concat(["p50", "p99", "max"].map(p => course.map(r => positive(r.latency_ms[p])))),
      series: [{ label: "second" }, line("p50", "--green", { points }), line("p99", "--orange", { points, dash: [8, 3] }), line("max", "--red", { points, dash: [3, 3] })],
      axes: [xAxis("seconds after the warm-up"), yAxis("milliseconds")],
      scales: { y: { distr: 3 } },
    }),
    tail: () => ({
      data: uPlot.join(tails.map(t => [t.points.map(p => rarity(p.percent)), t.points.map(p => positive(p.ms))])),
      series: [{ label: "percentile", value: (_, v) => v === null ? "–" : "p" + (100 - 100 / v).toFixed(4).replace(/\.?0+$/, "") }]
        .concat(tails.map((t, i) => line(t.phase, ["--blue", "--orange"][i], { points, dash: i ? [8, 3] : [], spanGaps: true }))),
      axes: [xAxis("percentile", { values: (_, ticks) => ticks.map(v => marks.includes(v) ? "p" + (100 - 100 / v) : "") }), yAxis("milliseconds")],
      scales: { x: { distr: 3 }, y: { distr: 3 } },
    }),
  };

  charts.draw(element => make[element.dataset.chart]());
})();

// Draws what was seen of a cluster, over minutes.
(function () {
  "use strict";
  const { data: report, xAxis, yAxis, line, fromZero } = charts;
  const looks = report.looks;
  const names = Object.keys(report.processes).sort();
  const minutes = looks.map(l => l.seconds / 60);
  const colors = ["--red", "--blue", "--green", "--orange", "--soft", "--ink"];
  const dashes = [[], [8, 3], [3, 3], [12, 3, 3, 3]];

  function options(y, series, data, range) {
    return {
      data: [minutes].concat(data),
      series: [{ label: "minutes" }].concat(series),
      axes: [xAxis("minutes"), yAxis(y)],
      scales: { y: { range: range || fromZero } },
    };
  }

  const kind = (name, i) => line(name, colors[i % colors.length], { width: 1.5, dash: dashes[i % dashes.length] });

  // ofEach has a line for each process; who did not answer leaves a gap.
  function ofEach(list, y, value, range) {
    return options(y, list.map(kind), list.map(name => looks.map((l, i) => {
      const now = l.processes[name];
      return now ? value(now, name, i) : null;
    })), range);
  }

  // per is by how much something grew from the look before to this one, a second.
  function per(i, now, before) {
    if (i === 0 || before == null) return null;
    return (now - before) / (looks[i].seconds - looks[i - 1].seconds);
  }

  const nodes = names.filter(n => looks.some(l => l.processes[n] && l.processes[n].term > 0));
  const make = {
    decided: () => options("buys per second", [line("decided", "--green", {})], [looks.map((l, i) => per(i, l.decided, i > 0 ? looks[i - 1].decided : null))]),
    term: () => ofEach(nodes, "term", p => p.term || 0, (_, low, high) => [Math.max(0, low - 1), high + 1]),
    files: () => ofEach(names, "descriptors", p => p.files),
    goroutines: () => ofEach(names, "goroutines", p => p.goroutines),
    resident_bytes: () => ofEach(names, "MiB", p => p.resident_bytes / 1048576),
    cpu: () => ofEach(names, "percent of a core", (p, name, i) => {
      const before = i > 0 ? looks[i - 1].processes[name] : null;
      return before ? 100 * per(i, p.cpu_seconds, before.cpu_seconds) : null;
    }),
    load: () => options("processes", [line("load average", "--ink", {})], [looks.map(l => l.load_average)]),
  };
  charts.draw(element => make[element.dataset.chart](element));
})();

// Draws the document's curves.
(function () {
  "use strict";
  const { data: curves, color, xAxis, yAxis, line, fromZero } = charts;
  // Lines differ in colour, dashes and marks, so that no pair needs colour alone.
  const looks = [
    ["--blue", []], ["--purple", [10, 4]], ["--red", []], ["--orange", [6, 4]],
    ["--green", []], ["--teal", [10, 4]], ["--brown", [3, 3]], ["--soft", []], ["--pink", [6, 4]], ["--ink", [3, 3]],
  ];

  const spell = a => a.unit && !a.label.endsWith(a.unit) ? a.label + ", " + a.unit : a.label;

  // decades are whole powers of ten, two at least.
  const decades = (_, low, high) => [10 ** Math.floor(Math.log10(low) + 1e-9), 10 ** Math.ceil(Math.log10(high) - 1e-9 + (low === high ? 1 : 0))];

  const scale = a => a.log ? { distr: 3, range: decades } : { range: fromZero };

  charts.draw(element => {
    const curve = curves[Number(element.dataset.chart)];
    const lines = curve.series.map((s, i) => {
      const [name, dash] = looks[i % looks.length];
      return line(s.name, name, { dash, spanGaps: true, points: { show: true, size: 6, fill: color(name) } });
    });
    return {
      data: uPlot.join(curve.series.map(s => [s.points.map(p => p.x), s.points.map(p => p.y)])),
      series: [{ label: spell(curve.x) }].concat(lines),
      axes: [xAxis(spell(curve.x)), yAxis(spell(curve.y))],
      scales: { x: scale(curve.x), y: scale(curve.y) },
    };
  });
})();

// Draws the charts of a sale's report from the JSON in the page.
(function () {
  "use strict";
  const sale = JSON.parse(document.getElementById("data").textContent);
  const rows = sale.timeline.rows;
  const opening = rows.filter(r => r.seconds === 1);
  const later = rows.slice(opening.length);
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

  // unitOf chooses what time is told in, by how long it is.
  function unitOf(seconds) {
    if (seconds <= 300) return { name: "seconds", length: 1 };
    if (seconds <= 3 * 3600) return { name: "minutes", length: 60 };
    if (seconds <= 3 * 86400) return { name: "hours", length: 3600 };
    return { name: "days", length: 86400 };
  }

  // perMinute joins the seconds of the opening, so that all rows count alike.
  function perMinute(fields) {
    const joined = [];
    for (let i = 0; i < opening.length; i += 60) {
      const part = opening.slice(i, i + 60);
      const row = { from_seconds: part[0].from_seconds, seconds: part.length };
      for (const f of fields) row[f] = part.reduce((sum, r) => sum + r[f], 0);
      joined.push(row);
    }
    return joined.concat(later).map(r => {
      const rate = { from_seconds: r.from_seconds, seconds: r.seconds };
      for (const f of fields) rate[f] = r[f] * 60 / r.seconds;
      return rate;
    });
  }

  // counts are steps: what happened in a row is shown over all of it.
  function counts(list, fields) {
    const unit = unitOf(end(list));
    const x = list.map(r => r.from_seconds / unit.length).concat(end(list) / unit.length);
    return { unit, data: [x].concat(fields.map(f => list.map(r => r[f]).concat(list.length ? list[list.length - 1][f] : 0))) };
  }

  // levels are lines between what was left at the ends of rows.
  function levels(list, fields, first) {
    const unit = unitOf(end(list));
    const x = [0].concat(list.map(r => (r.from_seconds + r.seconds) / unit.length));
    return { unit, data: [x].concat(fields.map((f, i) => [first[i]].concat(list.map(r => r[f])))) };
  }

  function end(list) {
    const last = list[list.length - 1];
    return last ? last.from_seconds + last.seconds : 0;
  }

  const kinds = {
    requests: { label: "requests", color: "--soft", width: 1, fill: "--panel" },
    reserved: { label: "reserved", color: "--green", width: 2 },
    waitlisted: { label: "waitlisted", color: "--orange", width: 2, dash: [8, 3] },
    refused: { label: "refused", color: "--red", width: 2, dash: [3, 3] },
    available_tickets: { label: "available", color: "--blue", width: 2 },
    held_tickets: { label: "held", color: "--orange", width: 2, dash: [8, 3] },
    sold_tickets: { label: "sold", color: "--green", width: 2, dash: [3, 3] },
    waitlist_length: { label: "waiting", color: "--orange", width: 2 },
    paid: { label: "paid", color: "--green", width: 2 },
    expired: { label: "expired", color: "--red", width: 2, dash: [3, 3] },
    cancelled: { label: "cancelled", color: "--orange", width: 2, dash: [8, 3] },
  };
  const outcomes = ["requests", "reserved", "waitlisted", "refused"].filter(f => f !== "waitlisted" || sale.waitlist.entered > 0);
  const ends = ["paid", "expired", "cancelled"];
  const places = ["available_tickets", "held_tickets", "sold_tickets"];

  // Each makes a chart's data and says what its axes are.
  const charts = {
    first: element => {
      const first = opening.slice(0, Number(element.dataset.seconds));
      return { fields: outcomes, steps: true, y: "requests per second", ...counts(first, outcomes) };
    },
    opening: () => ({ fields: outcomes, steps: true, y: "requests per second", ...counts(opening, outcomes) }),
    requests: () => ({ fields: outcomes, steps: true, y: "requests per minute", ...counts(perMinute(outcomes), outcomes) }),
    tickets: () => ({ fields: places, y: "tickets", ...levels(rows, places, [allTickets(), 0, 0]) }),
    waitlist: () => ({ fields: ["waitlist_length"], y: "orders", ...levels(rows, ["waitlist_length"], [0]) }),
    expiries: () => later.length
      ? { fields: ends, steps: true, y: "orders per minute", ...counts(perMinute(ends), ends) }
      : { fields: ends, steps: true, y: "orders per second", ...counts(opening, ends) },
  };

  function allTickets() {
    const r = rows[0];
    return r ? r.available_tickets + r.held_tickets + r.sold_tickets + r.withheld_tickets : sale.tickets.quantity;
  }

  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function axis(label, more) {
    return {
      label, labelSize: 22, labelFont: "600 12px system-ui, sans-serif", font: "12px system-ui, sans-serif", stroke: style("--soft"),
      grid: { stroke: style("--rule"), width: 1 }, ticks: { stroke: style("--rule"), width: 1, size: 5 }, ...more,
    };
  }

  // yAxis leaves as much room as its longest number needs.
  function yAxis(label) {
    return axis(label, {
      values: (_, ticks) => ticks.map(v => v === null ? "" : compact.format(v)),
      size: (_, texts) => 16 + 7 * Math.max(2, ...(texts || []).map(t => t.length)),
    });
  }

  const fromZero = (_, low, high) => [0, high > 0 ? high * 1.05 : 1];

  function size(element) {
    return { width: Math.max(240, Math.floor(element.clientWidth)), height: element.clientWidth < 420 ? 240 : 300 };
  }

  function lineChart(element, chart) {
    const series = chart.fields.map(f => ({
      label: kinds[f].label, stroke: style(kinds[f].color), fill: kinds[f].fill && style(kinds[f].fill), width: kinds[f].width, dash: kinds[f].dash,
      points: { show: false }, paths: chart.steps ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      value: (_, v) => v === null ? "–" : exact.format(v),
    }));
    return new uPlot({
      ...size(element),
      scales: { x: { time: false, range: (_, low, high) => [0, high > 0 ? high : 1] }, y: { range: fromZero } },
      axes: [axis(chart.unit.name + " after the opening", { size: 34 }), yAxis(chart.y)],
      series: [{ label: chart.unit.name, value: (_, v) => v === null ? "–" : exact.format(v) }].concat(series),
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { markers: { dash: (_, i) => i > 0 && kinds[chart.fields[i - 1]].dash ? "dashed" : "solid" } },
    }, chart.data, element);
  }

  function latencyChart(element) {
    const buckets = sale.latency.buckets || [];
    const names = buckets.map(b => "≤ " + exact.format(b.up_to_ms >= 0.1 ? b.up_to_ms : Math.ceil(b.up_to_ms * 100) / 100));
    const narrow = element.clientWidth < 420;
    return new uPlot({
      ...size(element),
      scales: { x: { time: false, range: () => [-0.6, Math.max(0.6, buckets.length - 0.4)] }, y: { range: fromZero } },
      axes: [
        axis("milliseconds until the answer", {
          size: 34, grid: { show: false }, splits: () => buckets.map((_, i) => i).filter(i => !narrow || i % 2 === 0),
          values: (_, ticks) => ticks.map(i => names[i] || ""),
        }),
        yAxis("buys"),
      ],
      series: [
        { label: "milliseconds", value: (_, i) => names[i] || "–" },
        { label: "buys", stroke: style("--blue"), fill: style("--blue"), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.7, 60] }), value: (_, v) => v === null ? "–" : exact.format(v) },
      ],
      cursor: { y: false, drag: { x: false, y: false } },
    }, [buckets.map((_, i) => i), buckets.map(b => b.buys)], element);
  }

  const drawn = new Map();

  function draw(element) {
    const old = drawn.get(element);
    if (old) old.destroy();
    const name = element.dataset.chart;
    drawn.set(element, name === "latency" ? latencyChart(element) : lineChart(element, charts[name](element)));
  }

  function drawAll() {
    document.querySelectorAll("[data-chart]").forEach(draw);
  }

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  const watch = new ResizeObserver(changes => {
    for (const c of changes) {
      const chart = drawn.get(c.target);
      const wanted = size(c.target);
      if (chart && chart.width !== wanted.width) chart.setSize(wanted);
    }
  });
  document.querySelectorAll("[data-chart]").forEach(e => watch.observe(e));
  // Paper is white, and as wide as it is.
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

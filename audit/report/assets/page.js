// Draws the charts of a sale's report from the JSON in the page.
(function () {
  "use strict";
  const { data: sale, exact, color, xAxis, yAxis, line, fromZero } = charts;
  const rows = sale.timeline.rows;
  const opening = rows.filter(r => r.seconds === 1);
  const later = rows.slice(opening.length);

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

  // kinds are the lines' names, colours and whatever else is not as usual.
  const kinds = {
    requests: ["requests", "--soft", { width: 1, fill: "--panel" }],
    reserved: ["reserved", "--green"],
    waitlisted: ["waitlisted", "--orange", { dash: [8, 3] }],
    refused: ["refused", "--red", { dash: [3, 3] }],
    available_tickets: ["available", "--blue"],
    held_tickets: ["held", "--orange", { dash: [8, 3] }],
    sold_tickets: ["sold", "--green", { dash: [3, 3] }],
    waitlist_length: ["waiting", "--orange"],
    paid: ["paid", "--green"],
    expired: ["expired", "--red", { dash: [3, 3] }],
    cancelled: ["cancelled", "--orange", { dash: [8, 3] }],
  };
  const outcomes = ["requests", "reserved", "waitlisted", "refused"].filter(f => f !== "waitlisted" || sale.waitlist.entered > 0);
  const ends = ["paid", "expired", "cancelled"];
  const places = ["available_tickets", "held_tickets", "sold_tickets"];

  // steps and lines are charts of fields over the time after the opening.
  const steps = (fields, y, told) => overTime(fields, y, told, uPlot.paths.stepped({ align: 1 }));
  const lines = (fields, y, told) => overTime(fields, y, told, uPlot.paths.linear());

  function overTime(fields, y, { unit, data }, paths) {
    return {
      data,
      series: [{ label: unit.name }].concat(fields.map(f => {
        const [label, name, more = {}] = kinds[f];
        return line(label, name, { ...more, fill: more.fill && color(more.fill), paths });
      })),
      axes: [xAxis(unit.name + " after the opening"), yAxis(y)],
      scales: { x: { range: (_, low, high) => [0, high > 0 ? high : 1] }, y: { range: fromZero } },
    };
  }

  const make = {
    first: element => steps(outcomes, "requests per second", counts(opening.slice(0, Number(element.dataset.seconds)), outcomes)),
    opening: () => steps(outcomes, "requests per second", counts(opening, outcomes)),
    requests: () => steps(outcomes, "requests per minute", counts(perMinute(outcomes), outcomes)),
    tickets: () => lines(places, "tickets", levels(rows, places, [allTickets(), 0, 0])),
    waitlist: () => lines(["waitlist_length"], "orders", levels(rows, ["waitlist_length"], [0])),
    expiries: () => later.length
      ? steps(ends, "orders per minute", counts(perMinute(ends), ends))
      : steps(ends, "orders per second", counts(opening, ends)),
    latency,
  };

  function allTickets() {
    const r = rows[0];
    return r ? r.available_tickets + r.held_tickets + r.sold_tickets + r.withheld_tickets : sale.tickets.quantity;
  }

  // latency is bars: how many buys were answered within each bucket's time.
  function latency(element) {
    const buckets = sale.latency.buckets || [];
    const names = buckets.map(b => "≤ " + exact(b.up_to_ms >= 0.1 ? b.up_to_ms : Math.ceil(b.up_to_ms * 100) / 100));
    const places = buckets.map((_, i) => i);
    const shown = places.filter(i => !charts.isNarrow(element) || i % 2 === 0);
    return {
      data: [places, buckets.map(b => b.buys)],
      series: [
        { label: "milliseconds", value: (_, i) => names[i] || "–" },
        line("buys", "--blue", { fill: color("--blue"), width: 0, paths: uPlot.paths.bars({ size: [0.7, 60] }) }),
      ],
      axes: [
        xAxis("milliseconds until the answer", { grid: { show: false }, splits: () => shown, values: (_, ticks) => ticks.map(i => names[i] || "") }),
        yAxis("buys"),
      ],
      scales: { x: { range: () => [-0.6, Math.max(0.6, buckets.length - 0.4)] }, y: { range: fromZero } },
    };
  }

  charts.draw(element => make[element.dataset.chart](element));
})();

// Says of each chart how it is drawn, when two frames have passed: what is drawn anew
// for a new width is there after one.
(async () => {
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll("[data-chart]")].map(element => {
    const canvases = [...element.querySelectorAll("canvas")];
    return {
      chart: element.dataset.chart, room: element.clientWidth, legends: element.querySelectorAll(".u-legend").length,
      widths: canvases.map(c => Math.round(c.getBoundingClientRect().width)), picture: canvases.map(c => c.toDataURL()).join(),
    };
  });
})()

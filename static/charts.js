/* Draws every [data-chart] element from the ECharts option stored as JSON in the element it points to.
   The server sends data and structure; colours, fonts and number formats come from here, so both themes work. */
(() => {
  if (!window.echarts) return;
  const css = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const nf = new Intl.NumberFormat("en-US");
  const formats = {
    int: (v) => nf.format(v),
    k: (v) => (v >= 1000 ? nf.format(Math.round(v / 100) / 10) + "k" : String(v)),
    usd: (v) => "$" + nf.format(Math.round(v)),
    pct: (v) => v + "%",
  };
  const live = [];

  function resolve(node, colours) {           // "$brand" in the JSON becomes the colour of --q-brand
    if (typeof node === "string" && node.startsWith("$")) return colours(node.slice(1));
    if (Array.isArray(node)) return node.map((n) => resolve(n, colours));
    if (node && typeof node === "object") return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, resolve(v, colours)]));
    return node;
  }

  function draw(el) {
    const spec = JSON.parse(document.getElementById(el.dataset.chart).textContent);
    const cache = {};
    const colour = (n) => (cache[n] ??= css(n.startsWith("tblr") ? `--${n}` : `--q-${n}`));
    const text = css("--tblr-secondary-color"), line = css("--tblr-border-color"), body = css("--tblr-body-color"), surface = css("--tblr-bg-surface");
    const option = resolve(spec.option, colour);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const fmt = formats[spec.format || "int"];
    const axis = (a, value) => ({
      axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, splitLine: { show: !!value, lineStyle: { color: line } },
      ...a, axisLabel: { color: text, fontSize: 11, ...(value ? { formatter: formats[spec.axisFormat || spec.format || "int"] } : {}), ...(a.axisLabel || {}) },
    });
    for (const k of ["xAxis", "yAxis"]) if (option[k]) option[k] = [].concat(option[k]).map((a) => axis(a, a.type === "value"));
    if (option.radar) option.radar = { axisName: { color: text, fontSize: 11 }, splitLine: { lineStyle: { color: line } }, axisLine: { lineStyle: { color: line } }, splitArea: { show: false }, ...option.radar };
    if (option.legend) option.legend = { itemWidth: 14, itemHeight: 8, textStyle: { color: body, fontSize: 12 }, ...option.legend };
    // Rich text: the HTML tooltip writes style attributes, which the content security policy refuses.
    option.tooltip = { renderMode: "richText", confine: true, backgroundColor: surface, borderColor: line, textStyle: { color: body, fontSize: 12 }, valueFormatter: (v) => (typeof v === "number" ? fmt(v) : v), ...option.tooltip };
    const chart = echarts.getInstanceByDom(el) || echarts.init(el, null, { renderer: "svg" });
    chart.setOption({ animation: !still && !spec.still, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, aria: { enabled: true }, ...option }, true);
    if (!live.includes(chart)) live.push(chart);
    el.dataset.ready = "1";
  }
  const all = (scope) => scope.querySelectorAll("[data-chart]").forEach(draw);
  all(document);
  // A chart whose place was swapped away is let go; it could not be measured any more.
  addEventListener("resize", () => live.forEach((c) => { if (c.isDisposed()) return; if (c.getDom().isConnected) c.resize(); else c.dispose(); }));
  document.addEventListener("q:theme", () => all(document));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all(document));
  document.addEventListener("htmx:afterSwap", (e) => all(e.target.parentElement || document));
})();

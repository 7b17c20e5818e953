// Predictions over time. The same values stand beside it as a table, for readers who do not see a chart.

import { html, useEffect, useMemo, useRef, useState } from "./html.js";
import { local } from "./time.js";

/** @typedef {import("./schema.js").components["schemas"]["Prediction"]} Prediction */

const HEIGHT = 300;
/** Lines differ by their dashes, too. */
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/**
 * Up to now, also where nothing was predicted for it: what is missing is to be seen.
 * @param {{ items: Prediction[], outputs: { role: string, unit: string | null }[], isUpToNow: boolean }} props
 */
export function Chart({ items, outputs, isUpToNow }) {
  const lines = useMemo(() => linesOf(items, outputs), [items, outputs]);
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let end = () => {};
    let isOver = false;
    draw(/** @type {HTMLElement} */ (place.current), lines, isUpToNow).then(
      (stop) => (isOver ? stop() : (end = stop)),
      () => setFailure("The chart could not be loaded. The table has the same values."),
    );
    return () => {
      isOver = true;
      end();
    };
  }, [lines, isUpToNow]);
  return html`<div class="chart" ref=${place} role="img" aria-label=${spokenLines(lines)}></div>
    ${failure && html`<p class="aside">${failure}</p>`}`;
}

/** @param {Prediction[]} items @param {{ role: string, unit: string | null }[]} outputs */
function linesOf(items, outputs) {
  const roles = [...new Set(items.map((item) => item.role))];
  const times = [...new Set(items.map((item) => Date.parse(item.at) / 1000))].sort((a, b) => a - b);
  const places = new Map(times.map((time, index) => [time, index]));
  const values = roles.map(() => /** @type {(number | null)[]} */ (new Array(times.length).fill(null)));
  for (const item of items) {
    values[roles.indexOf(item.role)][/** @type {number} */ (places.get(Date.parse(item.at) / 1000))] = item.value;
  }
  const units = roles.map((role) => outputs.find((output) => output.role === role)?.unit ?? "");
  return { roles, units, times, values };
}

/** @param {ReturnType<typeof linesOf>} lines */
function spokenLines({ roles, units, times, values }) {
  const span = `from ${local(new Date(times[0] * 1000).toISOString())} to ${local(new Date(times[times.length - 1] * 1000).toISOString())}`;
  const each = roles.map((role, index) => {
    const known = /** @type {number[]} */ (values[index].filter((value) => value !== null));
    const [low, high] = known.reduce(
      ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
      [Infinity, -Infinity],
    );
    return `${role}: ${known.length} values between ${low} and ${high} ${units[index]}`;
  });
  return `Predictions ${span}. ${each.join(". ")}.`;
}

/**
 * @param {HTMLElement} place
 * @param {ReturnType<typeof linesOf>} lines
 * @param {boolean} isUpToNow
 * @returns {Promise<() => void>} what ends it
 */
async function draw(place, { roles, units, times, values }, isUpToNow) {
  const { default: Plot } = await import("./lib/uplot.js");
  /** @type {any} */
  let plot = null;
  const paint = () => {
    plot?.destroy();
    const style = getComputedStyle(place);
    const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const colors = ["--accent", "--warn", "--good", "--bad"].map(color);
    const axis = {
      stroke: color("--soft"),
      grid: { stroke: color("--line"), width: 1 },
      ticks: { stroke: color("--line") },
      font: `12px ${style.fontFamily}`,
    };
    plot = new Plot(
      {
        width: place.clientWidth,
        height: HEIGHT,
        hooks: { draw: [(/** @type {any} */ drawn) => markNow(drawn, color("--soft"))] },
        axes: [
          { ...axis, values: labels },
          { ...axis, size: 60 },
        ],
        series: [
          {
            label: "at",
            value: (/** @type {any} */ _, /** @type {number} */ time) =>
              time ? local(new Date(time * 1000).toISOString()) : "–",
          },
          ...roles.map((role, index) => ({
            label: role,
            stroke: colors[index % colors.length],
            dash: DASHES[index % DASHES.length],
            width: 1.5,
            spanGaps: true,
            value: (/** @type {any} */ _, /** @type {number | null} */ value) =>
              value === null ? "–" : `${value} ${units[index]}`,
          })),
        ],
      },
      isUpToNow ? untilNow(times, values) : [times, ...values],
      place,
    );
  };
  paint();
  const observer = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
  observer.observe(place);
  const theme = matchMedia("(prefers-color-scheme: dark)");
  theme.addEventListener("change", paint);
  return () => {
    observer.disconnect();
    theme.removeEventListener("change", paint);
    plot.destroy();
  };
}

/**
 * The values, and a time without any if they end before now: a little later, so that the line of now is not the edge.
 * @param {number[]} times in seconds
 * @param {(number | null)[][]} values
 * @returns {[number[], ...(number | null)[][]]}
 */
function untilNow(times, values) {
  const now = Date.now() / 1000;
  const end = now + (now - times[0]) / 50;
  if (times[times.length - 1] >= end) return [times, ...values];
  return [[...times, end], ...values.map((line) => [...line, null])];
}

/** A line between what was and what is to come. @param {any} plot @param {string} color */
function markNow({ ctx, bbox, valToPos, scales }, color) {
  const now = Date.now() / 1000;
  if (now <= scales.x.min || now >= scales.x.max) return;
  const x = Math.round(valToPos(now, "x", true));
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.textAlign = "right";
  ctx.fillText("now", x - 6 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
  ctx.restore();
}

/** Times at the axis: the day where one begins, else the hour. @param {any} _ @param {number[]} times */
function labels(_, times) {
  let day = "";
  return times.map((time) => {
    const date = new Date(time * 1000);
    const today = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
    const text =
      isMidnight || today !== day ? today : date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    day = today;
    return text;
  });
}

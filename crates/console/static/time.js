// Times as people read them. Each is also there as the service wrote it, in the title.

const STEPS = /** @type {[number, string][]} */ ([
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
]);

/** Two units at the most, such as `3 h 20 min`, and no seconds beside minutes. @param {number} ms */
export function duration(ms) {
  const whole = Math.abs(ms);
  const index = STEPS.findIndex(([step]) => whole >= step);
  if (index < 0) return "0 s";
  const [step, unit] = STEPS[index];
  const first = Math.floor(whole / step);
  const next = STEPS[index + 1];
  const second = next && step > 60_000 && first < 10 ? Math.floor((whole % step) / next[0]) : 0;
  return `${first} ${unit}${second ? ` ${second} ${next[1]}` : ""}`;
}

/** Such as `3 h 20 min ago`. @param {string} time @param {number} now */
export function ago(time, now) {
  const ms = now - Date.parse(time);
  if (Math.abs(ms) < 1_000) return "now";
  return ms < 0 ? `in ${duration(ms)}` : `${duration(ms)} ago`;
}

/** For a sentence: how long ago, and when. @param {string} time @param {number} now */
export function moment(time, now) {
  return `${ago(time, now)} (${local(time)})`;
}

/** In the time zone of the browser, which it names. @param {string} time */
export function local(time) {
  return new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  }).format(new Date(time));
}

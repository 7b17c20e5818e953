// What things are called: the API's words, and sentences about them.

import { duration, moment } from "./time.js";

/**
 * @typedef {import("./schema.js").components["schemas"]} Schemas
 * @typedef {Schemas["Job"]} Job
 */

/** The seven statuses, worst first. */
export const STATUSES = ["overdue", "failing", "late", "new", "on_time", "paused", "unmonitored"];

/** Those of jobs that do not deliver. */
export const TROUBLED = ["overdue", "failing", "late"];

/** @type {Record<string, string>} */
const MEANINGS = {
  overdue: "No predictions for longer than the interval and the grace",
  failing: "The newest run failed",
  late: "Longer ago than the interval, within the grace",
  new: "Has not run yet, and need not have",
  on_time: "Delivers as expected",
  paused: "Not active: nothing is expected of it",
  unmonitored: "Its source does not say how often to expect predictions",
};

/** @param {string} status */
export const spoken = (status) => status.replace(/_/g, " ");
/** @param {string} status */
export const meaning = (status) => MEANINGS[status] ?? "";
/** @param {string} status */
export const severity = (status) => STATUSES.indexOf(status) + 1 || 99;

/**
 * Why the job has its status, in a sentence or two.
 * @param {Job} job
 * @param {number} now
 */
export function reason({ health, source, created_at }, now) {
  const minutes = source?.expected_interval_minutes;
  const interval = minutes ? `every ${duration(minutes * 60_000)}` : "regularly";
  const success = health.last_success_at;
  const delivered = success ? `It delivered last ${moment(success, now)}.` : "It has never delivered.";
  const failures = health.consecutive_failures;
  const due = health.next_expected_at;
  // Time is counted anew when a job is resumed: it is not expected to have delivered while it was paused.
  const isAnew = minutes && success && due && Date.parse(due) - Date.parse(success) > (minutes + 1) * 60_000;
  const failed = failures === 1 ? " Its newest run failed." : failures > 1 ? ` Its last ${failures} runs failed.` : "";
  switch (health.status) {
    case "overdue":
      return `Predictions are expected ${interval}. ${delivered}${failed || silence(health)}`;
    case "failing":
      return `${failed.trim()} ${delivered} Predictions are expected ${interval}.`;
    case "late":
      return `Predictions are expected ${interval}, and one is due. ${delivered}${failed}`;
    case "new":
      return `It was set up ${moment(created_at, now)}, and has not run yet.`;
    case "on_time":
      return `Predictions are expected ${interval}. ${delivered}${isAnew ? ` It was resumed since, so the next one is expected ${moment(due, now)}.` : ""}`;
    case "paused":
      return `It is not active, so nothing is expected of it. ${delivered}`;
    default:
      return `Its source does not say how often to expect predictions, so the service cannot tell whether one is missing. ${delivered}`;
  }
}

/** What the service knows of a job that is overdue, and of which no run says why. @param {Job["health"]} health */
function silence({ last_run_at: run, blocked_by: blocked }) {
  if ((blocked ?? []).length > 0) return "";
  if (!run) return " No run of it was ever reported, not even one that failed: does a runner run this model?";
  return " Nothing was reported since, not even a run that failed: its runner has stopped, or does not reach this service.";
}

/**
 * Since when the job has its status, if that can be told.
 * @param {Job} job
 */
export function since({ health }) {
  if (health.status === "overdue") return health.overdue_since;
  if (health.status === "late") return health.next_expected_at;
  return null;
}

/** @param {{ name: string | null, id: string } | undefined} organisation @param {string} id */
export const organisationName = (organisation, id) => organisation?.name ?? shortId(id);

/** Enough of an id to tell it from others by eye. @param {string} id */
export const shortId = (id) => `${id.slice(0, 8)}…${id.slice(-4)}`;

/** @param {Schemas["UnitConversion"] | null | undefined} conversion */
export function conversionText(conversion) {
  if (!conversion) return "";
  const { from, to, factor, offset } = conversion;
  // Six digits are more than any sensor has.
  const number = (/** @type {number} */ value) => String(Number(value.toPrecision(6)));
  const rule =
    factor == null
      ? ""
      : ` (× ${number(factor)}${offset ? ` ${offset < 0 ? "−" : "+"} ${number(Math.abs(offset))}` : ""})`;
  return `${from} → ${to}${rule}`;
}

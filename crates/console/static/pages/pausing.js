// Pausing and resuming a job, wherever it is shown.

import { get, put } from "../api.js";
import { html } from "../html.js";
import { Name, notice } from "../parts.js";
import { moment } from "../time.js";

/** @typedef {import("../words.js").Job} Job */

/**
 * Pauses the job or has it go on, if it was not changed meanwhile. Says what became of it, and offers the way back.
 * @param {Job} job
 * @param {boolean} active
 * @param {{ replace: (job: Job) => void, expand: string }} page
 */
export async function changeActive(job, active, page) {
  const name = html`<${Name}>${job.name}<//>`;
  try {
    const { warnings = [], ...changed } = await put(`/jobs/${job.id}`, { active, revision: job.revision });
    const now = {
      ...job,
      ...changed,
      organisation: job.organisation,
      source: job.source,
      source_version: job.source_version,
    };
    page.replace(now);
    const said = warnings.map(
      (/** @type {{ message: string }} */ warning) => html`${" "}<bdi>${warning.message}</bdi>`,
    );
    // Whoever takes a pause back would otherwise take a job for mended that is silent.
    const next = active ? now.health.next_expected_at : null;
    const due = next ? ` It has its whole interval again, and is expected to deliver ${moment(next, Date.now())}.` : "";
    notice.value = {
      kind: warnings.length > 0 ? "warn" : "good",
      text: html`${active ? "Resumed" : "Paused"} ${name}.${due}${said}`,
      undo: () => changeActive(now, !active, page),
    };
  } catch (error) {
    const failure = /** @type {any} */ (error);
    if (failure.status === 412) {
      notice.value = {
        kind: "warn",
        text: html`Somebody else changed ${name} meanwhile. It is shown as it is now: look, and try again.`,
      };
      page.replace(await get(`/jobs/${job.id}`, { expand: page.expand }));
      return;
    }
    const {
      title = "The console made a mistake",
      detail = String(error),
      required_scope,
      request_id,
    } = failure.problem ?? {};
    const needed = required_scope ? ` Sign in with a token that has the scope ${required_scope}.` : "";
    const again = failure.retryAfter ? ` It may work in ${failure.retryAfter} s.` : "";
    const id = request_id ? ` (request ${request_id})` : "";
    notice.value = {
      kind: "bad",
      text: html`${name} was not changed. <strong>${title}</strong> ${detail}${needed}${again}${id}`,
    };
  }
}

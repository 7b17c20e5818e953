// What a job predicts, as a chart, and the runs that it comes from.

import { get, getPages } from "../api.js";
import { Chart } from "../chart.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { Empty, FailureNote, Loading, Name, Time } from "../parts.js";
import { narrow, route } from "../route.js";
import { hindrance } from "../session.js";
import { local } from "../time.js";
import { ValuesTable } from "./job_values.js";

/** How far back, in days. @type {Record<string, { name: string, days: number | null }>} */
const RANGES = {
  day: { name: "from a day ago", days: 1 },
  week: { name: "from a week ago", days: 7 },
  month: { name: "from 30 days ago", days: 30 },
  all: { name: "all that is kept", days: null },
};
const MOST_VALUES = 10_000;
const RUNS = 25;

export function Predictions({ job, now }) {
  const mayRead = hindrance("predictions:read");
  if (mayRead) return html`<${Empty}><p>${mayRead} So neither predictions nor runs are shown.</p><//>`;
  return html`<${Shown} job=${job} now=${now} />`;
}

function Shown({ job, now }) {
  const { query } = route.value;
  const [pages, setPages] = useState(1);
  const status = query.status === "failed" ? "failed" : null;
  const runs = useLoad(`runs ${job.id} ${status} ${pages} ${job.health.last_run_at}`, (signal) =>
    getPages(`/jobs/${job.id}/runs`, { status, limit: RUNS }, pages, signal),
  );
  return html`<${Values} job=${job} runs=${runs.data?.items ?? []} />
    <section aria-labelledby="runs">
      <h2 id="runs">Runs</h2>
      <label class="check"
        ><input
          type="checkbox"
          checked=${status !== null}
          onChange=${(/** @type {any} */ event) => narrow({ status: event.currentTarget.checked ? "failed" : null })}
        />
        Only those that failed</label
      >
      <${FailureNote} failure=${runs.failure} retry=${runs.reload} />
      <${Runs} runs=${runs} status=${status} job=${job} now=${now} />
      ${runs.data?.next_cursor && html`<button onClick=${() => setPages(pages + 1)} disabled=${runs.isLoading}>Show older runs</button>`}
    </section>`;
}

/** The chart, and what is shown in it: the roles, from when on, and as it was known when. */
function Values({ job, runs }) {
  const { query } = route.value;
  const range = RANGES[query.range] ?? RANGES.week;
  const roles = job.outputs.map((/** @type {{ role: string }} */ output) => output.role);
  const hidden = new Set((query.without ?? "").split("\n"));
  const asOf = query.as_of;
  const values = useLoad(`values ${job.id} ${query.range} ${asOf} ${job.health.last_run_at}`, (signal) => {
    const from = range.days === null ? null : new Date(Date.now() - range.days * 86_400_000).toISOString();
    return get(`/jobs/${job.id}/predictions`, { from, as_of: asOf, limit: MOST_VALUES }, signal);
  });
  const items = (values.data?.items ?? []).filter((/** @type {{ role: string }} */ value) => !hidden.has(value.role));
  const toggle = (/** @type {string} */ role) => {
    const without = roles.filter((/** @type {string} */ other) => hidden.has(other) !== (other === role));
    narrow({ without: without.join("\n") });
  };
  return html`<section aria-labelledby="values">
    <h2 id="values">Predictions</h2>
    <div class="filters">
      <label for="range">Values</label>
      <select
        id="range"
        value=${query.range ?? "week"}
        onChange=${(/** @type {any} */ event) => narrow({ range: event.currentTarget.value })}
      >
        ${Object.entries(RANGES).map(([key, { name }]) => html`<option value=${key}>${name}</option>`)}
      </select>
      <fieldset>
        <legend class="hidden">Roles</legend>
        ${roles.map((/** @type {string} */ role) => html`<label class="check"><input type="checkbox" checked=${!hidden.has(role)} onChange=${() => toggle(role)} /> <${Name}>${role}<//></label>`)}
      </fieldset>
      <${AsOf} runs=${runs} asOf=${asOf} />
    </div>
    <${FailureNote} failure=${values.failure} retry=${values.reload} />
    ${values.isLoading && !values.data && html`<${Loading} />`}
    ${values.data && items.length === 0 && html`<${NoValues} job=${job} range=${range} asOf=${asOf} />`}
    ${items.length > 0 && html`<${Chart} items=${items} outputs=${job.outputs} isUpToNow=${!asOf} /><${ValuesTable} job=${job} items=${items} asOf=${asOf} />`}
    ${values.data?.next_cursor && html`<p class="aside">These are the first ${MOST_VALUES.toLocaleString("en")} values. A shorter time shows all of its own.</p>`}
  </section>`;
}

/** What was issued by the time of one of the last runs: how the chart looked then. */
function AsOf({ runs, asOf }) {
  const times = runs
    .filter((/** @type {any} */ run) => run.status === "succeeded")
    .map((/** @type {any} */ run) => run.issued_at)
    .reverse();
  const place = asOf ? times.indexOf(asOf) : times.length;
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const shown = at ?? (place < 0 ? times.length : place);
  const text = shown >= times.length ? (asOf && at === null && place < 0 ? local(asOf) : "now") : local(times[shown]);
  if (times.length === 0) return null;
  const choose = (/** @type {any} */ event) => {
    const index = Number(event.currentTarget.value);
    setAt(null);
    narrow({ as_of: index >= times.length ? null : times[index] });
  };
  return html`<span class="slider"
    ><label for="as-of">As of</label>
    <input
      id="as-of"
      type="range"
      min="0"
      max=${times.length}
      value=${shown}
      aria-valuetext=${text}
      onInput=${(/** @type {any} */ event) => setAt(Number(event.currentTarget.value))}
      onChange=${choose}
    />
    <output for="as-of">${text}</output></span
  >`;
}

function NoValues({ job, range, asOf }) {
  if (!job.health.last_success_at) {
    return html`<${Empty}
      ><h3>It has predicted nothing yet</h3>
      <p>A runner reports its runs. This reports one by hand:</p>
      <pre tabindex="0">prediction api POST /jobs/${job.id}/runs --data @run.json</pre>
    <//>`;
  }
  return html`<${Empty}
    ><p>There are no values ${range.days === null ? "" : range.name}${asOf ? ` as of ${local(asOf)}` : ""}.</p>
    ${range.days !== null && html`<button onClick=${() => narrow({ range: "all", as_of: null, without: null })}>Show all that is kept</button>`}<//
  >`;
}

function Runs({ runs, status, job, now }) {
  if (!runs.data) return runs.isLoading ? html`<${Loading} />` : null;
  const { items } = runs.data;
  if (items.length === 0) {
    return html`<p class="aside">${status ? "None of the runs that are kept failed." : "There are no runs."}</p>`;
  }
  return html`<table class="plainrows stacked">
    <thead>
      <tr>
        <th scope="col">Run</th>
        <th scope="col">Issued</th>
        <th scope="col">Received</th>
        <th scope="col" class="number">Values</th>
        <th scope="col" class="number">Revision</th>
        <th scope="col">Message</th>
      </tr>
    </thead>
    <tbody>
      ${items.map(
        (/** @type {any} */ run) =>
          html`<tr key=${run.id}>
            <td>
              ${run.status === "failed" ? html`<span class="status failing">failed</span>` : "succeeded"}${run.replaces && html`<span class="aside">, instead of a failure</span>`}
            </td>
            <td data-label="issued"><${Time} at=${run.issued_at} now=${now} /></td>
            <td data-label="received"><${Time} at=${run.received_at} now=${now} /></td>
            <td class="number" data-label="values">${run.prediction_count}</td>
            <td class="number" data-label="revision">
              ${run.job_revision}${run.job_revision !== job.revision && html`<span class="hidden"> (not the current one)</span>`}
            </td>
            <td>${run.message && html`<pre dir="auto" tabindex="0">${run.message}</pre>`}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

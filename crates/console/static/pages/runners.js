// Runners: which models are run, by what they last reported; and how to start one.

import { get, getAll } from "../api.js";
import { html } from "../html.js";
import { lastLine, withLastRuns } from "../last_runs.js";
import { useEvery, useLoad } from "../load.js";
import {
  Copy,
  CountCells,
  CountHeads,
  Empty,
  FailureNote,
  JobLink,
  Loading,
  Name,
  Rest,
  Status,
  Time,
  useNow,
  useTitle,
} from "../parts.js";
import { route, to } from "../route.js";
import { hindrance } from "../session.js";
import { duration } from "../time.js";
import { organisationName } from "../words.js";

/** @typedef {import("../words.js").Job} Job */

const MOST = 200;
const REFRESH_MS = 60_000;

export function RunnersPage() {
  useTitle("Runners");
  const { source } = route.value.query;
  const sources = useLoad("sources", (signal) => getAll("/sources", {}, signal));
  const counts = useLoad("counts by source", (signal) => get("/jobs/health", { group_by: "source" }, signal));
  const mayRead = hindrance("predictions:read");
  const jobs = useLoad(source ? `jobs of ${source}` : null, (signal) => readJobs(source, signal));
  const refresh = () => [counts, jobs].forEach((loaded) => loaded.reload());
  useEvery(refresh, REFRESH_MS);
  const now = useNow();
  const groups = new Map(
    (counts.data?.groups ?? []).map((/** @type {any} */ group) => [group.source_id, group.counts]),
  );
  const items = sources.data?.items ?? [];
  const chosen = items.find((/** @type {any} */ item) => item.id === source);
  return html`<div class="title"><h1>Runners</h1></div>
    <p class="lead">
      A runner asks for the jobs of a model, runs them, and reports what came of it. Here is what was reported, model by
      model.
    </p>
    <${FailureNote} failure=${sources.failure ?? counts.failure} retry=${() => (sources.reload(), counts.reload())} />
    ${sources.isLoading && !sources.data && html`<${Loading} />`}
    ${
      sources.data?.items.length === 0 &&
      html`<${Empty}
        ><h2>There is no source yet</h2>
        <p>Publish a model, and set up a job of it. Then a runner has something to do.</p><//
      >`
    }
    ${items.length > 0 && html`<${Sources} items=${items} groups=${groups} source=${source} />`}
    <${Rest} loaded=${sources} kind="sources" />
    ${chosen && html`<${Reports} source=${chosen} jobs=${jobs} mayRead=${mayRead} now=${now} />`}`;
}

/** The jobs of a source, the worst first. @param {string} source @param {AbortSignal} signal */
const readJobs = (source, signal) =>
  withLastRuns("organisation", (expand) =>
    get("/jobs", { source_id: source, order: "health", expand, limit: MOST }, signal),
  );

function Sources({ items, groups, source }) {
  return html`<table class="plainrows stacked">
    <caption class="hidden">
      Models, with their jobs by health
    </caption>
    <thead>
      <tr>
        <th scope="col">Source</th>
        <th scope="col">Expected</th>
        <${CountHeads} />
      </tr>
    </thead>
    <tbody>
      ${items.map((/** @type {any} */ item) => {
        const minutes = item.expected_interval_minutes;
        const counts = groups.get(item.id);
        return html`<tr key=${item.id}>
          <td>
            <a href=${to(["runners"], { source: item.id })} aria-current=${item.id === source ? "true" : null}
              ><${Name}>${item.name}<//></a
            >
          </td>
          <td data-label="expected">${minutes ? `every ${duration(minutes * 60_000)}` : "not said"}</td>
          <${CountCells} counts=${counts} where=${{ source_id: item.id }} />
        </tr>`;
      })}
    </tbody>
  </table>`;
}

function Reports({ source, jobs, mayRead, now }) {
  const items = /** @type {Job[]} */ (jobs.data?.items ?? []);
  const newest = items
    .filter((job) => job.health.last_run_at)
    .sort((a, b) => String(b.health.last_run_at).localeCompare(String(a.health.last_run_at)))[0];
  const silent = items.filter((job) => job.active && !job.health.last_run_at);
  const failures = byMessage(items);
  return html`<section aria-labelledby="reports">
    <h2 id="reports"><${Name}>${source.name}<//></h2>
    <${FailureNote} failure=${jobs.failure} retry=${jobs.reload} />
    ${jobs.isLoading && !jobs.data && html`<${Loading} />`}
    ${jobs.data && items.length === 0 && html`<${Empty}><p>No job runs it yet. <a href=${to(["setup"], { source: source.id })}>Set one up</a></p><//>`}
    ${
      items.length > 0 &&
      html`<p>
        ${newest ? html`The last report came <${Time} at=${newest.health.last_run_at} now=${now} />, of <${JobLink} id=${newest.id}>${newest.name}<//>.` : "Nothing was reported yet."}
        ${jobs.data.next_cursor && html`${" "}This is of the ${items.length} jobs that are worst; there are more.`}
      </p>`
    }
    ${silent.length > 0 && html`<h3>Never reported</h3><${JobList} jobs=${silent} now=${now} />`}
    ${items.length > 0 && mayRead && html`<p class="aside">${mayRead} So what failed runs said is not shown.</p>`}
    ${failures.length > 0 && html`<h3>Why newest runs failed</h3>`}
    ${failures.map(
      ([message, failed]) => html`<details key=${message} open=${failures.length <= 3}>
        <summary>${failed.length === 1 ? "1 job" : `${failed.length} jobs`}: <bdi>${lastLine(message)}</bdi></summary>
        <pre dir="auto" tabindex="0">${message}</pre>
        <${JobList} jobs=${failed} now=${now} />
      </details>`,
    )}
    ${items.length > 0 && html`<h3>Start a runner</h3><${Snippet} source=${source} />`}
  </section>`;
}

/**
 * Jobs whose newest run failed, by what it said; what most of them said first.
 * @param {Job[]} jobs
 * @returns {[string, Job[]][]}
 */
function byMessage(jobs) {
  /** @type {Map<string, Job[]>} */
  const found = new Map();
  for (const job of jobs) {
    if (job.last_run?.status !== "failed") continue;
    const message = job.last_run.message ?? "";
    found.set(message, [...(found.get(message) ?? []), job]);
  }
  return [...found].sort(([, a], [, b]) => b.length - a.length);
}

function JobList({ jobs, now }) {
  return html`<ul class="names">
    ${jobs.map(
      (/** @type {any} */ job) =>
        html`<li key=${job.id}>
          <${JobLink} id=${job.id}>${job.name}<//>, <${Name}>${organisationName(job.organisation, job.organisation_id)}<//>,${" "}
          <${Status} status=${job.health.status} />${job.last_run && html`, <${Time} at=${job.last_run.issued_at} now=${now} />`}
        </li>`,
    )}
  </ul>`;
}

/** What a runner does, with this service and without its token. */
function Snippet({ source }) {
  const service = location.origin;
  const text = `# TOKEN has the scopes jobs:read and predictions:write
curl -s "${service}/api/v1/jobs?source_id=${source.id}&active=true&expand=inputs,source_version" \\
  -H "Authorization: Bearer $TOKEN"

# for each job: run the model, and report what it predicts. With ?dry_run=true nothing is stored
curl -s "${service}/api/v1/jobs/JOB_ID/runs" \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"status": "succeeded", "predictions": [{"role": "ROLE", "at": "${new Date().toISOString().slice(0, 13)}:00:00Z", "value": 0.5}]}'
`;
  return html`<${Copy} text=${text}>With curl; a whole runner is in examples/runner<//>`;
}

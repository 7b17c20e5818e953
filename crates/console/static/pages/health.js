// The start page: which jobs do not deliver, and why.

import { get, getPages } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { lastLine, withLastRuns } from "../last_runs.js";
import { useEvery, useLoad } from "../load.js";
import { OrganisationFilter, useOrganisations } from "../organisations.js";
import { Empty, FailureNote, JobLink, Loading, Name, Status, StatusMark, Time, useNow, useTitle } from "../parts.js";
import { narrow, route, to } from "../route.js";
import { hindrance } from "../session.js";
import { STATUSES, TROUBLED, organisationName, reason, severity, shortId, since, spoken } from "../words.js";
import { changeActive } from "./pausing.js";

/** @typedef {import("../words.js").Job} Job */

const EXPAND = "source,source_version,organisation";
const REFRESH_MS = 30_000;
const PAGE = 100;
const PAUSE_MS = 300;

export function HealthPage() {
  useTitle("Health");
  const { query } = route.value;
  const chosen = chosenStatuses(query.health);
  const where = { organisation_id: query.organisation_id, source_id: query.source_id };
  // A job that is looked for is shown whatever its health.
  const healths = query.q || chosen.length === STATUSES.length ? null : chosen.join(",");
  const filter = { ...where, health: healths, q: query.q, order: "health" };
  const key = JSON.stringify(filter);
  const counts = useLoad(`counts ${JSON.stringify(where)}`, (signal) => get("/jobs/health", where, signal));
  const read = useRows(key, filter);
  const replace = (/** @type {Job} */ job) => {
    read.replace(job);
    counts.reload();
  };
  const list = { ...read, replace };
  const now = useNow();
  const refresh = () => {
    counts.reload();
    list.refresh();
  };
  useEvery(refresh, REFRESH_MS);
  const total = counts.data && STATUSES.reduce((sum, status) => sum + counts.data.counts[status], 0);
  return html`<div class="title">
      <h1>Health</h1>
      <p class="aside">
        ${counts.data && html`judged <${Time} at=${counts.data.judged_at} now=${Math.max(now, Date.parse(counts.data.judged_at))} />`}
      </p>
      <button onClick=${refresh} disabled=${list.isLoading}>Refresh</button>
    </div>
    <${FailureNote} failure=${counts.failure ?? list.failure} retry=${refresh} />
    <${Counts} counts=${counts.data?.counts} chosen=${query.q ? [] : chosen} />
    <${Filters} query=${query} rows=${list.rows} isRead=${!list.isFirst} />
    <${Jobs} list=${list} query=${query} chosen=${chosen} total=${total} now=${now} />`;
}

/** @param {string | undefined} text */
function chosenStatuses(text) {
  if (text === "all") return STATUSES;
  const named = (text ?? "").split(",").filter((status) => STATUSES.includes(status));
  return named.length > 0 ? named : TROUBLED;
}

/** The seven counts; each one is a filter. */
function Counts({ counts, chosen }) {
  const choose = (/** @type {string[]} */ statuses) => {
    const ordered = STATUSES.filter((status) => statuses.includes(status));
    const isUsual = ordered.join() === TROUBLED.join() || ordered.length === 0;
    narrow({ health: isUsual ? null : ordered.length === STATUSES.length ? "all" : ordered.join(","), q: null });
  };
  const toggle = (/** @type {string} */ status) =>
    choose(chosen.includes(status) ? chosen.filter((other) => other !== status) : [...chosen, status]);
  return html`<div class="counts" role="group" aria-label="Jobs by health; press to show or to hide them">
    ${STATUSES.map(
      (status) =>
        html`<button
          key=${status}
          class=${`count ${status}`}
          aria-pressed=${chosen.includes(status)}
          onClick=${() => toggle(status)}
          onDblClick=${() => choose([status])}
        >
          <b>${counts ? counts[status].toLocaleString("en") : "–"}</b>
          <span><${StatusMark} status=${status} />${spoken(status)}</span>
        </button>`,
    )}
    <span class="presets">
      <button class="quiet" onClick=${() => choose(TROUBLED)}>Not delivering</button>
      <button class="quiet" onClick=${() => choose(STATUSES)}>All</button>
    </span>
  </div>`;
}

/** What the list is narrowed to, beside its health. */
function Filters({ query, rows, isRead }) {
  const [text, setText] = useState(query.q ?? "");
  useEffect(() => setText(query.q ?? ""), [query.q]);
  // The service looks through all names, so it is asked when the user stops typing.
  useEffect(() => {
    if (text.trim() === (query.q ?? "")) return;
    const timer = setTimeout(() => narrow({ q: text.trim() || null }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const organisation = rows.find(
    (/** @type {Job} */ row) => row.organisation_id === query.organisation_id,
  )?.organisation;
  const source = rows.find((/** @type {Job} */ row) => row.source_id === query.source_id)?.source;
  // The jobs come first: nobody chooses a customer before they are there.
  const [isAsked, setAsked] = useState(isRead);
  useEffect(() => {
    if (isRead) setAsked(true);
  }, [isRead]);
  const { items: known } = useOrganisations(isAsked);
  const isListed = known.length > 1 && (!query.organisation_id || known.some(({ id }) => id === query.organisation_id));
  return html`<form
    class="filters"
    role="search"
    onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), narrow({ q: text.trim() || null }))}
  >
    <label for="search">Name of the job</label>
    <input
      id="search"
      type="search"
      value=${text}
      onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}
      autocomplete="off"
      spellcheck="false"
      maxlength="200"
      aria-describedby="search-note"
    />
    <span id="search-note" class="aside"
      >${query.q ? "jobs with this in their name, whatever their health" : "a part of the name finds the job, whatever its health"}</span
    >
    ${
      isListed &&
      html`<${OrganisationFilter} id="of" items=${known} chosen=${query.organisation_id ?? ""} choose=${(/** @type {string} */ id) => narrow({ organisation_id: id || null })} />`
    }
    ${query.organisation_id && !isListed && html`<${Narrowed} what="organisation" clear="organisation_id">${organisationName(organisation, query.organisation_id)}<//>`}
    ${query.source_id && html`<${Narrowed} what="source" clear="source_id">${source?.name ?? shortId(query.source_id)}<//>`}
  </form>`;
}

function Narrowed({ what, clear, children }) {
  return html`<span class="chip"
    >${what} <${Name}>${children}<//>
    <button type="button" class="quiet" aria-label=${`Show every ${what}`} onClick=${() => narrow({ [clear]: null })}>
      ×
    </button></span
  >`;
}

/**
 * The jobs of the filter. A row that is there keeps its place while the list is read again: what has left the filter is
 * marked, and what has come to it stands at the end. So no user pauses the wrong job because rows moved.
 * @param {string} key
 * @param {Record<string, string | null | undefined>} filter
 */
function useRows(key, filter) {
  const [state, setState] = useState({
    key,
    rows: /** @type {Job[]} */ ([]),
    gone: new Set(),
    cursor: /** @type {string | null} */ (null),
  });
  const [pages, setPages] = useState({ key, count: 1 });
  const count = pages.key === key ? pages.count : 1;
  const loaded = useLoad(key, (signal) =>
    withLastRuns(EXPAND, (expand) => getPages("/jobs", { ...filter, expand, limit: PAGE }, count, signal)),
  );
  const known = useRef({ key: "", rows: /** @type {Job[]} */ ([]) });
  useEffect(() => {
    if (!loaded.data) return;
    const { items, next_cursor: cursor } = loaded.data;
    const before = known.current.key === key ? known.current.rows : [];
    const fresh = new Map(items.map((/** @type {Job} */ job) => [job.id, job]));
    const kept = before.map((row) => fresh.get(row.id) ?? row);
    const gone = new Set(before.filter((row) => !fresh.has(row.id)).map((row) => row.id));
    const places = new Set(before.map((row) => row.id));
    const added = items.filter((/** @type {Job} */ job) => !places.has(job.id)).sort(worstFirst);
    const rows = [...kept, ...added];
    known.current = { key, rows };
    setState({ key, rows, gone, cursor });
  }, [loaded.data, key]);
  const isOther = state.key !== key;
  const replace = (/** @type {Job} */ job) => {
    const rows = known.current.rows.map((row) => (row.id === job.id ? { ...row, ...job } : row));
    known.current = { ...known.current, rows };
    setState((before) => ({ ...before, rows }));
  };
  return {
    rows: isOther ? [] : state.rows,
    gone: isOther ? new Set() : state.gone,
    cursor: isOther ? null : state.cursor,
    isLoading: loaded.isLoading,
    isFirst: isOther || (loaded.isLoading && state.rows.length === 0 && loaded.data === null),
    failure: loaded.failure,
    refresh: loaded.reload,
    replace,
    more: () => {
      setPages({ key, count: count + 1 });
      loaded.reload();
    },
  };
}

/** @param {Job} a @param {Job} b */
function worstFirst(a, b) {
  const longest = (/** @type {Job} */ job) => since(job) ?? job.health.last_success_at ?? job.created_at;
  return severity(a.health.status) - severity(b.health.status) || longest(a).localeCompare(longest(b));
}

function Jobs({ list, query, chosen, total, now }) {
  const { rows } = list;
  if (list.isFirst) return list.failure ? null : html`<${Loading} />`;
  if (rows.length === 0 && !list.failure) return html`<${Nothing} query=${query} chosen=${chosen} total=${total} />`;
  const names = new Map(list.rows.map((/** @type {Job} */ job) => [job.id, job.name]));
  return html`<table class="jobs" onKeyDown=${moveAmongRows}>
      <caption class="hidden">
        Jobs, the worst first. The arrow keys go from job to job.
      </caption>
      <thead>
        <tr>
          <th scope="col">Health</th>
          <th scope="col">Job</th>
          <th scope="col">Source</th>
          <th scope="col">Since</th>
          <th scope="col">Last success</th>
          <th scope="col" class="number">Failures</th>
          <th scope="col"><span class="hidden">Actions</span></th>
        </tr>
      </thead>
      ${rows.map((/** @type {Job} */ job) => html`<${Row} key=${job.id} job=${job} list=${list} names=${names} now=${now} />`)}
    </table>
    <p class="aside foot">
      ${rows.length.toLocaleString("en")}${rows.length === 1 ? " job" : " jobs"}${list.cursor && " so far, the worst first "}
      ${list.cursor && html`<button onClick=${list.more} disabled=${list.isLoading}>Show more</button>`}
    </p>`;
}

function Row({ job, list, names, now }) {
  const [isOpen, setOpen] = useState(false);
  const { health } = job;
  const isGone = list.gone.has(job.id);
  const blocked = health.blocked_by ?? [];
  const mayWrite = hindrance("jobs:write");
  const toggle = () => changeActive(job, !job.active, { replace: list.replace, expand: EXPAND });
  const id = `about-${job.id}`;
  return html`<tbody class=${isGone ? "gone" : ""}>
    <tr>
      <td><${Status} status=${health.status} />${isGone && html`<span class="aside"> was here</span>`}</td>
      <td class="job">
        <${JobLink} id=${job.id}>${job.name}<//>
        <a
          class="aside"
          href=${to([], { ...route.value.query, organisation_id: job.organisation_id })}
          title=${`Only ${job.organisation_id}`}
        >
          <${Name}>${organisationName(job.organisation, job.organisation_id)}<//></a
        >
      </td>
      <td>
        <a class="plain" href=${to([], { ...route.value.query, source_id: job.source_id })} title="Only this source"
          ><${Name}>${job.source?.name ?? shortId(job.source_id)}<//></a
        >
        <span class="version">@<${Name}>${job.source_version?.version ?? shortId(job.source_version_id)}<//></span>
      </td>
      <td data-label="since" class=${since(job) ? "" : "nothing"}>
        ${since(job) ? html`<${Time} at=${since(job)} now=${now} />` : html`<span class="none">–</span>`}
      </td>
      <td data-label="last success"><${Time} at=${health.last_success_at} now=${now} /></td>
      <td class=${health.consecutive_failures ? "number" : "number nothing"} data-label="failures">
        ${health.consecutive_failures || html`<span class="none">0</span>`}
      </td>
      <td class="actions">
        <button
          class="quiet"
          aria-expanded=${isOpen}
          aria-controls=${id}
          aria-label=${`Why: ${job.name}`}
          onClick=${() => setOpen(!isOpen)}
        >
          Why
        </button>
        <button
          disabled=${mayWrite !== null}
          title=${mayWrite}
          aria-label=${`${job.active ? "Pause" : "Resume"} ${job.name}`}
          onClick=${toggle}
        >
          ${job.active ? "Pause" : "Resume"}
        </button>
      </td>
    </tr>
    ${
      blocked.length > 0 &&
      html`<tr class="more">
        <td colspan="7">
          Blocked by${" "}
          ${blocked.map((/** @type {string} */ other, /** @type {number} */ index) => html`${index > 0 && ", "}<${JobLink} id=${other}>${names.get(other)}<//>`)},
          which ${blocked.length === 1 ? "does" : "do"} not deliver.
        </td>
      </tr>`
    }
    ${
      health.status === "failing" &&
      job.last_run?.message &&
      html`<tr class="more">
        <td colspan="7" class="aside"><bdi>${lastLine(job.last_run.message)}</bdi></td>
      </tr>`
    }
    ${
      isOpen &&
      html`<tr class="more">
        <td colspan="7" id=${id}><${Why} job=${job} now=${now} /></td>
      </tr>`
    }
  </tbody>`;
}

/** The reason, and the last message of a run. */
function Why({ job, now }) {
  const mayRead = hindrance("predictions:read");
  // The list has it already, unless it was read without.
  const isKnown = mayRead !== null || job.last_run !== undefined;
  const runs = useLoad(isKnown ? null : `last run ${job.id} ${job.health.last_run_at}`, (signal) =>
    get(`/jobs/${job.id}/runs`, { limit: 1 }, signal),
  );
  const run = job.last_run ?? runs.data?.items[0];
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  // The answer may come below what is seen of the page.
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), [runs.isLoading]);
  return html`<div ref=${place}>
    <p>${reason(job, now)}</p>
    ${mayRead && html`<p class="aside">${mayRead} So what its runs said is not shown.</p>`}
    <${FailureNote} failure=${runs.failure} retry=${runs.reload} />
    ${runs.isLoading && html`<${Loading} />`}
    ${run && (run.message || run.status === "failed") && html`<p>The newest run ${run.status === "failed" ? "failed" : "succeeded"} <${Time} at=${run.issued_at} now=${now} />${run.message ? ":" : "."}</p>`}
    ${run?.message && html`<pre dir="auto" tabindex="0">${run.message}</pre>`}
  </div>`;
}

/** Arrow keys go from job to job, as in any list. @param {KeyboardEvent} event */
function moveAmongRows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const here = /** @type {HTMLElement} */ (event.target).closest("tbody");
  if (!step || !here) return;
  const next = step > 0 ? here.nextElementSibling : here.previousElementSibling;
  const link = /** @type {HTMLElement | null} */ (next?.querySelector(".job a") ?? null);
  if (!link) return;
  event.preventDefault();
  link.focus();
}

/** Why there is nothing, and what to do next. */
function Nothing({ query, chosen, total }) {
  if (query.q) {
    return html`<${Empty}
      ><h2>No job has <${Name}>${query.q}<//> in its name</h2>
      <p>Names of jobs were looked through, and capital letters do not matter. ${query.organisation_id || query.source_id ? "Only the jobs of the filters above were looked through." : ""}</p>
      <button onClick=${() => narrow({ q: null, organisation_id: null, source_id: null, health: "all" })}>Show all jobs</button><//
    >`;
  }
  if (total === 0 && !query.organisation_id && !query.source_id) {
    return html`<${Empty}
      ><h2>There are no jobs yet</h2>
      <p>
        With a source and a version of it published, <a href="#/setup">set up a job here</a>. Or write a file for one, see what it would do, and do it:
      </p>
      <pre tabindex="0">
prediction new job --source NAME --name JOB &gt; job.yaml${"\n"}prediction plan --file job.yaml${"\n"}prediction apply --file job.yaml</pre>
      <p><a href="/docs/">The API, request by request</a></p><//
    >`;
  }
  const isTroubled = chosen.every((/** @type {string} */ status) => TROUBLED.includes(status));
  return html`<${Empty}
    ><h2>${isTroubled ? "Every job delivers" : `No job is ${chosen.map(spoken).join(" or ")}`}</h2>
    <p>
      ${isTroubled ? "None is overdue, failing or late." : "Nothing fits this filter now."} The counts above show what
      there is.
    </p>
    <button onClick=${() => narrow({ health: "all", q: null })}>Show all jobs</button><//
  >`;
}

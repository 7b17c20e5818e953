// One job: how it is, what it predicts, what it is made of.

import { get, put } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { useEvery, useLoad } from "../load.js";
import { FailureNote, JobLink, Name, Pending, Status, notice, useNow, useTitle } from "../parts.js";
import { route, to } from "../route.js";
import { hindrance } from "../session.js";
import { organisationName, reason, shortId } from "../words.js";
import { Changed, useSeen } from "./changed.js";
import { Bindings } from "./job_bindings.js";
import { CopyJob } from "./job_copy.js";
import { Lineage } from "./job_lineage.js";
import { Predictions } from "./job_predictions.js";
import { Revisions } from "./job_revisions.js";
import { Version } from "./job_version.js";
import { changeActive } from "./pausing.js";

/** @typedef {import("../words.js").Job} Job */

const EXPAND = "source,source_version,organisation,inputs";
const REFRESH_MS = 60_000;

const PARTS = [
  { name: "Predictions and runs", path: "", part: Predictions },
  { name: "Bindings", path: "bindings", part: Bindings },
  { name: "Version", path: "version", part: Version },
  { name: "Chain", path: "chain", part: Lineage },
  { name: "Revisions", path: "revisions", part: Revisions },
  { name: "Copy as", path: "copy", part: CopyJob },
];

/** @param {{ path: string[] }} props */
export function JobPage({ path }) {
  const [id, part = ""] = path;
  const loaded = useLoad(`job ${id}`, (signal) => get(`/jobs/${encodeURIComponent(id)}`, { expand: EXPAND }, signal));
  const [changed, setChanged] = useState(/** @type {Job | null} */ (null));
  useEffect(() => setChanged(null), [loaded.data]);
  useEvery(loaded.reload, REFRESH_MS);
  const now = useNow();
  const job = /** @type {Job | null} */ (changed ?? loaded.data);
  // The chain is shown as a part of the page, and has the names of what blocks the job.
  const isChainShown = part === "chain" || blockersOf(job).length > 0;
  const lineage = useLoad(job && isChainShown ? `lineage ${id} ${job.revision}` : null, (signal) =>
    get(`/jobs/${encodeURIComponent(id)}/lineage`, {}, signal),
  );
  useTitle(job?.name ?? "Job");
  if (!job) {
    return html`<${Pending} loaded=${loaded} />
      <p><a href="#/">To the health of all jobs</a></p>`;
  }
  const shown = PARTS.find((known) => known.path === part) ?? PARTS[0];
  return html`<${Head} job=${job} lineage=${lineage} now=${now} page=${{ replace: setChanged, expand: EXPAND }} reload=${loaded.reload} />
    <${FailureNote} failure=${loaded.failure} retry=${loaded.reload} />
    <nav class="parts" aria-label="Parts of this job">
      ${PARTS.map((known) => html`<a href=${to(known.path ? ["jobs", id, known.path] : ["jobs", id])} aria-current=${known === shown ? "page" : null}>${known.name}</a>`)}
    </nav>
    <${shown.part} key=${`${id} ${shown.path}`} job=${job} lineage=${lineage} now=${now} reload=${loaded.reload} />`;
}

/** @param {Job | null} job */
const blockersOf = (job) => job?.health.blocked_by ?? [];

function Head({ job, lineage, now, page, reload }) {
  const [isRenaming, setRenaming] = useState(false);
  const mayWrite = hindrance("jobs:write");
  const { query } = route.value;
  return html`<div class="title">
      <h1><${Name}>${job.name}<//></h1>
      <${Status} status=${job.health.status} />
      <span class="tools">
        <button
          disabled=${mayWrite !== null}
          title=${mayWrite}
          onClick=${() => setRenaming(!isRenaming)}
          aria-expanded=${isRenaming}
        >
          Rename
        </button>
        <button disabled=${mayWrite !== null} title=${mayWrite} onClick=${() => changeActive(job, !job.active, page)}>
          ${job.active ? "Pause" : "Resume"}
        </button>
      </span>
    </div>
    ${isRenaming && html`<${Rename} job=${job} reload=${reload} done=${() => (setRenaming(false), reload())} cancel=${() => setRenaming(false)} />`}
    <p class="lead">
      ${reason(job, now)}${blockersOf(job).length > 0 && html`${" "}<${Blocked} job=${job} lineage=${lineage} />`}
    </p>
    <dl class="facts">
      <div>
        <dt>Organisation</dt>
        <dd>
          <a href=${to([], { ...query, organisation_id: job.organisation_id, health: "all" })}
            ><${Name}>${organisationName(job.organisation, job.organisation_id)}<//></a
          >
        </dd>
      </div>
      <div>
        <dt>Source</dt>
        <dd>
          <a href=${to([], { source_id: job.source_id, health: "all" })}
            ><${Name}>${job.source?.name ?? shortId(job.source_id)}<//></a
          >
        </dd>
      </div>
      <div>
        <dt>Version</dt>
        <dd>
          <a href=${to(["jobs", job.id, "version"])}
            ><${Name}>${job.source_version?.version ?? shortId(job.source_version_id)}<//></a
          >${job.source_version && job.source_version.lifecycle.stage !== "active" && html`, ${job.source_version.lifecycle.stage}`}
        </dd>
      </div>
      <div>
        <dt>Revision</dt>
        <dd>${job.revision}</dd>
      </div>
      ${
        job.managed_by &&
        html`<div>
          <dt>Kept by set</dt>
          <dd><${Name}>${job.managed_by}<//></dd>
        </div>`
      }
      <div>
        <dt>Id</dt>
        <dd><code>${job.id}</code></dd>
      </div>
    </dl>`;
}

/** Who blocks it, by name. */
function Blocked({ job, lineage }) {
  const known = new Map((lineage.data?.nodes ?? []).map((/** @type {any} */ node) => [node.job_id, node.name]));
  return html`Blocked by
  ${blockersOf(job).map((/** @type {string} */ id, /** @type {number} */ index) => html`${index > 0 && ", "}<${JobLink} id=${id}>${known.get(id)}<//>`)}.`;
}

function Rename({ job, reload, done, cancel }) {
  const seen = useSeen(job, reload);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.select(), []);
  const [name, setName] = useState(job.name);
  const [failure, setFailure] = useState(/** @type {any} */ (null));
  const [isSending, setSending] = useState(false);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setSending(true);
    try {
      await put(`/jobs/${job.id}`, { name, revision: seen.revision });
      notice.value = { kind: "good", text: html`Renamed to <${Name}>${name}<//>.` };
      done();
    } catch (error) {
      setFailure(error);
      setSending(false);
    }
  };
  const isOther = failure?.status === 412 || seen.isOld;
  const goOn = () => {
    setFailure(null);
    seen.goOn();
  };
  return html`<form class="filters" onSubmit=${submit}>
    <label for="name">New name</label>
    <input
      id="name"
      ref=${field}
      value=${name}
      dir="auto"
      autocomplete="off"
      aria-invalid=${failure && !isOther ? "true" : null}
      aria-describedby="name-note"
      onInput=${(/** @type {any} */ event) => setName(event.currentTarget.value)}
    />
    <button class="main" disabled=${isSending || seen.revision === null || seen.isOld}>Save</button>
    <button type="button" onClick=${cancel}>Cancel</button>
    <div id="name-note" class="wide">
      ${isOther ? html`<${Changed} what="job" goOn=${goOn} />` : html`<${FailureNote} failure=${failure} />`}
    </div>
  </form>`;
}

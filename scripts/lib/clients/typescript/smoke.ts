// What a client of the API does, with the types that openapi-typescript makes of docs/openapi.json. scripts/test checks its types:
// there is no cast in it, and no `any`. docs/clients.md says how to run it against a service.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];
type Job = Schemas["Job"];
type Problem = Schemas["Problem"];

/** The service answered with a problem. */
class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}; ${advice(problem)}`);
  }
}

type Advice = (problem: Problem) => string;

// The keys are the codes of the release that the types were made from: a misspelt one is an error. The lookup takes any string,
// because a later release may have more codes.
const ADVICE: ReadonlyMap<string, Advice> = new Map<Schemas["ProblemCode"], Advice>([
  ["precondition_failed", (problem) => `read it again: it is at revision ${problem.current_revision}`],
  ["conflict", (problem) => `the ${problem.resource} ${problem.existing_id} has other content`],
  ["quota_exceeded", (problem) => `${problem.used} of ${problem.limit} ${problem.quota} are used`],
  ["would_delete_values", (problem) => `confirm that ${problem.deletes?.values} values are deleted`],
  ["invalid", (problem) => (problem.errors ?? []).map(mistake).join("; ")],
]);

function mistake(entry: Schemas["ProblemEntry"]): string {
  const place = entry.pointer ?? entry.parameter ?? "the request";
  const expected = entry.expected === undefined ? "" : ` (${JSON.stringify(entry.expected)})`;
  return `${place}: ${entry.message}${expected}`;
}

/** What to do about a problem, by its code; by its status if this program does not know the code. */
function advice(problem: Problem): string {
  const known = ADVICE.get(problem.code);
  if (known !== undefined) return known(problem);
  return problem.status === 429 || problem.status >= 500 ? "try it again later" : "correct the request";
}

/** What was answered; throws if that is a problem. */
function given<T>(answer: { data?: T; error?: Problem; response: Response }): T {
  if (answer.error !== undefined) throw new Refused(answer.error);
  if (answer.data === undefined) throw new Error(`${answer.response.status} without a body`);
  return answer.data;
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`this does not hold: ${what}`);
}

/** The problem that a call ends with. */
async function refusal(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Refused) return error.problem;
    throw error;
  }
  throw new Error("this was to be refused");
}

class PredictionApi {
  readonly #client;

  constructor(url: string, token: string) {
    // Predictions are CSV as well: without the media types, each answer with them would be a page or a string.
    this.#client = createClient<paths, "application/json" | "application/problem+json">({
      baseUrl: url,
      headers: { Authorization: `Bearer ${token}` },
      // A list stands in one parameter, with commas.
      querySerializer: { array: { style: "form", explode: false } },
    });
  }

  async setUp(body: Schemas["JobSetupRequest"]): Promise<Schemas["JobSetup"]> {
    return given(await this.#client.POST("/api/v1/jobs/setup", { body }));
  }

  /** A job with its source and version, and its entity tag. */
  async read(id: string): Promise<{ job: Job; tag: string }> {
    const expand: ("source" | "source_version")[] = ["source", "source_version"];
    const answer = await this.#client.GET("/api/v1/jobs/{id}", { params: { path: { id }, query: { expand } } });
    return { job: given(answer), tag: answer.response.headers.get("ETag") ?? "" };
  }

  async update(id: string, tag: string, body: Schemas["UpdateJobRequest"]): Promise<Job> {
    const params = { path: { id }, header: { "If-Match": tag } };
    return given(await this.#client.PUT("/api/v1/jobs/{id}", { params, body }));
  }

  /** The jobs with one of these statuses, page by page. */
  async *withHealth(health: Schemas["HealthStatus"][], limit: number): AsyncGenerator<Job> {
    let cursor: string | undefined;
    do {
      const page: Schemas["JobPage"] = given(
        await this.#client.GET("/api/v1/jobs", { params: { query: { health, limit, cursor } } }),
      );
      yield* page.items;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  async report(id: string, body: Schemas["ReportRunRequest"]): Promise<Schemas["ReportedRun"]> {
    return given(await this.#client.POST("/api/v1/jobs/{id}/runs", { params: { path: { id } }, body }));
  }

  async predictions(id: string, role: string): Promise<Schemas["PredictionPage"]> {
    const params = { path: { id }, query: { role, limit: 100 } };
    return given(await this.#client.GET("/api/v1/jobs/{id}/predictions", { params }));
  }

  async predictionsAsCsv(id: string): Promise<string> {
    const headers = { Accept: "text/csv" };
    return given(
      await this.#client.GET("/api/v1/jobs/{id}/predictions", { params: { path: { id } }, headers, parseAs: "text" }),
    );
  }

  async countByHealth(): Promise<Schemas["JobHealthCountsByStatus"]> {
    return given(await this.#client.GET("/api/v1/jobs/health")).counts;
  }
}

function setupOf(organisation: string, name: string): Schemas["JobSetupRequest"] {
  return {
    organisation_id: organisation,
    source: { name: "client-smoke", expected_interval_minutes: 60 },
    source_version: {
      version: "1.0.0",
      input_roles: [{ role: "temperature", input_kind: "sensor", metric: "celsius" }],
      output_roles: [{ role: "risk", metric: "percent", unit: "%" }],
    },
    job: { name },
    role_bindings: [{ role: "temperature", input_id: "55555555-5555-5555-5555-555555555555" }],
  };
}

async function main(url: string, token: string, organisation: string): Promise<void> {
  const api = new PredictionApi(url, token);
  const name = `smoke in TypeScript ${new Date().toISOString()}`;

  const names = [`${name}, first`, `${name}, second`, `${name}, third`];
  const [first, second, third] = await Promise.all(names.map((each) => api.setUp(setupOf(organisation, each))));
  check(first !== undefined && second !== undefined && third !== undefined, "three jobs are set up");
  check(first.outcome.job === "created", "the job is new");
  for (const warning of first.warnings) console.log(`${warning.code}: ${warning.message}`, Object.keys(warning.details));

  const { job, tag } = await api.read(first.job.id);
  check(job.source?.name === "client-smoke", "expand adds the source");
  check(job.source_version?.output_roles[0]?.unit === "%", "expand adds the version");

  const seen: string[] = [];
  for await (const each of api.withHealth(["new", "overdue"], 2)) seen.push(each.id);
  check([first, second, third].every(({ job }) => seen.includes(job.id)), "each new job is on a page");

  const updated = await api.update(job.id, tag, { ...job, name: `${name}, renamed` });
  check(updated.revision === job.revision + 1, "the job is renamed");
  const stale = await refusal(api.update(job.id, tag, { ...job, active: false }));
  check(stale.code === "precondition_failed" && stale.current_revision === updated.revision, "the tag is stale");

  const at = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000).toISOString();
  const predictions = [{ role: "risk", at, value: 12.5 }];
  const run = await api.report(job.id, { status: "succeeded", job_revision: updated.revision, predictions });
  check(run.prediction_count === 1 && run.message === null, "the run is stored");
  const failed = await api.report(second.job.id, { status: "failed", message: "the sensor did not answer" });
  check(failed.status !== "succeeded", "the run has failed");

  const page = await api.predictions(job.id, "risk");
  check(page.items[0]?.value === 12.5 && page.items[0].run_id === run.id, "the value is there");
  check(page.next_cursor === null, "there is one page");
  check((await api.predictionsAsCsv(job.id)).split("\r\n").length === 3, "there is a header and a row");
  console.log("jobs by health:", await api.countByHealth());

  const other = setupOf(organisation, `${name}, second`);
  other.role_bindings = [{ role: "temperature", input_id: "66666666-6666-6666-6666-666666666666" }];
  console.log(advice(await refusal(api.setUp(other))));
  console.log(advice(await refusal(api.setUp({ ...other, role_bindings: [] }))));
  console.log(advice(await refusal(api.read("00000000-0000-7000-8000-000000000001"))));
  // As a later release may answer.
  const later: Problem = { ...stale, code: "a_later_code", status: 503 };
  check(advice(later) === "try it again later", "an unknown code goes by its status");
  console.log("All of it works.");
}

const [url, token, organisation] = process.argv.slice(2);
if (url === undefined || token === undefined || organisation === undefined) {
  throw new Error("usage: node smoke.js URL TOKEN ORGANISATION");
}
await main(url, token, organisation);

// What a team would write by hand for the three requests of most people, to compare with: Fastify, pg and fast-jwt, a
// process for each processor. It does less than the service: no limits, no fairness, no health, one mistake at a time.
import cluster from "node:cluster";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

import { createVerifier } from "fast-jwt";
import Fastify from "fastify";
import pg from "pg";

const [, , databaseUrl, secretFile] = process.argv;
// As many connections as the service has, over all processes.
const CONNECTIONS = 12;
const PROCESSES = availableParallelism();

const JOB = `jobs.organisation_id, jobs.id, jobs.source_id, jobs.source_version_id, jobs.name, jobs.active,
  jobs.role_bindings, jobs.outputs, jobs.revision, jobs.created_at, jobs.updated_at, jobs.updated_by,
  summary.last_run_at, summary.last_run_succeeded, summary.last_success_at, summary.consecutive_failures
  FROM jobs LEFT JOIN run_summaries AS summary
    ON summary.organisation_id = jobs.organisation_id AND summary.job_id = jobs.id`;
// Named, so that each connection prepares them once.
const STATEMENTS = {
  read: `SELECT ${JOB} WHERE jobs.id = $1 AND jobs.organisation_id = ANY($2)`,
  list: `SELECT ${JOB} WHERE jobs.organisation_id = $1 ORDER BY jobs.organisation_id, jobs.sequence_number LIMIT $2`,
  version: "SELECT source_id, input_roles, output_roles FROM source_versions WHERE id = $1",
  setUp: `INSERT INTO jobs (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs,
      revision, created_at, updated_at, updated_by)
    VALUES ($1, $2, $3, $4, $5, true, $6, $7, 1, now(), now(), $8)
    RETURNING created_at`,
};
const ID = { type: "string", format: "uuid" };
const SETUP = {
  type: "object",
  required: ["organisation_id", "job", "role_bindings"],
  properties: {
    organisation_id: ID,
    job: {
      type: "object",
      required: ["name", "source_version_id"],
      properties: { name: { type: "string", minLength: 1, maxLength: 200 }, source_version_id: ID },
    },
    role_bindings: {
      type: "array",
      maxItems: 200,
      items: {
        type: "object",
        required: ["role", "input_id"],
        properties: { role: { type: "string" }, input_id: ID },
      },
    },
  },
};

function job({ last_run_at, last_run_succeeded, last_success_at, consecutive_failures, ...row }) {
  return { ...row, last_run: { last_run_at, last_run_succeeded, last_success_at, consecutive_failures } };
}

async function serve() {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS / PROCESSES });
  const ask = async (name, values) => (await pool.query({ name, text: STATEMENTS[name], values })).rows;
  const key = Buffer.from(readFileSync(secretFile, "utf8").trim(), "hex");
  const verify = createVerifier({ key, algorithms: ["HS256"], cache: true });
  const app = Fastify({ logger: false });

  app.decorateRequest("caller", null);
  // What the bench asks every server.
  app.get("/health/ready", { config: { isOpen: true } }, async () => ({}));
  app.get("/metrics", { config: { isOpen: true } }, async () => "");
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.isOpen) return;
    try {
      request.caller = verify((request.headers.authorization ?? "").replace(/^Bearer /, ""));
    } catch {
      return reply.code(401).send({ detail: "no valid token" });
    }
  });

  app.get("/api/v1/jobs/:id", { schema: { params: { type: "object", properties: { id: ID } } } }, async (request, reply) => {
    const [row] = await ask("read", [request.params.id, request.caller.organisations]);
    return row ? job(row) : reply.code(404).send({ detail: "no such job" });
  });

  app.get(
    "/api/v1/jobs",
    { schema: { querystring: { type: "object", properties: { organisation_id: ID, limit: { type: "integer" } } } } },
    async (request, reply) => {
      const { organisation_id: organisation, limit } = request.query;
      if (!request.caller.organisations.includes(organisation)) return reply.code(403).send({ detail: "not yours" });
      const rows = await ask("list", [organisation, limit + 1]);
      const items = rows.slice(0, limit).map(job);
      return { items, next_cursor: rows.length > limit ? items[limit - 1].id : null };
    },
  );

  app.post("/api/v1/jobs/setup", { schema: { body: SETUP } }, async (request, reply) => {
    const { organisation_id: organisation, job: asked, role_bindings: bindings } = request.body;
    if (!request.caller.organisations.includes(organisation)) return reply.code(403).send({ detail: "not yours" });
    const [version] = await ask("version", [asked.source_version_id]);
    if (!version) return reply.code(404).send({ detail: "no such version" });
    const roles = new Map(version.input_roles.map((role) => [role.role, role]));
    for (const { role } of bindings) {
      if (!roles.has(role)) return reply.code(422).send({ detail: `${role} is no role` });
    }
    const bound = bindings.map((binding) => ({ ...binding, input_type: roles.get(binding.role).input_kind }));
    const outputs = version.output_roles.map(({ role, metric, unit }) => ({ id: randomUUID(), role, metric, unit }));
    const id = randomUUID();
    const values = [organisation, id, version.source_id, asked.source_version_id, asked.name];
    const [{ created_at: at }] = await ask("setUp", [
      ...values,
      JSON.stringify(bound),
      JSON.stringify(outputs),
      request.caller.sub,
    ]);
    return reply
      .code(201)
      .send({ job: { id, organisation_id: organisation, ...asked, role_bindings: bound, outputs, created_at: at } });
  });

  await app.listen({ host: "127.0.0.1", port: 0 });
  const { address, port } = app.server.address();
  process.send({ address: `${address}:${port}` });
}

if (cluster.isPrimary) {
  let serving = 0;
  for (let number = 0; number < PROCESSES; number += 1) {
    cluster.fork().on("message", ({ address }) => {
      serving += 1;
      // All have the same port.
      if (serving === PROCESSES) console.log(JSON.stringify({ message: "listening", address }));
    });
  }
  process.on("SIGTERM", () => process.exit(0));
} else {
  await serve();
}

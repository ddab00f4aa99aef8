// A user's program with the generated types and openapi-fetch: node scenario.js URL KEY CONTENT STYLE TARGET
// It writes the picture to TARGET and prints the codes of two errors.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];

const PENDING: Schemas["JobStatus"][] = ["queued", "running"];
const PATIENCE_MS = 60_000;

const [url, key, content, style, target] = process.argv.slice(2) as [string, string, string, string, string];
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

function given<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(file));
}

async function upload(file: string): Promise<Schemas["UploadSource"]> {
  const bytes = await read(file);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const body = { sha256, bytes: bytes.length, content_type: "image/jpeg" } as const;
  const place = given(await api.POST("/v1/uploads", { body }));
  if (!place.exists) {
    const put = await fetch(place.url, { method: place.method ?? "PUT", headers: place.headers, body: bytes });
    if (!put.ok) throw new Error(`the storage responded ${put.status}`);
  }
  return { upload_id: place.upload_id };
}

async function ended(job: Schemas["JobView"]): Promise<Schemas["JobView"]> {
  const deadline = Date.now() + PATIENCE_MS;
  while (PENDING.includes(job.status) && Date.now() < deadline) {
    const params = { path: { job_id: job.id }, query: { wait: 10 } };
    job = given(await api.GET("/v1/jobs/{job_id}", { params }));
  }
  if (job.status !== "succeeded") throw new Error(JSON.stringify(job));
  return job;
}

async function save(job: Schemas["JobView"]): Promise<void> {
  const params = { path: { job_id: job.id }, query: { redirect: "no" } } as const;
  const place = given(await api.GET("/v1/jobs/{job_id}/result", { params }));
  const picture = await fetch(place.url);
  await writeFile(target, Buffer.from(await picture.arrayBuffer()));
}

const wanted: Schemas["JobRequest"] = {
  content: await upload(content),
  style: await upload(style),
  params: { strength: 0.5, max_side: 64 },
  output: { format: "png" },
  tags: ["generated"],
};
const once = { header: { "Idempotency-Key": "once more" } };
const job = given(await api.POST("/v1/jobs", { params: once, body: wanted }));
await save(await ended(job));

const form = new FormData();
form.append("content", new Blob([await read(content)], { type: "image/jpeg" }), "photo.jpg");
form.append("style", new Blob([await read(style)], { type: "image/jpeg" }), "style.jpg");
form.append("params", JSON.stringify({ max_side: 64 } satisfies Schemas["Params"]));
const sent = await api.POST("/v1/jobs", {
  body: { content: "", style: "" },
  bodySerializer: () => form,
});
await ended(given(sent));

const refused = await api.POST("/v1/jobs", { body: { ...wanted, params: { strength: 2 } } });
const missing = await api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: "job_" + "0".repeat(32) } } });
const problems = [[refused.error?.code, refused.error?.pointer], [missing.error?.code, null]];
console.log(JSON.stringify({ job_id: job.id, problems }));

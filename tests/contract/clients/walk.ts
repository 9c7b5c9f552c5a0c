// From the index to its evidence, with the types that openapi-typescript writes.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [address, key] = process.argv.slice(2) as [string, string];
const anybody = createClient<paths>({ baseUrl: address });
const evaluator = createClient<paths>({
  baseUrl: address,
  headers: { Authorization: `Bearer ${key}` },
});

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

function given<T>(answer: { data?: T; error?: unknown }): T {
  check(answer.data !== undefined, JSON.stringify(answer.error));
  return answer.data;
}

const methods = given(await anybody.GET("/api/v1/methods"));
check(methods.items.some((method) => method.id === "cgr-2015"), "the method is listed");
const { definition } = given(
  await anybody.GET("/api/v1/methods/{id}", { params: { path: { id: "cgr-2015" } } }),
);
check(definition.kind === "collaboration", "the definition has its kind");
const { drivers = [] } = definition;
check(drivers.length === 4, "four drivers");
const measure = drivers[0]?.indicators[0]?.measure;
check(measure?.kind === "first_of" && measure.measures.length > 1, "a measure has its kind");

const live = given(
  await anybody.GET("/api/v1/metrics/collaboration-dynamics", {
    params: { query: { period: 2024 } },
  }),
);
const { dimensions = [], drivers: conditions = [] } = live.scores;
check(dimensions.length === 3, "three dimensions");
for (const driver of conditions) check(driver.name_en !== "", "a driver has a name");

const stored = given(await evaluator.POST("/api/v1/assessments", { body: { period: 2024 } }));
check(stored.evidence_hash === live.evidence_hash, "the same evidence was read");
const path = { id: stored.id };
const nodes = given(await anybody.GET("/api/v1/assessments/{id}/scores", { params: { path } }));
check(typeof nodes !== "string", "scores are JSON"); // or CSV, where it is asked for
const valued = nodes.items.find((node) => node.code.includes(".") && node.value !== null);
check(valued !== undefined, "an element has a value");
const score = given(
  await anybody.GET("/api/v1/assessments/{id}/scores/{node}", {
    params: { path: { ...path, node: valued.code } },
  }),
);
check(score.node.value === valued.value, "a score is the same by itself");
const evidence = given(
  await anybody.GET("/api/v1/assessments/{id}/evidence", { params: { path } }),
);
const record = evidence.items.find((item) => item.kind === "observations");
check(record !== undefined, "an observation was read");
const id = new URL(record.href, address).pathname.split("/").at(-1) ?? "";
const found = given(
  await anybody.GET("/api/v1/observations/{id}", {
    params: { path: { id }, query: { version: record.version ?? undefined } },
  }),
);
check(found.content?.key === record.key, "the record is the one that was read");
const cited = found.sources[0];
check(cited !== undefined, "it cites a source");
const source = given(
  await anybody.GET("/api/v1/sources/{id}", { params: { path: { id: cited.id } } }),
);
check(source.title === cited.title, "the source is the cited one");

const statistic: components["schemas"]["Statistic"] = {
  agency: "dukcapil",
  service: "ktp-el",
  channel: "counter",
  period: "2024-03",
  counters: { submitted: 412 },
  reason: "counted again",
};
given(await evaluator.POST("/api/v1/usage/statistics", { body: { statistics: [statistic] } }));

const { error, response } = await anybody.GET("/api/v1/methods/{id}", {
  params: { path: { id: "nothing" } },
});
check(response.status === 404 && error?.status === 404, "an error is a problem with its status");
console.log("ok");

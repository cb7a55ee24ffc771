// A customer's card for React. The types come from the served schema, so that a field that is not there does not compile:
//
//   npx openapi-typescript schema.json -o quimbi-api.ts     (schema.json is the answer of /api/schema)
//
// The key in a web page is seen by everybody who opens it: make one with the scope read only that names your page, else the
// browser says no more than "Failed to fetch" (see "Keys in web pages"):
//
//   .venv/bin/python manage.py create_api_key card --scope read --origin http://localhost:5173

import { useEffect, useState } from "react";
import type { paths } from "./quimbi-api";

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

export type Profile = Answer<"/api/mcp/customer/{customer_id}">;
export type Orders = Answer<"/api/mcp/customer/{customer_id}/orders">;

type Asked<Body> = { state: "waiting" } | { state: "there"; body: Body } | { state: "failed"; why: string };

const API_BASE = "http://localhost:8000";
const API_KEY = "qk_...";

/** The answer as JSON; where there is none, an error whose message is one sentence for the reader of the page. */
async function ask<Body>(path: string, signal: AbortSignal): Promise<Body> {
  if (!/^qk_[\w-]+$/.test(API_KEY)) throw new Error("Put a key into API_KEY; the first lines of this file say how to make one.");
  const answer = await fetch(API_BASE + path, { headers: { "X-API-Key": API_KEY }, signal }).catch(() => null);
  if (!answer) throw new Error(`${API_BASE} does not answer this page: is Quimbi running there, and does the key name the page?`);
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok && body) return body as Body;
  const error = (body as { error?: { message: string; request_id: string } } | null)?.error;
  throw new Error(error ? `${error.message} (request ${error.request_id})` : `Nothing of Quimbi answers at ${API_BASE}.`);
}

/** The customer's profile; asked for again whenever the id changes. */
export function useCustomer(customerId: string): Asked<Profile> {
  const [asked, setAsked] = useState<Asked<Profile>>({ state: "waiting" });

  useEffect(() => {
    const stop = new AbortController();
    setAsked({ state: "waiting" });
    ask<Profile>(`/api/mcp/customer/${encodeURIComponent(customerId)}`, stop.signal).then(
      (body) => setAsked({ state: "there", body }),
      (problem: Error) => {
        if (!stop.signal.aborted) setAsked({ state: "failed", why: problem.message });
      },
    );
    return () => stop.abort();
  }, [customerId]);

  return asked;
}

const COLOURS = { critical: "#DC2626", high: "#F59E0B", medium: "#3B82F6", low: "#10B981" } as const;

export function CustomerCard({ customerId }: { customerId: string }) {
  const asked = useCustomer(customerId);
  if (asked.state === "waiting") return <p>Loading…</p>;
  if (asked.state === "failed") return <p role="alert">{asked.why}</p>;

  const { customer_id, archetype, business_metrics, churn_risk, churn_risk_reason } = asked.body;
  return (
    <article>
      <h2>{customer_id}</h2>
      <p>
        {business_metrics.lifetime_value.toFixed(2)} in {business_metrics.total_orders} orders
      </p>
      {archetype ? (
        <p>
          {archetype.segment_name}: {archetype.key_traits.join(", ")} ({archetype.member_count} customers)
        </p>
      ) : (
        <p>{asked.body.archetype_reason}</p>
      )}
      {churn_risk ? (
        <p style={{ color: COLOURS[churn_risk.lapse_risk.risk_level] }}>
          Lapse risk {Math.round(100 * churn_risk.lapse_risk.lapse_risk_score)} %: {churn_risk.recommendation}
        </p>
      ) : (
        <p>{churn_risk_reason}</p>
      )}
    </article>
  );
}

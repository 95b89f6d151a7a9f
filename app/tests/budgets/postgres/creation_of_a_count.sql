-- creation of a count
-- statements: 7, round trips: 7
-- held at COMMIT: RowExclusiveLock: idempotency, stock_count
-- held at COMMIT: RowShareLock: ledger_head, location

-- 1
BEGIN;

-- 2
-- $1 uuid, $2 uuid, $3 text
SELECT -1 AS part
WHERE NOT EXISTS (SELECT 1
  FROM idempotency
  WHERE tenant_id = $1
  AND actor_id = $2
  AND key = $3)
AND pg_try_advisory_xact_lock(hashtextextended($1::uuid || '/' || $2::uuid || '/' || $3::text, 0));
--> Result
-->   One-Time Filter: ((NOT $0) AND pg_try_advisory_xact_lock(hashtextextended(((((($1)::text || '/'::text) || ($2)::text) || '/'::text) || $3), '0'::bigint)))
-->   InitPlan 1 (returns $0)
-->     ->  Index Only Scan using idempotency_pkey on idempotency
-->           Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND (key = $3))

-- 3
-- $1 uuid, $2 text
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.path = $2) AS told;
--> Nested Loop
-->   ->  Nested Loop
-->         Join Filter: (area.site_id = site.id)
-->         ->  Seq Scan on location area
-->               Filter: ((tenant_id = $1) AND ((path)::text = $2))
-->         ->  Seq Scan on location site
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on ledger_head head
-->         Filter: (tenant_id = $1)

-- 4: writes stock_count
-- $1 jsonb
INSERT INTO stock_count (id, tenant_id, version, created_at, updated_at, status, location_id, site_id, blind, needs_approval,
  uncounted, external_ref, note, created_by)
SELECT ($1::jsonb->>0)::uuid AS id, ($1::jsonb->>1)::uuid AS tenant_id, ($1::jsonb->>2)::bigint AS version, ($1::jsonb->>3)::timestamptz AS created_at,
($1::jsonb->>4)::timestamptz AS updated_at, ($1::jsonb->>5)::text AS status, ($1::jsonb->>6)::uuid AS location_id, ($1::jsonb->>7)::uuid AS site_id,
($1::jsonb->>8)::boolean AS blind, ($1::jsonb->>9)::boolean AS needs_approval, ($1::jsonb->>10)::text AS uncounted, ($1::jsonb->>11)::text AS external_ref,
($1::jsonb->>12)::text AS note, ($1::jsonb->>13)::uuid AS created_by;
--> Insert on stock_count
-->   ->  Result

-- 5: locks rows of ledger_head FOR SHARE
-- $1 uuid, $2 bigint
SELECT rules_version
FROM ledger_head
WHERE tenant_id = $1
AND rules_version = $2 FOR SHARE;
--> LockRows
-->   ->  Seq Scan on ledger_head
-->         Filter: ((tenant_id = $1) AND (rules_version = $2))

-- 6: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 7
COMMIT;

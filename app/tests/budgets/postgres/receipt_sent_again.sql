-- receipt, sent again
-- statements: 5, round trips: 5

-- 1
BEGIN;

-- 2
-- $1 uuid, $2 uuid, $3 text, $4 uuid, $5 text, $6 uuid, $7 jsonb, $8 uuid
WITH claimed AS MATERIALIZED (SELECT -1 AS part
  WHERE NOT EXISTS (SELECT 1
    FROM idempotency
    WHERE tenant_id = $1
    AND actor_id = $2
    AND key = $3)
  AND pg_try_advisory_xact_lock(hashtextextended($1::uuid || '/' || $2::uuid || '/' || $3::text, 0)))
SELECT part, NULL::text AS told
FROM claimed
UNION ALL
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $4
  AND area.path = $5) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $6
  AND item.sku IN (SELECT (value->>0)::text AS sku
    FROM jsonb_array_elements($7::jsonb) AS given(value)
    WHERE jsonb_typeof(value) = 'array')) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $8) AS told;
--> Append
-->   CTE claimed
-->     ->  Result
-->           One-Time Filter: ((NOT $0) AND pg_try_advisory_xact_lock(hashtextextended(((((($1)::text || '/'::text) || ($2)::text) || '/'::text) || $3), '0'::bigint)))
-->           InitPlan 1 (returns $0)
-->             ->  Index Only Scan using idempotency_pkey on idempotency
-->                   Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND (key = $3))
-->   ->  CTE Scan on claimed
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (area.site_id = site.id)
-->               ->  Seq Scan on location area
-->                     Filter: ((tenant_id = $4) AND ((path)::text = $5))
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $4)
-->         ->  Seq Scan on ledger_head head
-->               Filter: (tenant_id = $4)
-->   ->  Nested Loop Left Join
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  HashAggregate
-->                           Group Key: (given.value ->> 0)
-->                           ->  Function Scan on jsonb_array_elements given
-->                                 Filter: (jsonb_typeof(value) = 'array'::text)
-->                     ->  Index Scan using ix_item_sku on item
-->                           Index Cond: ((tenant_id = $6) AND ((sku)::text = ((given.value ->> 0))::text))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $6)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $6) AND (item_id = item.id))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $8)

-- 3
-- $1 uuid, $2 uuid, $3 text
SELECT fingerprint, status, body
FROM idempotency
WHERE tenant_id = $1
AND actor_id = $2
AND key = $3;
--> Index Scan using idempotency_pkey on idempotency
-->   Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND ((key)::text = $3))

-- 4
-- $1 uuid, $2 jsonb
SELECT location.id AS location_id, site.id AS site_id, site.time_zone, site.day_starts_at
FROM location
JOIN location AS site ON site.tenant_id = location.tenant_id
AND site.id = location.site_id
WHERE location.tenant_id = $1
AND location.id IN (SELECT (SELECT ($2::jsonb->>0)::uuid) AS id);
--> Nested Loop
-->   Join Filter: (location.site_id = site.id)
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $1) AND (id = $0))
-->   ->  Seq Scan on location site
-->         Filter: (tenant_id = $1)

-- 5
COMMIT;

-- waste, sent again
-- statements: 6, round trips: 6
-- held at COMMIT: RowShareLock: stock_key

-- 1
BEGIN;

-- 2: locks rows of stock_key FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 text, $4 uuid, $5 text, $6 text, $7 uuid, $8 text, $9 uuid, $10 jsonb, $11 uuid, $12 text, $13 jsonb
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
FROM (SELECT stock_key.item_id, stock_key.location_id
  FROM stock_key
  WHERE stock_key.tenant_id = $4
  AND stock_key.item_id = (SELECT item.id
    FROM item
    WHERE item.tenant_id = $4
    AND item.sku = $5)
  AND stock_key.location_id = (SELECT area.id
    FROM location AS area
    WHERE area.tenant_id = $4
    AND area.path = $6)
  AND (SELECT COUNT(*)
    FROM claimed) = 1
  FOR NO KEY UPDATE OF stock_key) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $7
  AND area.path = $8) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $9
  AND item.sku IN (SELECT (SELECT ($10::jsonb->>0)::text) AS sku)) AS told
UNION ALL
SELECT 3 AS part, row_to_json(told)::text AS told
FROM (SELECT id, code, stage, archived_at
  FROM reason
  WHERE tenant_id = $11
  AND kind = $12
  AND code IN (SELECT (SELECT ($13::jsonb->>0)::text) AS code)) AS told;
--> Append
-->   CTE claimed
-->     ->  Result
-->           One-Time Filter: ((NOT $0) AND pg_try_advisory_xact_lock(hashtextextended(((((($1)::text || '/'::text) || ($2)::text) || '/'::text) || $3), '0'::bigint)))
-->           InitPlan 1 (returns $0)
-->             ->  Index Only Scan using idempotency_pkey on idempotency
-->                   Index Cond: ((tenant_id = $1) AND (actor_id = $2) AND (key = $3))
-->   ->  CTE Scan on claimed
-->   ->  Subquery Scan on told
-->         ->  LockRows
-->               InitPlan 3 (returns $2)
-->                 ->  Index Scan using ix_item_sku on item item_1
-->                       Index Cond: ((tenant_id = $4) AND ((sku)::text = $5))
-->               InitPlan 4 (returns $3)
-->                 ->  Seq Scan on location area_1
-->                       Filter: ((tenant_id = $4) AND ((path)::text = $6))
-->               InitPlan 5 (returns $4)
-->                 ->  Aggregate
-->                       ->  CTE Scan on claimed claimed_1
-->               ->  Result
-->                     One-Time Filter: ($4 = 1)
-->                     ->  Index Scan using stock_key_pkey on stock_key
-->                           Index Cond: ((tenant_id = $4) AND (item_id = $2) AND (location_id = $3))
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (area.site_id = site.id)
-->               ->  Seq Scan on location area
-->                     Filter: ((tenant_id = $7) AND ((path)::text = $8))
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $7)
-->         ->  Seq Scan on ledger_head head
-->               Filter: (tenant_id = $7)
-->   ->  Nested Loop Left Join
-->         InitPlan 6 (returns $6)
-->           ->  Result
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Index Scan using ix_item_sku on item
-->                     Index Cond: ((tenant_id = $9) AND ((sku)::text = $6))
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $9)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $9) AND (item_id = item.id))
-->   ->  Seq Scan on reason
-->         Filter: ((tenant_id = $11) AND ((kind)::text = $12) AND ((code)::text = $7))
-->         InitPlan 7 (returns $7)
-->           ->  Result

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
-- $1 uuid, $2 uuid
SELECT number, last_seq, position, chain_hash
FROM document
WHERE tenant_id = $1
AND id = $2;
--> Index Scan using uq_document_id on document
-->   Index Cond: ((tenant_id = $1) AND (id = $2))

-- 6
COMMIT;

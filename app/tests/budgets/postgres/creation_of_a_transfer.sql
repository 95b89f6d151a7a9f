-- creation of a transfer
-- statements: 12, round trips: 12
-- held at COMMIT: RowExclusiveLock: idempotency, ledger_head, transfer, transfer_line
-- held at COMMIT: RowShareLock: item, location, transfer

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
-- $1 uuid, $2 text, $3 uuid, $4 text, $5 uuid, $6 jsonb, $7 uuid
SELECT 0 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $1
  AND area.path = $2) AS told
UNION ALL
SELECT 1 AS part, row_to_json(told)::text AS told
FROM (SELECT area.id, area.path, area.kind, area.site_id, area.archived_at, site.time_zone, site.day_starts_at, head.rules_version,
  head.closed_through, head.last_recorded_at, head.last_counted_at
  FROM location AS area
  JOIN location AS site ON site.tenant_id = area.tenant_id
  AND site.id = area.site_id
  JOIN ledger_head AS head ON head.tenant_id = area.tenant_id
  WHERE area.tenant_id = $3
  AND area.path = $4) AS told
UNION ALL
SELECT 2 AS part, row_to_json(told)::text AS told
FROM (SELECT item.id, item.sku, unit.code AS base_unit, item.pick, item.track_lots, item.track_expiry, item.date_kind, item.grace_days,
  item.shelf_life_days, item.opened_shelf_life_days, item.archived_at, own.code AS own_unit, own.numerator, own.denominator
  FROM item
  JOIN unit ON unit.tenant_id = item.tenant_id
  AND unit.id = item.base_unit_id
  LEFT JOIN item_unit AS own ON own.tenant_id = item.tenant_id
  AND own.item_id = item.id
  WHERE item.tenant_id = $5
  AND item.sku IN (SELECT (SELECT ($6::jsonb->>0)::text) AS sku)) AS told
UNION ALL
SELECT 3 AS part, row_to_json(told)::text AS told
FROM (SELECT code, dimension, numerator, denominator
  FROM unit
  WHERE tenant_id = $7) AS told;
--> Append
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (area.site_id = site.id)
-->               ->  Seq Scan on location area
-->                     Filter: ((tenant_id = $1) AND ((path)::text = $2))
-->               ->  Seq Scan on location site
-->                     Filter: (tenant_id = $1)
-->         ->  Seq Scan on ledger_head head
-->               Filter: (tenant_id = $1)
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               Join Filter: (area_1.site_id = site_1.id)
-->               ->  Seq Scan on location area_1
-->                     Filter: ((tenant_id = $3) AND ((path)::text = $4))
-->               ->  Seq Scan on location site_1
-->                     Filter: (tenant_id = $3)
-->         ->  Seq Scan on ledger_head head_1
-->               Filter: (tenant_id = $3)
-->   ->  Nested Loop Left Join
-->         InitPlan 1 (returns $0)
-->           ->  Result
-->         ->  Nested Loop
-->               Join Filter: (item.base_unit_id = unit.id)
-->               ->  Index Scan using ix_item_sku on item
-->                     Index Cond: ((tenant_id = $5) AND ((sku)::text = $0))
-->               ->  Seq Scan on unit
-->                     Filter: (tenant_id = $5)
-->         ->  Index Scan using ix_item_unit_item_id_code on item_unit own
-->               Index Cond: ((tenant_id = item.tenant_id) AND (tenant_id = $5) AND (item_id = item.id))
-->   ->  Seq Scan on unit unit_1
-->         Filter: (tenant_id = $7)

-- 4: writes ledger_head
-- $1 uuid, $2 bigint
UPDATE ledger_head
SET transfer_order_number = COALESCE(transfer_order_number, 0) + 1
WHERE tenant_id = $1
AND rules_version = $2
RETURNING transfer_order_number AS number;
--> Update on ledger_head
-->   ->  Seq Scan on ledger_head
-->         Filter: ((tenant_id = $1) AND (rules_version = $2))

-- 5: writes transfer
-- $1 jsonb
INSERT INTO transfer (id, tenant_id, version, created_at, updated_at, number, status, from_location_id, to_location_id, dispatched_at,
  external_ref, note, created_by)
SELECT ($1::jsonb->>0)::uuid AS id, ($1::jsonb->>1)::uuid AS tenant_id, ($1::jsonb->>2)::bigint AS version, ($1::jsonb->>3)::timestamptz AS created_at,
($1::jsonb->>4)::timestamptz AS updated_at, ($1::jsonb->>5)::bigint AS number, ($1::jsonb->>6)::text AS status, ($1::jsonb->>7)::uuid AS from_location_id,
($1::jsonb->>8)::uuid AS to_location_id, ($1::jsonb->>9)::timestamptz AS dispatched_at, ($1::jsonb->>10)::text AS external_ref,
($1::jsonb->>11)::text AS note, ($1::jsonb->>12)::uuid AS created_by;
--> Insert on transfer
-->   ->  Result

-- 6: writes transfer_line
-- $1 jsonb
INSERT INTO transfer_line (tenant_id, transfer_id, line_no, item_id, lot_id, entered_quantity, entered_unit, quantity)
SELECT ($1::jsonb->>0)::uuid AS tenant_id, ($1::jsonb->>1)::uuid AS transfer_id, ($1::jsonb->>2)::bigint AS line_no, ($1::jsonb->>3)::uuid AS item_id,
($1::jsonb->>4)::uuid AS lot_id, ($1::jsonb->>5)::bigint AS entered_quantity, ($1::jsonb->>6)::text AS entered_unit, ($1::jsonb->>7)::bigint AS quantity;
--> Insert on transfer_line
-->   ->  Result

-- 7
-- $1 uuid, $2 uuid
SELECT transfer.id, transfer.number, transfer.status, transfer.from_location_id, origin.path AS from_location, transfer.to_location_id,
goal.path AS to_location, transfer.dispatched_at, transfer.external_ref, transfer.note, transfer.created_by, transfer.version,
transfer.created_at, transfer.updated_at
FROM transfer
JOIN location AS origin ON origin.tenant_id = transfer.tenant_id
AND origin.id = transfer.from_location_id
JOIN location AS goal ON goal.tenant_id = transfer.tenant_id
AND goal.id = transfer.to_location_id
WHERE transfer.tenant_id = $1
AND transfer.id = $2;
--> Nested Loop
-->   Join Filter: (transfer.to_location_id = goal.id)
-->   ->  Nested Loop
-->         Join Filter: (transfer.from_location_id = origin.id)
-->         ->  Index Scan using uq_transfer_id on transfer
-->               Index Cond: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on location origin
-->               Filter: (tenant_id = $1)
-->   ->  Seq Scan on location goal
-->         Filter: (tenant_id = $1)

-- 8
-- $1 uuid, $2 uuid
SELECT line.line_no, line.item_id, item.sku, line.lot_id, line.entered_quantity, line.entered_unit, line.quantity, unit.code AS base_unit
FROM transfer_line AS line
JOIN item ON item.tenant_id = line.tenant_id
AND item.id = line.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
WHERE line.tenant_id = $1
AND line.transfer_id = $2
ORDER BY line.line_no;
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Index Scan using transfer_line_pkey on transfer_line line
-->               Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->         ->  Index Scan using uq_item_id on item
-->               Index Cond: ((tenant_id = $1) AND (id = line.item_id))
-->   ->  Index Scan using unit_pkey on unit
-->         Index Cond: (id = item.base_unit_id)
-->         Filter: (tenant_id = $1)

-- 9
-- $1 uuid, $2 uuid
SELECT moved.lot_id, moved.item_id, item.sku, lot.batch_code, lot.expires_on, unit.code AS unit, moved.dispatched, moved.received,
moved.lost, moved.cancelled
FROM transfer_lot AS moved
JOIN item ON item.tenant_id = moved.tenant_id
AND item.id = moved.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN lot ON lot.tenant_id = moved.tenant_id
AND lot.id = moved.lot_id
WHERE moved.tenant_id = $1
AND moved.transfer_id = $2
ORDER BY lot.origin_seq, lot.origin_line;
--> Sort
-->   Sort Key: lot.origin_seq, lot.origin_line
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using transfer_lot_pkey on transfer_lot moved
-->                           Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = moved.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using lot_pkey on lot
-->               Index Cond: (id = moved.lot_id)
-->               Filter: (tenant_id = $1)

-- 10
-- $1 uuid, $2 uuid
SELECT document.id, document.type, document.number, document.status, document.effective_at, document.business_date, document.recorded_at
FROM document_detail AS detail
JOIN document ON document.tenant_id = detail.tenant_id
AND document.id = detail.document_id
WHERE detail.tenant_id = $1
AND detail.transfer_id = $2
ORDER BY document.position;
--> Sort
-->   Sort Key: document."position"
-->   ->  Nested Loop
-->         ->  Index Scan using ix_document_detail_transfer_id on document_detail detail
-->               Index Cond: ((tenant_id = $1) AND (transfer_id = $2))
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $1) AND (id = detail.document_id))

-- 11: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 12
COMMIT;

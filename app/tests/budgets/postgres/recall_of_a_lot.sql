-- recall of a lot
-- statements: 17, round trips: 17
-- held at COMMIT: RowExclusiveLock: idempotency, ledger_head, lot, lot_event
-- held at COMMIT: RowShareLock: lot

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
-- $1 uuid, $2 uuid
SELECT lot.id, lot.item_id, item.sku, lot.batch_code, lot.origin_document_id, lot.origin_line, lot.received_at, lot.produced_on,
lot.expires_on, lot.date_kind, lot.hold, lot.opened_at, item.grace_days, site.time_zone, site.day_starts_at, lot.basis_quantity,
lot.basis_value, unit.code AS unit, lot.void, lot.version, CAST((SELECT COALESCE(SUM(held.quantity), 0)
    FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
      FROM balance
      WHERE balance.tenant_id = $1) AS held
    WHERE held.lot_id = lot.id) AS BIGINT) AS quantity, CAST((SELECT COALESCE(SUM(held.value), 0)
    FROM (SELECT balance.quantity, balance.value, balance.lot_id, balance.location_id
      FROM balance
      WHERE balance.tenant_id = $1) AS held
    WHERE held.lot_id = lot.id) AS BIGINT) AS value
FROM lot
JOIN item ON item.tenant_id = lot.tenant_id
AND item.id = lot.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN document ON document.tenant_id = lot.tenant_id
AND document.id = lot.origin_document_id
JOIN location AS site ON site.tenant_id = document.tenant_id
AND site.id = document.site_id
WHERE lot.tenant_id = $1
AND lot.id = $2;
--> Nested Loop
-->   ->  Nested Loop
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using lot_pkey on lot
-->                           Index Cond: (id = $2)
-->                           Filter: (tenant_id = $1)
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = lot.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Index Scan using uq_document_id on document
-->               Index Cond: ((tenant_id = $1) AND (id = lot.origin_document_id))
-->   ->  Index Scan using location_pkey on location site
-->         Index Cond: (id = document.site_id)
-->         Filter: (tenant_id = $1)
-->   SubPlan 1
-->     ->  Aggregate
-->           ->  Index Scan using ix_balance_lot_id on balance
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))
-->   SubPlan 2
-->     ->  Aggregate
-->           ->  Index Scan using ix_balance_lot_id on balance balance_1
-->                 Index Cond: ((tenant_id = $1) AND (lot_id = lot.id))

-- 4
-- $1 uuid, $2 uuid
SELECT balance.location_id, location.path AS location, balance.quantity, balance.value
FROM balance
JOIN location ON location.tenant_id = balance.tenant_id
AND location.id = balance.location_id
WHERE balance.tenant_id = $1
AND balance.lot_id = $2
AND balance.quantity > 0
ORDER BY location.path;
--> Sort
-->   Sort Key: location.path COLLATE "C"
-->   ->  Nested Loop
-->         Join Filter: (balance.location_id = location.id)
-->         ->  Index Scan using ix_balance_lot_id on balance
-->               Index Cond: ((tenant_id = $1) AND (lot_id = $2))
-->               Filter: (quantity > 0)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)

-- 5
-- $1 uuid, $2 jsonb
SELECT link.lot_id, link.parent_id, link.quantity, link.document_id
FROM lot_parent AS link
WHERE link.tenant_id = $1
AND link.lot_id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value))
ORDER BY 1, 2;
--> Sort
-->   Sort Key: link.lot_id, link.parent_id
-->   ->  Hash Semi Join
-->         Hash Cond: (link.lot_id = ((given.value ->> 0))::uuid)
-->         ->  Bitmap Heap Scan on lot_parent link
-->               Recheck Cond: (tenant_id = $1)
-->               ->  Bitmap Index Scan on ix_lot_parent_parent_id
-->                     Index Cond: (tenant_id = $1)
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given

-- 6
-- $1 uuid, $2 uuid
SELECT number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note
FROM lot_event
WHERE tenant_id = $1
AND lot_id = $2
ORDER BY number;
--> Index Scan using lot_event_pkey on lot_event
-->   Index Cond: ((tenant_id = $1) AND (lot_id = $2))

-- 7
-- $1 uuid, $2 uuid
WITH RECURSIVE made (id) AS (SELECT id
  FROM lot
  WHERE tenant_id = $1
  AND id = $2
  UNION
  SELECT link.lot_id
  FROM made
  JOIN lot_parent AS link ON link.tenant_id = $1
  AND link.parent_id = made.id)
SELECT id
FROM made
ORDER BY id;
--> Sort
-->   Sort Key: made.id
-->   CTE made
-->     ->  Recursive Union
-->           ->  Index Scan using lot_pkey on lot
-->                 Index Cond: (id = $2)
-->                 Filter: (tenant_id = $1)
-->           ->  Hash Join
-->                 Hash Cond: (link.parent_id = made_1.id)
-->                 ->  Bitmap Heap Scan on lot_parent link
-->                       Recheck Cond: (tenant_id = $1)
-->                       ->  Bitmap Index Scan on ix_lot_parent_parent_id
-->                             Index Cond: (tenant_id = $1)
-->                 ->  Hash
-->                       ->  WorkTable Scan on made made_1
-->   ->  CTE Scan on made

-- 8: locks rows of lot FOR NO KEY UPDATE
-- $1 uuid, $2 jsonb
SELECT lot.id, lot.version
FROM lot
JOIN (SELECT (SELECT ($2::jsonb->>0)::uuid) AS id) AS wanted USING (id)
WHERE lot.tenant_id = $1
ORDER BY lot.id
FOR NO KEY UPDATE OF lot;
--> LockRows
-->   InitPlan 1 (returns $0)
-->     ->  Result
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = $0)
-->         Filter: (tenant_id = $1)

-- 9: writes ledger_head
-- $1 uuid
UPDATE ledger_head
SET rules_version = rules_version + 1
WHERE tenant_id = $1;
--> Update on ledger_head
-->   ->  Seq Scan on ledger_head
-->         Filter: (tenant_id = $1)

-- 10
-- $1 jsonb, $2 uuid
SELECT lot.id, lot.hold, lot.expires_on, lot.batch_code, lot.void, lot.version, item.track_expiry, item.track_lots, COALESCE((SELECT MAX(event.number)
    FROM lot_event AS event
    WHERE event.tenant_id = lot.tenant_id
    AND event.lot_id = lot.id), 0) AS events
FROM (SELECT (SELECT ($1::jsonb->>0)::uuid) AS id) AS wanted
CROSS JOIN lot
CROSS JOIN item
WHERE lot.tenant_id = $2
AND lot.id = wanted.id
AND item.tenant_id = $2
AND item.id = lot.item_id
ORDER BY lot.id;
--> Nested Loop
-->   InitPlan 3 (returns $3)
-->     ->  Result
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = $3)
-->         Filter: (tenant_id = $2)
-->   ->  Index Scan using uq_item_id on item
-->         Index Cond: ((tenant_id = $2) AND (id = lot.item_id))
-->   SubPlan 2
-->     ->  Result
-->           InitPlan 1 (returns $2)
-->             ->  Limit
-->                   ->  Index Only Scan Backward using lot_event_pkey on lot_event event
-->                         Index Cond: ((tenant_id = lot.tenant_id) AND (lot_id = lot.id) AND (number IS NOT NULL))

-- 11
-- $1 uuid, $2 uuid
WITH RECURSIVE made (id) AS (SELECT id
  FROM lot
  WHERE tenant_id = $1
  AND id = $2
  UNION
  SELECT link.lot_id
  FROM made
  JOIN lot_parent AS link ON link.tenant_id = $1
  AND link.parent_id = made.id)
SELECT id
FROM made
ORDER BY id;
--> Sort
-->   Sort Key: made.id
-->   CTE made
-->     ->  Recursive Union
-->           ->  Index Scan using lot_pkey on lot
-->                 Index Cond: (id = $2)
-->                 Filter: (tenant_id = $1)
-->           ->  Hash Join
-->                 Hash Cond: (link.parent_id = made_1.id)
-->                 ->  Bitmap Heap Scan on lot_parent link
-->                       Recheck Cond: (tenant_id = $1)
-->                       ->  Bitmap Index Scan on ix_lot_parent_parent_id
-->                             Index Cond: (tenant_id = $1)
-->                 ->  Hash
-->                       ->  WorkTable Scan on made made_1
-->   ->  CTE Scan on made

-- 12: writes lot
-- $1 uuid, $2 jsonb
UPDATE lot
SET hold = now.hold, expires_on = now.expires_on, batch_code = now.batch_code, version = lot.version + 1
FROM (SELECT $1::uuid AS tenant_id, ($2::jsonb->>0)::uuid AS id, ($2::jsonb->>1)::text AS hold, ($2::jsonb->>2)::date AS expires_on,
  ($2::jsonb->>3)::text AS batch_code) AS now
WHERE lot.tenant_id = now.tenant_id
AND lot.id = now.id;
--> Update on lot
-->   ->  Index Scan using lot_pkey on lot
-->         Index Cond: (id = (($2 ->> 0))::uuid)
-->         Filter: (tenant_id = $1)

-- 13: writes lot_event
-- $1 jsonb
INSERT INTO lot_event (tenant_id, lot_id, number, kind, recorded_at, actor_id, expires_on_before, expires_on_after, note)
SELECT ($1::jsonb->>0)::uuid AS tenant_id, ($1::jsonb->>1)::uuid AS lot_id, ($1::jsonb->>2)::bigint AS number, ($1::jsonb->>3)::text AS kind,
($1::jsonb->>4)::timestamptz AS recorded_at, ($1::jsonb->>5)::uuid AS actor_id, ($1::jsonb->>6)::date AS expires_on_before,
($1::jsonb->>7)::date AS expires_on_after, ($1::jsonb->>8)::text AS note;
--> Insert on lot_event
-->   ->  Result

-- 14
-- $1 uuid, $2 jsonb
SELECT balance.lot_id, item.sku, lot.batch_code, balance.location_id, location.path AS location, location.site_id, balance.quantity,
unit.code AS unit
FROM (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value)) AS wanted
CROSS JOIN balance
JOIN lot ON lot.tenant_id = balance.tenant_id
AND lot.id = balance.lot_id
JOIN item ON item.tenant_id = balance.tenant_id
AND item.id = balance.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = balance.tenant_id
AND location.id = balance.location_id
WHERE balance.tenant_id = $1
AND balance.quantity > 0
AND balance.lot_id = wanted.id
ORDER BY location.path, item.sku, lot.origin_seq, lot.origin_line
LIMIT 10001;
--> Limit
-->   ->  Sort
-->         Sort Key: location.path COLLATE "C", item.sku COLLATE "C", lot.origin_seq, lot.origin_line
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Nested Loop
-->                           ->  Hash Join
-->                                 Hash Cond: (balance.lot_id = ((given.value ->> 0))::uuid)
-->                                 ->  Nested Loop
-->                                       ->  Seq Scan on location
-->                                             Filter: (tenant_id = $1)
-->                                       ->  Index Scan using ix_balance_location_id on balance
-->                                             Index Cond: ((tenant_id = $1) AND (location_id = location.id))
-->                                             Filter: (quantity > 0)
-->                                 ->  Hash
-->                                       ->  Function Scan on jsonb_array_elements given
-->                           ->  Index Scan using lot_pkey on lot
-->                                 Index Cond: (id = balance.lot_id)
-->                                 Filter: (tenant_id = $1)
-->                     ->  Index Scan using item_pkey on item
-->                           Index Cond: (id = balance.item_id)
-->                           Filter: (tenant_id = $1)
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)

-- 15
-- $1 uuid, $2 jsonb, $3 text
SELECT entry.seq, entry.lot_id, item.sku, entry.kind, entry.document_id, document.type AS document_type, document.number AS document_number,
document.status, entry.location_id, location.path AS location, location.site_id, entry.quantity_delta AS quantity, unit.code AS unit,
entry.effective_at, entry.business_date, detail.purpose, detail.recipient, reason.code AS reason, detail.transfer_id, document.external_ref
FROM (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($2::jsonb) AS given(value)) AS wanted
CROSS JOIN ledger_entry AS entry
JOIN document ON document.tenant_id = entry.tenant_id
AND document.id = entry.document_id
JOIN item ON item.tenant_id = entry.tenant_id
AND item.id = entry.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = entry.tenant_id
AND location.id = entry.location_id
LEFT JOIN document_detail AS detail ON detail.tenant_id = entry.tenant_id
AND detail.document_id = entry.document_id
LEFT JOIN reason ON reason.tenant_id = entry.tenant_id
AND reason.id = entry.reason_id
WHERE entry.tenant_id = $1
AND entry.kind = $3
AND entry.lot_id = wanted.id
ORDER BY entry.seq
LIMIT 10001;
--> Limit
-->   ->  Sort
-->         Sort Key: entry.seq
-->         ->  Nested Loop Left Join
-->               Join Filter: ((reason.tenant_id = entry.tenant_id) AND (reason.id = entry.reason_id))
-->               ->  Nested Loop Left Join
-->                     ->  Nested Loop
-->                           Join Filter: (unit.id = item.base_unit_id)
-->                           ->  Nested Loop
-->                                 ->  Nested Loop
-->                                       Join Filter: (entry.location_id = location.id)
-->                                       ->  Nested Loop
-->                                             ->  Nested Loop
-->                                                   ->  Function Scan on jsonb_array_elements given
-->                                                   ->  Index Scan using ix_ledger_entry_lot_id_seq on ledger_entry entry
-->                                                         Index Cond: ((tenant_id = $1) AND (lot_id = ((given.value ->> 0))::uuid))
-->                                                         Filter: ((kind)::text = $3)
-->                                             ->  Index Scan using document_pkey on document
-->                                                   Index Cond: (id = entry.document_id)
-->                                                   Filter: (tenant_id = $1)
-->                                       ->  Seq Scan on location
-->                                             Filter: (tenant_id = $1)
-->                                 ->  Seq Scan on unit
-->                                       Filter: (tenant_id = $1)
-->                           ->  Index Scan using item_pkey on item
-->                                 Index Cond: (id = entry.item_id)
-->                                 Filter: (tenant_id = $1)
-->                     ->  Index Scan using document_detail_pkey on document_detail detail
-->                           Index Cond: ((tenant_id = entry.tenant_id) AND (tenant_id = $1) AND (document_id = entry.document_id))
-->               ->  Seq Scan on reason
-->                     Filter: (tenant_id = $1)

-- 16: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 17
COMMIT;

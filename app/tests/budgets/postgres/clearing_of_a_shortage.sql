-- clearing of a shortage
-- statements: 6, round trips: 6
-- held at COMMIT: RowExclusiveLock: idempotency, shortage

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
SELECT shortage.*, item.sku, unit.code AS unit, location.path AS location, document.type AS document_type, document.number AS document_number
FROM shortage
JOIN item ON item.tenant_id = shortage.tenant_id
AND item.id = shortage.item_id
JOIN unit ON unit.tenant_id = item.tenant_id
AND unit.id = item.base_unit_id
JOIN location ON location.tenant_id = shortage.tenant_id
AND location.id = shortage.location_id
JOIN document ON document.tenant_id = shortage.tenant_id
AND document.id = shortage.document_id
WHERE shortage.tenant_id = $1
AND shortage.id = $2;
--> Nested Loop
-->   ->  Nested Loop
-->         Join Filter: (shortage.location_id = location.id)
-->         ->  Nested Loop
-->               ->  Nested Loop
-->                     ->  Index Scan using uq_shortage_id on shortage
-->                           Index Cond: ((tenant_id = $1) AND (id = $2))
-->                     ->  Index Scan using uq_item_id on item
-->                           Index Cond: ((tenant_id = $1) AND (id = shortage.item_id))
-->               ->  Index Scan using unit_pkey on unit
-->                     Index Cond: (id = item.base_unit_id)
-->                     Filter: (tenant_id = $1)
-->         ->  Seq Scan on location
-->               Filter: (tenant_id = $1)
-->   ->  Index Scan using uq_document_id on document
-->         Index Cond: ((tenant_id = $1) AND (id = shortage.document_id))

-- 4: writes shortage
-- $1 uuid, $2 uuid, $3 uuid, $4 text, $5 timestamp with time zone, $6 jsonb
UPDATE shortage
SET status = 'cleared', cleared_by = $2, cleared_by_document_id = $3::uuid, note = $4, cleared_at = $5::timestamptz, updated_at = $5::timestamptz,
version = version + 1
WHERE tenant_id = $1
AND status = 'open'
AND id IN (SELECT (value->>0)::uuid AS id
  FROM jsonb_array_elements($6::jsonb) AS given(value))
RETURNING id;
--> Update on shortage
-->   ->  Hash Semi Join
-->         Hash Cond: (shortage.id = ((given.value ->> 0))::uuid)
-->         ->  Bitmap Heap Scan on shortage
-->               Recheck Cond: ((tenant_id = $1) AND ((status)::text = 'open'::text))
-->               ->  Bitmap Index Scan on ix_shortage_item_id_location_id_status
-->                     Index Cond: ((tenant_id = $1) AND ((status)::text = 'open'::text))
-->         ->  Hash
-->               ->  Function Scan on jsonb_array_elements given

-- 5: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 6
COMMIT;

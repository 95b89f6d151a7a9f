-- creation of a unit of an item
-- statements: 9, round trips: 9
-- held at COMMIT: RowExclusiveLock: idempotency, item_unit
-- held at COMMIT: RowShareLock: item, tenant_settings

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

-- 3: locks rows of tenant_settings FOR NO KEY UPDATE
-- $1 uuid, $2 bigint
SELECT "tenant_settings"."tenant_id", "tenant_settings"."currency", "tenant_settings"."time_zone", "tenant_settings"."seed_version",
"tenant_settings"."created_at"
FROM "tenant_settings"
WHERE "tenant_settings"."tenant_id" = $1
LIMIT $2
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Seq Scan on tenant_settings
-->               Filter: (tenant_id = $1)

-- 4
-- $1 uuid, $2 uuid, $3 bigint
SELECT "item"."id" AS "A_id", "item"."tenant_id" AS "A_tenant_id", "item"."version" AS "A_version", "item"."created_at" AS "A_created_at",
"item"."updated_at" AS "A_updated_at", "item"."sku" AS "A_sku", "item"."name" AS "A_name", "item"."base_unit_id" AS "A_base_unit_id",
"item"."kind" AS "A_kind", "item"."pick" AS "A_pick", "item"."track_lots" AS "A_track_lots", "item"."track_expiry" AS "A_track_expiry",
"item"."date_kind" AS "A_date_kind", "item"."grace_days" AS "A_grace_days", "item"."shelf_life_days" AS "A_shelf_life_days",
"item"."opened_shelf_life_days" AS "A_opened_shelf_life_days", "item"."archived_at" AS "A_archived_at", "unit"."id" AS "B_id",
"unit"."tenant_id" AS "B_tenant_id", "unit"."version" AS "B_version", "unit"."created_at" AS "B_created_at", "unit"."updated_at" AS "B_updated_at",
"unit"."code" AS "B_code", "unit"."name" AS "B_name", "unit"."dimension" AS "B_dimension", "unit"."numerator" AS "B_numerator",
"unit"."denominator" AS "B_denominator"
FROM "item"
LEFT JOIN "unit" ON "item"."tenant_id" = "unit"."tenant_id"
AND "item"."base_unit_id" = "unit"."id"
WHERE "item"."tenant_id" = $1
AND "item"."id" = $2
LIMIT $3;
--> Limit
-->   ->  Nested Loop Left Join
-->         Join Filter: ((item.tenant_id = unit.tenant_id) AND (item.base_unit_id = unit.id))
-->         ->  Index Scan using uq_item_id on item
-->               Index Cond: ((tenant_id = $1) AND (id = $2))
-->         ->  Seq Scan on unit
-->               Filter: (tenant_id = $1)

-- 5
-- $1 uuid
SELECT code, dimension, numerator, denominator
FROM unit
WHERE tenant_id = $1;
--> Seq Scan on unit
-->   Filter: (tenant_id = $1)

-- 6
-- $1 uuid, $2 uuid
SELECT "item_unit"."id", "item_unit"."tenant_id", "item_unit"."version", "item_unit"."created_at", "item_unit"."updated_at",
"item_unit"."item_id", "item_unit"."code", "item_unit"."numerator", "item_unit"."denominator"
FROM "item_unit"
WHERE "item_unit"."tenant_id" = $1
AND "item_unit"."item_id" = $2;
--> Index Scan using ix_item_unit_item_id_code on item_unit
-->   Index Cond: ((tenant_id = $1) AND (item_id = $2))

-- 7: writes item_unit
-- $1 uuid, $2 uuid, $3 bigint, $4 timestamp with time zone, $5 timestamp with time zone, $6 uuid, $7 text, $8 bigint, $9 bigint
INSERT INTO "item_unit" ("id", "tenant_id", "version", "created_at", "updated_at", "item_id", "code", "numerator", "denominator")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
--> Insert on item_unit
-->   ->  Result

-- 8: writes idempotency
-- $1 uuid, $2 uuid, $3 text, $4 text, $5 bigint, $6 text, $7 timestamp with time zone
INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
--> Insert on idempotency
-->   ->  Result

-- 9
COMMIT;

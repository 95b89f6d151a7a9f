-- removal of a unit of an item
-- statements: 4, round trips: 4
-- held at COMMIT: RowExclusiveLock: item_unit
-- held at COMMIT: RowShareLock: tenant_settings

-- 1
BEGIN;

-- 2: locks rows of tenant_settings FOR NO KEY UPDATE
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

-- 3: writes item_unit
-- $1 uuid, $2 uuid, $3 text
DELETE
FROM "item_unit"
WHERE "item_unit"."tenant_id" = $1
AND "item_unit"."item_id" = $2
AND "item_unit"."code" = $3;
--> Delete on item_unit
-->   ->  Index Scan using ix_item_unit_item_id_code on item_unit
-->         Index Cond: ((tenant_id = $1) AND (item_id = $2) AND ((code)::text = $3))

-- 4
COMMIT;

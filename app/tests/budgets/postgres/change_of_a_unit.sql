-- change of a unit
-- statements: 4, round trips: 4
-- held at COMMIT: RowExclusiveLock: unit
-- held at COMMIT: RowShareLock: unit

-- 1
BEGIN;

-- 2: locks rows of unit FOR NO KEY UPDATE
-- $1 uuid, $2 uuid, $3 bigint
SELECT "unit"."id", "unit"."tenant_id", "unit"."version", "unit"."created_at", "unit"."updated_at", "unit"."code", "unit"."name",
"unit"."dimension", "unit"."numerator", "unit"."denominator"
FROM "unit"
WHERE "unit"."tenant_id" = $1
AND "unit"."id" = $2
LIMIT $3
FOR NO KEY UPDATE;
--> Limit
-->   ->  LockRows
-->         ->  Seq Scan on unit
-->               Filter: ((tenant_id = $1) AND (id = $2))

-- 3: writes unit
-- $1 bigint, $2 timestamp with time zone, $3 timestamp with time zone, $4 text, $5 text, $6 text, $7 bigint, $8 bigint, $9 uuid, $10 uuid
UPDATE "unit"
SET "version" = $1, "created_at" = $2, "updated_at" = $3, "code" = $4, "name" = $5, "dimension" = $6, "numerator" = $7, "denominator" = $8
WHERE "unit"."tenant_id" = $9
AND "unit"."id" = $10;
--> Update on unit
-->   ->  Seq Scan on unit
-->         Filter: ((tenant_id = $9) AND (id = $10))

-- 4
COMMIT;

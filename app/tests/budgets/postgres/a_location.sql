-- a location
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 uuid, $3 bigint
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = $1
AND "location"."id" = $2
LIMIT $3;
--> Limit
-->   ->  Seq Scan on location
-->         Filter: ((tenant_id = $1) AND (id = $2))

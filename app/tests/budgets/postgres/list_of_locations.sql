-- list of locations
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = $1
AND "location"."archived_at" IS NULL
ORDER BY "location"."path" ASC
LIMIT $2;
--> Limit
-->   ->  Index Scan using ix_location_path on location
-->         Index Cond: (tenant_id = $1)
-->         Filter: (archived_at IS NULL)

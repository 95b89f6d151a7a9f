-- list of locations
-- statements: 1

-- 1
SELECT "location"."id", "location"."tenant_id", "location"."version", "location"."created_at", "location"."updated_at", "location"."parent_id",
"location"."site_id", "location"."kind", "location"."code", "location"."path", "location"."name", "location"."time_zone",
"location"."day_starts_at", "location"."archived_at"
FROM "location"
WHERE "location"."tenant_id" = ?
AND "location"."archived_at" IS NULL
ORDER BY "location"."path" ASC
LIMIT ?;
--> SEARCH location USING INDEX ix_location_path (tenant_id=?)

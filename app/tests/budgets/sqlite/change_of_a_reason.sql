-- change of a reason
-- statements: 2

-- 1
SELECT "reason"."id", "reason"."tenant_id", "reason"."version", "reason"."created_at", "reason"."updated_at", "reason"."kind",
"reason"."code", "reason"."name", "reason"."stage", "reason"."avoidable", "reason"."archived_at"
FROM "reason"
WHERE "reason"."tenant_id" = ?
AND "reason"."id" = ?
LIMIT ?;
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=? AND id=?)

-- 2: writes reason
UPDATE "reason"
SET "version" = ?, "created_at" = ?, "updated_at" = ?, "kind" = ?, "code" = ?, "name" = ?, "stage" = ?, "avoidable" = ?, "archived_at" = ?
WHERE "reason"."tenant_id" = ?
AND "reason"."id" = ?;
--> SEARCH reason USING INDEX sqlite_autoindex_reason_2 (tenant_id=? AND id=?)

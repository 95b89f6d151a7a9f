-- tenants of a user
-- statements: 1

-- 1
SELECT "membership"."id" AS "A_id", "membership"."version" AS "A_version", "membership"."created_at" AS "A_created_at", "membership"."updated_at" AS "A_updated_at",
"membership"."tenant_id" AS "A_tenant_id", "membership"."user_id" AS "A_user_id", "membership"."role" AS "A_role", "membership"."all_sites" AS "A_all_sites",
"tenant"."id" AS "B_id", "tenant"."version" AS "B_version", "tenant"."created_at" AS "B_created_at", "tenant"."updated_at" AS "B_updated_at",
"tenant"."name" AS "B_name", "tenant"."currency" AS "B_currency", "tenant"."time_zone" AS "B_time_zone", "tenant"."closed_at" AS "B_closed_at",
"tenant"."mfa_required" AS "B_mfa_required"
FROM "membership"
LEFT JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
WHERE "membership"."user_id" = ?
AND "tenant"."closed_at" IS NULL
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC
LIMIT ?;
--> SEARCH membership USING INDEX ix_membership_user_id (user_id=?)
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?) LEFT-JOIN
--> USE TEMP B-TREE FOR ORDER BY

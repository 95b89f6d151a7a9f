-- tenants of a user
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 bigint
SELECT "membership"."id" AS "A_id", "membership"."version" AS "A_version", "membership"."created_at" AS "A_created_at", "membership"."updated_at" AS "A_updated_at",
"membership"."tenant_id" AS "A_tenant_id", "membership"."user_id" AS "A_user_id", "membership"."role" AS "A_role", "membership"."all_sites" AS "A_all_sites",
"tenant"."id" AS "B_id", "tenant"."version" AS "B_version", "tenant"."created_at" AS "B_created_at", "tenant"."updated_at" AS "B_updated_at",
"tenant"."name" AS "B_name", "tenant"."currency" AS "B_currency", "tenant"."time_zone" AS "B_time_zone", "tenant"."closed_at" AS "B_closed_at",
"tenant"."mfa_required" AS "B_mfa_required"
FROM "membership"
LEFT JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
WHERE "membership"."user_id" = $1
AND "tenant"."closed_at" IS NULL
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: membership.created_at, membership.id
-->         ->  Nested Loop Left Join
-->               Filter: (tenant.closed_at IS NULL)
-->               ->  Index Scan using ix_membership_user_id on membership
-->                     Index Cond: (user_id = $1)
-->               ->  Index Scan using tenant_pkey on tenant
-->                     Index Cond: (id = membership.tenant_id)

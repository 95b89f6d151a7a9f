-- sessions
-- statements: 1, round trips: 1

-- 1
-- $1 uuid, $2 timestamp with time zone, $3 timestamp with time zone, $4 bigint
SELECT "session"."id" AS "A_id", "session"."tenant_id" AS "A_tenant_id", "session"."user_id" AS "A_user_id", "session"."membership_id" AS "A_membership_id",
"session"."counter" AS "A_counter", "session"."created_at" AS "A_created_at", "session"."authenticated_at" AS "A_authenticated_at",
"session"."last_used_at" AS "A_last_used_at", "session"."expires_at" AS "A_expires_at", "session"."revoked_at" AS "A_revoked_at",
"session"."nonce" AS "A_nonce", "session"."used_counter" AS "A_used_counter", "session"."rotated_at" AS "A_rotated_at", "session"."user_agent" AS "A_user_agent",
"session"."mfa_at" AS "A_mfa_at", "tenant"."id" AS "B_id", "tenant"."version" AS "B_version", "tenant"."created_at" AS "B_created_at",
"tenant"."updated_at" AS "B_updated_at", "tenant"."name" AS "B_name", "tenant"."currency" AS "B_currency", "tenant"."time_zone" AS "B_time_zone",
"tenant"."closed_at" AS "B_closed_at", "tenant"."mfa_required" AS "B_mfa_required"
FROM "session"
INNER JOIN "membership" ON "session"."tenant_id" = "membership"."tenant_id"
AND "session"."membership_id" = "membership"."id"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
WHERE "session"."user_id" = $1
AND "session"."revoked_at" IS NULL
AND "session"."expires_at" > $2
AND "session"."last_used_at" > $3
ORDER BY "session"."created_at" DESC, "session"."id" DESC
LIMIT $4;
--> Limit
-->   ->  Sort
-->         Sort Key: session.created_at DESC, session.id DESC
-->         ->  Nested Loop
-->               Join Filter: (session.tenant_id = tenant.id)
-->               ->  Nested Loop
-->                     ->  Index Scan using ix_session_user_id on session
-->                           Index Cond: (user_id = $1)
-->                           Filter: ((revoked_at IS NULL) AND (expires_at > $2) AND (last_used_at > $3))
-->                     ->  Index Only Scan using ix_membership_tenant_id_id on membership
-->                           Index Cond: ((tenant_id = session.tenant_id) AND (id = session.membership_id))
-->               ->  Index Scan using tenant_pkey on tenant
-->                     Index Cond: (id = membership.tenant_id)

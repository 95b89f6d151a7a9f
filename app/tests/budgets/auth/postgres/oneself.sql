-- oneself
-- statements: 6, round trips: 6

-- 1
-- $1 uuid, $2 uuid, $3 bigint
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
WHERE "membership"."user_id" = $1
AND "tenant"."closed_at" IS NULL
AND "membership"."tenant_id" = $2
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC
LIMIT $3;
--> Limit
-->   ->  Sort
-->         Sort Key: membership.created_at, membership.id
-->         ->  Nested Loop
-->               ->  Index Scan using ix_membership_user_id on membership
-->                     Index Cond: (user_id = $1)
-->                     Filter: (tenant_id = $2)
-->               ->  Index Scan using tenant_pkey on tenant
-->                     Index Cond: (id = $2)
-->                     Filter: (closed_at IS NULL)

-- 2
-- $1 uuid, $2 bigint
SELECT "tenant"."id", "tenant"."version", "tenant"."created_at", "tenant"."updated_at", "tenant"."name", "tenant"."currency",
"tenant"."time_zone", "tenant"."closed_at", "tenant"."mfa_required"
FROM "tenant"
WHERE "tenant"."id" = $1
AND "tenant"."closed_at" IS NULL
LIMIT $2;
--> Limit
-->   ->  Index Scan using tenant_pkey on tenant
-->         Index Cond: (id = $1)
-->         Filter: (closed_at IS NULL)

-- 3
-- $1 uuid, $2 bigint
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using user_pkey on "user"
-->         Index Cond: (id = $1)

-- 4
-- $1 uuid, $2 bigint
SELECT "notice"."id", "notice"."user_id", "notice"."kind", "notice"."created_at", "notice"."seen_at"
FROM "notice"
WHERE "notice"."user_id" = $1
AND "notice"."seen_at" IS NULL
ORDER BY "notice"."created_at" DESC, "notice"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Incremental Sort
-->         Sort Key: created_at DESC, id DESC
-->         Presorted Key: created_at
-->         ->  Index Scan Backward using ix_notice_user_id_created_at on notice
-->               Index Cond: (user_id = $1)
-->               Filter: (seen_at IS NULL)

-- 5
-- $1 uuid, $2 bigint
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = $1
LIMIT $2;
--> Limit
-->   ->  Index Scan using totp_pkey on totp
-->         Index Cond: (user_id = $1)

-- 6
-- $1 uuid
SELECT COUNT(*) AS num_items
FROM (SELECT "recovery_code"."id", "recovery_code"."user_id", "recovery_code"."code_hash", "recovery_code"."created_at", "recovery_code"."used_at"
  FROM "recovery_code"
  WHERE "recovery_code"."user_id" = $1
  AND "recovery_code"."used_at" IS NULL) AS "sub_query";
--> Aggregate
-->   ->  Index Scan using ix_recovery_code_user_id_code_hash on recovery_code
-->         Index Cond: (user_id = $1)
-->         Filter: (used_at IS NULL)

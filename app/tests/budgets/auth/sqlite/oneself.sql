-- oneself
-- statements: 6

-- 1
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
WHERE "membership"."user_id" = ?
AND "tenant"."closed_at" IS NULL
AND "membership"."tenant_id" = ?
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC
LIMIT ?;
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?)
--> SEARCH membership USING INDEX ix_membership_tenant_id_user_id (tenant_id=? AND user_id=?)

-- 2
SELECT "tenant"."id", "tenant"."version", "tenant"."created_at", "tenant"."updated_at", "tenant"."name", "tenant"."currency",
"tenant"."time_zone", "tenant"."closed_at", "tenant"."mfa_required"
FROM "tenant"
WHERE "tenant"."id" = ?
AND "tenant"."closed_at" IS NULL
LIMIT ?;
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?)

-- 3
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 4
SELECT "notice"."id", "notice"."user_id", "notice"."kind", "notice"."created_at", "notice"."seen_at"
FROM "notice"
WHERE "notice"."user_id" = ?
AND "notice"."seen_at" IS NULL
ORDER BY "notice"."created_at" DESC, "notice"."id" DESC
LIMIT ?;
--> SEARCH notice USING INDEX ix_notice_user_id_created_at (user_id=?)
--> USE TEMP B-TREE FOR LAST TERM OF ORDER BY

-- 5
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = ?
LIMIT ?;
--> SEARCH totp USING INDEX sqlite_autoindex_totp_1 (user_id=?)

-- 6
SELECT COUNT(*) AS num_items
FROM (SELECT "recovery_code"."id", "recovery_code"."user_id", "recovery_code"."code_hash", "recovery_code"."created_at", "recovery_code"."used_at"
  FROM "recovery_code"
  WHERE "recovery_code"."user_id" = ?
  AND "recovery_code"."used_at" IS NULL) AS "sub_query";
--> SEARCH recovery_code USING INDEX ix_recovery_code_user_id_code_hash (user_id=?)

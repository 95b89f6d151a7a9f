-- a new password by a link
-- statements: 4

-- 1
SELECT "one_time_token"."id", "one_time_token"."purpose", "one_time_token"."token_hash", "one_time_token"."user_id", "one_time_token"."tenant_id",
"one_time_token"."membership_id", "one_time_token"."email", "one_time_token"."sealed_payload", "one_time_token"."is_mailed",
"one_time_token"."tries", "one_time_token"."created_at", "one_time_token"."expires_at", "one_time_token"."used_at", "one_time_token"."revoked_at"
FROM "one_time_token"
WHERE "one_time_token"."token_hash" = ?
AND "one_time_token"."purpose" = ?
LIMIT ?;
--> SEARCH one_time_token USING INDEX ix_one_time_token_token_hash (token_hash=?)

-- 2
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 3
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."user_id" = ?
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC;
--> SEARCH membership USING INDEX ix_membership_user_id (user_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 4
SELECT "tenant"."id", "tenant"."version", "tenant"."created_at", "tenant"."updated_at", "tenant"."name", "tenant"."currency",
"tenant"."time_zone", "tenant"."closed_at", "tenant"."mfa_required"
FROM "tenant"
WHERE "tenant"."id" = ?
AND "tenant"."closed_at" IS NULL
LIMIT ?;
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?)

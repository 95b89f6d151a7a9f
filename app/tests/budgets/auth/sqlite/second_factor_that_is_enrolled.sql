-- second factor that is enrolled
-- statements: 11

-- 1
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = ?
LIMIT ?;
--> SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)

-- 2
SELECT "signing_key"."kid", "signing_key"."status", "signing_key"."public_jwk", "signing_key"."sealed_private_key", "signing_key"."secret_id",
"signing_key"."created_at", "signing_key"."activated_at", "signing_key"."retired_at"
FROM "signing_key"
ORDER BY "signing_key"."created_at" DESC, "signing_key"."kid" ASC;
--> SCAN signing_key
--> USE TEMP B-TREE FOR ORDER BY

-- 3
SELECT "session"."tenant_id", "session"."user_id", "session"."membership_id", "session"."counter", "session"."used_counter",
"session"."nonce", "session"."authenticated_at", "session"."last_used_at", "session"."rotated_at", "session"."expires_at",
"session"."mfa_at", "membership"."role", "membership"."all_sites", "totp"."confirmed_at", "tenant"."mfa_required"
FROM "session"
INNER JOIN "membership" ON "session"."tenant_id" = "membership"."tenant_id"
AND "session"."membership_id" = "membership"."id"
INNER JOIN "user" ON "session"."user_id" = "user"."id"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
LEFT JOIN "totp" ON "user"."id" = "totp"."user_id"
WHERE "session"."id" = ?
AND "session"."revoked_at" IS NULL
AND "membership"."user_id" = "session"."user_id"
AND "user"."disabled_at" IS NULL
AND "tenant"."closed_at" IS NULL
LIMIT ?;
--> SEARCH session USING INDEX sqlite_autoindex_session_1 (id=?)
--> SEARCH membership USING INDEX sqlite_autoindex_membership_1 (id=?)
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?)
--> SEARCH totp USING INDEX sqlite_autoindex_totp_1 (user_id=?) LEFT-JOIN

-- 4
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = ?
LIMIT ?;
--> SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)

-- 5
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 6
SELECT "session"."tenant_id", "session"."user_id", "session"."membership_id", "session"."counter", "session"."used_counter",
"session"."nonce", "session"."authenticated_at", "session"."last_used_at", "session"."rotated_at", "session"."expires_at",
"session"."mfa_at", "membership"."role", "membership"."all_sites", "totp"."confirmed_at", "tenant"."mfa_required"
FROM "session"
INNER JOIN "membership" ON "session"."tenant_id" = "membership"."tenant_id"
AND "session"."membership_id" = "membership"."id"
INNER JOIN "user" ON "session"."user_id" = "user"."id"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
LEFT JOIN "totp" ON "user"."id" = "totp"."user_id"
WHERE "session"."id" = ?
AND "session"."revoked_at" IS NULL
AND "membership"."user_id" = "session"."user_id"
AND "user"."disabled_at" IS NULL
AND "tenant"."closed_at" IS NULL
LIMIT ?;
--> SEARCH session USING INDEX sqlite_autoindex_session_1 (id=?)
--> SEARCH membership USING INDEX sqlite_autoindex_membership_1 (id=?)
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?)
--> SEARCH totp USING INDEX sqlite_autoindex_totp_1 (user_id=?) LEFT-JOIN

-- 7
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = ?
LIMIT ?;
--> SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)

-- 8
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = ?
LIMIT ?;
--> SEARCH totp USING INDEX sqlite_autoindex_totp_1 (user_id=?)

-- 9
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?);
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 10
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?)
ORDER BY "throttle"."key" ASC;
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 11: writes throttle
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);

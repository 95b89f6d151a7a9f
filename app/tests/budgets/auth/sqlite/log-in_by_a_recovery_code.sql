-- log-in by a recovery code
-- statements: 21

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
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?);
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 4: writes one_time_token
UPDATE "one_time_token"
SET "tries" = "tries" + ?
WHERE "one_time_token"."id" = ?
AND "one_time_token"."tries" < ?
AND "one_time_token"."used_at" IS NULL
AND "one_time_token"."revoked_at" IS NULL
AND "one_time_token"."expires_at" > ?;
--> SEARCH one_time_token USING INDEX sqlite_autoindex_one_time_token_1 (id=?)

-- 5
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?)
ORDER BY "throttle"."key" ASC;
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 6: writes throttle
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);

-- 7
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 8
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
INNER JOIN "tenant" ON "membership"."tenant_id" = "tenant"."id"
WHERE "membership"."user_id" = ?
AND "tenant"."closed_at" IS NULL
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC
LIMIT ?;
--> SEARCH membership USING INDEX ix_membership_user_id (user_id=?)
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 9: writes one_time_token
UPDATE "one_time_token"
SET "used_at" = ?
WHERE "one_time_token"."id" = ?
AND "one_time_token"."used_at" IS NULL
AND "one_time_token"."revoked_at" IS NULL
AND "one_time_token"."expires_at" > ?;
--> SEARCH one_time_token USING INDEX sqlite_autoindex_one_time_token_1 (id=?)

-- 10: writes recovery_code
UPDATE "recovery_code"
SET "used_at" = ?
WHERE "recovery_code"."user_id" = ?
AND "recovery_code"."code_hash" = ?
AND "recovery_code"."used_at" IS NULL;
--> SEARCH recovery_code USING INDEX ix_recovery_code_user_id_code_hash (user_id=? AND code_hash=?)

-- 11
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?)
ORDER BY "throttle"."key" ASC;
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 12: writes throttle
DELETE
FROM "throttle"
WHERE "throttle"."key" IN (?);
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 13: writes session
INSERT INTO "session" ("id", "tenant_id", "user_id", "membership_id", "counter", "created_at", "authenticated_at", "last_used_at",
  "expires_at", "revoked_at", "nonce", "used_counter", "rotated_at", "user_agent", "mfa_at")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 14
SELECT "device"."id"
FROM "device"
WHERE "device"."user_id" = ?
LIMIT ?;
--> SEARCH device USING INDEX ix_device_user_id_last_used_at (user_id=?)

-- 15: writes device
INSERT INTO "device" ("id", "user_id", "token_hash", "user_agent", "created_at", "last_used_at", "revoked_at")
VALUES (?, ?, ?, ?, ?, ?, ?);

-- 16: writes device
DELETE
FROM "device"
WHERE "device"."user_id" = ?
AND "device"."id" NOT IN (SELECT "device"."id"
  FROM "device"
  WHERE "device"."user_id" = ?
  ORDER BY "device"."last_used_at" DESC, "device"."id" DESC
  LIMIT ?);
--> SEARCH device USING INDEX ix_device_user_id_last_used_at (user_id=?)
--> LIST SUBQUERY 1
-->   SEARCH device USING INDEX ix_device_user_id_last_used_at (user_id=?)
-->   USE TEMP B-TREE FOR LAST TERM OF ORDER BY

-- 17
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?, …)
ORDER BY "throttle"."key" ASC;
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 18: writes throttle
DELETE
FROM "throttle"
WHERE "throttle"."key" IN (?);
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 19: writes throttle
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?), …
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);
--> SCAN 3-ROW VALUES CLAUSE

-- 20: writes audit_event
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 21: writes audit_address
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES (?, ?, ?);

-- log-in
-- statements: 17

-- 1
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?, …);
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 2
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?, …)
ORDER BY "throttle"."key" ASC;
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 3: writes throttle
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?), …
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);
--> SCAN 4-ROW VALUES CLAUSE

-- 4
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."email_key" = ?
LIMIT ?;
--> SEARCH user USING INDEX ix_user_email_key (email_key=?)

-- 5
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

-- 6
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 7
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

-- 8
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = ?
LIMIT ?;
--> SEARCH totp USING INDEX sqlite_autoindex_totp_1 (user_id=?)

-- 9: writes session
INSERT INTO "session" ("id", "tenant_id", "user_id", "membership_id", "counter", "created_at", "authenticated_at", "last_used_at",
  "expires_at", "revoked_at", "nonce", "used_counter", "rotated_at", "user_agent", "mfa_at")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 10
SELECT "device"."id"
FROM "device"
WHERE "device"."user_id" = ?
LIMIT ?;
--> SEARCH device USING INDEX ix_device_user_id_last_used_at (user_id=?)

-- 11: writes device
INSERT INTO "device" ("id", "user_id", "token_hash", "user_agent", "created_at", "last_used_at", "revoked_at")
VALUES (?, ?, ?, ?, ?, ?, ?);

-- 12: writes device
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

-- 13
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?, …)
ORDER BY "throttle"."key" ASC;
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 14: writes throttle
DELETE
FROM "throttle"
WHERE "throttle"."key" IN (?);
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 15: writes throttle
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?), …
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);
--> SCAN 3-ROW VALUES CLAUSE

-- 16: writes audit_event
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 17: writes audit_address
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES (?, ?, ?);

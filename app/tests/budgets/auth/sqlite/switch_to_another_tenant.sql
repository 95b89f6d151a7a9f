-- switch to another tenant
-- statements: 8

-- 1
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 2
SELECT "session"."id"
FROM "session"
WHERE "session"."id" = ?
LIMIT ?;
--> SEARCH session USING COVERING INDEX sqlite_autoindex_session_1 (id=?)

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

-- 6: writes session
INSERT INTO "session" ("id", "tenant_id", "user_id", "membership_id", "counter", "created_at", "authenticated_at", "last_used_at",
  "expires_at", "revoked_at", "nonce", "used_counter", "rotated_at", "user_agent", "mfa_at")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 7: writes audit_event
INSERT INTO "audit_event" ("id", "occurred_at", "act", "outcome", "tenant_id", "user_id", "session_id", "subject", "request_id",
  "times", "object_id")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 8: writes audit_address
INSERT INTO "audit_address" ("audit_event_id", "address", "occurred_at")
VALUES (?, ?, ?);

-- end of the second factor of another
-- statements: 2

-- 1
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

-- 2
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = ?
LIMIT ?;
--> SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)

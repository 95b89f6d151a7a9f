-- export of what is known of oneself
-- statements: 9

-- 1
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."id" = ?
LIMIT ?;
--> SEARCH user USING INDEX sqlite_autoindex_user_1 (id=?)

-- 2
SELECT "membership"."id", "membership"."version", "membership"."created_at", "membership"."updated_at", "membership"."tenant_id",
"membership"."user_id", "membership"."role", "membership"."all_sites"
FROM "membership"
WHERE "membership"."user_id" = ?
ORDER BY "membership"."created_at" ASC, "membership"."id" ASC;
--> SEARCH membership USING INDEX ix_membership_user_id (user_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 3
SELECT "totp"."user_id", "totp"."sealed_secret", "totp"."secret_id", "totp"."created_at", "totp"."confirmed_at", "totp"."last_step"
FROM "totp"
WHERE "totp"."user_id" = ?
LIMIT ?;
--> SEARCH totp USING INDEX sqlite_autoindex_totp_1 (user_id=?)

-- 4
SELECT "audit_event"."id" AS "A_id", "audit_event"."occurred_at" AS "A_occurred_at", "audit_event"."act" AS "A_act", "audit_event"."outcome" AS "A_outcome",
"audit_event"."tenant_id" AS "A_tenant_id", "audit_event"."user_id" AS "A_user_id", "audit_event"."session_id" AS "A_session_id",
"audit_event"."subject" AS "A_subject", "audit_event"."request_id" AS "A_request_id", "audit_event"."times" AS "A_times",
"audit_event"."object_id" AS "A_object_id", "audit_address"."audit_event_id" AS "B_audit_event_id", "audit_address"."address" AS "B_address",
"audit_address"."occurred_at" AS "B_occurred_at"
FROM "audit_event"
LEFT JOIN "audit_address" ON "audit_event"."id" = "audit_address"."audit_event_id"
WHERE "audit_event"."user_id" = ?
ORDER BY "audit_event"."occurred_at" DESC, "audit_event"."id" DESC
LIMIT ?;
--> SCAN audit_event
--> SEARCH audit_address USING INDEX sqlite_autoindex_audit_address_1 (audit_event_id=?) LEFT-JOIN
--> USE TEMP B-TREE FOR ORDER BY

-- 5
SELECT "session"."id", "session"."tenant_id", "session"."user_id", "session"."membership_id", "session"."counter", "session"."created_at",
"session"."authenticated_at", "session"."last_used_at", "session"."expires_at", "session"."revoked_at", "session"."nonce",
"session"."used_counter", "session"."rotated_at", "session"."user_agent", "session"."mfa_at"
FROM "session"
WHERE "session"."user_id" = ?
ORDER BY "session"."created_at" DESC, "session"."id" DESC
LIMIT ?;
--> SEARCH session USING INDEX ix_session_user_id (user_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 6
SELECT "device"."id", "device"."user_id", "device"."token_hash", "device"."user_agent", "device"."created_at", "device"."last_used_at",
"device"."revoked_at"
FROM "device"
WHERE "device"."user_id" = ?
ORDER BY "device"."last_used_at" DESC;
--> SEARCH device USING INDEX ix_device_user_id_last_used_at (user_id=?)

-- 7
SELECT "api_key"."id", "api_key"."tenant_id", "api_key"."membership_id", "api_key"."name", "api_key"."prefix", "api_key"."secret_hash",
"api_key"."scopes", "api_key"."all_sites", "api_key"."created_at", "api_key"."expires_at", "api_key"."last_used_at", "api_key"."revoked_at"
FROM "api_key"
WHERE "api_key"."membership_id" IN (?)
ORDER BY "api_key"."created_at" DESC, "api_key"."id" DESC
LIMIT ?;
--> SCAN api_key
--> USE TEMP B-TREE FOR ORDER BY

-- 8
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."membership_id" IN (?)
ORDER BY "invite"."created_at" DESC, "invite"."id" DESC
LIMIT ?;
--> SCAN invite
--> USE TEMP B-TREE FOR ORDER BY

-- 9
SELECT "notice"."id", "notice"."user_id", "notice"."kind", "notice"."created_at", "notice"."seen_at"
FROM "notice"
WHERE "notice"."user_id" = ?
ORDER BY "notice"."created_at" DESC, "notice"."id" DESC
LIMIT ?;
--> SEARCH notice USING INDEX ix_notice_user_id_created_at (user_id=?)
--> USE TEMP B-TREE FOR LAST TERM OF ORDER BY

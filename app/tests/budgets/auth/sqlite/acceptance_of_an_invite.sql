-- acceptance of an invite
-- statements: 6

-- 1
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."token_hash" = ?
OR "invite"."mailed_token_hash" = ?
LIMIT ?;
--> MULTI-INDEX OR
-->   INDEX 1
-->     SEARCH invite USING INDEX ix_invite_token_hash (token_hash=?)
-->   INDEX 2
-->     SEARCH invite USING INDEX ix_invite_mailed_token_hash (mailed_token_hash=?)

-- 2
SELECT "user"."id", "user"."version", "user"."created_at", "user"."updated_at", "user"."email", "user"."email_key", "user"."name",
"user"."password_hash", "user"."disabled_at", "user"."email_verified_at", "user"."erased_at"
FROM "user"
WHERE "user"."email_key" = ?
LIMIT ?;
--> SEARCH user USING INDEX ix_user_email_key (email_key=?)

-- 3
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?);
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 4
SELECT "throttle"."key", "throttle"."kind", "throttle"."version", "throttle"."count", "throttle"."count_before", "throttle"."since",
"throttle"."drained_at", "throttle"."forgotten_at", "throttle"."subject"
FROM "throttle"
WHERE "throttle"."key" IN (?)
ORDER BY "throttle"."key" ASC;
--> SEARCH throttle USING INDEX sqlite_autoindex_throttle_1 (key=?)

-- 5: writes throttle
INSERT INTO "throttle" ("key", "kind", "version", "count", "count_before", "since", "drained_at", "forgotten_at", "subject")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT ("key") DO UPDATE
SET "version" = "excluded"."version", "count" = "excluded"."count", "count_before" = "excluded"."count_before", "since" = "excluded"."since",
"drained_at" = "excluded"."drained_at", "forgotten_at" = "excluded"."forgotten_at"
WHERE "throttle"."version" = (excluded.version - 1);

-- 6
SELECT "tenant"."id", "tenant"."version", "tenant"."created_at", "tenant"."updated_at", "tenant"."name", "tenant"."currency",
"tenant"."time_zone", "tenant"."closed_at", "tenant"."mfa_required"
FROM "tenant"
WHERE "tenant"."id" = ?
AND "tenant"."closed_at" IS NULL
LIMIT ?;
--> SEARCH tenant USING INDEX sqlite_autoindex_tenant_1 (id=?)

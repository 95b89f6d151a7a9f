-- set-up
-- statements: 8

-- 1
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = ?
LIMIT ?;
--> SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)

-- 2: writes instance
UPDATE "instance"
SET "bootstrapped_at" = ?, "setup_token_hash" = ?
WHERE "instance"."id" = ?
AND "instance"."bootstrapped_at" IS NULL
AND "instance"."setup_token_hash" = ?;
--> SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)

-- 3: writes user
INSERT INTO "user" ("id", "version", "created_at", "updated_at", "email", "email_key", "name", "password_hash", "disabled_at",
  "email_verified_at", "erased_at")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 4: writes tenant
INSERT INTO "tenant" ("id", "version", "created_at", "updated_at", "name", "currency", "time_zone", "closed_at", "mfa_required")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- 5: writes membership
INSERT INTO "membership" ("id", "version", "created_at", "updated_at", "tenant_id", "user_id", "role", "all_sites")
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

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

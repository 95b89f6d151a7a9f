-- an account that is asked for
-- statements: 3, round trips: 3
-- held at COMMIT: RowExclusiveLock: outbox

-- 1
BEGIN;

-- 2: writes outbox
-- $1 uuid, $2 text, $3 uuid, $4 text, $5 text, $6 bigint, $7 timestamp with time zone, $8 timestamp with time zone, $9 timestamp with time zone
INSERT INTO "outbox" ("id", "kind", "user_id", "sealed_message", "secret_id", "tries", "created_at", "next_try_at", "expires_at")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
--> Insert on outbox
-->   ->  Result

-- 3
COMMIT;

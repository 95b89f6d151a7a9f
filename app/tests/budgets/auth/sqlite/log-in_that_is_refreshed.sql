-- log-in that is refreshed
-- statements: 2

-- 1
SELECT "session"."nonce"
FROM "session"
WHERE "session"."id" = ?
LIMIT ?;
--> SEARCH session USING INDEX sqlite_autoindex_session_1 (id=?)

-- 2
SELECT "instance"."id", "instance"."secret_check", "instance"."epoch", "instance"."setup_token_hash", "instance"."bootstrapped_at",
"instance"."created_at"
FROM "instance"
WHERE "instance"."id" = ?
LIMIT ?;
--> SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)

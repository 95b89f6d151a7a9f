-- an account that is confirmed
-- statements: 2

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
WHERE "user"."email_key" = ?
LIMIT ?;
--> SEARCH user USING INDEX ix_user_email_key (email_key=?)

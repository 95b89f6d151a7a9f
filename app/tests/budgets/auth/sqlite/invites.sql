-- invites
-- statements: 2

-- 1
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."tenant_id" = ?
ORDER BY "invite"."created_at" DESC, "invite"."id" DESC
LIMIT ?;
--> SEARCH invite USING INDEX ix_invite_tenant_id_membership_id (tenant_id=?)
--> USE TEMP B-TREE FOR ORDER BY

-- 2
SELECT "invite_site"."id", "invite_site"."tenant_id", "invite_site"."invite_id", "invite_site"."site_id"
FROM "invite_site"
WHERE "invite_site"."tenant_id" = ?
AND ? = ?;
--> SEARCH invite_site USING INDEX ix_invite_site_tenant_id_invite_id_site_id (tenant_id=?)

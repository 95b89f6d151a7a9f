-- invites
-- statements: 2, round trips: 2

-- 1
-- $1 uuid, $2 bigint
SELECT "invite"."id", "invite"."tenant_id", "invite"."email", "invite"."email_key", "invite"."role", "invite"."all_sites",
"invite"."token_hash", "invite"."membership_id", "invite"."created_at", "invite"."expires_at", "invite"."accepted_at", "invite"."accepted_by",
"invite"."revoked_at", "invite"."mailed_token_hash"
FROM "invite"
WHERE "invite"."tenant_id" = $1
ORDER BY "invite"."created_at" DESC, "invite"."id" DESC
LIMIT $2;
--> Limit
-->   ->  Sort
-->         Sort Key: created_at DESC, id DESC
-->         ->  Seq Scan on invite
-->               Filter: (tenant_id = $1)

-- 2
-- $1 uuid, $2 integer, $3 integer
SELECT "invite_site"."id", "invite_site"."tenant_id", "invite_site"."invite_id", "invite_site"."site_id"
FROM "invite_site"
WHERE "invite_site"."tenant_id" = $1
AND $2 = $3;
--> Result
-->   One-Time Filter: ($2 = $3)
-->   ->  Bitmap Heap Scan on invite_site
-->         Recheck Cond: (tenant_id = $1)
-->         ->  Bitmap Index Scan on ix_invite_site_tenant_id_invite_id_site_id
-->               Index Cond: (tenant_id = $1)

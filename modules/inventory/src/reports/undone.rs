//! Which documents undo which.

use std::collections::{HashMap, HashSet};

use kernel::TenantId;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};

use crate::names::DocumentId;
use crate::rows;

/// Every reversal of a tenant, with the document that it undoes.
#[derive(Debug, Default)]
pub struct Undone {
    by_reversal: HashMap<DocumentId, DocumentId>,
    documents: HashSet<DocumentId>,
}

impl Undone {
    /// The document that a reversal undoes.
    pub fn undone_by(&self, reversal: DocumentId) -> Option<DocumentId> {
        self.by_reversal.get(&reversal).copied()
    }

    /// Whether some reversal undoes the document.
    pub fn contains(&self, document: DocumentId) -> bool {
        self.documents.contains(&document)
    }

    /// Reversal and undone document, of all.
    pub fn pairs(&self) -> impl Iterator<Item = (DocumentId, DocumentId)> {
        self.by_reversal.iter().map(|(reversal, undone)| (*reversal, *undone))
    }
}

impl FromIterator<(DocumentId, DocumentId)> for Undone {
    fn from_iter<T: IntoIterator<Item = (DocumentId, DocumentId)>>(pairs: T) -> Self {
        let by_reversal: HashMap<_, _> = pairs.into_iter().collect();
        let documents = by_reversal.values().copied().collect();
        Self { by_reversal, documents }
    }
}

/// The reversals of a tenant.
pub async fn undone_documents(reader: &impl ConnectionTrait, tenant: TenantId) -> Result<Undone, DbErr> {
    #[derive(FromQueryResult)]
    struct Pair {
        reversal: DocumentId,
        undone: DocumentId,
    }
    let sql = "SELECT document_id AS reversal, reverses_id AS undone FROM document_detail WHERE tenant_id = $1 AND reverses_id IS NOT NULL";
    let pairs = rows::all::<Pair>(reader, sql, [tenant.into()]).await?;
    Ok(pairs.into_iter().map(|pair| (pair.reversal, pair.undone)).collect())
}

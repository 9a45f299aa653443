//! Granting access: making and ending tokens.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::audit::AuditFact;
use crate::domain::catalog::Catalog;
use crate::domain::change::{Change, Touched};
use crate::domain::name::TokenName;
use crate::domain::rejection::Rejection;
use crate::domain::token::{Role, Token};
use crate::pki::fingerprint::Fingerprint;

/// Makes a token.
pub(crate) fn create(
    catalog: &mut Catalog,
    name: &TokenName,
    role: &Role,
    hash: Fingerprint,
    expires: Option<Moment>,
    now: Moment,
) -> Result<Change, Rejection> {
    if catalog.tokens.contains_key(name) {
        return Err(Rejection::TokenExists {
            token: name.clone(),
        });
    }
    if expires.is_some_and(|end| end <= now) {
        return Err(Rejection::TokenExpired {
            token: name.clone(),
        });
    }
    if let Some(realm) = role.realm() {
        catalog.realm(realm)?;
    }
    let token = Token {
        name: name.clone(),
        role: role.clone(),
        hash,
        created: now,
        expires,
    };
    catalog.tokens_by_hash.insert(hash, name.clone());
    catalog.tokens.insert(name.clone(), Arc::new(token));
    let mut detail = vec![("role", role.as_str().to_owned())];
    detail.extend(expires.map(|end| ("expires", end.to_string())));
    Ok(Change {
        touched: vec![Touched::Token(name.clone())],
        audit: Some(AuditFact {
            action: "token.create",
            realm: role.realm().cloned(),
            environment: None,
            object: name.to_string(),
            detail,
        }),
        warnings: Vec::new(),
    })
}

/// Ends a token, unless nobody could administer then.
pub(crate) fn revoke(catalog: &mut Catalog, name: &TokenName) -> Result<Change, Rejection> {
    let Some(token) = catalog.tokens.get(name).cloned() else {
        return Err(Rejection::NoToken {
            token: name.clone(),
        });
    };
    let lasting = |token: &&Arc<Token>| token.role == Role::Operator && token.expires.is_none();
    if lasting(&&token) && catalog.tokens.values().filter(lasting).count() == 1 {
        return Err(Rejection::LastOperator {
            token: name.clone(),
        });
    }
    drop(catalog, name);
    Ok(Change {
        touched: vec![Touched::Token(name.clone())],
        audit: Some(AuditFact {
            action: "token.revoke",
            realm: token.role.realm().cloned(),
            environment: None,
            object: name.to_string(),
            detail: Vec::new(),
        }),
        warnings: Vec::new(),
    })
}

/// Takes a token out.
pub(crate) fn drop(catalog: &mut Catalog, name: &TokenName) {
    if let Some(token) = catalog.tokens.remove(name) {
        catalog.tokens_by_hash.remove(&token.hash);
    }
}

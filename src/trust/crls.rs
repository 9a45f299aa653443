//! A realm's revocation lists, prepared so that a certificate is looked up without reading any of them.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::pki::certificate::Certificate;
use crate::pki::crl::{Crl, CrlFacts, RevokedCertificate};
use crate::pki::fingerprint::Fingerprint;
use crate::trust::crl_scope::Scope;
use crate::trust::index::Name;

/// An immutable set of revocation lists.
#[derive(Debug, Default)]
pub struct Crls {
    lines: HashMap<Name, Vec<Line>>,
    lists: HashMap<Fingerprint, Arc<Filed>>,
}

/// The editions of a list: of one issuer and one scope.
#[derive(Debug, Default)]
pub struct Line {
    /// What they speak of.
    pub scope: Scope,
    /// The complete ones, the newest first.
    pub complete: Vec<Arc<Filed>>,
    /// Those that tell what changed since a complete one, the newest first.
    pub deltas: Vec<Arc<Filed>>,
}

impl Crls {
    /// Prepares lists; the same one twice counts once.
    pub fn build(lists: &[Crl]) -> Self {
        Self::build_again(lists, &Self::default())
    }

    /// As [`Crls::build`], taking over what an earlier set has prepared and proven.
    pub fn build_again(lists: &[Crl], earlier: &Self) -> Self {
        let mut crls = Self::default();
        let mut places: HashMap<(Name, Scope), usize> = HashMap::new();
        for list in lists {
            let print = list.fingerprint();
            if crls.lists.contains_key(&print) {
                continue;
            }
            let filed = match earlier.lists.get(&print) {
                Some(filed) => Arc::clone(filed),
                None => Arc::new(Filed::prepare(list.clone())),
            };
            crls.lists.insert(print, Arc::clone(&filed));
            crls.file(filed, &mut places);
        }
        for line in crls.lines.values_mut().flatten() {
            newest_first(&mut line.complete);
            newest_first(&mut line.deltas);
        }
        crls
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The lists of an issuer.
    pub fn of_issuer(&self, issuer: &Name) -> &[Line] {
        self.lines.get(issuer).map_or(&[], Vec::as_slice)
    }

    /// `places` tells where the line of an issuer's scope is, so that filing many lists is not looking through all.
    fn file(&mut self, filed: Arc<Filed>, places: &mut HashMap<(Name, Scope), usize>) {
        let facts = filed.facts();
        let (issuer, scope) = (Name::of(&facts.raw_issuer), Scope::of(facts));
        let is_delta = facts.delta_base.is_some();
        let lines = self.lines.entry(issuer.clone()).or_default();
        let next = lines.len();
        let place = *places.entry((issuer, scope.clone())).or_insert(next);
        if place == next {
            lines.push(Line {
                scope,
                ..Line::default()
            });
        }
        if let Some(line) = lines.get_mut(place) {
            let editions = if is_delta {
                &mut line.deltas
            } else {
                &mut line.complete
            };
            editions.push(filed);
        }
    }
}

/// Whether `new` is a later edition of the same list than `old` (`Greater`), an earlier one (`Less`), or one that cannot
/// be told from it (`Equal`): by number where both have one, then by thisUpdate. `None` where they are not editions of
/// the same list: issuer, scope, key identifier, or that one is a delta list, differ.
pub fn compare(new: &Crl, old: &Crl) -> Option<Ordering> {
    let (new, old) = (new.facts(), old.facts());
    let same = Name::of(&new.raw_issuer) == Name::of(&old.raw_issuer)
        && new.delta_base.is_some() == old.delta_base.is_some()
        && new.authority_key_id == old.authority_key_id
        && Scope::of(new) == Scope::of(old);
    let numbered = new.number.is_some() && old.number.is_some();
    same.then(|| edition(new, old, numbered))
}

/// Compares two numbers, big-endian without leading zeros.
pub fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Numbers decide only where all of the compared have one: else three lists could each be newer than the next.
fn newest_first(lists: &mut [Arc<Filed>]) {
    let numbered = lists.iter().all(|list| list.facts().number.is_some());
    lists.sort_by(|a, b| {
        let order = edition(b.facts(), a.facts(), numbered);
        order.then_with(|| a.list.fingerprint().cmp(&b.list.fingerprint()))
    });
}

fn edition(a: &CrlFacts, b: &CrlFacts, numbered: bool) -> Ordering {
    let by_number = match (&a.number, &b.number) {
        (Some(a), Some(b)) if numbered => compare_numbers(a, b),
        _ => Ordering::Equal,
    };
    by_number.then(a.this_update.cmp(&b.this_update))
}

/// One list with an index of its entries.
#[derive(Debug)]
pub struct Filed {
    list: Crl,
    /// Whose certificates it speaks of.
    issuers: HashMap<Name, u32>,
    /// By issuer and serial number.
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// Number of the issuer.
    issuer: u32,
    /// Place of the entry in the list.
    place: u32,
}

impl Filed {
    fn prepare(list: Crl) -> Self {
        let mut issuers = HashMap::new();
        let mut found: Vec<(u32, &[u8], bool, u32)> = Vec::new();
        let mut last: Option<(&[u8], u32)> = None;
        for (place, entry) in list.placed_entries() {
            let issuer = match last {
                Some((raw, issuer)) if raw == entry.raw_issuer => issuer,
                _ => {
                    let next = u32::try_from(issuers.len()).unwrap_or(u32::MAX);
                    *issuers.entry(Name::of(entry.raw_issuer)).or_insert(next)
                }
            };
            last = Some((entry.raw_issuer, issuer));
            let removes = entry.reason == Some(REMOVE_FROM_CRL);
            found.push((issuer, entry.raw_serial, removes, place));
        }
        found.sort_unstable();
        // Of two entries for one certificate the one that revokes it is first, and counts.
        found.dedup_by_key(|(issuer, serial, ..)| (*issuer, *serial));
        let rows = found
            .iter()
            .map(|(issuer, _, _, place)| Row {
                issuer: *issuer,
                place: *place,
            })
            .collect();
        Self {
            list,
            issuers,
            rows,
        }
    }

    /// The list.
    pub const fn list(&self) -> &Crl {
        &self.list
    }

    /// What it says of itself.
    pub fn facts(&self) -> &CrlFacts {
        self.list.facts()
    }

    /// What it says of the certificate with this issuer and serial number, as content octets.
    pub fn entry(&self, issuer: &Name, raw_serial: &[u8]) -> Option<RevokedCertificate<'_>> {
        let wanted = (*self.issuers.get(issuer)?, shortest(raw_serial));
        let found = self.rows.binary_search_by(|row| {
            let serial = self.list.serial_at(row.place).unwrap_or_default();
            (row.issuer, serial).cmp(&wanted)
        });
        self.list.entry_at(self.rows.get(found.ok()?)?.place)
    }

    /// Whether it is signed with the key of `signer`, which is checked once and remembered; `None` where that would cost
    /// a check and none is left.
    pub fn is_signed_by(&self, signer: &Certificate, checks_left: &Cell<u32>) -> Option<bool> {
        if self.list.known(&signer.facts().spki_sha256).is_none() {
            checks_left.set(checks_left.get().checked_sub(1)?);
        }
        Some(self.list.is_signed_by(signer))
    }
}

/// removeFromCRL (RFC 5280, 5.3.1).
pub const REMOVE_FROM_CRL: u8 = 8;

/// An integer's content octets without those that only repeat the sign, as lists have them.
fn shortest(mut content: &[u8]) -> &[u8] {
    while let [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] = content {
        content = content.get(1..).unwrap_or_default();
    }
    content
}
